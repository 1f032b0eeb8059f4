"""Personalize's training on generated interactions, compared with `implicit` on the same data.

Each training runs in a process of its own; time and peak memory are those of the process with its start.

Usage: python -m benchmarks.recommendations [ROWS ...]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.servers import BenchmarkError

SIZES = (100_000, 1_000_000, 10_000_000, 25_000_000)
MODULE = "include.local_aws.personalize.models.training"
PEER = """
import sys
import numpy as np, pyarrow.parquet as pq
from scipy import sparse
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
table = pq.read_table(sys.argv[1], read_dictionary=["USER_ID", "ITEM_ID"]).unify_dictionaries()
columns = [table.column(name) for name in ("USER_ID", "ITEM_ID")]
codes = [np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks]) for column in columns]
matrix = sparse.csr_matrix((np.ones(len(codes[0]), np.float32), codes))
model = AlternatingLeastSquares(factors=64) if sys.argv[2] == "als" else CosineRecommender(K=200)
model.fit(matrix, show_progress=False)
"""


def generate(rows: int, target: Path, seed: int = 7) -> None:
    """Write histories of users whose taste changes: items of the current taste, popular ones more often.

    A hundred events per user; 1,700 items for 100 thousand rows, 27,000 for 25 million, as in MovieLens.
    """
    rng = np.random.default_rng(seed)
    items, tastes = int(1700 * (rows / 100_000) ** 0.5), 40
    schema = pa.schema([("USER_ID", pa.string()), ("ITEM_ID", pa.string()), ("TIMESTAMP", pa.int64())])
    with pq.ParquetWriter(target, schema) as writer:
        for first in range(0, rows, 1_000_000):
            number = min(1_000_000, rows - first)
            user = (first + np.arange(number)) // 100
            step = (first + np.arange(number)) % 100
            taste = (user * 7 + step // 25) % tastes
            rank = np.floor((items / tastes) ** rng.random(number)).astype(int) - 1
            item = (rank * tastes + taste) % items
            columns = [
                pa.array(user.astype(str)),
                pa.array(item.astype(str)),
                pa.array(900_000_000 + step * 3600),
            ]
            writer.write_table(pa.table(columns, schema=schema))


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of a process.

    :raises BenchmarkError: when it fails.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise BenchmarkError(f"{command[:3]} ended with status {status}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def measure_own(folder: Path, data: Path) -> tuple[float, float]:
    """Seconds and peak MiB of the local Personalize's training."""
    request = {
        "task": "users",
        "hyperparameters": {},
        "interactions": [str(data)],
        "thresholds": {},
        "columns": [],
    }
    (folder / "request.json").write_text(json.dumps(request))
    return measure([sys.executable, "-m", MODULE, str(folder)])


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Print one line per size: Personalize, ALS, item cosine."""
    for rows in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            generate(rows, folder / "data.parquet")
            data = folder / "data.parquet"
            peers = [measure([sys.executable, "-c", PEER, str(data), peer]) for peer in ("als", "cosine")]
            measurements = [measure_own(folder, data), *peers]
            cells = [f"{seconds:7.1f} s {memory:7.0f} MiB" for seconds, memory in measurements]
            print(" | ".join([f"{rows:>11,}", *cells]), flush=True)


if __name__ == "__main__":
    main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
