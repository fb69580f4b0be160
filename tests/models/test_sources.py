"""The hub, played by a server on this machine: no file comes from elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from scc2s import models
from scc2s.models._sources import find

COMMIT = "c" * 40


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's interface as a download takes."""

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = unquote(urlparse(self.path).path)
        self.server.asked.append(path)
        if "lab/gated" in path and "/api/" not in path:
            return self.reply(403, b"", {"X-Error-Code": "GatedRepo"})
        if "lab/tiny" not in path and "lab/gated" not in path:
            return self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})
        if path.startswith("/api/models/"):
            if path.endswith("/revision/none"):
                return self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
            names = [file.name for file in self.server.folder.iterdir()]
            if "/tree/" in path:
                files = [{"type": "file", "path": name, "size": 1, "oid": "0"} for name in names]
                return self.reply(200, json.dumps(files).encode(), {"Content-Type": "application/json"})
            files = [{"rfilename": name} for name in names]
            info = {"_id": "1", "id": path.split("/api/models/")[1], "sha": COMMIT, "siblings": files, "tags": []}
            return self.reply(200, json.dumps(info).encode(), {"Content-Type": "application/json"})
        content = (self.server.folder / path.rsplit("/", 1)[-1]).read_bytes()
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Linked-Etag": f'"{etag}"', "X-Repo-Commit": COMMIT}
        return self.reply(200, content, headers, body=body)

    def reply(self, code, content, headers, *, body=True):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(model_folder):
    """A hub with one model."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.folder, server.asked = model_folder("gpt_neox"), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def ask(cache, endpoint: str, *names: tuple[str, str | None], **environment: str) -> list[str]:
    """What `find` gives for names and revisions, in a process of its own: the hub client reads its settings once."""
    code = (
        "import json, sys\n"
        "from scc2s.models._sources import find\n"
        "for name, revision in json.loads(sys.argv[1]):\n"
        "    try: print(find(name, revision).folder)\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
    )
    settings = {"HF_ENDPOINT": endpoint, "HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment}
    command = [sys.executable, "-c", code, json.dumps(names)]
    done = subprocess.run(command, env=os.environ | settings, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_a_hub_id_is_fetched_once_whole_and_only_as_far_as_needed(hub, tmp_path, monkeypatch):
    endpoint = f"http://127.0.0.1:{hub.server_port}"
    extra = [hub.folder / name for name in ("pytorch_model.bin", "modeling_evil.py", "training_args.bin")]
    try:
        for path in extra:
            path.write_bytes(b"no")
        folder = Path(*ask(tmp_path, endpoint, ("lab/tiny", None)))
    finally:
        for path in extra:
            path.unlink()
    assert folder.name == COMMIT
    assert {path.name for path in folder.iterdir()} == {path.name for path in hub.folder.iterdir()}

    hub.asked.clear()
    assert ask(tmp_path, endpoint, ("lab/tiny", None)) == [str(folder)]
    assert hub.asked == []

    (folder / "model.safetensors").unlink()  # as if the download had been cut off
    assert ask(tmp_path, endpoint, ("lab/tiny", None)) == [str(folder)]
    assert (folder / "model.safetensors").exists()

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
    model = models.load("lab/tiny", device="cpu", dtype="float32")
    assert (model.id, model.revision) == ("lab/tiny", COMMIT)
    weights = (hub.folder / "model.safetensors").read_bytes()
    assert model.info()["weights_hash"] == hashlib.sha256(weights).hexdigest()


def test_what_the_hub_does_not_give_says_how_to_get_it(hub, tmp_path):
    names = [("lab/gated", None), ("lab/none", None), ("lab/tiny", "none")]
    gated, none, revision = ask(tmp_path, f"http://127.0.0.1:{hub.server_port}", *names)
    assert gated.startswith("PermissionError lab/gated asks for its terms to be accepted: open https://huggingface.co/")
    assert "hf auth login" in gated
    assert none.startswith("FileNotFoundError the hub has no model 'lab/none'")
    assert revision == "ValueError lab/tiny has no revision 'none'; call load('lab/tiny') for its newest"


@pytest.mark.parametrize("offline", ["0", "1"])
def test_without_network_it_says_how_to_bring_the_model_here(hub, tmp_path, offline):
    endpoint = f"http://127.0.0.1:{hub.server_port}" if offline == "1" else "http://127.0.0.1:9"
    (found,) = ask(tmp_path, endpoint, ("lab/tiny", None), HF_HUB_OFFLINE=offline)
    assert found.startswith("ConnectionError lab/tiny is not in the local cache and the hub cannot be reached")
    assert "`hf download lab/tiny --local-dir FOLDER` and call load('FOLDER')" in found
    assert hub.asked == []


def test_a_published_model_has_its_family_from_the_catalogue(monkeypatch, tmp_path):
    monkeypatch.setattr("scc2s.models._sources._from_hub", lambda *_: tmp_path / COMMIT)
    source = find("vandijklab/C2S-Scale-Pythia-1b-pt")
    assert (source.family, source.revision) == ("cell2sentence", COMMIT)


def test_the_model_in_the_package_is_in_the_package():
    assert find("scc2s-mini").folder == Path(models.__file__).parent / "mini"
