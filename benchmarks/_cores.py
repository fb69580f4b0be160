"""Figures per machine and per core: wall and CPU time side by side, and what the processor can do."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "neon", "asimd", "sve")


class Side(NamedTuple):
    """One that is measured."""

    run: Callable[[], object]
    cells: int
    threads: int


def processor() -> str:
    """Name and vector instructions, AMX (matrix units) named also where there are none."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    flags = {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split(":")[1].split()}
    found = [feature for feature in _FEATURES if feature in flags]
    amx = "with AMX" if any(feature.startswith("amx") for feature in found) else "without AMX"
    avx = "with AVX-512" if "avx512f" in found else "without AVX-512"
    return f"{name}, {avx}, {amx} ({' '.join(found) or 'no vector instructions known'})"


def measured(sides: Mapping[str, Side], repeats: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Cells per second of wall time, and per second of CPU time, of each side and repeat; sides take turns."""
    for side in sides.values():
        side.run()
    rates = {name: (np.empty(repeats), np.empty(repeats)) for name in sides}
    for repeat in range(repeats):
        for name, side in sides.items():
            wall, cpu = time.perf_counter(), time.process_time()
            side.run()
            rates[name][0][repeat] = side.cells / (time.perf_counter() - wall)
            rates[name][1][repeat] = side.cells / max(1e-9, time.process_time() - cpu)
    return rates


def show(sides: Mapping[str, Side], rates: Mapping[str, tuple[np.ndarray, np.ndarray]], *, beside: list[str]) -> None:
    """Print a row a side: threads, cells per second, and the ratio to each of `beside`, per machine and per core."""
    peers = [name for name in beside if name in rates]
    print(f"\n{'':36}{'threads':>8}{'cells/s':>10}{'least':>9}{'most':>9}{'cells/CPU s':>13}", end="")
    print("".join(f"   x {peer} (machine, core)" for peer in peers))
    for name, (wall, cpu) in rates.items():
        row = f"{name:36}{sides[name].threads:8}{np.median(wall):10.0f}{wall.min():9.0f}{wall.max():9.0f}"
        row += f"{np.median(cpu):13.0f}"
        for peer in peers:
            pairs = zip((wall, cpu), rates[peer], strict=True)
            per_machine, per_core = (np.median(ours / theirs) for ours, theirs in pairs)
            row += f"   {f'{per_machine:.1f}, {per_core:.1f}':>{len(peer) + 18}}"
        print(row)
