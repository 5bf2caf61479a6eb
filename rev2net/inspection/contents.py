"""What one file holds: HDF5, checkpoints, CSV, JSON and logs, videos."""

import csv
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rev2net.digests import file_digest
from rev2net.errors import UserError
from rev2net.evaluation import metrics
from rev2net.printing import Facts, Report, Table
from rev2net.shards.reader import open_hdf5
from rev2net.video.decoding import FrameStream
from rev2net.video.ledger import judged

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
TORCH_SUFFIXES = (".pt", ".pth", ".pth.tar", ".pt.tar", ".ckpt")


def inspect_file(path: Path) -> Report:
    """What a file holds, by its first bytes or its ending; any other is taken for a video.

    Raises UserError where it cannot be read, or is not what its name says.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(len(HDF5_SIGNATURE))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    if not start and path.is_file():
        raise UserError(f"{path}: an empty file")
    if start == HDF5_SIGNATURE:
        return _hdf5(path)
    if path.name.lower().endswith(TORCH_SUFFIXES):
        return _checkpoint(path)
    readers = {".csv": _csv, ".json": _json, ".jsonl": _json_lines}
    return readers.get(path.suffix.lower(), _video)(path)


def _hdf5(path: Path) -> Report:
    """Attributes, datasets, and what can be counted in shards, indexes, scores and features."""
    with open_hdf5(path) as file:
        datasets: list[h5py.Dataset] = []
        file.visititems(
            lambda _, item: datasets.append(item) if isinstance(item, h5py.Dataset) else None
        )
        shapes = [[item.name, tuple(item.shape), _type(item)] for item in datasets]
        report: Report = [
            Facts("attributes", {k: _attribute(v) for k, v in sorted(file.attrs.items())}),
            Table("datasets", ["name", "shape", "type"], shapes),
        ]
        if "video/id" in file:
            report += _videos(file)
        if found := _accuracies(file):
            report.append(Facts("accuracy in percent", found))
        if "features" in file:
            report += _features(file)
    return report


def accuracies(path: Path) -> dict[str, Any]:
    """What a scores file comes to, in percent; nothing for another file."""
    with open_hdf5(path) as file:
        return _accuracies(file)


def _type(item: h5py.Dataset) -> str:
    return "text" if h5py.check_string_dtype(item.dtype) else str(item.dtype)


def _attribute(value: Any) -> Any:
    """Lists and objects are stored as JSON."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value.tolist() if hasattr(value, "tolist") else value


def _column(item: h5py.Dataset) -> list[Any]:
    values = item.asstr()[()] if h5py.check_string_dtype(item.dtype) else item[()]
    return list(values.tolist())


def _videos(file: h5py.File) -> Report:
    """The `/video` table of a shard or an index, and its sums."""
    names = sorted(file["video"], key=lambda name: (name != "id", name))  # the id leads
    columns = {name: _column(file["video"][name]) for name in names}
    facts: dict[str, Any] = {"videos": len(columns["id"])}
    facts |= {k: sum(columns[f"num_{k}"]) for k in ("frames", "images") if f"num_{k}" in columns}
    if "frames" in file:
        facts["megabytes"] = round(len(file["frames"]) / 1e6, 3)
    if "shard/path" in file:
        facts["shards"] = len(file["shard/path"])
    rows = list(zip(*columns.values(), strict=True))
    return [Facts("content", facts), Table("videos", names, rows)]


def _accuracies(file: h5py.File) -> dict[str, Any]:
    if "scores" not in file or "label" not in file:
        return {}
    scores, label = file["scores"][()], file["label"][()]
    if scores.ndim != 2 or label.shape != scores.shape[:1] or not len(label):
        return {}
    return {
        "videos": len(label),
        "classes": scores.shape[1],
        "top1": round(metrics.top1(scores, label), 3),
        "top5": round(metrics.topk(scores, label, 5), 3),
        "mean_class": round(metrics.mean_class(scores, label), 3),
    }


def _features(file: h5py.File) -> Report:
    """Videos by dataset and part, and the length of their features."""
    features = file["features"][()]
    norm = np.linalg.norm(features.reshape(len(features), -1), axis=1)
    finite = norm[np.isfinite(norm)]
    facts = {
        "videos": len(features),
        "dimensions": features.shape[-1],
        "mean length": round(float(finite.mean()), 4) if len(finite) else None,
        "not finite": len(norm) - len(finite),
    }
    keys = {name: _column(file[name]) for name in ("dataset", "part") if name in file}
    rows = [dict(zip(keys, row, strict=True)) for row in sorted(zip(*keys.values(), strict=True))]
    return [Facts("features", facts), _counts("parts", rows, *keys)]


