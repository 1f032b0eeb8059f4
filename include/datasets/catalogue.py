"""The sample data sets: the file of each, its public source and digest, and its generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.datasets.errors import DatasetError
from include.datasets.generators import churn, movies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Source:
    """The public source of a data set: a zip archive that holds the file.

    :param member: the file's name in the archive.
    :param sha256: digest of the file after CRLF line ends became LF: archives of this age have either.
    """

    url: str
    member: str
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A data set of the catalogue.

    :param file: path of the file below `ML_DATASETS_DIR`.
    :param generator: (rows, seed) → chunks of the file's text, header first.
    :param rows: of the public file; also the default for a generated one.
    :param header: whether the first line of the file names the columns.
    """

    file: str
    source: Source
    generator: Callable[[int, int], Iterator[str]]
    rows: int
    header: bool = True


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
    """The entry with this name.

    :raises DatasetError: when the catalogue has no such entry; the text lists those that it has.
    """
    if name not in CATALOGUE:
        raise DatasetError(f"there is no data set {name!r}: choose from {', '.join(sorted(CATALOGUE))}")
    return CATALOGUE[name]
