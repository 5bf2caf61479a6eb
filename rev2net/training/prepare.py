"""What a training starts with: random states, initial weights, how batches are normalised."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rev2net.config import ComputeSettings, TrainSettings, WeightsSource
from rev2net.digests import file_digest
from rev2net.errors import UserError
from rev2net.experiments import without_weights
from rev2net.models.network import VideoNetwork
from rev2net.models.weights import load_weights
from rev2net.training import distributed


def initialise(network: VideoNetwork, settings: TrainSettings, class_names: Sequence[str]) -> None:
    """Load the run's initial weights and print what became of every parameter."""
    source = settings.initial_weights
    if source is None:
        raise UserError(without_weights(settings.run))
    report = load_weights(
        network, weights_file(source), partial=source.partial, class_names=class_names
    )
    if distributed.rank() == 0:
        print(report, flush=True)


def weights_file(source: WeightsSource) -> Path:
    """The checkpoint to start from, as it lies there; raises UserError where it is another one."""
    path = Path(source.file)
    if not path.is_file():
        brought = "`rev2net weights` downloads it" if source.url else "put it there, give a url"
        raise UserError(f"initial_weights: no file {path}; {brought}, or use init scratch")
    if source.sha256 is not None and not (found := file_digest(path)).startswith(source.sha256):
        raise UserError(f"{path}: sha256 is {found}; the configuration asks {source.sha256}")
    return path


def feature_size(network: VideoNetwork, settings: TrainSettings, device: torch.device) -> int:
    """D of the pooled features, seen by passing one empty clip."""
    spec, clip = network.input_spec, settings.clip
    sizes = {"B": 1, "C": spec.channels, "T": clip.length, "H": clip.size, "W": clip.size}
    network.eval()
    with torch.no_grad():
        outputs = network.forward_train(
            torch.zeros([sizes[axis] for axis in spec.layout], device=device)
        )
    features = outputs["features"]
    assert isinstance(features, Tensor)
    return features.shape[1]


def synchronise_batchnorm(
    network: VideoNetwork, compute: ComputeSettings, device: torch.device
) -> None:
    """Make batch normalisation see the batches of all ranks together, where that is asked for."""
    if not compute.sync_batchnorm:
        return
    if device.type != "cuda":
        raise UserError("compute.sync_batchnorm is true, but works on GPUs only; set it to false")
    nn.SyncBatchNorm.convert_sync_batchnorm(network)


def freeze_batchnorm(network: VideoNetwork) -> None:
    """Keep the statistics, scale and shift of every batch normalisation as they are."""
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval().requires_grad_(False)


def seed_everything(seed: int) -> None:
    """Seed every generator that a library may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def random_states() -> dict[str, Any]:
    """The states of the generators that a training draws from (clips have their own)."""
    states: dict[str, Any] = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Undo of `random_states`."""
    torch.set_rng_state(states["torch"].cpu())
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"].cpu())
