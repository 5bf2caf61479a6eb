"""What a training starts with: random states, initial weights, how batches are normalised."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rev2net.config import ComputeSettings, TrainSettings
from rev2net.errors import UserError
from rev2net.experiments import without_weights
from rev2net.losses.domain import mk_mmd
from rev2net.losses.own import Adaptation, load_adaptation
from rev2net.models.junction import Junction
from rev2net.models.network import VideoNetwork
from rev2net.models.own_network import check_outputs
from rev2net.models.weights import DECODING, load_weights
from rev2net.own_code import is_own, named_by
from rev2net.runs.checkpoint import naming_its_key
from rev2net.training import distributed


def initialise(network: VideoNetwork, settings: TrainSettings, class_names: Sequence[str]) -> None:
    """Load the run's initial weights and print what became of every parameter."""
    source = settings.initial_weights
    if source is None:
        raise UserError(without_weights(settings.run))
    report = load_weights(
        network,
        source.file,
        sha256=source.sha256,
        partial=source.partial,
        class_names=class_names,
    )
    for layer in network.modules():
        if isinstance(layer, Junction):
            layer.norms.zero_()  # they were met with another head, on other clips
    if distributed.rank() == 0:
        print(report, flush=True)


def feature_size(
    network: VideoNetwork, settings: TrainSettings, num_classes: int, device: torch.device
) -> int:
    """D of the pooled features, seen by passing one empty clip.

    Raises UserError where the outputs of a network of one's own do not have their shapes.
    """
    spec, clip = network.input_spec, settings.clip
    sizes = {"B": 1, "C": spec.channels, "T": clip.length, "H": clip.size, "W": clip.size}
    x = torch.zeros([sizes[axis] for axis in spec.layout], device=device)
    network.eval()
    if is_own(settings.network_name):
        with naming_its_key(settings):
            check_outputs(network, settings.network_name, num_classes, x)
    with torch.no_grad():
        outputs = network.forward_train(x)
    features = outputs["features"]
    assert isinstance(features, Tensor)
    return features.shape[1]


def term_of_features(settings: TrainSettings, num_features: int) -> Adaptation:
    """What is minimised between features of source and target: MK-MMD, or a term of one's own."""
    if settings.adaptation is None:
        return mk_mmd
    with named_by(f"adaptations.{settings.run.adapt}"):
        return load_adaptation(settings.adaptation, num_features)


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
    """Keep the statistics, scale and shift of batch normalisations as they are.

    Not those of Rev2Net's decoders: no checkpoint has them, so they would stay as they were drawn.
    """
    for name, layer in network.named_modules():
        if isinstance(layer, _BatchNorm) and not name.startswith(DECODING):
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
