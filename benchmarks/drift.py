"""Drift of a window of 14 numbers and 7 categories, beside Evidently, NannyML, whylogs and plain numpy.

Every tool reads the same Parquet files in a process of its own, at most 8 GB of address space each: the
fastest of three runs (one where it takes more than a minute), importing left out; the peak of resident
memory is the whole process's. Peers are installed into a folder that is removed afterwards; uv has to be
there, or `.venv/uv/bin/uv`.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift_tools import CATEGORIES, NUMBERS, SCRIPTS, script

SIZES = (1_000_000, 10_000_000)
REFERENCE_ROWS = 100_000
RUNS = 3
LONG = 60  # seconds; what takes longer is run once
MEMORY = 8 * 2**30
SECONDS = 900
PEERS = {  # what to install; current pandas and numpy are too new for them
    "Evidently": ("evidently==0.7.23", "pandas<3", "pyarrow"),
    "NannyML": ("nannyml==0.13.1", "statsmodels", "pandas<3", "numpy<2", "pyarrow<20"),
    "whylogs": ("whylogs[viz]==1.6.4", "pandas<3", "numpy<2", "pyarrow<20"),
}
SETTINGS = {  # one thread each; peers do not report home
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
}
DISTINCT = (2, 3, 5, 10, 51, 200, 1000)


@dataclass(frozen=True)
class Measured:
    """The fastest run of a tool."""

    seconds: float  # reading included
    read: float
    mebibytes: float  # the greatest peak of all runs

    def cells(self, rows: int) -> str:
        work = rows / max(self.seconds - self.read, 1e-9)
        return f"{self.seconds:.2f} s | {rows / self.seconds:,.0f} | {work:,.0f} | {self.mebibytes:,.0f} MiB"


def generate(rows: int, target: Path, seed: int) -> None:
    """Normal, skewed, whole, mostly-zero and uniform numbers; categories of 2 to 1,000 values."""
    random = np.random.default_rng(seed)
    columns = [*((name, pa.float64()) for name in NUMBERS), *((name, pa.string()) for name in CATEGORIES)]
    with pq.ParquetWriter(target, pa.schema(columns)) as writer:
        for first in range(0, rows, 131_072):
            number = min(131_072, rows - first)
            numbers = [_numbers(random, n, number) for n in range(len(NUMBERS))]
            categories = [_categories(random, distinct, number) for distinct in DISTINCT]
            writer.write_table(pa.table([*numbers, *categories], schema=pa.schema(columns)))


def _numbers(random: np.random.Generator, kind: int, rows: int) -> np.ndarray:
    zero = np.where(random.random(rows) < 0.7, 0.0, random.exponential(10, rows))
    whole = random.poisson(3, rows).astype(float)
    kinds = [random.normal(180, 54, rows), random.lognormal(0, 1.5, rows), whole, zero, random.random(rows)]
    return kinds[kind % len(kinds)]


def _categories(random: np.random.Generator, distinct: int, rows: int) -> pa.Array:
    codes = np.minimum(random.exponential(distinct / 3, rows), distinct - 1).astype(np.int32)
    return pa.DictionaryArray.from_arrays(codes, [f"value {n}" for n in range(distinct)]).cast(pa.string())


def install(tool: str, folder: Path) -> str:
    """A Python with the tool: this one for ours and plain ones, else one in an environment of its own."""
    if tool not in PEERS:
        return sys.executable
    uv = shutil.which("uv") or ".venv/uv/bin/uv"
    place = folder / tool
    subprocess.run([uv, "--quiet", "venv", "--python", sys.executable, place], check=True)
    python = str(place / "bin/python")
    subprocess.run([uv, "--quiet", "pip", "install", "--python", python, *PEERS[tool]], check=True)
    return python


def run(tool: str, python: str, reference: Path, window: Path) -> Measured | str:
    """One run, or why it did not end."""
    command = [python, "-c", script(tool), str(reference), str(window)]
    started = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.drift", "--limited", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **SETTINGS},
    )
    try:
        output, errors = started.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        started.kill()
        started.communicate()
        return f"not done in {SECONDS} s"
    if started.returncode:
        memory = started.returncode == -9 or any(
            word in errors for word in ("MemoryError", "alloc", "memory")
        )
        lines = [line for line in errors.splitlines() if not line.startswith("peak ")]
        return "out of memory at 8 GB" if memory else f"failed: {lines[-1][:80] if lines else 'no reason'}"
    seconds = json.loads(output.splitlines()[-1])
    peak = int(next(line for line in errors.splitlines() if line.startswith("peak ")).split()[1])
    return Measured(seconds["read"] + seconds["work"], seconds["read"], peak / 1024)


def limited(command: list[str]) -> int:
    """Run a command within the limit of memory; its peak, KiB, is the last line of the errors."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    status = subprocess.run(command, check=False).returncode
    print(f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}", file=sys.stderr)
    return status


def best_of_runs(tool: str, python: str, reference: Path, window: Path) -> Measured | str:
    """The fastest of three runs, with the greatest memory of all; the reason where one does not end."""
    ended: list[Measured] = []
    for _ in range(RUNS):
        outcome = run(tool, python, reference, window)
        if isinstance(outcome, str):
            return outcome
        ended.append(outcome)
        if outcome.seconds > LONG:
            break
    fastest = min(ended, key=lambda measured: measured.seconds)
    return Measured(fastest.seconds, fastest.read, max(measured.mebibytes for measured in ended))


def main(sizes: tuple[int, ...] = SIZES) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pythons = {tool: install(tool, folder) for tool in SCRIPTS}
        generate(REFERENCE_ROWS, folder / "reference.parquet", seed=1)
        print("| rows | tool | time | rows/s | rows/s without reading | peak memory |")
        print("|---:|---|---:|---:|---:|---:|")
        for rows in sizes:
            window = folder / f"{rows}.parquet"
            generate(rows, window, seed=2)
            for tool, python in pythons.items():
                outcome = best_of_runs(tool, python, folder / "reference.parquet", window)
                cells = outcome.cells(rows) if isinstance(outcome, Measured) else f"{outcome} | | |"
                print(f"| {rows:,} | {tool} | {cells} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--limited"]:
        sys.exit(limited(sys.argv[2:]))
    main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
