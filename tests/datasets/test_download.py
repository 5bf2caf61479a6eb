"""Downloads of datasets from a server on this machine: what is asked for, checked and kept."""

import functools
import http.server
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from rev2net import fetch as fetching
from rev2net.cli import main
from rev2net.config import DatasetSettings, DownloadSource, dump, load
from rev2net.datasets.download import (
    RECEIVED,
    SOURCES,
    dataset_sources,
    download,
    downloaded_archives,
)
from rev2net.datasets.index import build_index
from rev2net.errors import UserError
from tests.datasets.archive_files import write_zip

Settings = Callable[..., DatasetSettings]
PROJECT = Path(__file__).parents[2]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, with Range; the first answer ends after half of its bytes."""

    cut = False  # whether the next answer does
    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data, asked = path.read_bytes(), self.headers.get("Range")
        type(self).ranges.append(asked)
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        start = int(match[1]) if match else 0
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data) // 2 if type(self).cut else len(data)
        type(self).cut = False
        self.wfile.write(data[start:end])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a server, and the folder whose files it has."""
    folder = tmp_path / "site"
    folder.mkdir()
    Handler.cut, Handler.ranges = False, []
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated attempts follow at once."""
    monkeypatch.setattr(fetching.time, "sleep", lambda _: None)


def test_a_download_that_is_cut_off_continues_and_becomes_the_dataset(
    ucf_root: Path, settings: Settings, site: tuple[str, Path], tmp_path: Path
) -> None:
    url, folder = site
    parts = {"UCF-101": "UCF101.zip", "ucfTrainTestlist": "UCF101TrainTestSplits.zip"}
    for below, name in parts.items():
        paths = [path for path in (ucf_root / below).rglob("*") if path.is_file()]
        write_zip(
            folder / name,
            {p.relative_to(ucf_root).as_posix(): p.read_bytes() or b"video" for p in paths},
        )
    sources = [{"url": f"{url}/{name}"} for name in parts.values()]
    new = settings("ucf101", tmp_path / "new", download=True, sources=sources)
    Handler.cut = True
    record = tmp_path / "downloaded.json"
    assert main(["download", "ucf101", "--settings", dump(new), "--record", str(record)]) == 0
    size = (folder / "UCF101.zip").stat().st_size
    assert Handler.ranges == [None, f"bytes={size // 2}-", None]
    assert json.loads(record.read_text())["UCF101.zip"]["bytes"] == size
    for name in parts.values():
        assert (tmp_path / "new/downloads" / name).read_bytes() == (folder / name).read_bytes()

    assert main(["extract", "ucf101", "--settings", dump(new)]) == 0
    assert build_index("ucf101", new).table.equals(
        build_index("ucf101", settings("ucf101", ucf_root)).table
    )


def test_what_is_there_is_not_fetched_again_but_compared_with_the_first_download(
    site: tuple[str, Path], tmp_path: Path
) -> None:
    url, folder = site
    (folder / "a.zip").write_bytes(b"as published")
    source = DownloadSource(url=f"{url}/a.zip")
    first = download((source,), tmp_path / "to")
    assert download((source,), tmp_path / "to") == first
    assert len(Handler.ranges) == 1
    record = str(tmp_path / "to" / RECEIVED)

    (tmp_path / "to" / "a.zip").write_bytes(b"changed here")
    with pytest.raises(UserError, match=r"sha256 is .* expected .* by ") as caught:
        download((source,), tmp_path / "to")
    assert record in str(caught.value)

    (tmp_path / "to" / "a.zip").unlink()
    (folder / "a.zip").write_bytes(b"changed there")
    with pytest.raises(UserError, match=r"expected .* by "):
        download((source,), tmp_path / "to")
    assert not (tmp_path / "to" / "a.zip").exists()


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"bytes": 13}, r"12 bytes; expected 13"),
        ({"sha256": "0" * 64}, r"sha256 is \w+; expected 0000"),
    ],
)
def test_a_file_of_another_size_or_checksum_is_refused(
    known: dict[str, object], reason: str, site: tuple[str, Path], tmp_path: Path
) -> None:
    url, folder = site
    (folder / "a.zip").write_bytes(b"as published")
    source = DownloadSource.model_validate({"url": f"{url}/a.zip"} | known)
    with pytest.raises(UserError, match=reason):
        download((source,), tmp_path / "to")
    assert not (tmp_path / "to" / "a.zip").exists()
    assert not (tmp_path / "to" / RECEIVED).exists()


def test_a_missing_page_and_no_network_are_one_line_each(
    site: tuple[str, Path], tmp_path: Path
) -> None:
    url, _ = site
    with pytest.raises(UserError, match=r"/gone\.rar: HTTP 404"):
        download((DownloadSource(url=f"{url}/gone.rar"),), tmp_path / "to")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/a.rar"
        with pytest.raises(UserError, match=r"a\.rar: no answer \(.*\); without network, put the"):
            download((DownloadSource(url=nobody),), tmp_path / "to")


def test_kinetics_is_not_offered_as_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "kinetics400", "--to", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "its owners offer no videos as files" in error
    assert error.count("\n") == 1
    assert main(["download", "ucf101"]) == 2
    assert "--to: no folder given" in capsys.readouterr().err


def test_the_known_files_are_those_that_the_datasets_are_published_as(settings: Settings) -> None:
    names = {
        dataset: [Path(path).name for path in downloaded_archives(dataset, entry)]
        for dataset in ("ucf101",)
        for entry in [settings(dataset, Path("root"))]
    }
    assert names == {
        "ucf101": ["UCF101.rar", "UCF101TrainTestSplits-RecognitionTask.zip"],
    }
    hosts = {source.url.split("/")[2] for entry in SOURCES.values() for source in entry}
    assert hosts == {"www.crcv.ucf.edu"}
    with pytest.raises(
        UserError, match=r"hmdb51\.download: the addresses of its archives are gone"
    ):
        dataset_sources("hmdb51", settings("hmdb51", Path("root")))


def test_a_site_is_known_by_the_format_whatever_the_dataset_is_called(settings: Settings) -> None:
    ucf101 = settings("ucf101", Path("root"))
    assert dataset_sources("mine", ucf101) == dataset_sources("ucf101", None) == SOURCES["ucf101"]
    with pytest.raises(UserError, match=r"mine\.format: no site is known of 'mine', but of ucf101"):
        dataset_sources("mine", None)


def test_two_files_of_one_name_are_refused(settings: Settings) -> None:
    sources = [{"url": f"http://x/{k}/a.rar"} for k in (1, 2)]
    with pytest.raises(UserError, match=r"datasets\.hmdb51\.sources: two files named a\.rar"):
        dataset_sources("hmdb51", settings("hmdb51", Path("root"), sources=sources))


def test_no_shipped_configuration_downloads() -> None:
    for path in [PROJECT / "config.yaml", *sorted((PROJECT / "configs").glob("*.yaml"))]:
        assert not any(settings.download for settings in load(path).datasets.values())
