"""The errors of sample data."""

from __future__ import annotations


class DatasetError(RuntimeError):
    """A data set that is not available: unknown name, missing file, wrong content."""


class SourceUnavailable(DatasetError):
    """The public source cannot be reached or no longer holds the data."""
