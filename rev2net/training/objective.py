"""The objective, term by term (Eq. 3): classification, four Rev2Net terms, domain adaptation."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.config import LossSettings
from rev2net.errors import UserError
from rev2net.losses.auxiliary import flow_loss, frame_loss
from rev2net.losses.discrepancy import feature_discrepancy, latent_discrepancy
from rev2net.losses.domain import DomainDiscriminator, dann_loss, mk_mmd, reversal_coefficient


@dataclass
class Targets:
    """What the outputs of a batch are compared with; the labelled clips come first."""

    labels: Tensor  # (labelled,) int64
    flow: Tensor | None  # (decoded, 2, T, H, W) in units of the bound
    frames: Tensor | None  # (decoded, 3, T, H, W) in [-1, 1], in the order of the clip


class Objective(nn.Module):
    """Computes every term by name; `total` weighs them.

    A term whose weight is 0 is not computed. The discriminator of the adversarial adaptation is
    part of this module, so that it is trained and saved with the network.
    """

    def __init__(self, weights: LossSettings, adapt: str, feature_size: int) -> None:
        super().__init__()
        self.adapt = adapt
        self.weights = {
            "classification": 1.0,
            "flow": weights.flow,
            "frames": weights.frames,
            "feature_discrepancy": weights.feature_discrepancy,
            "latent_discrepancy": weights.latent_discrepancy,
            "domain": weights.domain if adapt != "none" else 0.0,
        }
        self.discriminator = DomainDiscriminator(feature_size) if adapt == "dann" else None

    def wants(self, term: str) -> bool:
        return self.weights[term] > 0

    def terms(
        self, outputs: dict[str, Tensor | list[Tensor]], targets: Targets, progress: float
    ) -> dict[str, Tensor]:
        """The unweighted terms of one batch; `progress` is the fraction of training done."""
        labelled = len(targets.labels)
        found = {
            "classification": F.cross_entropy(_tensor(outputs, "logits")[:labelled], targets.labels)
        }
        if self.wants("flow") and targets.flow is not None:
            found["flow"] = flow_loss(_tensor(outputs, "flow"), targets.flow)
        if self.wants("frames") and targets.frames is not None:
            found["frames"] = frame_loss(_tensor(outputs, "frames"), targets.frames)
        if self.wants("feature_discrepancy"):
            found["feature_discrepancy"] = feature_discrepancy(
                _list(outputs, "flow_maps"), _list(outputs, "frame_maps")
            )
        if self.wants("latent_discrepancy"):
            found["latent_discrepancy"] = latent_discrepancy(
                *(
                    _tensor(outputs, name)
                    for name in ("flow_mean", "flow_logvar", "frame_mean", "frame_logvar")
                )
            )
        if self.wants("domain"):
            features = _tensor(outputs, "features").float()
            source, target = features[:labelled], features[labelled:]
            if self.discriminator is not None:
                coefficient = reversal_coefficient(progress)
                found["domain"] = dann_loss(
                    self.discriminator, source, target, coefficient=coefficient
                )
            else:
                found["domain"] = mk_mmd(source, target)
        return found

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum; raises UserError naming the term that is not finite."""
        for name, value in terms.items():
            if not torch.isfinite(value):
                raise UserError(
                    f"loss term {name!r} is {value.item()}; lower its weight or "
                    "optimisation.learning_rate (the last good state is kept)"
                )
        weighted: Sequence[Tensor] = [self.weights[name] * value for name, value in terms.items()]
        return torch.stack([value.float() for value in weighted]).sum()


def _tensor(outputs: dict[str, Tensor | list[Tensor]], name: str) -> Tensor:
    value = outputs[name]
    assert isinstance(value, Tensor)
    return value


def _list(outputs: dict[str, Tensor | list[Tensor]], name: str) -> list[Tensor]:
    value = outputs[name]
    assert isinstance(value, list)
    return value
