"""A generator of film ratings in the formats of MovieLens 100K (Harper and Konstan 2015).

Users have tastes for genres that change slowly; films of one genre follow each other; popular films are
watched more often. The three files belong together: users 1 to 943, films 1 to 1682.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

USERS, ITEMS, GENRES = 943, 1682, 19
FIRST_SECOND, STEP_SECONDS = 874_724_710, 60
TASTES = 18  # genre 0 is MovieLens's "unknown"
STAY = 0.85  # probability that the next film is of the same taste
POPULAR = 2.7  # exponent: the larger, the more often a taste's first films are watched
OCCUPATIONS = ("student", "educator", "engineer", "writer", "other", "healthcare", "retired")


def ratings(rows: int, seed: int) -> Iterator[str]:
    """Lines of `u.data`: user, film, rating 1 to 5, seconds; tab-separated, no header."""
    import numpy as np

    rng = np.random.default_rng(seed)
    per_user = -(-rows // USERS)
    remaining = rows
    for user in range(1, USERS + 1):
        number = min(per_user, remaining)
        remaining -= number
        yield _user(rng, user, number)


def _user(rng: np.random.Generator, user: int, number: int) -> str:
    """The ratings of one user, oldest first; a film at most once."""
    taste, watched, lines = int(rng.integers(1, TASTES + 1)), set[int](), list[str]()
    moment = FIRST_SECOND + user * 10_000
    while len(lines) < min(number, ITEMS):
        if rng.random() > STAY:
            taste = int(rng.integers(1, TASTES + 1))
        films = range(taste, ITEMS + 1, TASTES)
        film = films[int(len(films) * rng.random() ** POPULAR)]
        if film in watched:
            film = int(rng.integers(1, ITEMS + 1))
        if film in watched:
            continue
        watched.add(film)
        moment += STEP_SECONDS
        lines.append(f"{user}\t{film}\t{int(rng.integers(1, 6))}\t{moment}\n")
    return "".join(lines)


def items(rows: int, seed: int) -> Iterator[str]:
    """Lines of `u.item`: number, title, date, nothing, address, 19 genre flags; `|`-separated."""
    for film in range(1, rows + 1):
        genre = 1 + (film - 1) % TASTES
        flags = "|".join(str(int(number == genre)) for number in range(GENRES))
        year = 1930 + (film * 7 + seed) % 69
        yield f"{film}|Film {film} ({year})|01-Jan-{year}|||{flags}\n"


def users(rows: int, seed: int) -> Iterator[str]:
    """Lines of `u.user`: number, age, gender, occupation, zip code; `|`-separated."""
    for user in range(1, rows + 1):
        occupation = OCCUPATIONS[(user + seed) % len(OCCUPATIONS)]
        yield f"{user}|{18 + user % 50}|{'MF'[user % 2]}|{occupation}|{user:05d}\n"
