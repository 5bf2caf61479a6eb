"""What the datasets' own sites offer as files, and fetching it.

Only on request (`download: true`, or `rev2net stage download`). The sites publish no checksums:
where none is known, that of the first download is kept beside the files, and later ones have to
match it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rev2net.config import DatasetSettings, DownloadSource
from rev2net.errors import UserError
from rev2net.fetch import fetch
from rev2net.files import write_text

RECEIVED = "received.json"

# UCF101: https://www.crcv.ucf.edu/data/UCF101.php; size and sha256 of its splits are those that
# TensorFlow Datasets checks.
SOURCES: dict[str, tuple[DownloadSource, ...]] = {
    "ucf101": (
        DownloadSource(url="https://www.crcv.ucf.edu/data/UCF101/UCF101.rar"),
        DownloadSource(
            url="https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip",
            bytes=113_943,
            sha256="5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27",
        ),
    ),
    "hmdb51": (),
    "kinetics400": (),
}
INSTEAD = {  # of files to fetch
    "hmdb51": "the addresses of its archives are gone; its makers' page is "
    "https://serre.lab.brown.edu/hmdb51.html",
    "kinetics400": "its owners offer no videos as files, only lists of YouTube clips",
}


@dataclass(frozen=True)
class Received:
    """A downloaded file."""

    url: str
    bytes: int
    sha256: str


def dataset_sources(dataset: str, settings: DatasetSettings | None) -> tuple[DownloadSource, ...]:
    """The files to fetch: the settings' `sources`, or else those known of their format.

    Without settings the dataset is called like its format. Raises UserError where there are none,
    and where two would get the same name.
    """
    published = settings.format if settings is not None else dataset
    if published not in SOURCES:
        raise UserError(
            f"datasets.{dataset}.format: no site is known of {published!r}, but of "
            f"{', '.join(SOURCES)}"
        )
    sources = (settings and settings.sources) or SOURCES[published]
    if not sources:
        raise UserError(
            f"datasets.{dataset}.download: {INSTEAD[published]}; give the `archives` or the folder "
            "that you have, or `sources`"
        )
    names = [_name(source) for source in sources]
    if len(set(names)) < len(names):
        raise UserError(
            f"datasets.{dataset}.sources: two files named {max(names, key=names.count)}"
        )
    return sources


def download_folder(settings: DatasetSettings) -> Path:
    """Where the workflow keeps a dataset's downloads."""
    return Path(settings.root, "downloads")


def downloaded_archives(dataset: str, settings: DatasetSettings) -> list[str]:
    """The paths that the downloads of a dataset have, there or not."""
    folder = download_folder(settings)
    return [str(folder / _name(source)) for source in dataset_sources(dataset, settings)]


def download(sources: tuple[DownloadSource, ...], folder: Path) -> dict[str, Received]:
    """Fetch files into a folder, as far as they are not there; what was received, by file name.

    Raises UserError as `fetch` does: no network, a refusal, or a size or SHA-256 that is neither
    the configured one nor, without one, that of the first download.
    """
    record = folder / RECEIVED
    received = _read(record)
    for source in sources:
        name = _name(source)
        before = received.get(name)
        same = before is not None and before.url == source.url
        known = before.sha256 if before is not None and same else None
        try:
            digest = fetch(
                source.url, folder / name, sha256=source.sha256 or known, size=source.bytes
            )
        except UserError as error:
            if source.sha256 is None and known is not None and known in str(error):
                raise UserError(f"{error} by {record}, written at the first download") from None
            raise
        received[name] = Received(source.url, (folder / name).stat().st_size, digest)
        _write(record, received)
    return {_name(source): received[_name(source)] for source in sources}


def _name(source: DownloadSource) -> str:
    """The last part of the URL's path."""
    return unquote(urlsplit(source.url).path).rpartition("/")[2]


def _read(record: Path) -> dict[str, Received]:
    try:
        values = json.loads(record.read_text(encoding="utf-8"))
        return {name: Received(**entry) for name, entry in values.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{record}: no record of downloads ({error}); delete it") from None


def _write(record: Path, received: dict[str, Received]) -> None:
    values = {name: vars(entry) for name, entry in sorted(received.items())}
    write_text(record, json.dumps(values, indent=1) + "\n")
