"""A network over a video of any length, window after window: memory does not grow with it.

Shapes: W images a window, D features, H and W pixels, C channels.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rev2net.apply.subject import Subject
from rev2net.clips.sampling import dense, protocol_crops, segments
from rev2net.clips.transforms import to_batch, to_input
from rev2net.flow.parameters import MIN_SIDE, of_settings
from rev2net.flow.quantize import quantize
from rev2net.flow.tvl1 import tvl1_sequence
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError

Image = npt.NDArray[np.uint8]  # (H, W, C): RGB, or the bytes of flow
Row = npt.NDArray[np.float32]  # (D,)


@dataclass(frozen=True)
class Windows:
    """How a network goes over a video: window n begins at image n * stride.

    A video with fewer images than a window is looped to one; images after the last whole window are
    left out.
    """

    subject: Subject
    window: int  # images
    stride: int  # images from one window to the next
    device: torch.device
    batch: int = 1  # windows at once

    def stream(self, path: str) -> FrameStream:
        """The video, decoded as the network wants it."""
        chosen = self.subject.frames
        return FrameStream(
            path,
            short_side=chosen.short_side,
            size=chosen.size,
            fps=chosen.fps,
            time_limit=chosen.time_limit,
        )

    def rows(self, stream: FrameStream, answer: Callable[[Tensor], Tensor]) -> Iterator[Row]:
        """What `answer` gives of the network's input, a row a window, as the frames come.

        Raises VideoError where the video cannot be decoded, or has too few frames for flow.
        """
        pending: list[list[Image]] = []
        for images in cut(self._images(stream), self.window, self.stride):
            pending.append(images)
            if len(pending) == self.batch:
                yield from self._answers(pending, answer)
                pending = []
        if pending:
            yield from self._answers(pending, answer)

    def _images(self, stream: FrameStream) -> Iterator[Image]:
        """The centre crop of every frame, or of the flow to the next one."""
        if self.subject.network.input_spec.kind == "rgb":
            yield from map(self._crop, stream)
            return
        flow = self.subject.flow
        grey = (cv2.cvtColor(_checked(frame, stream), cv2.COLOR_RGB2GRAY) for frame in stream)
        for one in tvl1_sequence(grey, backend=flow.backend, **of_settings(flow)):
            yield self._crop(quantize(one, flow.bound))
        if stream.num_frames < 2:
            raise VideoError(stream.path, "one frame; flow needs two")

    def _crop(self, image: Image) -> Image:
        height, width = image.shape[:2]
        crop = protocol_crops(height, width, self.subject.size, 1)[0]
        rows = slice(crop.top, crop.top + crop.height)
        return np.ascontiguousarray(image[rows, crop.left : crop.left + crop.width])

    @torch.inference_mode()
    def _answers(self, batch: Sequence[list[Image]], answer: Callable[[Tensor], Tensor]) -> Row:
        spec = self.subject.network.input_spec
        clips = [torch.from_numpy(np.stack(self._chosen(images))) for images in batch]
        flips = [False] * len(clips)
        values = to_batch(clips, flips, self.subject.size, self.device, spec.kind)
        found: Row = answer(to_input(values, spec, in_place=True)).float().cpu().numpy()
        return found

    def _chosen(self, images: list[Image]) -> list[Image]:
        """The images of a window that the network takes."""
        shape = self.subject.shape
        if shape.segments:
            numbers = segments(len(images), shape.length, shape.images, None)
            return [images[k] for k in numbers]
        return images[:: shape.stride]


def cut(images: Iterator[Image], window: int, stride: int) -> Iterator[list[Image]]:
    """Windows of so many images, so many apart; of fewer images in all, one that loops.

    >>> [list(w) for w in cut(iter("abcdefg"), 3, 2)], list(cut(iter("ab"), 5, 2))
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
