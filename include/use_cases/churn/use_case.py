"""Customer churn: which customers of a telephone company are about to leave."""

from __future__ import annotations

from include.use_cases.definition import Published, UseCase

CHURN = UseCase(
    name="churn",
    title="Customer churn",
    dataset="churn",
    columns={
        "State": "category",
        "Account Length": "number",
        "Area Code": "category",
        "Phone": "ignore",
        "Int'l Plan": "category",
        "VMail Plan": "category",
        "VMail Message": "number",
        "Day Mins": "number",
        "Day Calls": "number",
        "Day Charge": "ignore",  # the four charges are minutes times a constant rate
        "Eve Mins": "number",
        "Eve Calls": "number",
        "Eve Charge": "ignore",
        "Night Mins": "number",
        "Night Calls": "number",
        "Night Charge": "ignore",
        "Intl Mins": "number",
        "Intl Calls": "number",
        "Intl Charge": "ignore",
        "CustServ Calls": "number",
        "Churn?": "label",
    },
    labels=("False.", "True."),
    classes=("stays", "leaves"),
    hyperparameters={
        "objective": "binary:logistic",
        "num_round": "100",
        "max_depth": "5",
        "eta": "0.2",
        "gamma": "4",
        "min_child_weight": "6",
        "subsample": "0.8",
        # The published run used XGBoost 1.0, which chose the exact method for data of this size and reported
        # the error rate; current versions default to hist and log loss.
        "tree_method": "exact",
        "eval_metric": "error",
    },
    published=Published(
        metrics={"accuracy": 0.9581, "precision": 0.925, "recall": 0.7708, "f1": 0.8409},
        source="churn-prediction-workshop, batch transform of 334 test rows: TP 37, FP 3, FN 11, TN 283",
    ),
    gates={"f1": 0.81, "accuracy": 0.95, "auc": 0.92},
    tags=("ml", "sagemaker", "churn", "classification"),
)
