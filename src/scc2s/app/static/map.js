// What a hand, a mouse or a keyboard does to the map: move, zoom, choose with a lasso, look at one cell.

const STEP = 60; // pixels for an arrow key
const CLICK = 4; // pixels within which a press is a click

export class Hands {
  // onChosen gets numbers of cells, onLook the number of a cell (-1: none) and its place on the map.
  constructor(points, { onChosen, onLook, onDrop }) {
    this.points = points;
    this.canvas = document.getElementById("points"); // lies over the drawing, which is moved about
    this.line = document.getElementById("lasso");
    Object.assign(this, { onChosen, onLook, onDrop });
    this.down = new Map();
    this.choosing = false;
    const on = (name, what, options) => this.canvas.addEventListener(name, what.bind(this), options);
    on("pointerdown", this.press);
    on("pointermove", this.move);
    on("pointerup", this.release);
    on("pointercancel", this.release);
    on("pointerleave", () => this.look(-1));
    on("wheel", this.wheel, { passive: false });
    on("keydown", this.key);
    const click = (id, what) => document.getElementById(id).addEventListener("click", what);
    click("pan", () => this.setMode(false));
    click("choose", () => this.setMode(true));
    click("closer", () => points.zoomBy(1.5));
    click("farther", () => points.zoomBy(1 / 1.5));
    click("whole", () => points.showAll());
  }

  setMode(choosing) {
    this.choosing = choosing;
    this.canvas.classList.toggle("choosing", choosing);
    document.getElementById("pan").setAttribute("aria-pressed", String(!choosing));
    document.getElementById("choose").setAttribute("aria-pressed", String(choosing));
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, this.at(event));
    this.start = this.at(event);
    this.look(-1);
    this.ring = this.down.size === 1 && (this.choosing || event.shiftKey) ? [this.start] : null;
    if (!this.ring) this.line.removeAttribute("d");
  }

  move(event) {
    const [x, y] = this.at(event);
    const before = this.down.get(event.pointerId);
    if (!before) return this.hover(event, x, y);
    if (this.ring) {
      const last = this.ring[this.ring.length - 1];
      if (Math.hypot(x - last[0], y - last[1]) > 2) this.ring.push([x, y]);
      this.line.setAttribute("d", `M${this.ring.map((p) => p.map(Math.round).join(" ")).join("L")}Z`);
    } else if (this.down.size === 2) {
      const other = [...this.down].find(([id]) => id !== event.pointerId)[1];
      const far = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
      this.points.zoomBy(far([x, y]) / Math.max(far(before), 1), (x + other[0]) / 2, (y + other[1]) / 2);
      this.points.moveBy((x - before[0]) / 2, (y - before[1]) / 2);
    } else {
      this.points.moveBy(x - before[0], y - before[1]);
    }
    this.down.set(event.pointerId, [x, y]);
  }

  release(event) {
    if (!this.down.delete(event.pointerId)) return;
    const [x, y] = this.at(event);
    const ring = this.ring;
    this.ring = null;
    if (event.type === "pointercancel") return;
    if (Math.hypot(x - this.start[0], y - this.start[1]) < CLICK && !(ring?.length > 8)) {
      this.line.removeAttribute("d");
      this.look(this.points.nearest(x, y), x, y);
    } else if (ring?.length > 2) {
      this.onChosen(this.points.inside(ring));
      setTimeout(() => this.line.removeAttribute("d"), 600);
    }
  }

  hover(event, x, y) {
    if (event.pointerType === "touch") return;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.look(this.points.nearest(x, y), x, y), 70);
  }

  look(cell, x, y) {
    clearTimeout(this.resting);
    this.onLook(cell, x, y);
  }

  wheel(event) {
    event.preventDefault();
    const [x, y] = this.at(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.points.zoomBy(Math.exp(-Math.max(-80, Math.min(80, event.deltaY * lines)) * 0.005), x, y);
    this.look(-1);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      ArrowLeft: () => this.points.moveBy(STEP, 0),
      ArrowRight: () => this.points.moveBy(-STEP, 0),
      ArrowUp: () => this.points.moveBy(0, STEP),
      ArrowDown: () => this.points.moveBy(0, -STEP),
      "+": () => this.points.zoomBy(1.3),
      "=": () => this.points.zoomBy(1.3),
      "-": () => this.points.zoomBy(1 / 1.3),
      0: () => this.points.showAll(),
      l: () => this.setMode(true),
      p: () => this.setMode(false),
      Escape: () => this.onDrop(),
    };
    const what = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!what) return;
    event.preventDefault();
    what();
  }
}
