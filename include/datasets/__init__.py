"""Sample data of the use cases: from a local folder, from its public source, or from a seeded generator.

    fetch("churn", Path("scratch"))  # the first source that has it; .description says which
    generate("churn", Path("big.csv"), rows=1_000_000, seed=7)

`ML_DATASETS_DIR` names a folder that holds the data sets (`churn/churn.txt`), `ML_DATASETS_CACHE` the folder
where downloads are kept.

DatasetError            the data cannot be had as asked: wrong folder, wrong content
└── SourceUnavailable   the public source cannot be reached
"""

from __future__ import annotations

from include.datasets.errors import DatasetError, SourceUnavailable
from include.datasets.fetching import Dataset, fetch, generate

__all__ = ["Dataset", "DatasetError", "SourceUnavailable", "fetch", "generate"]
