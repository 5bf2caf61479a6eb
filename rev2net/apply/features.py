"""Features of any video: `<name>.npy`, a row a window, and `<name>.json`, what made it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from rev2net.apply.inputs import Video
from rev2net.apply.output import Outcome
from rev2net.apply.subject import Subject
from rev2net.apply.windows import Windows
from rev2net.errors import UserError
from rev2net.files import atomic_path, write_text
from rev2net.flow.parameters import of_settings
from rev2net.models.i3d import I3D
from rev2net.video.ffmpeg import VideoError
from rev2net.video.ledger import judged

POOLED = "pooled"  # the network's own features, before dropout and classifier


@dataclass(frozen=True)
class FeatureFiles:
    """What is written of every video; calling it does one."""

    folder: Path
    windows: Windows
    endpoint: str

    def record(self) -> dict[str, Any]:
        """What the results depend on, as it is written beside them."""
        subject = self.windows.subject
        flow = of_settings(subject.flow) if subject.shape.kinds == ("flow",) else None
        return {
            "network": subject.words,
            "weights": subject.digest,
            "endpoint": self.endpoint,
            "window": self.windows.window,
            "stride": self.windows.stride,
            "crop": subject.size,
            **subject.frames.model_dump(mode="json", include={"short_side", "size", "fps"}),
            **({} if flow is None else {"bound": subject.flow.bound, "flow": flow}),
        }

    def done(self, video: Video) -> bool:
        """Whether a video's results are there."""
        return self._target(video, "json").exists()

    def __call__(self, video: Video) -> Outcome:
        """Write one video's results; a video that cannot be read leaves none."""
        cv2.setNumThreads(1)
        stream = self.windows.stream(str(video.path))
        try:
            features = np.stack(list(self.windows.rows(stream, self._answer)))
        except VideoError as error:
            return Outcome(video.name, "broken", stream.num_frames, 0, error.reason)
        _, status, message = judged(stream)
        with atomic_path(self._target(video, "npy")) as temporary, open(temporary, "wb") as file:
            np.save(file, features)
        about = {"video": str(video.path), "frames": stream.num_frames}
        about |= {"rate": stream.outcome()[0].fps, "windows": len(features), **self.record()}
        write_text(self._target(video, "json"), json.dumps(about, indent=2) + "\n")
        return Outcome(video.name, status, stream.num_frames, len(features), message)

    def _target(self, video: Video, suffix: str) -> Path:
        return self.folder / f"{video.name}.{suffix}"

    def _answer(self, x: Tensor) -> Tensor:
        network = self.windows.subject.network
        if self.endpoint == POOLED:
            found = network.forward_train(x, decode_first=0)["features"]
        else:
            assert isinstance(network, I3D)
            found = network.endpoints(x, self.endpoint)[1][self.endpoint].mean((2, 3, 4))
        assert isinstance(found, Tensor)
        return found


def check_endpoint(subject: Subject, endpoint: str) -> None:
    """Raise UserError for a layer that the network does not have."""
    layers = list(subject.network.channels) if isinstance(subject.network, I3D) else []
    if endpoint not in (POOLED, *layers):
        raise UserError(f"--endpoint: {endpoint}; allowed are {', '.join((POOLED, *layers))}")
