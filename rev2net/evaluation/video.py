"""A video file in place of shards: its images as the stages `frames` and `flow` store them.

Whatever places clips and crops then works on a file as it does on a dataset. RGB frames are kept as
encoded as a shard keeps them; flow is computed when a clip asks for it, from the decoded frames.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.clips.dataset import Entry, Shards
from rev2net.config import FlowSettings, FramesSettings
from rev2net.flow.parameters import MIN_SIDE, of_settings
from rev2net.flow.quantize import quantize, stack_components
from rev2net.flow.tvl1 import resolve_backend, tvl1_sequence
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError
from rev2net.video.images import ImageBytes, encode_image
from rev2net.video.ledger import judge
from rev2net.video.probe import announced_frames


class VideoFile(Shards):
    """One decoded video, to be read like shards by one `kind`, "rgb" or "flow".

    Raises VideoError where the file holds no video that can be decoded, or too few or too small
    frames for flow.
    """

    def __init__(self, path: Path, kind: str, frames: FramesSettings, flow: FlowSettings) -> None:
        super().__init__({})
        self.path, self.kind, self.frames, self.flow = path, kind, frames, flow
        stream = FrameStream(
            path,
            short_side=frames.short_side,
            size=frames.size,
            fps=frames.fps,
            time_limit=frames.time_limit,
            order="bgr",
        )
        self._encoded: dict[int, ImageBytes] = {}
        self._grey: list[npt.NDArray[np.uint8]] = []
        for number, frame in enumerate(stream):
            if kind == "rgb":
                self._encoded[number] = encode_image(
                    frame, frames.codec, frames.quality, order=stream.order
                )
            else:
                self._grey.append(self._checked_grey(frame))
        facts, decoding = stream.outcome()
        self.num_frames, self.height, self.width = stream.num_frames, facts.height, facts.width
        if kind == "flow" and self.num_frames < 2:
            raise VideoError(path, "one frame; flow needs two")
        announced = announced_frames(path, facts.container)
        self.warning = judge(announced, decoding)[1]  # empty where the video is whole

    def index(self, entry: Entry, kind: str) -> Any:
        """What knows the number and size of the images: the video itself."""
        return self

    def num_images(self, video_id: str) -> int:
        """Images of the kind: frames, or flows from one frame to the next."""
        return self.num_frames - (self.kind == "flow")

    def video(self, video_id: str) -> "VideoFile":
        """What has `height` and `width`, in pixels."""
        return self

    def encoded(self, entry: Entry, kind: str, indices: np.ndarray) -> list[ImageBytes]:
        """Images of the kind, as a shard would store them."""
        wanted: list[int] = indices.tolist()
        if kind == "flow":
            self._compute_flow(sorted(set(wanted) - self._encoded.keys()))
        return [self._encoded[number] for number in wanted]

    def _checked_grey(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        height, width = frame.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise VideoError(
                self.path, f"{width}x{height} pixels; flow needs at least {MIN_SIDE} a side"
            )
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)

    def _compute_flow(self, missing: list[int]) -> None:
        """Flows with these numbers, neighbours together, stored as a shard stores them."""
        settings = self.flow
        backend = resolve_backend(settings.backend)
        for start, stop in _runs(missing):
            frames = self._grey[start : stop + 1]
            flows = tvl1_sequence(frames, backend=backend, **of_settings(settings))
            for number, flow in enumerate(flows, start):
                image = stack_components(quantize(flow, settings.bound))
                self._encoded[number] = encode_image(image, settings.codec, settings.quality)


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as (start, stop) of neighbours.

    >>> list(_runs([1, 2, 3, 7]))
    [(1, 4), (7, 8)]
    """
    if numbers:
        for run in np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1):
            yield int(run[0]), int(run[-1]) + 1
