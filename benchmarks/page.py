"""The page: when the map is seen, how many frames a second it moves with, and what the API adds to the time of a model.

Run: python benchmarks/page.py [--cells 100000] [--points 1000000] [--clients 50] [--repeats 5]

The server runs in a process of its own, on random cells (50 genes, 12 types). The browser is the Chromium that is
installed, without a window, drawing by SwiftShader (software GL, no graphics card), in a tab of 1280 x 800; each repeat
is a new profile. The API is asked by `clients` clients, in two ways: all at one instant; and for `seconds`, each asking
again when it has its answer (tools) or 0.5 s later (what is only read), its first answer not counted. The model sleeps
for 20 ms. What the API adds is the time from request to last byte, on a new connection, without what its Server-Timing
says of queue and work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import urlopen

import numpy as np
from _cores import processor

SERVER = """
import sys, time
import anndata as ad, numpy as np, pandas as pd
from scipy import sparse
import scc2s

n = int(sys.argv[1])
rng = np.random.default_rng(0)
kinds = rng.integers(0, 12, n)
genes = [f"GENE{i}" for i in range(50)]
X = sparse.random(n, 50, density=0.3, format="csr", dtype=np.float32, random_state=0)
X.data = np.ceil(X.data * 9)
X = sparse.csr_matrix(X + sparse.csr_matrix((np.ones(n, np.float32), (np.arange(n), np.arange(n) % 50)), shape=(n, 50)))
kinds_of = pd.Categorical.from_codes(kinds, [f"type {i}" for i in range(12)])
obs = pd.DataFrame({"cell_type": kinds_of, "score": rng.random(n)})
obs.index = obs.index.astype(str)
adata = ad.AnnData(X, obs=obs, var=pd.DataFrame(index=genes))
angle = kinds * 0.52
adata.obsm["X_umap"] = np.stack([6 * np.cos(angle), 6 * np.sin(angle)], axis=1) + rng.normal(0, 0.9, (n, 2))

def reply(messages):
    time.sleep(0.02)
    return "GENE1 is high."

model = scc2s.models.CallableModel(reply=reply)
scc2s.app.serve(adata, model=model, port=0, queue=1000, name="random.h5ad", started=lambda at: print(at, flush=True))
"""
GL = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
MOVES = """async (seconds) => {
    const points = scc2s.points, begun = performance.now(), first = points.frames;
    while (performance.now() - begun < 1000 * seconds) {
        await new Promise(requestAnimationFrame);
        MOVE;
    }
    const ended = performance.now(), frames = (points.frames - first) / ((ended - begun) / 1000);
    while (points.drawn < points.n || points.sent) await new Promise(requestAnimationFrame);
    return {frames, whole: performance.now() - ended};
}"""


@contextmanager
def server(n: int):
    command = [sys.executable, "-c", SERVER, str(n)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            assert address, "the server did not start"
            while state(address) != "ready":
                time.sleep(0.2)
            yield address
        finally:
            process.terminate()


def state(address: str) -> str:
    with urlopen(f"{address}api/data") as found:
        return json.load(found)["model"]["state"]


@contextmanager
def tab(browser, address: str):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    found = context.new_page()
    found.set_default_timeout(180_000)
    found.goto(address)
    while not found.evaluate("performance.getEntriesByName('scc2s drawn').length"):
        time.sleep(0.1)
    yield found
    context.close()


def painted(browser, address: str) -> list[float]:
    """Seconds to the first text, the first points and the whole map."""
    with tab(browser, address) as found:
        return found.evaluate(
            "() => ['first-contentful-paint', 'scc2s first points', 'scc2s drawn']"
            ".map((name) => performance.getEntriesByName(name)[0].startTime / 1000)"
        )


async def ask(address: str, method: str, path: str, body: dict | None = None) -> tuple[dict[str, str], bytes, float]:
    """Headers, body and seconds of one call on a new connection."""
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    begun = time.perf_counter()
    writer.write(f"{head}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data)
    whole = await reader.read()
    took = time.perf_counter() - begun
    writer.close()
    top, _, rest = whole.partition(b"\r\n\r\n")
    assert b" 200 " in top.split(b"\r\n")[0], whole[:500]
    headers = dict(line.split(": ", 1) for line in top.decode("latin-1").lower().split("\r\n")[1:])
    return headers, rest, took


async def added(address: str, *call) -> float:
    """Milliseconds that the API added to a call."""
    headers, _, took = await ask(address, *call)
    own = [float(part.split("dur=")[1]) for part in headers.get("server-timing", "").split(",") if "dur=" in part]
    return 1000 * took - sum(own)


async def together(address: str, clients: int, *call) -> list[float]:
    """Of calls at one instant."""
    return await asyncio.gather(*(added(address, *call) for _ in range(clients)))


async def steady(address: str, clients: int, seconds: float, *call) -> list[float]:
    """Of clients that ask again and again."""
    pause = 0.0 if call[0] == "POST" else 0.5
    until = time.perf_counter() + seconds

    async def client(place: int) -> list[float]:
        await asyncio.sleep(pause * place / clients)
        found = [await added(address, *call)]
        while time.perf_counter() < until:
            await asyncio.sleep(pause)
            found.append(await added(address, *call))
        return found[1:]

    return [ms for each in await asyncio.gather(*map(client, range(clients))) for ms in each]


def spread(values) -> str:
    return f"{np.median(values):.2f} ({np.min(values):.2f}-{np.max(values):.2f})"


def seen(args: argparse.Namespace) -> None:
    """What is measured in a browser."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("SCC2S_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=GL)
        print(f"Chromium {browser.version}, software GL\n")
        with server(args.cells) as address:
            times = np.array([painted(browser, address) for _ in range(args.repeats)])
            print(f"{args.cells:,} cells, seconds from the address to ... median (least-most)")
            for name, column in zip(("first text", "first points", "all points"), times.T, strict=True):
                print(f"  {name:14}{spread(column)}")
        with server(args.points) as address, tab(browser, address) as found:
            print(f"\n{args.points:,} points, frames a second (ms from rest to all points)")
            for name, move in {"pan": "points.moveBy(3, 1)", "zoom": "points.zoomBy(1.01)"}.items():
                found.evaluate("scc2s.points.showAll()")
                moved = [found.evaluate(MOVES.replace("MOVE;", move), args.seconds) for _ in range(args.repeats)]
                shown = np.median([one["whole"] for one in moved])
                print(f"  {name:14}{spread([one['frames'] for one in moved])} ({shown:,.0f})")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--api", action="store_true", help="the API alone, without a browser")
    args = parser.parse_args()
    print(processor(), f"load {os.getloadavg()[0]:.1f}")
    if not args.api:
        seen(args)
    calls = {
        "read one cell": ("GET", "/api/cells/7"),
        "read a column": ("GET", "/api/column.bin?name=cell_type"),
        "ask": ("POST", "/api/ask", {"question": "Which?", "cells": {"rows": [1, 2, 3]}, "controls": False}),
    }
    with server(2000) as address:
        print(f"\n{args.clients} clients, 2,000 cells: ms that the API adds, median and p95")
        for name, call in calls.items():
            asyncio.run(together(address, 2, *call))
            burst = [ms for _ in range(args.repeats) for ms in asyncio.run(together(address, args.clients, *call))]
            loop = asyncio.run(steady(address, args.clients, max(args.seconds, 10), *call))
            print(f"  {name:16}at one instant {both(burst)}; again and again {both(loop)}, {len(loop)} calls")


def both(found: list[float]) -> str:
    return f"{np.median(found):.1f}, {np.percentile(found, 95):.1f}"


if __name__ == "__main__":
    main()
