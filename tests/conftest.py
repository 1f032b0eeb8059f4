"""What holds for every test: where CI is set, a test that cannot run is a failure, not a skip.

On a person's machine a part may be missing (a data set, a Docker engine); CI is not green without them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("CI") and not item.get_closest_marker("timed"):
        report.outcome = "failed"
        if isinstance(report.longrepr, tuple):
            file, line, reason = report.longrepr
            report.longrepr = f"{file}:{line}: not tested, and CI is set. {reason}"
    return report
