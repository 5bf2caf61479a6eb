"""Features files: pooled features of the videos that one run scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from rev2net import digests
from rev2net.errors import UserError
from rev2net.files import atomic_path


@dataclass(frozen=True)
class Features:
    """Row n of every field is video n."""

    features: np.ndarray  # (N, D) float32
    video_id: Sequence[str]
    label: np.ndarray  # (N,) int64
    dataset: Sequence[str]
    part: Sequence[str]


def write_features(path: Path, features: Features) -> None:
    """Write beside the final name and rename when whole."""
    with (
        atomic_path(path) as temporary,
        h5py.File(temporary, "w", libver=digests.LIBVER, locking=False) as file,
    ):
        file["features"] = features.features.astype(np.float32, copy=False)
        file["label"] = features.label.astype(np.int64, copy=False)
        for name in ("video_id", "dataset", "part"):
            values = list(getattr(features, name))
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())
        digests.seal(file)


def read_features(path: Path) -> Features:
    """Read a features file whole; raises UserError naming it where it is absent or another."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            digests.check_seal(path, file)
            return Features(
                features=file["features"][()],
                label=file["label"][()],
                video_id=file["video_id"].asstr()[()].tolist(),
                dataset=file["dataset"].asstr()[()].tolist(),
                part=file["part"].asstr()[()].tolist(),
            )
    except FileNotFoundError:
        raise UserError(f"{path}: no such features file") from None
    except (OSError, KeyError, TypeError) as error:
        raise digests.damaged(path, f"not a features file: {error}") from None
