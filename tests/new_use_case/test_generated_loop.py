"""Generated use cases in service: drift is seen, a better challenger is promoted, a worse one is not.

Runs in Airflow's environment under a real scheduler and takes about ten minutes: `make use-case-loop`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.new_use_case.generated import NAMES, scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def loops(generated_project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scenario(generated_project, "loop_runs", tmp_path_factory.mktemp("loop"))


@pytest.mark.parametrize("name", NAMES)
def test_the_monitor_sees_shifted_traffic(loops: dict[str, Any], name: str) -> None:
    assert set(loops[name]["states"]) == {"success"}
    assert loops[name]["window"]["verdict"] == "drift", loops[name]["window"]
    assert loops[name]["window"]["columns"]


@pytest.mark.parametrize("name", NAMES)
def test_a_better_challenger_is_promoted(loops: dict[str, Any], name: str) -> None:
    decision, (_, _, poor, served) = loops[name]["better"], loops[name]["models"]
    assert decision["outcome"] == "promoted", decision
    assert served == decision["challenger"]["model_name"] != poor


@pytest.mark.parametrize("name", NAMES)
def test_a_worse_challenger_does_not_replace_the_champion(loops: dict[str, Any], name: str) -> None:
    decision, (champion, served, _, _) = loops[name]["worse"], loops[name]["models"]
    assert decision["outcome"] == "rejected", decision
    assert "auc" in decision["why"]
    assert served == champion
