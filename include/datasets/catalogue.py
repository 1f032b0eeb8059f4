"""The data sets: what each is called, where the public has it, how to recognise it, how to imitate it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.datasets import churn
from include.datasets.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Source:
    """A data set's public source: a zip archive with the file in it.

    The digest is of the file with line ends as LF, because archives of this age come with either.
    """

    url: str
    member: str
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A data set of the catalogue."""

    file: str  # below ML_DATASETS_DIR
    source: Source
    generator: Callable[[int, int], Iterator[str]]  # (rows, seed) → chunks of the file's text, header first
    rows: int  # of the public file, and of the generated one unless asked otherwise


CATALOGUE = {
    "churn": Entry(
        file="churn/churn.txt",
        source=Source(  # Larose, "Discovering Knowledge in Data"; no licence stated, so it is not copied here
            url="http://dataminingconsultant.com/DKD2e_data_sets.zip",
            member="Data sets/churn.txt",
            sha256="43f5302ec5e700b8d9eafab8f0149d211ae7a93fd322963dcdbab529f9790497",
        ),
        generator=churn.generate,
        rows=3333,
    ),
}


def find(name: str) -> Entry:
    """The entry of that name.

    :raises DatasetError: naming the data sets there are.
    """
    if name not in CATALOGUE:
        raise DatasetError(f"there is no data set {name!r}: choose from {', '.join(sorted(CATALOGUE))}")
    return CATALOGUE[name]
