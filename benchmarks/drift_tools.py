"""The tools of the drift benchmark, each a script of its own: `script reference.parquet window.parquet`.

All compare the 21 columns of a window with those of a reference, and print the seconds of reading and of
work as JSON; importing the tool is not counted. Each reads as it would on its own: ours and whylogs row
group by row group, the others the whole file.
"""

from __future__ import annotations

CATEGORIES = [f"c{n}" for n in range(7)]
NUMBERS = [f"n{n}" for n in range(14)]

HEAD = f"""
import json, sys, time, warnings
warnings.filterwarnings("ignore")
CATEGORIES, NUMBERS = {CATEGORIES}, {NUMBERS}
"""

WHOLE_FILES = """
started = time.perf_counter()
reference, window = (pd.read_parquet(path) for path in sys.argv[1:])
read = time.perf_counter() - started
"""

TAIL = """
print(json.dumps({"read": read, "work": time.perf_counter() - started - read}))
"""

OURS = """
sys.path.insert(0, "include/jobs")
import pandas as pd, pyarrow.parquet as pq
from drift.profile import Profile
from drift.verdict import Rules, judge

read = 0.0
def count(profile, path):
    global read
    file = pq.ParquetFile(path, read_dictionary=CATEGORIES, pre_buffer=False)
    batches = file.iter_batches(65_536)
    while True:
        before = time.perf_counter()
        batch = next(batches, None)
        if batch is None:
            break
        columns = {name: batch.column(name).to_numpy() for name in NUMBERS}
        for name in CATEGORIES:
            codes = batch.column(name)
            columns[name] = pd.Categorical.from_codes(codes.indices.to_numpy(), codes.dictionary.to_pylist())
        read += time.perf_counter() - before
        profile.update(columns)

started = time.perf_counter()
kinds = {**dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(CATEGORIES, "category")}
reference = Profile.of(kinds)
count(reference, sys.argv[1])
window = reference.empty()
count(window, sys.argv[2])
columns, _ = judge(reference, window, {}, Rules())
assert len(columns) == 21
"""

PLAIN = (
    """
import numpy as np, pandas as pd
"""
    + WHOLE_FILES
    + """
def psi(before, after):
    p, q = before / before.sum() + 1e-4, after / after.sum() + 1e-4
    return float(((q - p) * np.log(q / p)).sum())

found = {}
for name in NUMBERS:
    before, after = reference[name].to_numpy(), window[name].to_numpy()
    edges = np.unique(np.quantile(before, np.linspace(0, 1, 21)))
    edges[0], edges[-1] = -np.inf, np.inf
    found[name] = psi(np.histogram(before, edges)[0], np.histogram(after, edges)[0])
    after.mean(), after.std(), after.min(), after.max()
for name in CATEGORIES:
    before, after = reference[name].value_counts(), window[name].value_counts()
    both = before.index.union(after.index)
    before, after = (counts.reindex(both, fill_value=0).to_numpy() for counts in (before, after))
    found[name] = psi(before, after)
"""
)

EVIDENTLY = (
    """
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
"""
    + WHOLE_FILES
    + """
definition = DataDefinition(numerical_columns=NUMBERS, categorical_columns=CATEGORIES)
datasets = [Dataset.from_pandas(frame, data_definition=definition) for frame in (window, reference)]
Report([DataDriftPreset()]).run(*datasets).dict()
"""
)

NANNYML = (
    """
import nannyml, pandas as pd
"""
    + WHOLE_FILES
    + """
calculator = nannyml.UnivariateDriftCalculator(column_names=NUMBERS + CATEGORIES, chunk_number=1)
calculator.fit(reference)
calculator.calculate(window).to_df()
"""
)

WHYLOGS = """
import pyarrow.parquet as pq, whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

read = 0.0
def count(path):
    global read
    profile = None
    batches = pq.ParquetFile(path, pre_buffer=False).iter_batches(1_000_000)
    while True:
        before = time.perf_counter()
        batch = next(batches, None)
        if batch is None:
            return profile.view()
        frame = batch.to_pandas()
        read += time.perf_counter() - before
        if profile is None:
            profile = why.log(pandas=frame).profile()
        else:
            profile.track(frame)

started = time.perf_counter()
views = [count(path) for path in sys.argv[1:]]
calculate_drift_scores(target_view=views[1], reference_view=views[0])
"""

SCRIPTS = {
    "ours": OURS,
    "numpy + pandas": PLAIN,
    "Evidently": EVIDENTLY,
    "NannyML": NANNYML,
    "whylogs": WHYLOGS,
}


def script(tool: str) -> str:
    """The source of a tool's script."""
    return HEAD + SCRIPTS[tool] + TAIL
