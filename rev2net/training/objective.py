"""The objective, term by term (Eq. 3): classification, auxiliary tasks, domain adaptation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.config import LossSettings
from rev2net.errors import UserError
from rev2net.losses import at_least_single
from rev2net.losses.auxiliary import flow_loss, frame_loss, mask_penalty
from rev2net.losses.discrepancy import feature_discrepancy, latent_discrepancy
from rev2net.losses.domain import DomainDiscriminator, dann_loss, mk_mmd, reversal_coefficient
from rev2net.losses.own import Adaptation
from rev2net.training.distributed import all_ranks

# What a term takes of the network's outputs.
NEEDS = {
    "flow": ("flow",),
    "frames": ("frames",),
    "feature_discrepancy": ("flow_maps", "frame_maps"),
    "latent_discrepancy": ("flow_mean", "flow_logvar", "frame_mean", "frame_logvar"),
    "mask": ("mask",),
    "domain": ("features",),
}


@dataclass
class Targets:
    """What the outputs of a batch are compared with; the labelled clips come first."""

    labels: Tensor  # (labelled,) int64
    flow: Tensor | None  # (decoded, 2, T, H, W) in units of `Batches.flow_unit`
    frames: Tensor | None  # (decoded, 3, T, H, W) in [-1, 1], in the order of the clip


class Objective(nn.Module):
    """Computes every term by name; `total` weighs them.

    A term whose weight is 0 is not computed. A network with several classifiers (Sun-OFF) has a
    term for each: "classification" for "logits", "classification_28" for "logits_28", all of
    weight 1. The discriminator of the adversarial adaptation is part of this module, so that it is
    trained and saved with the network. `alike` is what is minimised between the features of source
    and target where nothing adversarial is: MK-MMD, or a function of one's own.
    """

    def __init__(
        self,
        settings: LossSettings,
        adapt: str,
        feature_size: int,
        alike: Adaptation = mk_mmd,
    ) -> None:
        super().__init__()
        self.adapt, self.alike = adapt, alike
        self.settings = settings
        self.weights = {
            "flow": settings.flow,
            "frames": settings.frames,
            "feature_discrepancy": settings.feature_discrepancy,
            "latent_discrepancy": settings.latent_discrepancy,
            "mask": settings.mask,
            "domain": {"none": 0.0, "dann": settings.dann}.get(adapt, settings.domain),
        }
        self.discriminator = DomainDiscriminator(feature_size) if adapt == "dann" else None

    def wants(self, term: str) -> bool:
        return self.weights[term] > 0

    def terms(
        self, outputs: dict[str, Tensor | list[Tensor]], targets: Targets, progress: float
    ) -> dict[str, Tensor]:
        """The unweighted terms of one batch; `progress` is the fraction of training done.

        Raises UserError for a weighted term whose outputs the network does not give.
        """
        self._check(outputs)
        labelled, loss = len(targets.labels), self.settings
        found = {
            name.replace("logits", "classification"): F.cross_entropy(
                _tensor(outputs, name)[:labelled], targets.labels
            )
            for name in outputs
            if name == "logits" or name.startswith("logits_")
        }
        if self.wants("flow") and targets.flow is not None:
            predicted = _tensor(outputs, "flow")
            found["flow"] = flow_loss(
                predicted, targets.flow, norm=loss.flow_norm, focus=loss.flow_focus
            )
        if self.wants("frames") and targets.frames is not None:
            predicted = _tensor(outputs, "frames")
            found["frames"] = frame_loss(
                predicted, targets.frames, norm=loss.frames_norm, focus=loss.frames_focus
            )
        if self.wants("feature_discrepancy"):
            found["feature_discrepancy"] = feature_discrepancy(
                _list(outputs, "flow_maps"), _list(outputs, "frame_maps")
            )
        if self.wants("latent_discrepancy"):
            found["latent_discrepancy"] = latent_discrepancy(
                *(_tensor(outputs, name) for name in NEEDS["latent_discrepancy"])
            )
        if self.wants("mask"):
            found["mask"] = mask_penalty(_tensor(outputs, "mask"))
        if self.wants("domain"):
            features = at_least_single(_tensor(outputs, "features"))
            source, target = features[:labelled], features[labelled:]
            if self.discriminator is not None:
                coefficient = reversal_coefficient(progress)
                found["domain"] = dann_loss(
                    self.discriminator, source, target, coefficient=coefficient
                )
            else:
                # Autocast would take products of features in bfloat16.
                with torch.autocast(features.device.type, enabled=False):
                    found["domain"] = self.alike(all_ranks(source), all_ranks(target))
        return found

    def weighted(self, terms: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Each term times its weight at a moment of the training."""
        return {
            name: at_least_single(value) * self._weight(name, progress)
            for name, value in terms.items()
        }

    def total(self, terms: dict[str, Tensor], progress: float = 1.0) -> Tensor:
        """The weighted sum; not finite where one of the terms is not."""
        return torch.stack([*self.weighted(terms, progress).values()]).sum()

    def _weight(self, term: str, progress: float) -> float:
        weight = self.weights.get(term, 1.0)
        # On a fresh network MK-MMD's gradient exceeds the cross-entropy's. DANN's coefficient is
        # such a ramp already.
        ramp = self.settings.domain_ramp
        if term == "domain" and self.adapt != "dann" and progress < ramp:
            weight *= progress / ramp
        return weight

    def _check(self, outputs: dict[str, Tensor | list[Tensor]]) -> None:
        for term, names in NEEDS.items():
            if self.wants(term) and (lacking := [n for n in names if n not in outputs]):
                raise UserError(
                    f"loss.{term} is {self.weights[term]}, but the network has no output "
                    f"{lacking[0]!r}; set it to 0"
                )


def gradient_shares(
    weighted: Mapping[str, Tensor], parts: Mapping[str, Sequence[nn.Parameter]]
) -> dict[str, float]:
    """ "<term>_share_<part>": |gradient of the term| / |gradient of the classification|, percent.

    A term that does not reach a part of the network does not train it, whatever its loss does: a
    diagnosis, not a goal. `weighted` are the weighted terms of one batch, "classification" among
    them; their graph is kept for the step's own backward pass, so that this costs a backward pass a
    term and no forward pass.
    """
    parameters = [parameter for part in parts.values() for parameter in part]
    if len(weighted) < 2 or not parameters:
        return {}
    norms = {}
    for term, value in weighted.items():
        gradients = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
        rest = iter(gradients)
        for part, members in parts.items():
            found = [g for g in (next(rest) for _ in members) if g is not None]
            norms[term, part] = float(nn.utils.get_total_norm(found)) if found else 0.0
    return {
        f"{term}_share_{part}": round(100.0 * norm / max(norms["classification", part], 1e-12), 4)
        for (term, part), norm in norms.items()
        if term != "classification"
    }


def _tensor(outputs: dict[str, Tensor | list[Tensor]], name: str) -> Tensor:
    value = outputs[name]
    assert isinstance(value, Tensor)
    return value


def _list(outputs: dict[str, Tensor | list[Tensor]], name: str) -> list[Tensor]:
    value = outputs[name]
    assert isinstance(value, list)
    return value
