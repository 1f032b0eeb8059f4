"""A generator of telephone customers.

Columns, number formats, labels and marginal distributions follow the public data: 3,333 customers of a US
telephone company (Larose, "Discovering Knowledge in Data", 2005). The label follows the drivers of churn that
the book finds in that data: many calls to customer service, an international plan, and high bills without
voice mail. The coefficients are our own choice, so that about one customer in seven leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

HEADER = (
    "State,Account Length,Area Code,Phone,Int'l Plan,VMail Plan,VMail Message,"
    "Day Mins,Day Calls,Day Charge,Eve Mins,Eve Calls,Eve Charge,Night Mins,Night Calls,Night Charge,"
    "Intl Mins,Intl Calls,Intl Charge,CustServ Calls,Churn?\n"
)
STATES = (
    *("AK", "AL", "AR", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL", "IN", "KS"),
    *("KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV"),
    *("NY", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY"),
)
AREA_CODES = {"408": 0.25, "415": 0.5, "510": 0.25}
RATES = {"Day": 0.17, "Eve": 0.085, "Night": 0.045, "Intl": 0.27}  # dollars a minute
MINUTES = {"Day": (179.8, 54.5), "Eve": (201.0, 50.7), "Night": (200.9, 50.6), "Intl": (10.2, 2.8)}
CHUNK_ROWS = 10_000
PHONES = 10_000_000  # seven digits each
PHONE_STEP = 7_654_321  # coprime to PHONES: a number repeats only after all others


def generate(rows: int, seed: int) -> Iterator[str]:
    """Yield the file's text, the header first, then chunks of rows; equal seeds give equal text."""
    import numpy as np

    random = np.random.default_rng(seed)
    yield HEADER
    for start in range(0, rows, CHUNK_ROWS):
        yield _chunk(random, start, min(CHUNK_ROWS, rows - start))


def _chunk(random: np.random.Generator, start: int, rows: int) -> str:
    """The text of some rows; `start` is the number of rows before them."""
    customers = _customers(random, start, rows)
    customers["Churn?"] = _churn(random, customers)
    columns = [_texts(customers[name]) for name in HEADER.rstrip("\n").split(",")]
    return "".join(f"{','.join(row)}\n" for row in zip(*columns, strict=True))


def _customers(random: np.random.Generator, start: int, rows: int) -> dict[str, Any]:
    """Columns by name, each of shape (rows,)."""
    import numpy as np

    voice_mail = random.random(rows) < 0.277
    phones = (np.arange(start, start + rows) * PHONE_STEP) % PHONES
    columns: dict[str, Any] = {
        "State": random.choice(STATES, rows),
        "Account Length": _whole(random, 101, 40, rows, least=1),
        "Area Code": random.choice(list(AREA_CODES), rows, p=list(AREA_CODES.values())),
        "Phone": np.array([f"{phone // 10_000:03d}-{phone % 10_000:04d}" for phone in phones]),
        "Int'l Plan": np.where(random.random(rows) < 0.097, "yes", "no"),
        "VMail Plan": np.where(voice_mail, "yes", "no"),
        "VMail Message": np.where(voice_mail, _whole(random, 29, 7.5, rows, least=4), 0),
        "CustServ Calls": np.minimum(random.poisson(1.56, rows), 9),
    }
    for period, (mean, deviation) in MINUTES.items():
        columns[f"{period} Mins"] = np.clip(random.normal(mean, deviation, rows), 0, None).round(1)
        columns[f"{period} Charge"] = (columns[f"{period} Mins"] * RATES[period]).round(2)
        calls = random.poisson(4.48, rows) if period == "Intl" else _whole(random, 100, 20, rows)
        columns[f"{period} Calls"] = calls
    return columns


def _whole(random: np.random.Generator, mean: float, deviation: float, rows: int, least: int = 0) -> Any:
    """Normally distributed whole numbers of at least `least`, shape (rows,)."""
    return random.normal(mean, deviation, rows).round().astype(int).clip(least)


def _churn(random: np.random.Generator, customers: dict[str, Any]) -> Any:
    """Labels `True.` (the customer leaves) and `False.`, shape (rows,).

    A logistic model: P(leaves) = 1 / (1 + exp(-logit)).
    """
    import numpy as np

    bill = sum(customers[f"{period} Charge"] for period in RATES)
    international = customers["Int'l Plan"] == "yes"
    logit = (
        -4.0
        + 6.5 * (customers["CustServ Calls"] >= 4) * (customers["Day Mins"] < 190)
        + 7.0 * international * ((customers["Intl Calls"] <= 2) | (customers["Intl Mins"] > 13))
        + 7.0 * (bill > 72) * (customers["VMail Plan"] == "no")
    )
    return np.where(random.random(len(bill)) < 1 / (1 + np.exp(-logit)), "True.", "False.")


def _texts(column: Any) -> list[str]:
    """A column of shape (rows,) as text; floats have six decimals, as in the public file."""
    if column.dtype.kind == "f":
        return [f"{value:.6f}" for value in column.tolist()]
    return [str(value) for value in column.tolist()]
