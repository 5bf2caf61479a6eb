"""What `frames` and `flow` share: the videos of one shard, decoded, stored, and accounted for."""

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np
import simplejpeg
from tqdm import tqdm

from rev2net import __version__
from rev2net.commands import refuse_overwriting
from rev2net.config import FramesSettings
from rev2net.datasets.index import read_index
from rev2net.errors import MachineError, UserError
from rev2net.files import TROUBLES
from rev2net.shards.layout import Attributes, shard_rows
from rev2net.shards.writer import ShardWriter, write_shard
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError, ffmpeg_version
from rev2net.video.images import ImageBytes
from rev2net.video.ledger import STATUSES, LedgerRow, judge, write_ledger

SECONDS_BETWEEN_LINES = 15  # of progress, in a job that does not run in a terminal


@dataclass(frozen=True)
class Stage:
    """What makes one kind of shard."""

    kind: str
    frames: FramesSettings
    attributes: Attributes
    to_images: Callable[[FrameStream], Iterator[ImageBytes]]  # colours come in BGR order


def add_shard_arguments(parser: argparse.ArgumentParser, settings_help: str) -> None:
    """The arguments that `frames` and `flow` share."""
    parser.add_argument("--index", required=True, type=Path, help="index/<dataset>.csv")
    parser.add_argument("--root", required=True, type=Path, help="the dataset's root folder")
    parser.add_argument("--shard", required=True, type=int, metavar="I", help="from 0")
    parser.add_argument("--num-shards", required=True, type=int, metavar="N")
    parser.add_argument("--settings", required=True, metavar="JSON", help=settings_help)
    parser.add_argument("output", type=Path, metavar="OUT.h5", help="the shard")
    parser.add_argument("ledger", type=Path, metavar="LEDGER.csv", help="its part of the ledger")


def make_shard(args: argparse.Namespace, stage: Stage) -> None:
    """Write the shard and the ledger part that the arguments name.

    A video that cannot be read whole leaves a ledger row and never stops the shard. Raises
    UserError where the index or the root folder is not there, and MachineError, with nothing
    written, where the machine fails twice at a video (`FrameStream`).
    """
    refuse_overwriting(args.output, args.index, args.ledger)
    refuse_overwriting(args.ledger, args.index)
    cv2.setNumThreads(1)
    if not args.root.is_dir():
        raise UserError(f"--root: {args.root} is not a folder; allowed is a dataset as published")
    index = read_index(args.index)
    rows = index.iloc[shard_rows(len(index), args.shard, args.num_shards)]
    attributes = stage.attributes | {
        "dataset": args.index.stem,
        "shard": args.shard,
        "num_shards": args.num_shards,
        "index_digest": hashlib.sha256(args.index.read_bytes()).hexdigest(),
        "versions": _versions(),
    }
    name = f"{args.index.stem} {stage.kind} shard {args.shard}"
    ledger: list[LedgerRow] = []
    with write_shard(args.output, attributes) as writer:
        videos = list(zip(rows["video_id"], rows["path"], strict=True))
        for video_id, path in _with_progress(videos, name):
            try:
                row = _store_video(writer, stage, video_id, args.root, path)
            except MachineError as error:  # a second trouble in a row ends the job
                tqdm.write(f"once more: {error}", file=sys.stderr)
                writer.drop_video()
                row = _store_video(writer, stage, video_id, args.root, path)
            ledger.append(row)
            if row.status in ("short", "broken"):
                tqdm.write(f"{row.status}: {path}: {row.message}", file=sys.stderr)
    write_ledger(args.ledger, ledger)
    counts = Counter(row.status for row in ledger)
    found = ", ".join(f"{counts[status]} {status}" for status in STATUSES)
    megabytes = args.output.stat().st_size / 1e6
    print(f"{name}: {len(ledger)} videos ({found}), {megabytes:.1f} MB")


def _store_video(
    writer: ShardWriter, stage: Stage, video_id: str, root: Path, path: str
) -> LedgerRow:
    """Decode one video into the shard; whatever becomes of it is a ledger row.

    Raises MachineError where the file has no part in what goes wrong.
    """
    if not _exists(root / path):
        return LedgerRow(video_id, stage.kind, None, 0, "missing", f"no file {path}")
    settings = stage.frames
    stream = FrameStream(
        root / path,
        short_side=settings.short_side,
        size=settings.size,
        fps=settings.fps,
        time_limit=settings.time_limit,
        order="bgr",
    )
    try:
        for image in stage.to_images(stream):
            writer.append(image)
    except VideoError as error:
        writer.drop_video()
        return LedgerRow(video_id, stage.kind, None, stream.num_frames, "broken", error.reason)
    facts, decoding = stream.outcome()
    announced = announced_frames(root / path, facts)
    status, message = judge(announced, decoding)
    if writer.num_images:
        writer.keep_video(
            video_id,
            num_frames=stream.num_frames,
            height=facts.height,
            width=facts.width,
            fps=settings.fps or facts.fps,
        )
    else:
        status, message = "short", f"{stream.num_frames} frame, too few for {stage.kind}"
    return LedgerRow(video_id, stage.kind, announced, decoding.decoded, status, message)


def _exists(path: Path) -> bool:
    """Whether there is something of that name; raises MachineError where that cannot be known."""
    try:
        path.stat()
    except OSError as error:
        if error.errno in TROUBLES:
            raise MachineError(f"{path}: {error.strerror}") from None
        return False
    except ValueError:
        return False
    return True


def _with_progress(videos: Sequence[tuple[str, str]], name: str) -> Iterator[tuple[str, str]]:
    """The videos one by one, with a bar in a terminal and a few plain lines in a log."""
    if sys.stderr.isatty():
        yield from tqdm(videos, desc=name, unit="video")
        return
    start = last = time.monotonic()
    for number, video in enumerate(videos):
        if time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            print(f"{name}: {number} of {len(videos)} videos, {last - start:.0f} s", flush=True)
        yield video


def _versions() -> str:
    """Of the libraries that the bytes of RGB or flow shards depend on, as JSON."""
    versions = {
        "rev2net": __version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "simplejpeg": simplejpeg.__version__,
        "ffmpeg": ffmpeg_version(),
        "h5py": h5py.__version__,
    }
    return json.dumps(versions, sort_keys=True)
