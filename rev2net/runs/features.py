"""Features files: pooled features of the videos that one run scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from rev2net import digests


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
    with digests.write_hdf5(path) as file:
        file["features"] = features.features.astype(np.float32, copy=False)
        file["label"] = features.label.astype(np.int64, copy=False)
        for name in ("video_id", "dataset", "part"):
            values = list(getattr(features, name))
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())


def read_features(path: Path) -> Features:
    """Read a features file whole; raises UserError naming it where it is absent or another."""
    with digests.read_hdf5(path, "a features file") as file:
        return Features(
            features=file["features"][()],
            label=file["label"][()],
            video_id=file["video_id"].asstr()[()].tolist(),
            dataset=file["dataset"].asstr()[()].tolist(),
            part=file["part"].asstr()[()].tolist(),
        )
