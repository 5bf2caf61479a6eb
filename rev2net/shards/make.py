"""Making one shard: its videos decoded, stored as frames or as flow, and accounted for."""

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np
import numpy.typing as npt
import simplejpeg

from rev2net import __version__
from rev2net.config import FlowSettings, FlowShardSettings, FramesSettings
from rev2net.datasets.index import read_columns
from rev2net.errors import MachineError, UserError
from rev2net.files import TROUBLES
from rev2net.flow.parameters import MIN_SIDE, of_settings
from rev2net.flow.quantize import quantize
from rev2net.flow.tvl1 import FLOW_VERSION, resolve_backend, tvl1_sequence
from rev2net.progress import note, with_progress
from rev2net.shards.layout import Attributes, flow_attributes, rgb_attributes, shard_rows
from rev2net.shards.writer import ShardWriter, write_shard
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError, ffmpeg_version
from rev2net.video.images import ImageBytes, encode_image, stack_components
from rev2net.video.ledger import STATUSES, ContentDigest, LedgerRow, judged, write_ledger


@dataclass(frozen=True)
class Stage:
    """What makes one kind of shard."""

    kind: str
    frames: FramesSettings
    attributes: Attributes
    to_images: Callable[[FrameStream], Iterator[ImageBytes]]  # colours come in BGR order


def make_shard(
    settings: FramesSettings | FlowShardSettings,
    dataset: str,
    index: Path,
    root: Path,
    shard: int,
    num_shards: int,
    output: Path,
    ledger: Path,
) -> str:
    """Write shard `shard` of `num_shards`, of RGB or of flow as the settings are, and its ledger.

    `index` lists the videos of `dataset` (CSV), whose paths are relative to `root`. Returns a line
    that says what was stored. A video that cannot be read whole leaves a ledger row and never stops
    the shard. Raises UserError where the index or the root folder is not there, and MachineError,
    with nothing written, where the machine fails twice at a video (`FrameStream`).
    """
    cv2.setNumThreads(1)
    if not root.is_dir():
        raise UserError(f"--root: {root} is not a folder; allowed is a dataset as published")
    columns = read_columns(index)
    videos = list(zip(columns["video_id"], columns["path"], strict=True))
    named = videos[shard_rows(len(videos), shard, num_shards)]
    rows: list[LedgerRow] = []
    with _stage(settings) as stage:
        attributes = stage.attributes | {
            "dataset": dataset,
            "shard": shard,
            "num_shards": num_shards,
            "index_digest": hashlib.sha256(index.read_bytes()).hexdigest(),
            "versions": _versions(),
        }
        name = f"{dataset} {stage.kind} shard {shard}"
        with write_shard(output, attributes) as writer:
            for video_id, path in with_progress(named, len(named), name):
                try:
                    row = _store_video(writer, stage, video_id, root, path)
                except MachineError as error:  # a second trouble in a row ends the job
                    note(f"once more: {error}")
                    writer.drop_video()
                    row = _store_video(writer, stage, video_id, root, path)
                rows.append(row)
                if row.status in ("short", "broken"):
                    note(f"{row.status}: {path}: {row.message}")
    write_ledger(ledger, rows)
    counts = Counter(row.status for row in rows)
    found = ", ".join(f"{counts[status]} {status}" for status in STATUSES)
    return f"{name}: {len(rows)} videos ({found}), {output.stat().st_size / 1e6:.1f} MB"


def grey_frame(frame: npt.NDArray[np.uint8], path: Path) -> npt.NDArray[np.uint8]:
    """A BGR frame (H, W, 3) of a video as TV-L1 takes it; raises VideoError for too small ones."""
    height, width = frame.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise VideoError(path, f"{width}x{height} pixels; flow needs at least {MIN_SIDE} a side")
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)


def encode_flow(flow: npt.NDArray[np.float32], settings: FlowSettings) -> ImageBytes:
    """One flow (H, W, 2), pixels per frame, as a shard stores it."""
    image = stack_components(quantize(flow, settings.bound))
    return encode_image(image, settings.codec, settings.quality)


@contextlib.contextmanager
def _stage(settings: FramesSettings | FlowShardSettings) -> Iterator[Stage]:
    """What makes such shards, with a GPU of its own where it needs one."""
    if isinstance(settings, FramesSettings):
        yield _rgb_stage(settings)
        return
    backend = resolve_backend(settings.backend)
    with _device(backend):
        yield _flow_stage(settings, backend)


def _rgb_stage(settings: FramesSettings) -> Stage:
    def to_images(frames: FrameStream) -> Iterator[ImageBytes]:
        return frames.encoded(settings.codec, settings.quality)

    return Stage("rgb", settings, rgb_attributes(settings), to_images)


def _flow_stage(settings: FlowShardSettings, backend: str) -> Stage:
    parameters = of_settings(settings)

    def to_images(frames: FrameStream) -> Iterator[ImageBytes]:
        grey = (grey_frame(frame, frames.path) for frame in frames)
        for flow in tvl1_sequence(grey, backend=backend, **parameters):
            yield encode_flow(flow, settings)

    attributes = flow_attributes(settings, backend, parameters, FLOW_VERSION)
    return Stage("flow", settings.frames, attributes, to_images)


def _device(backend: str) -> contextlib.AbstractContextManager[object]:
    """Jobs side by side would fill the memory of one GPU."""
    if backend != "cuda":
        return contextlib.nullcontext()
    from rev2net.device import claim_device  # and with it torch

    return claim_device()


def _store_video(
    writer: ShardWriter, stage: Stage, video_id: str, root: Path, path: str
) -> LedgerRow:
    """Decode one video into the shard; whatever becomes of it is a ledger row.

    Raises MachineError where the file has no part in what goes wrong.
    """
    if not _exists(root / path):
        return LedgerRow(video_id, stage.kind, None, 0, "missing", f"no file {path}")
    settings = stage.frames
    stream = FrameStream.of(root / path, settings, "bgr")
    content = ContentDigest()
    try:
        for image in stage.to_images(stream):
            writer.append(image)
            content.add(image)
    except VideoError as error:
        writer.drop_video()
        return LedgerRow(video_id, stage.kind, None, stream.num_frames, "broken", error.reason)
    facts, decoding = stream.outcome()
    announced, status, message = judged(stream)
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
    counts = (announced, decoding.decoded)
    return LedgerRow(video_id, stage.kind, *counts, status, message, content.value())


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
