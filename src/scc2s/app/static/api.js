// Calls of the API: JSON, arrays of numbers, and answers that come in parts.

const token = takeToken();

function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (found) {
    sessionStorage.setItem("token", found);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token");
}

export const needsToken = () => Boolean(token);

export class ApiError extends Error {
  constructor(message, status, wait) {
    super(message);
    this.status = status;
    this.wait = wait;
  }
}

async function call(path, options = {}) {
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("the server does not answer; start it again: scc2s serve FILE", 0);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  const message = body.error?.message ?? `the server answers with status ${response.status}`;
  throw new ApiError(message, response.status, Number(response.headers.get("Retry-After")));
}

const query = (params = {}) => {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

export const get = async (path, params, signal) => (await call(`/api/${path}${query(params)}`, { signal })).json();

export async function numbers(path, params, Type, signal) {
  const response = await call(`/api/${path}${query(params)}`, { signal });
  return new Type(await response.arrayBuffer());
}

export const file = async (path) => (await call(`/api/${path}`)).blob();

// Posts a question; onEvent gets each event. Resolves with what "done" holds.
export async function ask(verb, body, onEvent, signal) {
  const response = await call(`/api/${verb}`, {
    method: "POST",
    signal,
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify(body),
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new ApiError("the server ended in the middle of the answer; ask again", 0);
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const name = /^event: (.*)$/m.exec(part)?.[1];
      if (!name) continue;
      const data = JSON.parse(/^data: (.*)$/m.exec(part)[1]);
      if (name === "done") return data;
      if (name === "error") throw new ApiError(data.message, data.status);
      onEvent(name, data);
    }
  }
}
