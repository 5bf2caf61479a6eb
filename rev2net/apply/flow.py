"""TV-L1 flow of any video into files, named as denseflow names them.

A video `a/clip.avi` gives `a/clip/flow_x_00001.jpg` and `flow_y_00001.jpg` (from frame 1 to frame
1 + step), or one file `a/clip.npy` or `a/clip.h5`, and `img_00001.jpg` where frames are asked for.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rev2net import __version__
from rev2net.apply.inputs import Video
from rev2net.apply.output import Outcome, atomic_folder
from rev2net.config import FlowShardSettings
from rev2net.datasets.listing import as_text
from rev2net.files import atomic_path
from rev2net.flow.parameters import Flow, of_settings
from rev2net.flow.quantize import quantize
from rev2net.flow.tvl1 import FLOW_VERSION, resolve_backend, tvl1, tvl1_sequence
from rev2net.shards.layout import flow_attributes
from rev2net.shards.make import encode_flow, grey_frame
from rev2net.shards.writer import write_shard
from rev2net.video.decoding import Frame, FrameStream
from rev2net.video.ffmpeg import VideoError
from rev2net.video.images import encode_image
from rev2net.video.ledger import judged

FORMATS = ("jpg", "png", "npy", "flo", "h5")
ONE_FILE = ("npy", "h5")  # a video; the others have files for every flow
FLO_TAG = b"PIEH"  # how files of Middlebury's format begin

Grey = npt.NDArray[np.uint8]  # (H, W)


@dataclass(frozen=True)
class FlowFiles:
    """What is written of every video; calling it does one."""

    folder: Path
    settings: FlowShardSettings
    format: str  # one of FORMATS
    step: int = 1  # frames from one of a pair to the other
    frames: bool = False  # write the frames as well

    def record(self) -> dict[str, Any]:
        """What the results depend on, flat, as it is written beside them."""
        values = self.settings.model_dump(mode="json", exclude={"frames", "codec", "backend"})
        resize = self.settings.frames.model_dump(mode="json", include={"short_side", "size", "fps"})
        own = {"format": self.format, "step": self.step, "frames": self.frames}
        if self.format in ("npy", "flo"):
            del values["bound"]
        return {**own, **resize, **values}

    def done(self, video: Video) -> bool:
        """Whether a video's results are there."""
        return self.target(video).exists()

    def target(self, video: Video) -> Path:
        """The file, or the folder of files, of a video's flow."""
        suffix = f".{self.format}" if self.format in ONE_FILE else ""
        return self.folder / f"{video.name}{suffix}"

    def __call__(self, video: Video) -> Outcome:
        """Write one video's results; a video that cannot be read leaves none.

        Raises MachineError where the file has no part in what goes wrong.
        """
        cv2.setNumThreads(1)
        stream = FrameStream.of(video.path, self.settings.frames, "bgr")
        try:
            count = self._write(video, stream)
        except VideoError as error:
            return Outcome(video.name, "broken", stream.num_frames, 0, error.reason)
        _, status, message = judged(stream)
        return Outcome(video.name, status, stream.num_frames, count, message)

    def _write(self, video: Video, stream: FrameStream) -> int:
        """Write the files, and say how many flows they hold."""
        count = 0
        with _WRITERS[self.format](self, video, stream) as (write, images):
            for flow in self._flows(stream, images):
                write(flow)
                count += 1
            if not count:
                raise VideoError(video.path, f"{stream.num_frames} frame, too few for flow")
        return count

    def folder_of_frames(self, video: Video) -> AbstractContextManager[Path | None]:
        """Where frames go beside a file of flow; nothing where none are asked for."""
        return atomic_folder(self.folder / video.name) if self.frames else nullcontext()

    def _flows(self, stream: FrameStream, images: Path | None) -> Iterator[Flow]:
        """The flow from each frame to the one `step` later."""
        grey = self._grey(stream, images if self.frames else None)
        backend, parameters = self.settings.backend, of_settings(self.settings)
        if self.step == 1:
            yield from tvl1_sequence(grey, backend=backend, **parameters)
            return
        before: deque[Grey] = deque(maxlen=self.step)
        for frame in grey:
            if len(before) == self.step:
                yield tvl1(before[0], frame, backend=backend, **parameters)
            before.append(frame)

    def _grey(self, stream: FrameStream, images: Path | None) -> Iterator[Grey]:
        """The frames in grey; in colour they go to files where a folder is given."""
        for number, frame in enumerate(stream, 1):
            grey = grey_frame(frame, stream.path)
            if images is not None:
                self._write_frame(images, number, frame)
            yield grey

    def _write_frame(self, folder: Path, number: int, frame: Frame) -> None:
        codec = "png" if self.format == "png" else "jpeg"
        data = encode_image(frame, codec, self.settings.quality, order="bgr")
        name = f"img_{number:05}.{'png' if codec == 'png' else 'jpg'}"
        (folder / name).write_bytes(data.tobytes())


