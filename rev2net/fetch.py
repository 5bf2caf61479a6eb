"""Downloading one file: resumed, checked, whole or absent.

Bytes arrive in a hidden file beside the target (`.<name>.partial`), which becomes the target when
size and digest are right. A download that was cut off anywhere continues there the next time.
"""

import hashlib
import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rev2net import __version__
from rev2net.errors import UserError
from rev2net.files import write_text

CHUNK_BYTES = 1 << 20
SECONDS_BETWEEN_LINES = 15  # of progress, in a job that does not run in a terminal
TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)  # answers that may be others in a moment


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    retries: int = 4,
    pause: float = 1.0,
    timeout: float = 60.0,
) -> str:
    """Download `url` to `target` unless it is there; returns the SHA-256 of the file (hex).

    `size` (bytes) and `sha256` (or its first digits) are checked, of a file that is there already
    too. After an attempt that brought nothing come `retries` more, `pause` seconds later, then
    twice that, and so on; `timeout` seconds may pass without a byte. One job at a time may want
    a target: the workflow sees to that. Raises UserError in one line for a wrong size or digest, a
    refusal, a full disk, or no network.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url}: not a URL to download from; allowed: http://, https://")
    try:
        if target.exists():
            return _verified(target, f"{target}, delete it to download it again", size, sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        print(f"downloading {url} to {target}", file=sys.stderr, flush=True)
        download, failures = _Download(url, target, size, sha256), 0
        while True:
            before = download.received
            try:
                download.request(timeout)
                return download.finish()
            except _Lost as problem:
                failures = 0 if download.received > before else failures + 1
                if failures > retries:
                    raise UserError(
                        f"{url}: {problem}; without network, put the file at {target}"
                    ) from None
                print(f"{url}: {problem}; trying again", file=sys.stderr, flush=True)
            time.sleep(pause * 2 ** max(0, failures - 1))
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None


class _Lost(Exception):
    """An attempt that failed in a way that the next one may not."""


class _Download:
    """What was received of a file so far, beside its target, however many requests that takes."""

    def __init__(self, url: str, target: Path, size: int | None, sha256: str | None) -> None:
        self.url, self.target, self.size, self.sha256 = url, target, size, sha256
        self.total = size  # bytes; known from the first answer on where not given
        self.path = target.with_name(f".{target.name}.partial")
        self.origin = target.with_name(f".{target.name}.partial.json")  # what the bytes are of
        try:
            origin = json.loads(self.origin.read_text())
        except (OSError, ValueError):
            origin = {}
        self.validator = str(origin.get("validator", ""))
        # Bytes of another URL, and bytes of which nothing proves that it is the same file.
        provable = origin.get("url") == url and (self.validator or sha256)
        if not provable or (size is not None and self.received > size):
            self._drop()

    @property
    def received(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    def request(self, timeout: float) -> None:
        """One request, after which the file is whole; raises _Lost where it may be tried again."""
        start = self.received
        if self.total is not None and start == self.total:
            return
        headers = {"User-Agent": f"rev2net/{__version__}", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if self.validator:
                headers["If-Range"] = self.validator  # of a file changed since: all of it
        try:
            answer = urllib.request.urlopen(
                urllib.request.Request(self.url, headers=headers), timeout=timeout
            )
        except urllib.error.HTTPError as error:
            self._refused(error, start)
            return
        except (OSError, http.client.HTTPException) as error:
            raise _Lost(_reason(error)) from None
        with answer:
            self._accept(answer, start)
            with open(self.path, "ab") as file:
                for chunk in self._with_progress(_chunks(answer)):
                    file.write(chunk)
        if self.total is not None and self.received < self.total:
            raise _Lost(f"the connection ended after {self.received} of {self.total} bytes")

    def finish(self) -> str:
        """Put the file in its place where it is what was expected; returns the digest."""
        try:
            digest = _verified(self.path, self.url, self.size, self.sha256)
        except UserError:
            self._drop()  # continuing it could not mend it
            raise
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        self.origin.unlink(missing_ok=True)
        return digest

    def _accept(self, answer: Any, start: int) -> None:
        """Note what the answer says of the file, and drop earlier bytes that it does not follow."""
        span = re.match(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if answer.status == 206 and span is not None and int(span[1]) == start:
            length = span[2]
        else:
            self._drop()
            length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        if self.size is not None and total is not None and total != self.size:
            self._drop()
            raise UserError(f"{self.url}: {total} bytes; expected {self.size}")
        self.total = total if self.size is None else self.size
        etag = answer.headers.get("ETag", "")
        strong = etag if not etag.startswith("W/") else ""
        self.validator = strong or answer.headers.get("Last-Modified", "")
        write_text(self.origin, json.dumps({"url": self.url, "validator": self.validator}))

    def _with_progress(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The chunks, with a bar in a terminal and a few plain lines in a log."""
        received, last, name = self.received, time.monotonic(), self.target.name
        with tqdm(
            total=self.total, initial=received, unit="B", unit_scale=True, desc=name, disable=None
        ) as bar:
            for chunk in chunks:
                yield chunk
                received += len(chunk)
                bar.update(len(chunk))
                if bar.disable and time.monotonic() - last > SECONDS_BETWEEN_LINES:
                    last = time.monotonic()
                    of = f" of {self.total / 1e6:.0f}" if self.total else ""
                    print(f"{name}: {received / 1e6:.0f}{of} MB", flush=True)

    def _refused(self, error: urllib.error.HTTPError, start: int) -> None:
        """An HTTP error; returns where it means that everything is there already."""
        if error.code == 416 and start:  # there is nothing beyond our last byte
            if error.headers.get("Content-Range", "") == f"bytes */{start}":
                return
            self._drop()
            raise _Lost("the file on the server is another one now")
        problem = f"HTTP {error.code} {error.reason}"
        if error.code in TRY_AGAIN:
            raise _Lost(problem)
        raise UserError(f"{self.url}: {problem}")

    def _drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self.origin.unlink(missing_ok=True)


def _chunks(answer: Any) -> Iterator[bytes]:
    """The body, piece by piece; here, unlike where it is written, an error is the network's."""
    try:
        while chunk := answer.read(CHUNK_BYTES):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise _Lost(_reason(error)) from None


def _reason(error: Exception) -> str:
    """Why there was no answer, in the words of the system."""
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended early"
    cause = getattr(error, "reason", None) or error
    return f"no answer ({getattr(cause, 'strerror', None) or cause or type(cause).__name__})"


def _verified(path: Path, name: str, size: int | None, sha256: str | None) -> str:
    """The digest of a file; raises UserError where its size or digest is another than expected."""
    if size is not None and (found := path.stat().st_size) != size:
        raise UserError(f"{name}: {found} bytes; expected {size}")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 is not None and not digest.startswith(sha256.lower()):
        raise UserError(f"{name}: sha256 is {digest}; expected {sha256}")
    return digest