def _checkpoint(path: Path) -> Report:
    """A run's `checkpoint.pt`, a training's `last.pt`, published weights; no network is built.

    Only tensors and plain values are read: a pickle that would run code is refused.
    """
    import torch

    try:
        # Mapped, not read: only names and shapes are looked at. Old files cannot be.
        mapped = zipfile.is_zipfile(path)
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise UserError(f"{path}: not a readable checkpoint ({reason})") from None
    facts: dict[str, Any] = {}
    if isinstance(state, dict):
        told = ("step", "class_names", "split_digest", "fingerprint")
        facts = state.get("identity", {}) | {name: state[name] for name in told if name in state}
    tensors = dict(_tensors(state["network"] if facts and "network" in state else state))
    # Batch normalisation keeps statistics beside its parameters.
    kept = ("running_mean", "running_var", "num_batches_tracked")
    facts |= {
        "parameters": sum(t.numel() for name, t in tensors.items() if not name.endswith(kept)),
        "bytes": path.stat().st_size,
        "sha256": file_digest(path),
    }
    report: Report = [Facts("checkpoint", facts)]
    if isinstance(state, dict) and isinstance(state.get("settings"), str):
        report.append(Facts("settings", json.loads(state["settings"])))
    rows = [
        [name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for name, tensor in tensors.items()
    ]
    return [*report, Table("tensors", ["name", "shape", "type"], rows)]


def _tensors(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor under its dotted name."""
    if hasattr(value, "numel"):
        yield above.removesuffix("."), value
    elif isinstance(value, dict | list | tuple):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for name, entry in inside:
            yield from _tensors(entry, f"{above}{name}.")


def _csv(path: Path) -> Report:
    """The rows; of a ledger counts by status and only the rows that are not ok, of an index and a
    split counts by class and part beside them.
    """
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.DictReader(file, restval="")
            rows, columns = list(reader), list(reader.fieldnames or ())
    except csv.Error as error:
        raise UserError(f"{path}: not CSV ({error})") from None
    if {"kind", "status"} <= set(columns):
        bad = [row for row in rows if row["status"] != "ok"]
        counts = _counts("videos by status", rows, "kind", "status")
        return [counts, _table("not ok", columns, bad)]
    report: Report = [Facts("content", {"rows": len(rows), "columns": columns})]
    if {"video_id", "part"} <= set(columns):
        report.append(_counts("videos by part", rows, "dataset", "part"))
    if {"video_id", "class"} <= set(columns):
        sides = ("train", "val", "test", "unused")
        splits = [name for name in columns if name.startswith("split")]
        of_split = [[k, *(sum(row[k] == side for row in rows) for side in sides)] for k in splits]
        report.append(Table("videos by split", ["split", *sides], of_split))
        report.append(_counts("videos by class", rows, "label", "class"))
    return [*report, _table("rows", columns, rows)]


def _table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(title, columns, [[row.get(name) for name in columns] for row in rows])


def _counts(title: str, rows: Sequence[Mapping[str, Any]], *keys: str) -> Table:
    """How many rows have each combination of some of their columns."""
    known = [key for key in keys if not rows or key in rows[0]]
    counts = Counter(tuple(row[key] for key in known) for row in rows)
    return Table(title, [*known, "videos"], [[*values, n] for values, n in counts.items()])


def _json(path: Path) -> Report:
    """Every value under its dotted name."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    if not isinstance(values, dict):
        return [Facts("content", {"value": values})]
    return [Facts("content", dict(_leaves(values)))]


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _json_lines(path: Path) -> Report:
    """A training's log: how far it came, and its lines."""
    entries: list[dict[str, Any]] = []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UserError(f"{path}:{number}: not JSON ({error})") from None
            if not isinstance(entry, dict):
                raise UserError(f"{path}:{number}: found {line.strip()!r}, expected an object")
            entries.append(entry)
    columns = list(dict.fromkeys(name for entry in entries for name in entry))
    facts: dict[str, Any] = {"lines": len(entries)}
    facts |= {f"last {name}": value for name, value in (entries[-1] if entries else {}).items()}
    return [Facts("content", facts), _table("lines", columns, entries)]


def _video(path: Path) -> Report:
    """What the container says, and what decoding to the end finds.

    Raises UserError (VideoError) where no frame can be decoded.
    """
    stream = FrameStream(path)
    for _ in stream:
        pass
    facts, decoding = stream.outcome()
    announced, status, message = judged(stream)
    values = {
        "file": path.name,
        "container": facts.container,
        "codec": facts.codec,
        "width x height": f"{facts.width} x {facts.height}",
        "frames per second": round(facts.fps, 4),
        "frames announced": "not stored" if announced is None else announced,
        "frames decoded": decoding.decoded,
        "status": f"{status}: {message}" if message else status,
    }
    return [Facts("video", values)]
