"""The parameters of TV-L1, named and set as in OpenCV, and the array types that backends share."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rev2net.config import FlowSettings

Image: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.float32]  # (H, W), 0..255 or 0..1
Flow: TypeAlias = npt.NDArray[np.float32]  # (H, W, 2), x then y, pixels per frame

MIN_SIDE = 3  # pixels of a frame; below it a central difference has no neighbours
MIN_LEVEL_SIDE = 16  # pixels of the pyramid's coarsest level


@dataclass(frozen=True)
class Parameters:
    """What `cv2.optflow.DualTVL1OpticalFlow` can be told, with its defaults.

    `gamma` (illumination change) is the one parameter left out: it is 0 in every published use.
    Raises ValueError for values without a meaning.
    """

    tau: float = 0.25  # step of the dual update
    lambda_: float = 0.15  # weight of brightness constancy against smoothness
    theta: float = 0.3  # how tightly the two halves of the split problem are coupled
    nscales: int = 5  # pyramid levels at most; none is smaller than 16 pixels a side
    warps: int = 5  # linearisations a level
    epsilon: float = 0.01  # stop once the flow changes by less, root mean square in pixels
    innerIterations: int = 30  # iterations between two median filters
    outerIterations: int = 10  # median filters a warp
    scaleStep: float = 0.8  # size of a level over the size of the next finer one
    medianFiltering: int = 5  # side of the median filter in pixels; 1 is none

    def __post_init__(self) -> None:
        for name in ("tau", "lambda_", "theta"):
            self._require(name, getattr(self, name) > 0, "a positive number")
        for name in ("nscales", "warps", "innerIterations", "outerIterations"):
            value = getattr(self, name)
            self._require(name, isinstance(value, int) and value >= 1, "a whole number from 1")
        self._require("epsilon", self.epsilon >= 0, "a number from 0")
        self._require("scaleStep", 0 < self.scaleStep < 1, "a number between 0 and 1")
        self._require("medianFiltering", self.medianFiltering in (1, 3, 5), "1 (none), 3 or 5")

    def _require(self, name: str, valid: bool, allowed: str) -> None:
        if not valid:
            raise ValueError(f"TV-L1 {name}: {getattr(self, name)!r}; allowed is {allowed}")


# The parameters of a configuration that OpenCV names otherwise.
_OPENCV_NAMES = {
    "inner_iterations": "innerIterations",
    "outer_iterations": "outerIterations",
    "scale_step": "scaleStep",
    "median_filtering": "medianFiltering",
}
_STORED = {"backend", "bound", "codec", "quality", "frames"}  # what is no parameter of TV-L1


def of_settings(settings: FlowSettings) -> dict[str, Any]:
    """The parameters of a configuration, under OpenCV's names."""
    values = settings.model_dump(exclude=_STORED)
    return {_OPENCV_NAMES.get(name, name): value for name, value in values.items()}


def default_settings(bound: float) -> FlowSettings:
    """OpenCV's defaults as a configuration, for flow stored as JPEG with this bound."""
    ours = {opencv: name for name, opencv in _OPENCV_NAMES.items()}
    values = {ours.get(name, name): value for name, value in vars(Parameters()).items()}
    return FlowSettings(backend="auto", bound=bound, codec="jpeg", quality=95, **values)
