"""Features of any video, window after window: memory does not grow with the video's length.

Shapes: N windows, W images a window, D features, C channels, H and W pixels.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from rev2net.apply.inputs import Video
from rev2net.apply.network import Subject
from rev2net.apply.output import Outcome
from rev2net.clips.sampling import dense, protocol_crops, segments
from rev2net.clips.transforms import to_batch, to_input
from rev2net.errors import UserError
from rev2net.files import atomic_path, write_text
from rev2net.flow.parameters import MIN_SIDE, of_settings
from rev2net.flow.quantize import quantize
from rev2net.flow.tvl1 import tvl1_sequence
from rev2net.models.i3d import I3D
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError
from rev2net.video.ledger import judge

POOLED = "pooled"  # the network's own features, before dropout and classifier

Image = npt.NDArray[np.uint8]  # (H, W, C): RGB, or the bytes of flow


@dataclass(frozen=True)
class FeatureFiles:
    """What is written of every video; calling it does one: `<name>.npy` (N, D) and `<name>.json`.

    Window n begins at image n * stride. A video with fewer images than a window is looped to one;
    images after the last whole window are left out.
    """

    folder: Path
    subject: Subject
    window: int  # images
    stride: int  # images from one window to the next
    endpoint: str
    device: torch.device
    batch: int = 1  # windows at once

    def record(self) -> dict[str, Any]:
        """What the results depend on, as it is written beside them."""
        frames = self.subject.frames.model_dump(mode="json", include={"short_side", "size", "fps"})
        return {
            "network": self.subject.words,
            "weights": self.subject.digest,
            "endpoint": self.endpoint,
            "window": self.window,
            "stride": self.stride,
            "crop": self.subject.size,
            **frames,
        }

    def done(self, video: Video) -> bool:
        """Whether a video's results are there."""
        return self._target(video, "json").exists()

    def __call__(self, video: Video) -> Outcome:
        """Write one video's results; a video that cannot be read leaves none."""
        cv2.setNumThreads(1)
        chosen = self.subject.frames
        stream = FrameStream(
            video.path,
            short_side=chosen.short_side,
            size=chosen.size,
            fps=chosen.fps,
            time_limit=chosen.time_limit,
            order="rgb",
        )
        try:
            features = list(self.features(stream))
            if not features:
                raise VideoError(video.path, "too few frames for flow")
        except VideoError as error:
            return Outcome(video.name, "broken", stream.num_frames, 0, error.reason)
        facts, decoding = stream.outcome()
        status, message = judge(announced_frames(video.path, facts), decoding)
        with atomic_path(self._target(video, "npy")) as temporary, open(temporary, "wb") as file:
            np.save(file, np.stack(features))
        about = {"video": str(video.path), "frames": stream.num_frames, "rate": facts.fps}
        about |= {"windows": len(features), **self.record()}
        write_text(self._target(video, "json"), json.dumps(about, indent=2) + "\n")
        return Outcome(video.name, status, stream.num_frames, len(features), message)

    def _target(self, video: Video, suffix: str) -> Path:
        return self.folder / f"{video.name}.{suffix}"

    def features(self, stream: FrameStream) -> Iterator[npt.NDArray[np.float32]]:
        """One row (D,) a window, as the frames come."""
        pending: list[list[Image]] = []
        for images in windows(self._images(stream), self.window, self.stride):
            pending.append(images)
            if len(pending) == self.batch:
                yield from self._forward(pending)
                pending = []
        if pending:
            yield from self._forward(pending)

    def _images(self, stream: FrameStream) -> Iterator[Image]:
        """The centre crop of every frame, or of the flow to the next one."""
        if self.subject.network.input_spec.kind == "rgb":
            for frame in stream:
                yield self._crop(frame)
            return
        grey = (cv2.cvtColor(_checked(frame, stream), cv2.COLOR_RGB2GRAY) for frame in stream)
        flow = self.subject.flow
        for one in tvl1_sequence(grey, backend=flow.backend, **of_settings(flow)):
            yield self._crop(quantize(one, flow.bound))

    def _crop(self, image: Image) -> Image:
        height, width = image.shape[:2]
        crop = protocol_crops(height, width, self.subject.size, 1)[0]
        rows = slice(crop.top, crop.top + crop.height)
        return np.ascontiguousarray(image[rows, crop.left : crop.left + crop.width])

    @torch.inference_mode()
    def _forward(self, batch: list[list[Image]]) -> npt.NDArray[np.float32]:
        network, shape = self.subject.network, self.subject.shape
        spec = network.input_spec
        clips = []
        for images in batch:
            if shape.segments:
                images = [
                    images[k] for k in segments(len(images), shape.length, shape.images, None)
                ]
            clips.append(torch.from_numpy(np.stack(images[:: shape.stride])))
        flips = [False] * len(clips)
        values = to_batch(clips, flips, self.subject.size, self.device, spec.kind)
        x = to_input(values, spec, in_place=True)
        if self.endpoint == POOLED:
            found = network.forward_train(x, decode_first=0)["features"]
        else:
            assert isinstance(network, I3D)
            found = network.endpoints(x, self.endpoint)[self.endpoint].mean((2, 3, 4))
        assert isinstance(found, torch.Tensor)
        rows: npt.NDArray[np.float32] = found.float().cpu().numpy()
        return rows


def check_endpoint(subject: Subject, endpoint: str) -> None:
    """Raise UserError for a layer that the network does not have."""
    layers = list(subject.network.channels) if isinstance(subject.network, I3D) else []
    if endpoint not in (POOLED, *layers):
        raise UserError(f"--endpoint: {endpoint}; allowed are {', '.join((POOLED, *layers))}")


def windows(images: Iterator[Image], window: int, stride: int) -> Iterator[list[Image]]:
    """Windows of so many images, so many apart; of fewer images in all, one that loops.

    >>> [list(w) for w in windows(iter("abcdefg"), 3, 2)], list(windows(iter("ab"), 5, 2))
    ([['a', 'b', 'c'], ['c', 'd', 'e'], ['e', 'f', 'g']], [['a', 'b', 'a', 'b', 'a']])
    """
    held: list[Image] = []
    begun, skip = False, 0
    for image in images:
        if skip:
            skip -= 1
            continue
        held.append(image)
        if len(held) == window:
            yield list(held)
            begun = True
            skip = max(0, stride - window)
            del held[:stride]
    if held and not begun:
        yield [held[k] for k in dense(len(held), window, 1, 0)]


def _checked(frame: Image, stream: FrameStream) -> Image:
    if min(frame.shape[:2]) < MIN_SIDE:
        height, width = frame.shape[:2]
        raise VideoError(stream.path, f"{width}x{height} pixels; flow needs {MIN_SIDE} a side")
    return frame
