"""What a container sees, prints and leaves behind, with each isolation that works on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from include.local_aws import runner as runners
from include.local_aws.runner import Container, Runner, RunnerUnavailable, probe
from include.local_aws.runner.isolation import ISOLATIONS
from include.local_aws.runner.process import LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ISOLATING = ("bubblewrap", "namespaces")


@pytest.fixture(params=[isolation.name for isolation in ISOLATIONS], scope="module")
def runner(request: pytest.FixtureRequest) -> Runner:
    try:
        return probe(request.param)
    except RunnerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def marker() -> Iterator[str]:
    """A word for command lines that identifies a test's processes; none of them may survive."""
    word = f"marker-{os.getpid()}-{time.monotonic_ns()}"
    yield word
    for process in marked(word):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def marked(word: str) -> list[psutil.Process]:
    """The processes with the word, each with its command line in `info`: it may have ended by now."""
    processes = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if word in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
            processes.append(process)
    return processes


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code), *arguments)


def until(condition: Callable[[], object], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_folder_is_opt_ml_for_reading_and_writing(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "in.txt").write_text("input")
    lines: list[str] = []
    command = ("sh", "-c", "cat /opt/ml/input/in.txt; echo; pwd; echo output > /opt/ml/out.txt")
    assert runner.start(Container(command, tmp_path), lines.append).wait(20) == 0
    assert lines[0] == "input"
    assert lines[1] == ("/opt/ml" if runner.mode in ISOLATING else str(tmp_path))
    assert (tmp_path / "out.txt").read_text() == "output\n"


def test_two_containers_see_each_its_own_folder(runner: Runner, tmp_path: Path) -> None:
    lines: dict[str, list[str]] = {"a": [], "b": []}
    processes = []
    for name in lines:
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(name)
        container = Container(("sh", "-c", "sleep 0.3; cat /opt/ml/name"), tmp_path / name)
        processes.append(runner.start(container, lines[name].append))
    assert [process.wait(20) for process in processes] == [0, 0]
    assert lines == {"a": ["a"], "b": ["b"]}


def test_a_root_below_opt_works(runner: Runner) -> None:
    if not os.access("/opt", os.W_OK):
        pytest.skip("this user may not write to /opt")
    folder = Path(f"/opt/local-aws-test-{os.getpid()}")
    folder.mkdir()
    try:
        lines: list[str] = []
        container = Container(("sh", "-c", "echo x > /opt/ml/out; cat /opt/ml/out"), folder)
        assert runner.start(container, lines.append).wait(20) == 0
        assert lines == ["x"]
        assert [path.name for path in folder.iterdir()] == ["out"]
    finally:
        shutil.rmtree(folder)


def test_output_comes_line_by_line_while_it_runs(runner: Runner, tmp_path: Path) -> None:
    lines: list[str] = []
    code = """
    import os, sys, time
    for number in range(500):
        print("out", number) if number % 2 else print("err", number, file=sys.stderr)
    time.sleep(1.5)
    sys.stdout.write("no newline at the end")
    """
    process = runner.start(Container(python(code), tmp_path), lines.append)
    assert until(lambda: len(lines) >= 500)
    assert process.running
    assert process.wait(20) == 0
    assert lines[:500] == [f"{'out' if n % 2 else 'err'} {n}" for n in range(500)]
    assert lines[500:] == ["no newline at the end"]


def test_a_line_of_100_megabytes_is_cut_and_the_next_is_whole(runner: Runner, tmp_path: Path) -> None:
    code = r"""
    import os
    for _ in range(1600):
        os.write(1, b"x" * 65536)
    os.write(1, b"\nafter \xff\n")
    """
    lines: list[str] = []
    before = psutil.Process().memory_info().rss
    assert runner.start(Container(python(code), tmp_path), lines.append).wait(60) == 0
    assert [len(line) for line in lines] == [LINE_BYTES, len("after ?")]
    assert lines[1] == "after \N{REPLACEMENT CHARACTER}"  # not UTF-8: the bad byte is replaced
    assert psutil.Process().memory_info().rss - before < 50 * 1024**2


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sh", "-c", "exit 0"), 0),
        (("sh", "-c", "exit 37"), 37),
        (("sh", "-c", "kill -KILL $$"), 128 + signal.SIGKILL),
        (("sh", "-c", "kill -SEGV $$"), 128 + signal.SIGSEGV),
    ],
)
def test_exit_codes_are_those_of_a_container(
    runner: Runner, tmp_path: Path, command: tuple[str, ...], code: int
) -> None:
    assert runner.start(Container(command, tmp_path), lambda _: None).wait(20) == code


def test_a_missing_program_is_named_in_the_log(runner: Runner, tmp_path: Path) -> None:
    lines: list[str] = []
    code = runner.start(Container(("no-such-program", "x"), tmp_path), lines.append).wait(20)
    assert code not in (0, None)
    assert any("no-such-program" in line for line in lines)


