"""Sample data from each of its three sources, and the data of a user's own use case."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from include.datasets import DatasetError, fetch, generate
from include.datasets import download as downloading
from include.datasets.catalogue import CATALOGUE
from include.datasets.fetching import PROJECT_DATA

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = b"State,Churn?\nKS,False.\nOH,True.\n"


def archive(content: bytes = CONTENT, member: str = "Data sets/churn.txt") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(member, content)
    return packed.getvalue()


@dataclass
class Source:
    """A fake of the public source: its next answer, and how many requests it had."""

    url: str = ""
    body: bytes = b""
    status: int = 200
    cut: int = 0  # the first answers, which break off half-way
    requests: int = 0


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    state = Source(body=archive())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            complete = state.requests > state.cut
            self.wfile.write(state.body if complete else state.body[: len(state.body) // 2])

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_port}/data.zip"
        entry = CATALOGUE["churn"]
        expected = replace(entry.source, sha256=hashlib.sha256(CONTENT).hexdigest())
        monkeypatch.setitem(CATALOGUE, "churn", replace(entry, source=expected))
        monkeypatch.setattr(downloading, "PAUSE_SECONDS", 0)
        yield state
        server.shutdown()


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ML_DATASETS_DIR", "ML_CHURN_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ML_DATASETS_CACHE", str(tmp_path / "cache"))


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_local_folder_comes_first(tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data/churn").mkdir(parents=True)
    (tmp_path / "data/churn/churn.txt").write_bytes(CONTENT)
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path / "data"))
    dataset = fetch("churn", tmp_path, url=source.url)
    assert (dataset.source, dataset.rows) == ("folder", 2)
    assert dataset.path == tmp_path / "data/churn/churn.txt"
    assert dataset.description == "churn/churn.txt from a local folder"
    assert source.requests == 0


def test_a_local_folder_without_the_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path))
    with pytest.raises(DatasetError, match=f"ML_DATASETS_DIR is {tmp_path}, which has no churn/churn.txt"):
        fetch("churn", tmp_path)


def test_the_public_source_is_downloaded_once(tmp_path: Path, source: Source) -> None:
    first, second = (fetch("churn", tmp_path, url=source.url) for _ in range(2))
    assert first == second
    assert (first.source, first.rows, first.sha256) == ("download", 2, hashlib.sha256(CONTENT).hexdigest())
    assert first.path.read_bytes() == CONTENT
    assert first.description == f"public data, {source.url}"
    assert source.requests == 1


def test_the_address_can_come_from_the_environment(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_CHURN_URL", source.url)
    assert fetch("churn", tmp_path).source == "download"


def test_line_ends_of_the_archive_do_not_matter(tmp_path: Path, source: Source) -> None:
    source.body = archive(CONTENT.replace(b"\n", b"\r\n"))
    assert fetch("churn", tmp_path, url=source.url).path.read_bytes() == CONTENT


def test_a_damaged_copy_in_the_cache_is_replaced(tmp_path: Path, source: Source) -> None:
    path = fetch("churn", tmp_path, url=source.url).path
    path.write_bytes(b"damaged")
    assert fetch("churn", tmp_path, url=source.url).path.read_bytes() == CONTENT
    assert source.requests == 2


def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path, source: Source) -> None:
    source.cut = 2
    assert fetch("churn", tmp_path, url=source.url).source == "download"
    assert source.requests == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cut": 99}, "IncompleteRead|broke off|cannot be downloaded"),
        ({"status": 404}, "answers with status 404"),
        ({"body": b"<html>for sale</html>"}, "is no zip archive"),
        ({"body": archive(member="readme.txt")}, r"has no 'Data sets/churn\.txt'"),
        ({"body": archive(b"State,Churn?\nKS,True.\n")}, r"has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}"),
    ],
)
def test_without_the_source_the_data_is_generated_with_a_warning(
    tmp_path: Path, source: Source, change: dict[str, object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in change.items():
        setattr(source, name, value)
    dataset = fetch("churn", tmp_path / "out", url=source.url)
    assert (dataset.source, dataset.rows) == ("generator", 3333)
    assert dataset.description == "generated data, 3,333 rows, seed 1729"
    assert dataset.path == tmp_path / "out/churn.txt"
    assert all_files(tmp_path) == [dataset.path]  # nothing of the download is left
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "Using generated data: its numbers do not compare with published ones" in warning
    assert re.search(reason, warning)


def test_without_a_network_the_data_is_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "PAUSE_SECONDS", 0)
    assert fetch("churn", tmp_path, url="http://127.0.0.1:1/data.zip").source == "generator"


@pytest.mark.parametrize("place", ["ML_DATASETS_DIR", "project"])
def test_the_data_of_an_own_use_case_is_the_single_file_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folders = {"ML_DATASETS_DIR": tmp_path / "samples", "project": tmp_path / "data"}
    monkeypatch.setenv("ML_DATASETS_DIR", str(folders["ML_DATASETS_DIR"]))
    file = folders[place] / "loans/loans.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    (file.parent / ".DS_Store").touch()
    dataset = fetch("loans", tmp_path, project_data=folders["project"])
    assert (dataset.path, dataset.source, dataset.rows) == (file, "folder", None)
    assert dataset.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert dataset.description == f"loans/loans.csv from the folder {folders[place].name}"


def test_ml_datasets_dir_comes_before_the_project_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path / "samples"))
    for root in ("samples", "data"):
        (tmp_path / root / "loans").mkdir(parents=True)
        (tmp_path / root / "loans/loans.csv").write_text(root)
    path = fetch("loans", tmp_path, project_data=tmp_path / "data").path
    assert path == tmp_path / "samples/loans/loans.csv"


def test_the_project_folder_is_beside_include() -> None:
    assert PROJECT_DATA.parent == Path(__file__).parents[3]
    assert (PROJECT_DATA.parent / "include/datasets").is_dir()


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (None, "does not exist"),
        ([], "has no file"),
        (["a.csv", "b.csv"], r"has 2 files \(a\.csv, b\.csv\)"),
    ],
)
def test_an_own_use_case_without_a_single_file_is_an_error(
    tmp_path: Path, files: list[str] | None, problem: str
) -> None:
    folder = tmp_path / "loans"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).write_bytes(CONTENT)
    expected = f"'loans' needs one file, and the folder {folder} {problem}: put the file there, or trigger"
    with pytest.raises(DatasetError, match=f"{expected} the DAG with the param data_uri"):
        fetch("loans", tmp_path, project_data=tmp_path)


def test_a_misspelt_name_is_answered_with_the_names_of_the_sample_data(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Sample data is available for churn, movie_items"):
        fetch("chrun", tmp_path, project_data=tmp_path)


def test_only_data_of_the_catalogue_can_be_generated(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no data set 'chrun': choose from churn"):
        generate("chrun", tmp_path / "chrun.csv", rows=10, seed=1)
    assert all_files(tmp_path) == []
