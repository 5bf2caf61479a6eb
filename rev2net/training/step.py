"""Forward pass and objective as one module, so that DistributedDataParallel sees one."""

import torch
import torch._functorch.config
from torch import Tensor, nn

from rev2net.config import ComputeSettings
from rev2net.models.network import VideoNetwork
from rev2net.training.batches import Batch
from rev2net.training.objective import Objective


class TrainingStep(nn.Module):
    """From a batch to its loss and what is logged of it."""

    def __init__(
        self, network: VideoNetwork, objective: Objective, compute: ComputeSettings
    ) -> None:
        super().__init__()
        network.channels_last = compute.channels_last
        network.share_gradient(objective.settings.share)
        self.network, self.objective = network, objective
        self.forward_train = network.forward_train
        if compute.compile:
            # Else a backward pass overwrites what it has read, and some steps take several: the
            # gradient shares have one a term.
            torch._functorch.config.donated_buffer = False
            self.forward_train = torch.compile(network.forward_train)

    def forward(
        self, batch: Batch, progress: float
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """The loss; its weighted terms by name; and, without gradient, what is logged, by name.

        Logged are loss, unweighted terms and top1 in percent. `progress` is the fraction of
        training done. Nothing here waits for the device.
        """
        outputs = self.forward_train(batch.x, decode_first=batch.decode_first)
        terms = self.objective.terms(outputs, batch.targets, progress)
        weighted = self.objective.weighted(terms, progress)
        loss = torch.stack([*weighted.values()]).sum()
        logits, labels = outputs["logits"], batch.targets.labels
        assert isinstance(logits, Tensor)
        correct = logits[: len(labels)].argmax(1) == labels
        values = {"loss": loss, **terms, "top1": 100.0 * correct.float().mean()}
        return loss, weighted, {name: value.detach() for name, value in values.items()}
