"""What can go wrong with sample data."""

from __future__ import annotations


class DatasetError(RuntimeError):
    """A data set that cannot be had as asked."""


class SourceUnavailable(DatasetError):
    """The public source cannot be reached, or no longer holds the data."""
