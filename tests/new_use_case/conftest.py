from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.new_use_case.people import Folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.delenv("ML_DATASETS_DIR", raising=False)
    return Folder(tmp_path)
