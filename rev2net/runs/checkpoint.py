"""`checkpoint.pt`: a finished run's network and what it was trained on; atomic files of torch."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from rev2net.clips.dataset import ClipShape
from rev2net.config import METHODS, TrainSettings, validate
from rev2net.digests import check_zip, file_digest, unreadable_checkpoint
from rev2net.errors import UserError
from rev2net.files import atomic_path
from rev2net.models import build_for
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import InputSpec, input_spec
from rev2net.models.weights import superseded
from rev2net.own_code import named_by
from rev2net.runs.folder import RunFolder


@dataclass(frozen=True)
class TrainedRun:
    """What `checkpoint.pt` holds, the network built and in evaluation mode on the CPU."""

    network: VideoNetwork
    settings: TrainSettings
    class_names: list[str]
    split_digest: str
    flow_unit: float | None  # pixels per frame that 1 of the decoded flow stands for; None: no flow
    digest: str  # sha256 of the checkpoint file


def network_input(settings: TrainSettings) -> InputSpec:
    """What the network of a run takes."""
    with naming_its_key(settings):
        return input_spec(settings.network_name, settings.run.input)


def build_network(settings: TrainSettings, num_classes: int) -> VideoNetwork:
    """The network of a run, with fresh weights."""
    name, network = settings.network_name, settings.network
    with naming_its_key(settings):
        spec = input_spec(name, settings.run.input)
        return build_for(spec, name, num_classes, network.width, network.options)


def naming_its_key(settings: TrainSettings) -> AbstractContextManager[None]:
    """Errors on the network of a configuration's own method begin with the key that names it."""
    method = settings.run.method
    return nullcontext() if method in METHODS else named_by(f"methods.{method}.network")


def clip_shape(
    spec: InputSpec, kinds: tuple[str, ...], settings: TrainSettings, length: int | None = None
) -> ClipShape:
    """How clips for a network are cut in time; `length` where it is not that of training."""
    clip = settings.clip
    return ClipShape(
        kinds, spec.time_axis == "segments", length or clip.length, clip.stride, spec.images
    )


def save(state: dict[str, Any], path: Path) -> None:
    """Write beside the final name, flush to disk, rename: the file is whole or absent."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        torch.save(state, file)


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a file that `save` wrote; raises UserError where it is absent or damaged."""
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    check_zip(path)
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise unreadable_checkpoint(path, f"not a readable checkpoint ({reason})") from None
    return state


def save_trained(
    folder: Path,
    network: VideoNetwork,
    settings: TrainSettings,
    class_names: list[str],
    split_digest: str,
    flow_unit: float | None = None,
) -> None:
    """Write `checkpoint.pt`; the network must be on the CPU. `flow_unit` in pixels per frame."""
    state = {
        "network": network.state_dict(),
        "settings": settings.model_dump_json(),
        "identity": asdict(settings.run),
        "class_names": class_names,
        "split_digest": split_digest,
        "flow_unit": flow_unit,
    }
    save(state, RunFolder(folder).checkpoint)


def load_trained(folder: str | Path) -> TrainedRun:
    """Read `checkpoint.pt` of a folder, or a file of that kind under any name.

    Raises UserError where it is absent, damaged or no run's.
    """
    folder = Path(folder)
    path = folder if folder.is_file() else RunFolder(folder).checkpoint
    state = load(path)
    needed = {"network", "settings", "identity", "class_names", "split_digest"}
    refusal = f"{path}: holds no trained run; needed: a checkpoint.pt of `rev2net stage train`"
    if not isinstance(state, dict) or not needed <= state.keys():
        raise UserError(refusal)
    try:
        words = json.loads(state["settings"])
    except (TypeError, ValueError):
        raise UserError(refusal) from None
    settings = validate(TrainSettings, words, f"{path}: made by another version; train it again")
    if lost := superseded(state["network"]):
        raise UserError(
            f"{path}: {lost}: train it again; its I3D can still be a start (initial_weights with "
            "partial: true)"
        )
    try:
        network = build_network(settings, len(state["class_names"]))
        network.load_state_dict(state["network"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0].rstrip(":")
        raise UserError(
            f"{path}: its weights are not those of its network ({reason}); made by another "
            "version, or by another program"
        ) from None
    return TrainedRun(
        network.eval(),
        settings,
        state["class_names"],
        state["split_digest"],
        state.get("flow_unit"),
        file_digest(path),
    )
