"""A further use case from a CSV file: `make use-case NAME=... CSV=... LABEL=...`.

`__main__` reads like the command works: options → reading (separator, header) → scanning (one pass over all
rows) → columns (kinds) → suspicion (ids, columns that give the label away) → recipe (the measured AUC) →
rendering → writing (all files or none) → summary (what is printed).
"""

from __future__ import annotations
