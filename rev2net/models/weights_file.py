"""The file of a checkpoint to start from: where it lies, downloaded first if need be, checked."""

import hashlib
import sys
from pathlib import Path

from rev2net.config import WeightsSource
from rev2net.errors import UserError
from rev2net.fetch import fetch


def obtain_weights(source: WeightsSource) -> Path:
    """The path of the checkpoint; with a `url` it is downloaded to its place once, from the
    `mirror` where that address fails.

    Raises UserError where it is absent and has no `url`, where its digest is another than the
    configuration asks for, and where the download fails.
    """
    path = Path(source.file)
    if source.url is not None:
        try:
            fetch(source.url, path, sha256=source.sha256)
        except UserError as error:
            if source.mirror is None or path.exists():
                raise
            print(f"{error}; trying {source.mirror}", file=sys.stderr, flush=True)
            fetch(source.mirror, path, sha256=source.sha256)
        return path
    if not path.is_file():
        raise UserError(
            f"initial_weights: no file {path}; put it there, give a url, or use init scratch"
        )
    if source.sha256 is not None:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(source.sha256):
            raise UserError(f"{path}: sha256 is {found}; the configuration asks {source.sha256}")
    return path
