// Points on a canvas by WebGL2. They are drawn in an order of chance, a part of them in each frame, so that the first part
// is a fair sample and no frame waits for all. While the map moves, a picture that takes longer is moved as it is.

const VERTEX = `#version 300 es
layout(location=0) in vec2 place;
layout(location=1) in vec4 color;
uniform vec2 scale, shift;
uniform float size;
out vec3 shown;
void main() {
  // The fourth number is what lies on top, from 0 to 1; points without colour are at the back.
  gl_Position = vec4(place * scale + shift, 0.9 - 1.8 * color.a, 1.0);
  gl_PointSize = size;
  shown = color.rgb;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 shown;
uniform float size;
out vec4 color;
void main() {
  if (size > 2.5) {
    vec2 off = gl_PointCoord - 0.5;
    if (dot(off, off) > 0.25) discard;
  }
  color = vec4(shown, 1.0);
}`;
const [SLOW, FAST] = [30, 16]; // ms for a part
const REST = 90; // ms without a move after which the map is drawn anew

export class Points {
  constructor(canvas) {
    this.canvas = canvas;
    this.n = 0;
    this.center = [0, 0];
    this.zoom = 1;
    this.perFrame = 100_000;
    this.frames = 0;
    const gl = canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: true, alpha: false });
    if (!gl) throw new Error("this browser draws no WebGL2; switch hardware acceleration on, or open the page in another one");
    this.gl = gl;
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.setUp());
    this.setUp();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  setUp() {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`WebGL2: ${gl.getProgramInfoLog(program)}`);
    gl.useProgram(program);
    this.at = Object.fromEntries(["scale", "shift", "size"].map((name) => [name, gl.getUniformLocation(program, name)]));
    this.placeBuffer = gl.createBuffer();
    this.colorBuffer = gl.createBuffer();
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    if (this.xy) {
      this.setPlaces(this.xy, true);
      if (this.colors) this.setColors(this.colors);
    }
    this.resize();
  }

  // Places of the cells: x, y, x, y, ... Cells without a place are not drawn.
  setPlaces(xy, keepView = false) {
    const n = xy.length / 2;
    this.xy = xy;
    this.low = [Infinity, Infinity];
    this.high = [-Infinity, -Infinity];
    const order = new Uint32Array(n);
    let m = 0;
    for (let i = 0; i < n; i++) {
      const x = xy[2 * i], y = xy[2 * i + 1];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      order[m++] = i;
      if (x < this.low[0]) this.low[0] = x;
      if (x > this.high[0]) this.high[0] = x;
      if (y < this.low[1]) this.low[1] = y;
      if (y > this.high[1]) this.high[1] = y;
    }
    let seed = 1; // the same order each time
    for (let i = m - 1; i > 0; i--) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      const j = Math.floor((seed / 4294967296) * (i + 1));
      const one = order[i];
      order[i] = order[j];
      order[j] = one;
    }
    this.order = order.subarray(0, m);
    this.n = m;
    const places = new Float32Array(2 * m);
    for (let k = 0; k < m; k++) {
      places[2 * k] = xy[2 * order[k]];
      places[2 * k + 1] = xy[2 * order[k] + 1];
    }
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.placeBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, places, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.grid = this.shown = null;
    if (!keepView) this.showAll();
  }

  // Colours of the cells: red, green, blue, and what lies on top, 0 to 255 each.
  setColors(colors) {
    this.colors = colors;
    const from = new Uint32Array(colors.buffer, colors.byteOffset, colors.length / 4);
    const sorted = new Uint32Array(this.n);
    for (let k = 0; k < this.n; k++) sorted[k] = from[this.order[k]];
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.colorBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, sorted, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    this.draw(false);
  }

  setBack(color) {
    this.back = color;
    this.draw(false);
  }

  resize() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight].map((side) => Math.max(1, Math.round(side * ratio)));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.shown = null;
    }
    this.draw();
  }

  // Pixels of the page for one unit of the embedding.
  get pixels() {
    const span = Math.max(this.high?.[0] - this.low?.[0], 1e-9), tall = Math.max(this.high?.[1] - this.low?.[1], 1e-9);
    return 0.88 * this.zoom * Math.min(this.canvas.clientWidth / span, this.canvas.clientHeight / tall);
  }

  showAll() {
    this.center = this.n ? [0, 1].map((i) => (this.low[i] + this.high[i]) / 2) : [0, 0];
    this.zoom = 1;
    this.draw();
  }

  moveBy(dx, dy) {
    this.center = [this.center[0] - dx / this.pixels, this.center[1] + dy / this.pixels];
    this.draw();
  }

  zoomBy(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const before = this.placeOf(x, y);
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.2), 5000);
    const after = this.placeOf(x, y);
    this.center = [0, 1].map((i) => this.center[i] + before[i] - after[i]);
    this.draw();
  }

  placeOf(x, y) {
    return [
      this.center[0] + (x - this.canvas.clientWidth / 2) / this.pixels,
      this.center[1] - (y - this.canvas.clientHeight / 2) / this.pixels,
    ];
  }

  pixelOf(i) {
    return [
      this.canvas.clientWidth / 2 + (this.xy[2 * i] - this.center[0]) * this.pixels,
      this.canvas.clientHeight / 2 - (this.xy[2 * i + 1] - this.center[1]) * this.pixels,
    ];
  }

  get size() {
    // As scanpy's plots: area 120,000 / n in square points, and more of it from close by.
    const usual = Math.sqrt(120_000 / Math.max(this.n, 1)) * 1.33;
    return Math.min(Math.max(usual * Math.sqrt(this.zoom), 1.4), 9);
  }

  // The view has changed, or the colours have (`view` false). Where not all points can be drawn within a frame, the last
  // picture is moved and stretched as it is, which costs nothing, and drawn anew once the hand rests.
  draw(view = true) {
    this.drawn = 0;
    this.changed = true;
    if (view && this.shown && this.n > this.perFrame) {
      this.moved = performance.now();
      const scale = this.pixels / this.shown.pixels;
      const [x, y] = [0, 1].map((i) => (this.shown.center[i] - this.center[i]) * this.pixels);
      this.canvas.style.transform = `translate(${x}px, ${-y}px) scale(${scale})`;
    }
    this.wanted ??= requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.wanted = null;
    if (this.changed) this.frames++;
    this.changed = false;
    const again = () => (this.wanted ??= requestAnimationFrame(() => this.frame()));
    if (this.busy() || performance.now() - (this.moved ?? -REST) < REST) return again();
    if (this.drawn && this.drawn >= this.n) return; // waited for its last part alone
    const gl = this.gl;
    if (!this.drawn) this.begin();
    const some = Math.min(Math.round(this.perFrame), this.n - this.drawn);
    if (some > 0 && this.colors) {
      gl.drawArrays(gl.POINTS, this.drawn, some);
      this.sent = { fence: gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0), at: performance.now(), some };
      gl.flush();
    }
    this.drawn += some;
    if (this.colors && this.n) this.mark(this.drawn >= this.n);
    if (this.drawn < this.n || this.sent) again();
  }

  // Whether the last part is still being drawn; how long it took says how many points the next one may have.
  busy() {
    if (!this.sent) return false;
    const { fence, at, some } = this.sent, took = performance.now() - at;
    if (this.gl.getSyncParameter(fence, this.gl.SYNC_STATUS) !== this.gl.SIGNALED && took < 5000) return true;
    this.gl.deleteSync(fence);
    this.sent = null;
    if (took > SLOW) this.perFrame = Math.max(5_000, some * Math.max(0.4, FAST / took));
    else if (took < FAST && some >= this.perFrame) this.perFrame = Math.min(4_000_000, this.perFrame * 1.5);
    return false;
  }

  begin() {
    const gl = this.gl, [width, height] = [this.canvas.width, this.canvas.height];
    gl.viewport(0, 0, width, height);
    gl.clearColor(...(this.back ?? [1, 1, 1]), 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const scale = [(2 * this.pixels) / this.canvas.clientWidth, (2 * this.pixels) / this.canvas.clientHeight];
    gl.uniform2f(this.at.scale, ...scale);
    gl.uniform2f(this.at.shift, -this.center[0] * scale[0], -this.center[1] * scale[1]);
    gl.uniform1f(this.at.size, this.size * (width / this.canvas.clientWidth));
    this.shown = { center: this.center, pixels: this.pixels };
    this.canvas.style.transform = "";
  }

  // Marks for whoever measures: the first points, and the first time that all are there.
  mark(whole) {
    this.marked ??= performance.mark("scc2s first points");
    if (whole) this.markedWhole ??= performance.mark("scc2s drawn");
  }

  // The cell nearest to a place on the page, within some pixels; -1 for none.
  nearest(x, y, within = 9) {
    if (!this.n) return -1;
    const grid = (this.grid ??= this.makeGrid());
    const [px, py] = this.placeOf(x, y);
    const reach = within / this.pixels;
    let best = -1, least = reach * reach;
    const cells = (low, high, axis) => [low, high].map((v) => Math.min(Math.max(Math.floor((v - this.low[axis]) * grid.per[axis]), 0), grid.side - 1));
    const [x0, x1] = cells(px - reach, px + reach, 0), [y0, y1] = cells(py - reach, py + reach, 1);
    for (let gy = y0; gy <= y1; gy++) {
      for (let k = grid.start[gy * grid.side + x0]; k < grid.start[gy * grid.side + x1 + 1]; k++) {
        const i = grid.cells[k];
        const dx = this.xy[2 * i] - px, dy = this.xy[2 * i + 1] - py;
        const far = dx * dx + dy * dy;
        if (far <= least) [best, least] = [i, far];
      }
    }
    return best;
  }

  makeGrid() {
    const side = Math.max(1, Math.min(1024, Math.floor(Math.sqrt(this.n / 4))));
    const per = [0, 1].map((i) => side / Math.max((this.high[i] - this.low[i]) * 1.000001, 1e-9));
    const of = new Uint32Array(this.n), start = new Uint32Array(side * side + 1), cells = new Uint32Array(this.n);
    for (let k = 0; k < this.n; k++) {
      const i = this.order[k];
      const gx = Math.min(Math.floor((this.xy[2 * i] - this.low[0]) * per[0]), side - 1);
      const gy = Math.min(Math.floor((this.xy[2 * i + 1] - this.low[1]) * per[1]), side - 1);
      of[k] = gy * side + gx;
      start[of[k] + 1]++;
    }
    for (let g = 0; g < side * side; g++) start[g + 1] += start[g];
    const next = start.slice(0, -1);
    for (let k = 0; k < this.n; k++) cells[next[of[k]]++] = this.order[k];
    return { side, per, start, cells };
  }

  // Numbers of the cells inside a line around them, in pixels of the page.
  inside(line) {
    const ring = line.map(([x, y]) => this.placeOf(x, y));
    const xs = ring.map((p) => p[0]), ys = ring.map((p) => p[1]);
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const found = [];
    for (let i = 0; i < this.xy.length / 2; i++) {
      const x = this.xy[2 * i], y = this.xy[2 * i + 1];
      if (!(x >= left && x <= right && y >= low && y <= high)) continue;
      let odd = false;
      for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
        if (ys[a] > y !== ys[b] > y && x < ((xs[b] - xs[a]) * (y - ys[a])) / (ys[b] - ys[a]) + xs[a]) odd = !odd;
      }
      if (odd) found.push(i);
    }
    return Uint32Array.from(found);
  }
}
