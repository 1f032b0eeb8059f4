"""Data of the use cases: from a local folder, from its public source, or from a seeded generator.

    fetch("churn", Path("scratch"))  # the first source that has it; .description says which
    generate("churn", Path("big.csv"), rows=1_000_000, seed=7)

`ML_DATASETS_DIR` names a folder that holds the data sets (`churn/churn.txt`), `ML_DATASETS_CACHE` the folder
for downloads. A use case whose data is not in the catalogue has one file in `<ML_DATASETS_DIR>/<name>/` or in
`data/<name>/` of the project.

DatasetError            the data is not available: unknown name, missing file, wrong content
└── SourceUnavailable   the public source cannot be reached
"""

from __future__ import annotations

from include.datasets.errors import DatasetError, SourceUnavailable
from include.datasets.fetching import Dataset, fetch, generate

__all__ = ["Dataset", "DatasetError", "SourceUnavailable", "fetch", "generate"]
