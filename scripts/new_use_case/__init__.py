"""A further use case from a CSV file: `make use-case NAME=... CSV=... LABEL=...`.

Start with `__main__`, which calls the modules in this order:

- `options`: the command line, and the command that a message suggests
- `writing`: the name is free; at the end all files are written, or none
- `draft`: the way from the options to a use case that is checked and measured, in these steps:
    - `reading`: separator, header and rows of the file
    - `scanning`: one pass over all rows: what each column holds, and a sample
    - `columns`: kinds, labels, missing values, and what a person should look at
    - `suspicion`: ids and columns that give the label away
    - `recipe`: the AUC that the plain recipe reaches on the sample, and the default hyperparameters
- `rendering`: the files as text, from `templates/`
- `catalogue`: the use case's import and entry in `include/use_cases/catalogue.py`
- `summary`: what is printed
- `errors`: what each of them raises for wrong input
"""

from __future__ import annotations
