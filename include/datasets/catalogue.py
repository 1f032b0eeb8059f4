"""The data sets: what each is called, where the public has it, how to recognise it, how to imitate it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.datasets import churn, movies
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
    header: bool = True  # the file's first line names the columns


def _movielens(file: str, sha256: str) -> Source:
    """A file of MovieLens 100K (Harper and Konstan 2015): for research, not to be passed on."""
    url = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
    return Source(url=url, member=f"ml-100k/{file}", sha256=sha256)


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
    "movie_ratings": Entry(
        file="movielens_100k/u.data",
        source=_movielens("u.data", "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"),
        generator=movies.ratings,
        rows=100_000,
        header=False,
    ),
    "movie_items": Entry(
        file="movielens_100k/u.item",
        source=_movielens("u.item", "553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701"),
        generator=movies.items,
        rows=movies.ITEMS,
        header=False,
    ),
    "movie_users": Entry(
        file="movielens_100k/u.user",
        source=_movielens("u.user", "f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c"),
        generator=movies.users,
        rows=movies.USERS,
        header=False,
    ),
}


def find(name: str) -> Entry:
    """The entry of that name.

    :raises DatasetError: naming the data sets there are.
    """
    if name not in CATALOGUE:
        raise DatasetError(f"there is no data set {name!r}: choose from {', '.join(sorted(CATALOGUE))}")
    return CATALOGUE[name]
