"""Downloads: resumed where they were cut off, checked, whole or absent."""

import hashlib
import http.server
import resource
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rev2net.errors import UserError
from rev2net.fetch import fetch

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@dataclass(frozen=True)
class Cut:
    """The server hangs up after so many bytes."""

    num_bytes: int


@dataclass(frozen=True)
class Busy:
    """The server answers with an error that may pass."""

    status: int = 503


class Server(http.server.ThreadingHTTPServer):
    """One file at /file, on 127.0.0.1; what it does wrong is set by the tests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.etag = '"first"'
        self.knows_ranges = True
        self.script: list[Cut | Busy] = []  # what the next requests meet
        self.ranges: list[str | None] = []  # asked for
        self.url = f"http://127.0.0.1:{self.server_port}/file"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is none."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        event = server.script.pop(0) if server.script else None
        if isinstance(event, Busy):
            self.send_error(event.status)
            return
        if self.path != "/file":
            self.send_error(404)
            return
        start = 0
        if asked and server.knows_ranges and self.headers.get("If-Range") in (None, server.etag):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        total = len(server.content)
        if start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: event.num_bytes] if isinstance(event, Cut) else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def begin(server: Server, target: Path) -> None:
    """A download that gives up when 300,000 bytes are there."""
    server.script = [Cut(300_000), Busy(), Busy()]
    with pytest.raises(UserError, match=r"/file: HTTP 503 .*; without network, put the file at"):
        fetch(server.url, target, retries=1, pause=0)
    assert not target.exists()
    server.ranges = []


def test_the_file_arrives_whole_with_its_digest(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "weights.pt"
    assert fetch(server.url, target, sha256=DIGEST, size=len(CONTENT)) == DIGEST
    assert target.read_bytes() == CONTENT
    assert leftovers(target.parent) == []


def test_a_file_that_is_there_is_checked_and_not_asked_for(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "weights.pt"
    target.write_bytes(CONTENT)
    assert fetch(server.url, target, sha256=DIGEST) == DIGEST
    target.write_bytes(b"another")
    with pytest.raises(
        UserError, match=r"weights\.pt, delete it .*: sha256 is .*expected " + DIGEST
    ):
        fetch(server.url, target, sha256=DIGEST)
    assert target.read_bytes() == b"another"
    assert server.ranges == []


def test_a_cut_connection_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.script = [Cut(300_000), Cut(400_000)]
    fetch(server.url, tmp_path / "file", pause=0)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=700000-"]


def test_the_next_command_continues_what_an_earlier_one_left(
    server: Server, tmp_path: Path
) -> None:
    target = tmp_path / "file"
    begin(server, target)
    assert leftovers(tmp_path) == [".file.partial", ".file.partial.json"]
    fetch(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=300000-"]
    assert leftovers(tmp_path) == []


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(
    server: Server, tmp_path: Path
) -> None:
    target = tmp_path / "file"
    begin(server, target)
    server.content, server.etag = CONTENT[::-1], '"second"'
    fetch(server.url, target)
    assert target.read_bytes() == CONTENT[::-1]


def test_bytes_of_another_url_are_not_continued(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "file"
    begin(server, target)
    with pytest.raises(UserError, match="404"):
        fetch(server.url + "-elsewhere", target, sha256=DIGEST)
    assert server.ranges[-1] is None
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("digest", [None, DIGEST])
def test_without_a_version_only_a_digest_allows_to_continue(
    server: Server, tmp_path: Path, digest: str | None
) -> None:
    server.etag = ""
    target = tmp_path / "file"
    begin(server, target)
    fetch(server.url, target, sha256=digest)
    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] == ("bytes=300000-" if digest else None)


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.knows_ranges, server.script = False, [Cut(300_000)]
    fetch(server.url, tmp_path / "file", pause=0)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_what_was_received_to_the_last_byte_is_taken(server: Server, tmp_path: Path) -> None:
    """Killed between the last byte and the renaming."""
    (tmp_path / ".file.partial").write_bytes(CONTENT)
    (tmp_path / ".file.partial.json").write_text(
        f'{{"url": "{server.url}", "validator": "\\"first\\""}}'
    )
    assert fetch(server.url, tmp_path / "file") == DIGEST
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_wrong_digest_keeps_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"/file: sha256 is {DIGEST}; expected {'0' * 64}"):
        fetch(server.url, tmp_path / "file", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_another_size_is_refused_before_the_download(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="/file: 1024000 bytes; expected 5"):
        fetch(server.url, tmp_path / "file", size=5)
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_final_and_a_busy_server_is_asked_again(
    server: Server, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"/absent: HTTP 404 Not Found") as error:
        fetch(server.url.replace("/file", "/absent"), tmp_path / "file", pause=0)
    assert "\n" not in str(error.value)
    assert len(server.ranges) == 1
    server.script = [Busy(503), Busy(429)]
    fetch(server.url, tmp_path / "file", pause=0)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_without_network_one_line_says_where_to_put_the_file(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file"
        with pytest.raises(UserError, match=r"no answer \(Connection refused\); .*put the file at"):
            fetch(url, tmp_path / "file", retries=1, pause=0)
    with pytest.raises(UserError, match="no answer") as error:
        fetch("http://no-such-host.invalid/file", tmp_path / "file", retries=0)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_only_the_web_is_downloaded_from(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"file:///etc/passwd: not a URL .*https://"):
        fetch("file:///etc/passwd", tmp_path / "file")


def test_a_disk_that_takes_no_more_is_one_line(server: Server, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"/file: cannot be written \(File too large\)"):
            fetch(server.url, tmp_path / "file", sha256=DIGEST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "file").exists()
    assert fetch(server.url, tmp_path / "file", sha256=DIGEST) == DIGEST
    assert server.ranges == [None, "bytes=500000-"]
