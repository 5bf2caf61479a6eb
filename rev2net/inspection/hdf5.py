"""HDF5 files: shards and their indexes, scores, features, and any other."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rev2net.inspection.report import Facts, Report, Table
from rev2net.shards.reader import open_hdf5


def inspect_hdf5(path: Path) -> Report:
    """Attributes, datasets, and what can be counted in a file of a kind that we know.

    Raises UserError where the file cannot be read.
    """
    with open_hdf5(path) as file:
        datasets: list[h5py.Dataset] = []
        file.visititems(
            lambda _, item: datasets.append(item) if isinstance(item, h5py.Dataset) else None
        )
        report: Report = [
            Facts("attributes", {k: _attribute(v) for k, v in sorted(file.attrs.items())}),
            Table("datasets", ["name", "shape", "type"], [_layout(item) for item in datasets]),
        ]
        if "video/id" in file:
            report += _videos(file)
        if "scores" in file and "label" in file:
            report += _scores(file)
        if "features" in file:
            report += _features(file)
    return report


def _attribute(value: Any) -> Any:
    """Lists and objects are stored as JSON."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value.tolist() if hasattr(value, "tolist") else value


def _layout(item: h5py.Dataset) -> list[Any]:
    kind = "text" if h5py.check_string_dtype(item.dtype) else str(item.dtype)
    return [item.name, tuple(item.shape), kind]


def _column(item: h5py.Dataset) -> list[Any]:
    values = item.asstr()[()] if h5py.check_string_dtype(item.dtype) else item[()]
    return list(values.tolist())


def _videos(file: h5py.File) -> Report:
    """The `/video` table of a shard or an index, and its sums."""
    names = sorted(file["video"], key=lambda name: (name != "id", name))  # the id leads
    columns = [_column(file["video"][name]) for name in names]
    facts: dict[str, Any] = {"videos": len(columns[0])}
    for name, column in zip(names, columns, strict=True):
        if name in ("num_images", "num_frames"):
            facts[name.replace("num_", "")] = sum(column)
    if "frames" in file:
        facts["megabytes"] = round(len(file["frames"]) / 1e6, 3)
    if "shard/path" in file:
        facts["shards"] = len(file["shard/path"])
    return [Facts("content", facts), Table("videos", names, list(zip(*columns, strict=True)))]


def accuracies(path: Path) -> dict[str, Any]:
    """What a scores file comes to, in percent; nothing for another file."""
    with open_hdf5(path) as file:
        found = _scores(file) if "scores" in file and "label" in file else []
    return dict(found[0].values) if found and isinstance(found[0], Facts) else {}


def _scores(file: h5py.File) -> Report:
    from rev2net.evaluation import metrics

    scores, label = file["scores"][()], file["label"][()]
    if scores.ndim != 2 or label.shape != scores.shape[:1] or not len(label):
        return []
    found = {
        "videos": len(label),
        "classes": scores.shape[1],
        "top1": round(metrics.top1(scores, label), 3),
        "top5": round(metrics.topk(scores, label, 5), 3),
        "mean_class": round(metrics.mean_class(scores, label), 3),
    }
    return [Facts("accuracy in percent", found)]


def _features(file: h5py.File) -> Report:
    """Videos by dataset and part, and the length of their features."""
    features = file["features"][()]
    keys = [_column(file[name]) for name in ("dataset", "part") if name in file]
    norm = np.linalg.norm(features.reshape(len(features), -1), axis=1)
    finite = norm[np.isfinite(norm)]
    found = {
        "videos": len(features),
        "dimensions": features.shape[-1],
        "mean length": round(float(finite.mean()), 4) if len(finite) else None,
        "not finite": len(norm) - len(finite),
    }
    counts = Counter(zip(*keys, strict=True))
    return [
        Facts("features", found),
        Table("parts", ["dataset", "part", "videos"][-1 - len(keys) :], [
            [*key, number] for key, number in sorted(counts.items())
        ]),
    ]  # fmt: skip
