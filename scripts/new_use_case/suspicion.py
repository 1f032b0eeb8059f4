"""Columns that a model should not learn from: ids, and columns that give the label away.

A column that is filled in after the label, or that stands for it, makes a model look perfect and fail in use
(Kaufman, Rosset, Perlich, Stitelman 2012, "Leakage in data mining: formulation, detection, and avoidance",
ACM TKDD 6(4)). It shows in how well the column alone predicts the label. As in the Predictive Power Score
(Wetschoreck 2020), a small decision tree is cross-validated on a single column; here the score is the ROC
AUC, and categories enter by their target encoding, which is cross-fitted (Micci-Barreca 2001, "A
preprocessing scheme for high-cardinality categorical attributes", SIGKDD Explorations 3(1)).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.options import command

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from include.use_cases.definition import Kind
    from scripts.new_use_case.options import Options

LEAST_AUC = 0.99  # of one column alone: the label is given away
LEAK_ROWS = 30_000  # of the sample: enough to see 0.99
FOLDS = 5
TREE_DEPTH = 4
ALMOST_ALL = 0.95  # share of different values from which a column with the name of an id is one
LEAST_ROWS = 30  # with fewer, different values say nothing
MOST_CATEGORIES = 2000  # a table of features wider than that does not fit into a small instance's memory
ID_WORDS = {
    "id",
    "ids",
    "key",
    "uuid",
    "guid",
    "phone",
    "telephone",
    "email",
    "ssn",
    "iban",
    "number",
    "index",
}


def check(
    sample: pd.DataFrame, kinds: dict[str, Kind], positive: np.ndarray, rows: int, options: Options
) -> None:
    """Refuse columns that look like an id or give the label away, unless they are allowed.

    :param sample: rows × columns; numbers as float64, categories as text.
    :param positive: whether the label is the positive one, shape (rows of the sample,).
    :param rows: of the whole file.
    :raises WrongInput: naming each column, the reason, and the command to run instead.
    """
    reasons = {}
    for name in sample:
        if name not in options.allow and (reason := doubt(sample[name], kinds[name], positive, rows)):
            reasons[str(name)] = reason
    if reasons:
        raise WrongInput(_message(reasons, options))


def doubt(values: pd.Series, kind: Kind, positive: np.ndarray, rows: int) -> str:
    """Why a column should not be learned from; empty: no reason."""
    if reason := looks_like_id(values, kind, rows):
        return f"looks like an id: {reason}"
    if kind == "category" and values.nunique() > MOST_CATEGORIES:
        return f"has {values.nunique():,} different texts, each of which would become a feature"
    score = alone(values, kind, positive)
    return (
        f"gives the label away: alone it reaches a cross-validated AUC of {score:.3f}"
        if score >= LEAST_AUC
        else ""
    )


def looks_like_id(values: pd.Series, kind: Kind, rows: int) -> str:
    """Why a column looks like an id; empty: it does not."""
    present = values[values != ""].dropna()
    whole = kind == "number" and bool((present % 1 == 0).all())
    if len(present) < LEAST_ROWS or not (whole or kind == "category"):
        return ""
    share = present.nunique() / len(present)
    if share == 1 and kind == "category":
        return "a different text in every row"
    if share == 1 and (present.is_monotonic_increasing or present.max() - present.min() < 2 * rows):
        return "a different whole number in every row, counting up"
    if share >= ALMOST_ALL and ID_WORDS & set(_words(str(values.name))):
        return f"its name, and {share:.1%} of its values are different"
    return ""


def _words(name: str) -> list[str]:
    """`customerID`, `customer_id`, `Customer Id` → customer, id."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return [part.lower() for part in parts]


def alone(values: pd.Series, kind: Kind, positive: np.ndarray) -> float:
    """The cross-validated ROC AUC of one column; 0.5 where a class is too rare to be cut into folds.

    :param values: shape (rows,).
    :param positive: shape (rows,).
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.preprocessing import TargetEncoder
    from sklearn.tree import DecisionTreeClassifier

    if min(np.bincount(positive, minlength=2)) < FOLDS:
        return 0.5
    column = values.to_numpy().reshape(-1, 1)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    if kind == "category":
        encoder = TargetEncoder(target_type="binary", cv=folds)
        return float(roc_auc_score(positive, encoder.fit_transform(column, positive)[:, 0]))
    tree = DecisionTreeClassifier(max_depth=TREE_DEPTH, random_state=0)
    scores = cross_val_predict(tree, column, positive, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(positive, scores))


def _message(reasons: dict[str, str], options: Options) -> str:
    lines = [f"{options.csv.name}: the model should not learn from these columns."]
    lines += [f"  {name!r} {reason}" for name, reason in reasons.items()]
    return "\n".join(
        [
            *lines,
            "Leave them out:",
            f"  {command(options, ignore=reasons)}",
            "or, where new rows have them before the label is known, learn from them:",
            f"  {command(options, allow=reasons)}",
        ]
    )