# Takes one flow after the other.
Write = Callable[[Flow], object]
# That, and the folder for frames.
Writing = Iterator[tuple[Write, Path | None]]


@contextmanager
def _images(files: FlowFiles, video: Video, stream: FrameStream) -> Writing:
    """Each component an image of bytes: 128 is no motion (`flow.quantize`)."""
    codec = "png" if files.format == "png" else "jpeg"
    numbers = itertools.count(1)
    with atomic_folder(files.target(video)) as folder:

        def write(flow: Flow) -> None:
            number, data = next(numbers), quantize(flow, files.settings.bound)
            for axis, component in zip("xy", (data[..., 0], data[..., 1]), strict=True):
                image = np.ascontiguousarray(component)
                encoded = encode_image(image, codec, files.settings.quality)
                name = f"flow_{axis}_{number:05}.{files.format}"
                (folder / name).write_bytes(encoded.tobytes())

        yield write, folder


@contextmanager
def _middlebury(files: FlowFiles, video: Video, stream: FrameStream) -> Writing:
    """Float32 files of Middlebury's format: tag, width, height, then x and y of every pixel."""
    numbers = itertools.count(1)
    with atomic_folder(files.target(video)) as folder:

        def write(flow: Flow) -> None:
            height, width = flow.shape[:2]
            head = FLO_TAG + np.array([width, height], "<i4").tobytes()
            path = folder / f"flow_{next(numbers):05}.flo"
            path.write_bytes(head + flow.astype("<f4").tobytes())

        yield write, folder


@contextmanager
def _array(files: FlowFiles, video: Video, stream: FrameStream) -> Writing:
    """One array (T, H, W, 2) float32; its header is written again when T is known."""
    shape: list[int] = []
    numbers = itertools.count(1)
    with (
        atomic_path(files.target(video)) as temporary,
        open(temporary, "wb") as file,
        files.folder_of_frames(video) as images,
    ):

        def header() -> None:
            # numpy leaves room in it for any number of flows.
            described = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
            np.lib.format.write_array_header_1_0(file, described)

        def write(flow: Flow) -> None:
            if not shape:
                shape.extend((0, *flow.shape))
                header()
            shape[0] = next(numbers)
            file.write(np.ascontiguousarray(flow, "<f4").data)

        yield write, images
        file.seek(0)
        header()


@contextmanager
def _shard(files: FlowFiles, video: Video, stream: FrameStream) -> Writing:
    """A shard of one video, as the workflow's shards are (docs/formats.md)."""
    settings = files.settings
    backend, parameters = resolve_backend(settings.backend), of_settings(settings)
    attributes = flow_attributes(settings, backend, parameters, FLOW_VERSION)
    attributes |= {"step": files.step, "versions": f"rev2net {__version__}"}
    with (
        write_shard(files.target(video), attributes) as shard,
        files.folder_of_frames(video) as images,
    ):

        def write(flow: Flow) -> None:
            shard.append(encode_flow(flow, settings))

        yield write, images
        facts, _ = stream.outcome()
        shard.keep_video(
            as_text(video.name),
            num_frames=stream.num_frames,
            height=facts.height,
            width=facts.width,
            fps=settings.frames.fps or facts.fps,
        )


_WRITERS = {"jpg": _images, "png": _images, "npy": _array, "flo": _middlebury, "h5": _shard}
