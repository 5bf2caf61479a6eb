"""The ledger: one row a video and kind, saying whether it could be read (docs/formats.md)."""

import csv
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from rev2net.digests import check_text, write_text
from rev2net.errors import UserError
from rev2net.files import csv_text
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import DecodingFacts
from rev2net.video.images import ImageBytes

STATUSES = ("ok", "short", "broken", "missing")
LISTED = 20  # unusable videos, or files with some, that are named where there are too many
TOLERATED_FRACTION = 0.02  # of the announced frames: containers of variable rate miscount


@dataclass(frozen=True)
class LedgerRow:
    """What became of one video in the shards of one kind."""

    video_id: str
    kind: str  # rgb or flow
    announced: int | None  # frames, by the container's own count where it keeps one
    decoded: int  # frames
    status: str  # ok: whole; short: frames are missing; broken: of no use; missing: no file
    message: str
    content: str = ""  # digest of its first images; empty where they say nothing


COLUMNS = tuple(field.name for field in fields(LedgerRow))


def judge(announced: int | None, decoding: DecodingFacts) -> tuple[str, str]:
    """Status ("ok" or "short") and message of a video whose decoding came to its end.

    ffmpeg ends well on truncated and damaged files, so the frames that came out are compared with
    those that the container announces. One may be missing (HMDB51 announces one too many), or 2 %.
    Where nothing is announced they are compared with the compressed frames found, if the decoder
    complained: some codecs store frames that are never shown.
    """
    complained = decoding.damaged or decoding.cut_off or decoding.errors > 0
    if announced is not None:
        expected = announced
        count = f"decoded {decoding.decoded} of {expected} announced frames"
    else:
        expected = decoding.packets if complained else decoding.decoded
        count = f"decoded {decoding.decoded} frames of {expected} found"
    if expected - decoding.decoded > max(1.0, TOLERATED_FRACTION * expected):
        return "short", count
    if announced is None and decoding.cut_off:
        return "short", f"{count}; the file ends too early"
    remarks = ["some frames are damaged"] if decoding.damaged else []
    if decoding.gap_seconds > 0:
        remarks.append(f"gaps in its time stamps are cut by {decoding.gap_seconds:.0f} s")
    return "ok", "; ".join(remarks)


def judged(stream: FrameStream) -> tuple[int | None, str, str]:
    """What the container of a decoded video announces, and the judgement on that."""
    facts, decoding = stream.outcome()
    announced = announced_frames(stream.path, facts)
    return announced, *judge(announced, decoding)


def write_ledger(path: Path, rows: Iterable[LedgerRow]) -> None:
    """Write rows as CSV; the file appears whole."""
    write_text(path, csv_text([COLUMNS, *map(astuple, rows)]))


def read_ledger(path: Path) -> list[LedgerRow]:
    """The rows of a ledger file; raises UserError where it is absent or not a ledger."""
    check_text(path)
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                found = ",".join(reader.fieldnames or ())
                raise UserError(
                    f"{path}: not a ledger: columns {found!r}; a ledger has {','.join(COLUMNS)}"
                )
            return [_row(values) for values in reader]
    except (OSError, ValueError, TypeError) as error:  # TypeError: a row with cells missing
        raise UserError(f"{path}: not a readable ledger ({error})") from None


def _row(values: dict[str, str]) -> LedgerRow:
    announced = int(values["announced"]) if values["announced"] else None
    return LedgerRow(
        values["video_id"],
        values["kind"],
        announced,
        int(values["decoded"]),
        values["status"],
        values["message"],
        values["content"],
    )


class ContentDigest:
    """Of what a video shows: sixteen hex digits over its first images, as they are stored.

    It begins at the last of the images that are all like the first, so that a still or black
    beginning, which many videos share, is no evidence; a video that never moves has no digest.
    Videos stored with the same settings have one digest if they decode to the same frames.
    """

    NUM_IMAGES = 16

    def __init__(self) -> None:
        self._first: bytes | None = None
        self._moving = 0  # images after the still ones
        self._hash = hashlib.sha256()

    def add(self, image: ImageBytes) -> None:
        """Take the next image of the video."""
        if self._moving == self.NUM_IMAGES - 1:
            return
        data = image.tobytes()
        if self._first is None:
            self._first = data
            self._hash.update(hashlib.sha256(data).digest())
        elif self._moving or data != self._first:
            self._moving += 1
            self._hash.update(hashlib.sha256(data).digest())

    def value(self) -> str:
        """The digest of the images so far; empty while all are alike."""
        return self._hash.hexdigest()[:16] if self._moving else ""


def contents(paths: Iterable[Path]) -> dict[str, str]:
    """What each video of a dataset's ledgers shows, as a digest; the first that has one tells.

    Raises UserError as `read_ledger` does.
    """
    found: dict[str, str] = {}
    for path in paths:
        for row in read_ledger(path):
            if row.content:
                found.setdefault(row.video_id, row.content)
    return found


def usable_videos(paths: Iterable[Path], video_ids: Collection[str]) -> set[str]:
    """Those of a dataset's videos that are ok in all of its ledgers, which are of a kind each.

    Raises UserError as `read_ledger` does, for an unknown status, and for a ledger that lacks a
    row of a video (a ledger of another index).
    """
    usable = set(video_ids)
    for path in paths:
        rows = read_ledger(path)
        for row in rows:
            if row.status not in STATUSES:
                raise UserError(
                    f"{path}: status {row.status!r} of {row.video_id}; "
                    f"allowed: {', '.join(STATUSES)}"
                )
        if unlisted := set(video_ids) - {row.video_id for row in rows}:
            raise UserError(
                f"{path}: no row for {len(unlisted)} of {len(video_ids)} videos of the index "
                f"(first: {min(unlisted)}); make the shards of this index"
            )
        # A video with two rows counts only if both are ok.
        usable -= {row.video_id for row in rows if row.status != "ok"}
    return usable


def refuse_unusable(
    dataset: str, ledgers: Sequence[Path], num_unusable: int, num_videos: int, allowed: float
) -> None:
    """Raise UserError, a list printed before it, where too many of a dataset's videos are unusable.

    `allowed` is the fraction of them that may be. The error names what to delete for the videos to
    be read again: their ledger parts, beside the merged ones that are given.
    """
    if num_unusable <= allowed * num_videos:
        return
    bad = [row for path in ledgers for row in read_ledger(path) if row.status != "ok"]
    for row in bad[:LISTED]:
        print(f"  {row.status} in {row.kind}: {row.video_id}: {row.message}")
    if len(bad) > LISTED:
        print(f"  and {len(bad) - LISTED} more, in {', '.join(map(str, ledgers))}")
    parts = [
        part
        for path in ledgers
        for part in sorted(path.with_suffix("").glob("*.csv"))
        if any(row.status != "ok" for row in read_ledger(part))
    ]
    more = f" (and {len(parts) - LISTED} more)" if len(parts) > LISTED else ""
    raise UserError(
        f"{ledgers[0]}: {num_unusable} of {num_videos} videos are unusable; allowed is a fraction "
        f"of {allowed:g} (datasets.{dataset}: max_unusable_fraction), or any with partial: true; "
        "where the videos above can be put right, do so, delete "
        f"{', '.join(map(str, [*ledgers, *parts[:LISTED]]))}{more} and give the same command again"
    )
