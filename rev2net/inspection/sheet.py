"""The contact sheet of a shard: its videos' frames beside their flow, and what the ledger says."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np

from rev2net.errors import UserError
from rev2net.figures.contact_sheet import SheetRow, contact_sheet
from rev2net.files import atomic_path
from rev2net.flow.quantize import dequantize
from rev2net.shards.layout import KINDS
from rev2net.shards.reader import open_hdf5, read_columns
from rev2net.shards.writer import VIDEO_COLUMNS
from rev2net.video.images import decode_image, split_components
from rev2net.video.ledger import LedgerRow, read_ledger


def write_sheet(shard: Path, picture: Path, moments: int, max_rows: int | None = None) -> str:
    """Draw an RGB shard beside its flow shard, as PNG; returns a line on what was drawn.

    Either shard may be given: the other one is `<kind>-<digest>/<i>.h5` beside it, made of the same
    frames, with the ledger parts.
    Without it, or for a video that it lacks, one of the two is drawn. Raises UserError for a file
    that is no shard, or for a damaged image.
    """
    if picture.suffix.lower() != ".png":
        raise UserError(f"--sheet: {picture}; allowed is a name that ends in .png")
    with ExitStack() as stack:
        shards = {}
        for path in _both_kinds(shard):
            opened = _Shard(path, stack.enter_context(open_hdf5(path)))
            shards[opened.kind] = opened
        ledger = _ledger(shard)
        names = list(dict.fromkeys([*ledger, *(name for s in shards.values() for name in s.rows)]))
        rows = [_row(name, shards, ledger.get(name, []), moments) for name in names[:max_rows]]
    sheet, max_motion = contact_sheet(rows)
    encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
    with atomic_path(picture) as temporary:
        temporary.write_bytes(encoded.tobytes())
    scale = f", full saturation at {max_motion:g} pixels per frame" if max_motion else ""
    return f"{picture}: {len(rows)} of {len(names)} videos{scale}"


class _Shard:
    """An open shard: its `/video` table by name, and its images decoded."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.kind = str(file.attrs.get("kind"))
        if self.kind not in KINDS or "frames" not in file:
            raise UserError(f"{path}: not a shard")
        columns = read_columns(path, file, VIDEO_COLUMNS)
        self.rows: dict[str, dict[str, Any]] = {
            name: {key: columns[key][row] for key in VIDEO_COLUMNS[1:]}
            for row, name in enumerate(columns["id"])
        }
        self._bound = float(file.attrs.get("bound", 0))
        self._frames, self._offset = file["frames"], file["offset"]

    def image(self, name: str, number: int) -> Any:
        """Frame `number` (H, W, 3) uint8, or the flow from it (H, W, 2) float32."""
        place = int(self.rows[name]["first_image"]) + number
        start, stop = (int(value) for value in self._offset[place : place + 2])
        try:
            image = decode_image(self._frames[start:stop], grey=self.kind == "flow")
        except (ValueError, OSError) as error:
            raise UserError(f"{self.path}: image {number} of {name}: {error}") from None
        if self.kind == "rgb":
            return image
        return dequantize(split_components(image), self._bound)


def _both_kinds(shard: Path) -> Iterator[Path]:
    """The given shard and the one of the other kind where it is there, RGB first."""
    folder = shard.resolve().parent
    if not folder.name.startswith(KINDS):
        yield shard
        return
    for kind in KINDS:
        if folder.name.startswith(kind):
            yield shard
        else:
            others = sorted(folder.parent.glob(f"{kind}*/{shard.name}"))
            same = (path for path in others if _frames_of(path) == _frames_of(shard))
            yield from itertools.islice(same, 1)


def _frames_of(shard: Path) -> list[Any]:
    """Which frames a shard is made of: their size and rate, and its share of the videos."""
    with open_hdf5(shard) as file:
        return [file.attrs.get(name) for name in ("short_side", "size", "fps", "num_shards")]


def _ledger(shard: Path) -> dict[str, list[LedgerRow]]:
    """The rows of both ledger parts by video, as far as they are there."""
    rows: dict[str, list[LedgerRow]] = {}
    for path in _both_kinds(shard):
        part = path.with_suffix(".csv")
        for row in read_ledger(part) if part.exists() else []:
            rows.setdefault(row.video_id, []).append(row)
    return rows


def _row(name: str, shards: dict[str, _Shard], ledger: list[LedgerRow], moments: int) -> SheetRow:
    """Moments evenly in time, each a frame and the flow from it; grey where one is not stored."""
    words = [f"{row.kind} {row.status}" for row in ledger]
    messages = dict.fromkeys(row.message for row in ledger if row.message)
    label = "   ".join([name, *words, *messages])
    alarm = any(row.status != "ok" for row in ledger)
    rgb, flow = (
        shards[kind] if kind in shards and name in shards[kind].rows else None for kind in KINDS
    )
    stored = rgb or flow
    if stored is None:
        return SheetRow(label, alarm)
    # A flow lies between two frames: the last frame has none.
    count = int((flow or stored).rows[name]["num_images"])
    numbers = np.unique(np.linspace(0, count - 1, min(moments, count)).round().astype(int))
    row = stored.rows[name]
    nothing = np.full((int(row["height"]), int(row["width"]), 3), 225, np.uint8)
    pairs = [
        (
            rgb.image(name, number) if rgb else nothing,
            flow.image(name, number) if flow else None,
        )
        for number in numbers.tolist()
    ]
    return SheetRow(label, alarm, pairs)
