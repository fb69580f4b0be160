"""A small real HTTP server with answers in the shape of vLLM's, and with faults on request."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Script:
    """What the server does; every request is kept with its headers.

    Parameters
    ----------
    complete
        Body of a request to the completions.
    faults
        Taken one after the other before anything is answered: a status, ``"drop"``, ``"cut"``, ``"html"``, or seconds
        to wait.
    """

    def __init__(self, complete: Callable[[dict[str, Any]], Any], faults: list[Any] | None = None) -> None:
        self.complete, self.faults = complete, list(faults or [])
        self.models: Any = {"object": "list", "data": [{"id": "mini", "max_model_len": 1024}]}
        self.embed: Callable[[list[str]], Any] | None = None
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, Any, dict[str, str]]] = []
        self.running, self.most_running = 0, 0
        self.lock = threading.Lock()


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """Address of a server that follows the script."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self.answer("GET", None, lambda _: script.models)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.endswith("/embeddings"):
                self.answer("POST", body, script.complete)
            else:
                self.answer("POST", body, lambda asked: 404 if script.embed is None else script.embed(asked["input"]))

        def answer(self, kind: str, body: Any, made: Callable[[Any], Any]) -> None:
            with script.lock:
                script.requests.append((f"{kind} {self.path}", body, dict(self.headers)))
                fault = script.faults.pop(0) if script.faults and kind == "POST" else None
                script.running += 1
                script.most_running = max(script.most_running, script.running)
            self.respond(fault, body, made)

        def respond(self, fault: Any, body: Any, made: Callable[[Any], Any]) -> None:
            if fault == "drop":
                self.left()
                self.connection.close()
            elif fault == "html":
                self.send(200, b"<html>welcome</html>")
            elif isinstance(fault, int):
                self.send(fault, b'{"error": {"message": "said the server"}}')
            else:
                if isinstance(fault, float):
                    time.sleep(fault)
                found = made(body)
                if isinstance(found, int):
                    self.send(found, b'{"error": {"message": "said the server"}}')
                    return
                text = json.dumps(found).encode()
                self.send(200, text[: len(text) // 2] if fault == "cut" else text, length=len(text))

        def left(self) -> None:
            with script.lock:
                script.running -= 1

        def send(self, status: int, text: bytes, length: int | None = None) -> None:
            self.left()  # before the client knows
            self.send_response(status)
            for name, value in script.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text) if length is None else length))
            self.end_headers()
            self.wfile.write(text)
            if length is not None and length != len(text):
                self.connection.close()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def like_vllm(model: Any) -> Callable[[dict[str, Any]], Any]:
    """Completions of a real model (torch), with the log-probabilities of an echoed prompt as vLLM gives them."""
    import torch

    tokenizer, lm = model.tokenizer, model._decoder.lm
    lock = threading.Lock()

    @torch.inference_mode()
    def complete(body: dict[str, Any]) -> Any:
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        return {"choices": [{"index": i, **one(body, prompt)} for i, prompt in enumerate(prompts)]}

    def one(body: dict[str, Any], prompt: str) -> dict[str, Any]:
        with lock:
            text = model.generate([prompt], max_new_tokens=max(1, body["max_tokens"]), progress=False)[0]
            out: dict[str, Any] = {"text": text, "finish_reason": "length" if len(text) else "stop"}
            if not body.get("echo"):
                return out | ({"logprobs": {"token_logprobs": [-1.0]}} if body.get("logprobs") else {})
            tokens = tokenizer(prompt)["input_ids"]
            ids = torch.tensor([tokens])
            ends = np.cumsum([len(tokenizer.decode([token])) for token in tokens]).tolist()
            logp = lm(input_ids=ids).logits[0].float().log_softmax(-1)
            told = [None, *logp[:-1].gather(1, ids[0, 1:, None])[:, 0].tolist()]
            return {
                "text": prompt + text,
                "finish_reason": "length",
                "logprobs": {
                    "token_logprobs": [*told, -1.0],
                    "text_offset": [0, *ends],
                },
            }

    return complete