def test_the_environment_is_the_containers_not_the_servers(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-server")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "of-the-server")
    lines: list[str] = []
    container = Container(("env",), tmp_path, {"OWN": "yes", "SM_MODEL_DIR": "/opt/ml/model"})
    assert runner.start(container, lines.append).wait(20) == 0
    variables = dict(line.split("=", 1) for line in lines if "=" in line)
    assert "of-the-server" not in variables.values()
    assert variables["OWN"] == "yes"
    inside = "/opt/ml" if runner.mode in ISOLATING else str(tmp_path)
    assert variables["SM_MODEL_DIR"] == f"{inside}/model"


def test_wait_returns_none_while_the_container_runs(runner: Runner, tmp_path: Path) -> None:
    process = runner.start(Container(("sleep", "30"), tmp_path), lambda _: None)
    assert process.wait(0.2) is None
    assert process.running
    assert process.kill() == 128 + signal.SIGKILL
    assert not process.running


def test_stop_lets_the_program_finish_its_work(runner: Runner, tmp_path: Path) -> None:
    code = """
    import signal, sys, time
    def end(*_):
        print("saving", flush=True); time.sleep(0.5); print("saved", flush=True); sys.exit(3)
    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    while True: time.sleep(0.05)
    """
    lines: list[str] = []
    process = runner.start(Container(python(code), tmp_path), lines.append)
    assert until(lambda: lines == ["ready"])
    assert process.stop(grace=20) == 3
    assert lines == ["ready", "saving", "saved"]


def test_stop_ends_a_program_without_signal_handlers(runner: Runner, tmp_path: Path) -> None:
    process = runner.start(Container(("sleep", "60"), tmp_path), lambda _: None)
    time.sleep(0.3)
    started = time.monotonic()
    assert process.stop(grace=20) == 128 + signal.SIGTERM
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10, 20, 40, 80])
def test_stop_reaches_a_program_that_is_still_starting(
    runner: Runner, tmp_path: Path, milliseconds: int
) -> None:
    process = runner.start(Container(("sleep", "60"), tmp_path), lambda _: None)
    time.sleep(milliseconds / 1000)
    started = time.monotonic()
    assert process.stop(grace=20) == 128 + signal.SIGTERM
    assert time.monotonic() - started < 10


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
command = [sys.executable, "-c", code]
subprocess.Popen([*command, sys.argv[1]])                              # a child
subprocess.Popen([*command, sys.argv[1]], start_new_session=True)      # in a session of its own
if os.fork() == 0:                                                  # a daemon
    os.setsid()
    if os.fork() == 0:
        os.execv(command[0], [*command, sys.argv[1]])
    os._exit(0)
os.wait()
print("ready", flush=True)
"""


@pytest.mark.parametrize("ends", [False, True], ids=["stopped", "ends by itself"])
def test_nothing_outlives_the_container(runner: Runner, tmp_path: Path, marker: str, ends: bool) -> None:
    code = STUBBORN + ("" if ends else "time.sleep(60)")
    lines: list[str] = []
    process = runner.start(Container(python(code, marker), tmp_path), lines.append)
    assert until(lambda: lines == ["ready"])
    if ends:
        assert process.wait(20) == 0
    else:
        assert len(marked(marker)) >= 4
        assert process.stop(grace=0.5) == 128 + signal.SIGKILL
    if runner.mode == "rewriting" and sys.platform != "linux":
        pytest.skip("without subreapers a daemon is out of reach")
    assert until(lambda: not marked(marker), 5), marked(marker)


def test_network_isolation_keeps_a_container_from_the_host(runner: Runner, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 3); print('reached')"
        for network in (True, False):
            lines: list[str] = []
            process = runner.start(Container(python(code), tmp_path, network=network), lines.append)
            reached = network or runner.mode == "rewriting"  # which cannot isolate: docs/local-aws.md
            assert (process.wait(20) == 0) is reached, lines


def test_a_killed_server_takes_its_containers_along(runner: Runner, tmp_path: Path, marker: str) -> None:
    server = f"""
    import os, time
    from pathlib import Path
    from include.local_aws.runner import Container, probe
    command = ({sys.executable!r}, "-c", "import time; time.sleep(60)", {marker!r})
    probe({runner.mode!r}).start(Container(command, Path({str(tmp_path)!r})), print)
    time.sleep(60)
    """
    process = subprocess.Popen(python(server), stdout=subprocess.DEVNULL)
    try:
        assert until(lambda: [p for p in marked(marker) if p.info["cmdline"][0] == sys.executable])
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert until(lambda: not marked(marker), 10), marked(marker)


def test_the_best_isolation_that_works_is_used() -> None:
    working_modes = []
    for isolation in ISOLATIONS:
        with contextlib.suppress(RunnerUnavailable):
            working_modes.append(probe(isolation.name).mode)
    assert probe().mode == working_modes[0]
    assert working_modes[-1] == "rewriting"  # works everywhere


def test_an_isolation_that_does_not_work_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "base_environment", lambda: {"PATH": "/nowhere"})
    monkeypatch.setattr(os, "defpath", "/nowhere")
    with pytest.raises(RunnerUnavailable, match="by bubblewrap on this machine: needs the program bwrap"):
        probe("bubblewrap")
    with pytest.raises(RunnerUnavailable, match="unknown"):
        probe("docker")
