"""A video file in place of shards: its images as the stages `frames` and `flow` store them.

Whatever places clips and crops then works on a file as it does on a dataset. RGB frames are kept as
encoded as a shard keeps them; flow is computed when a clip asks for it, from the decoded frames.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rev2net.clips.dataset import Entry, Shards
from rev2net.config import FlowSettings, FramesSettings
from rev2net.flow.parameters import of_settings
from rev2net.flow.tvl1 import resolve_backend, tvl1_sequence
from rev2net.shards.make import encode_flow, grey_frame
from rev2net.shards.reader import neighbours
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError
from rev2net.video.images import ImageBytes
from rev2net.video.ledger import judged


class VideoFile(Shards):
    """One decoded video, to be read like shards by one `kind`, "rgb" or "flow".

    Raises VideoError where the file holds no video that can be decoded, or too few or too small
    frames for flow.
    """

    def __init__(self, path: Path, kind: str, frames: FramesSettings, flow: FlowSettings) -> None:
        super().__init__({})
        self.path, self.kind, self.frames, self.flow = path, kind, frames, flow
        stream = FrameStream.of(path, frames, "bgr")
        self._encoded: dict[int, ImageBytes] = {}
        self._grey: list[npt.NDArray[np.uint8]] = []
        if kind == "rgb":
            self._encoded.update(enumerate(stream.encoded(frames.codec, frames.quality)))
        else:
            self._grey.extend(grey_frame(frame, path) for frame in stream)
        facts, _ = stream.outcome()
        self.num_frames, self.height, self.width = stream.num_frames, facts.height, facts.width
        if kind == "flow" and self.num_frames < 2:
            raise VideoError(path, "one frame; flow needs two")
        self.num_images = self.num_frames - (kind == "flow")
        self.warning = judged(stream)[2]  # empty where the video is whole

    def index(self, entry: Entry, kind: str) -> Any:
        """This video, in the place of an index of many."""
        return self

    def video(self, video_id: str) -> "VideoFile":
        """What has `num_images` of the kind, `height` and `width`."""
        return self

    def encoded(self, entry: Entry, kind: str, indices: Sequence[int]) -> list[ImageBytes]:
        """Images of the kind, as a shard would store them."""
        if kind == "flow":
            self._compute_flow(sorted(set(indices) - self._encoded.keys()))
        return [self._encoded[number] for number in indices]

    def _compute_flow(self, missing: list[int]) -> None:
        """Flows with these numbers, neighbours together, stored as a shard stores them."""
        settings = self.flow
        backend = resolve_backend(settings.backend)
        for run in neighbours(missing):
            frames = self._grey[run.start : run.stop + 1]
            flows = tvl1_sequence(frames, backend=backend, **of_settings(settings))
            for number, flow in enumerate(flows, run.start):
                self._encoded[number] = encode_flow(flow, settings)
