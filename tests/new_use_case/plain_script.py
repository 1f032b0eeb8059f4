"""The recipe as a plain script, with nothing of the project: pandas, XGBoost and the split.

    python plain_script.py <file> <label> <positive> [column names]

Prints the ROC AUC of the test rows.
"""

from __future__ import annotations

import sys

import pandas as pd
import xgboost
from sklearn.metrics import roc_auc_score


def main(file: str, label: str, positive: str, names: str = "") -> None:
    columns = {"header": None, "names": names.split(",")} if names else {}
    table = pd.read_csv(file, skipinitialspace=True, keep_default_na=False, **columns)
    shuffled = table.sample(frac=1, random_state=1729)
    features = pd.get_dummies(shuffled.drop(columns=label)).astype(float)
    features.columns = [f"f{number}" for number in range(features.shape[1])]
    labels = (shuffled[label] == positive).astype(int)
    end, start = int(0.7 * len(table)), int(0.9 * len(table))
    parameters = {"objective": "binary:logistic", "max_depth": 5, "eta": 0.2, "gamma": 4}
    parameters |= {"min_child_weight": 6, "subsample": 0.8}
    model = xgboost.train(parameters, xgboost.DMatrix(features[:end], labels[:end]), 100)
    print(roc_auc_score(labels[start:], model.predict(xgboost.DMatrix(features[start:]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
