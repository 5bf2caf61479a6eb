"""PyTorch files: a finished run's `checkpoint.pt`, a training's `last.pt`, published weights."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rev2net.errors import UserError
from rev2net.inspection.report import Facts, Report, Table


def inspect_checkpoint(path: Path) -> Report:
    """What a file holds without building its network; raises UserError for another file.

    Only tensors and plain values are read: a pickle that would run code is refused.
    """
    import torch

    from rev2net.digests import file_digest

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
        facts |= state.get("identity", {})
        for name in ("step", "class_names", "split_digest", "fingerprint"):
            if name in state:
                facts[name] = state[name]
    tensors = dict(_tensors(state["network"] if facts and "network" in state else state))
    facts |= {
        "parameters": sum(tensor.numel() for name, tensor in tensors.items() if _learned(name)),
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


def _learned(name: str) -> bool:
    """Whether a tensor is a parameter; batch normalisation keeps statistics beside its own."""
    return not name.endswith(("running_mean", "running_var", "num_batches_tracked"))


def _tensors(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor under its dotted name."""
    if hasattr(value, "numel"):
        yield above, value
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _tensors(entry, f"{above}.{name}" if above else str(name))
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from _tensors(entry, f"{above}.{number}" if above else str(number))
