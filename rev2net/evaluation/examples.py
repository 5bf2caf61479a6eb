"""Example files: what the decoders of one run make of a few held-out clips, with how well they do.

Shapes: N clips, M moments shown of each, H x W pixels. The errors are of whole clips.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rev2net import digests
from rev2net.errors import UserError
from rev2net.files import atomic_path

# Dataset, its type, and what follows (N, M, H, W) in its shape; those marked once have no M.
FLOWS = ("stored_flow", "predicted_flow")  # float16 (N, M, H, W, 2), x then y, pixels per frame
FRAMES = ("reversed_clip", "reconstruction", "foreground")  # uint8 (N, M, H, W, 3)
MASK = "mask"  # uint8 (N, M, H, W), 255 is all foreground
STILLS = ("background", "mean_frame")  # uint8 (N, H, W, 3), one picture a clip
IMAGES = ("clip", *FLOWS, *FRAMES, MASK, *STILLS)


@dataclass(frozen=True)
class Examples:
    """Some clips of a run; `images` and `errors` hold what its decoders give, by name.

    `images` always has "clip" (N, M, H, W, 3) uint8; a flow decoder adds FLOWS, a frame decoder
    FRAMES, MASK and STILLS. `errors` (N,): "flow_epe" and "still_epe", the end-point error in
    pixels per frame of the prediction and of no motion at all; "l1", "psnr" of the reconstruction
    and "mean_frame_l1", "mean_frame_psnr" of the clip's mean frame, in grey levels of 255 and dB.
    """

    run: str = ""
    video_id: list[str] = field(default_factory=list)
    class_name: list[str] = field(default_factory=list)
    moment: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # (M,)
    images: dict[str, NDArray[Any]] = field(default_factory=dict)
    errors: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.video_id)

    def one(self, number: int) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
        """The images and the errors of one clip, without the axis N."""
        images = {name: array[number] for name, array in self.images.items()}
        return images, {name: float(array[number]) for name, array in self.errors.items()}


def moments(length: int, shown: int) -> NDArray[np.int64]:
    """Positions (at most `shown`,) spread evenly over a clip, the same from both of its ends.

    >>> moments(8, 4).tolist()
    [0, 2, 5, 7]
    """
    first = np.round(np.linspace(0, length - 1, min(shown, length)))[: (shown + 1) // 2]
    return np.unique(np.concatenate([first, length - 1 - first])).astype(np.int64)


def end_point_error(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Mean length of the difference of two flows (..., 2), pixels per frame."""
    return float(np.linalg.norm(np.float64(first) - second, axis=-1).mean())


def l1(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two pictures, grey levels."""
    return float(np.abs(np.float64(first) - second).mean())


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures of 0..255, dB; infinite where they are equal."""
    mean_square = float(np.square(np.float64(first) - second).mean())
    return float("inf") if mean_square == 0 else 10 * np.log10(255**2 / mean_square)


def write_examples(path: Path, examples: Examples) -> None:
    """Write beside the final name and rename when whole; no clips make a file that says so."""
    with (
        atomic_path(path) as temporary,
        h5py.File(temporary, "w", libver=digests.LIBVER, locking=False) as file,
    ):
        file.attrs["run"] = examples.run
        file["moment"] = examples.moment
        for name in ("video_id", "class_name"):
            values = getattr(examples, name)
            file.create_dataset(name, data=values, shape=len(values), dtype=h5py.string_dtype())
        for name, array in examples.images.items():
            file.create_dataset(f"images/{name}", data=array, compression="gzip", shuffle=True)
        for name, array in examples.errors.items():
            file[f"errors/{name}"] = array
        digests.seal(file)


def read_examples(path: Path) -> Examples:
    """Read an examples file whole; raises UserError naming it where it is absent or another."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            digests.check_seal(path, file)
            return Examples(
                str(file.attrs["run"]),
                file["video_id"].asstr()[()].tolist(),
                file["class_name"].asstr()[()].tolist(),
                file["moment"][()],
                {name: file[f"images/{name}"][()] for name in file.get("images", ())},
                {name: file[f"errors/{name}"][()] for name in file.get("errors", ())},
            )
    except FileNotFoundError:
        raise UserError(f"{path}: no such examples file") from None
    except (OSError, KeyError, TypeError) as error:
        raise digests.damaged(path, f"not an examples file: {error}") from None
