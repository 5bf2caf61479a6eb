"""Where auxiliary tasks branch off an encoder, and how much of their gradient enters it there.

A loss weight sets what a task sends back beside the classification at one moment, on one network
and data set: on others the same weight gives anything from nothing to many times as much. Here it
is set as such, by the norms that a training meets; what the weights then decide is how the tasks'
own layers learn. (Normalising tasks by gradient norms: Chen et al. 2018, GradNorm.)
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

MEMORY = 0.9  # of the running means, a step


class _Passage(torch.autograd.Function):
    """x itself. Its gradient is multiplied by `gain`; `probe` has its square sum before that."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, probe: Tensor, gain: Tensor) -> Tensor:
        ctx.save_for_backward(gain)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, Tensor, None]:
        (gain,), (gradient,) = ctx.saved_tensors, gradients
        norm = torch.linalg.vector_norm(gradient, dtype=gain.dtype)
        return gradient * gain.to(gradient.dtype), norm.square(), None


class Junction(nn.Module):
    """A map of the encoder that the trunk passes on and from which `tasks` branch off.

    Each task's gradient leaves the junction at `share` of the norm of the trunk's, which is what
    comes back from above: of classification and adaptation, and of tasks that branch off there;
    where `share` is None, as the loss weights make it.
    Norms are running means over steps, so that a batch without much to learn is no reason to learn
    much else; the first step measures, and nothing of the tasks passes in it.
    """

    norms: Tensor  # running means: the trunk's, then each task's; 0 where none was met

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.share: float | None = None
        # No weight, and never moved: backward passes leave squares of norms as its gradient. They
        # add up over the parts of a batch, and DistributedDataParallel averages over processes.
        self.probe = nn.Parameter(torch.zeros(1 + len(self.tasks)))
        self.register_buffer("norms", torch.zeros(1 + len(self.tasks)))

    def trunk(self, x: Tensor) -> Tensor:
        """x, to what the encoder does next."""
        return _Passage.apply(x, self.probe[0], torch.ones_like(self.norms[0]))

    def branch(self, task: str, x: Tensor) -> Tensor:
        """x, or the first clips of it, to the layers of a task."""
        number = 1 + self.tasks.index(task)
        trunk, own = self.norms[0], self.norms[number]
        gain = torch.ones_like(own)
        if self.share is not None:
            gain = torch.where(own > 0, self.share * trunk / own, 0.0)
        return _Passage.apply(x, self.probe[number], gain)

    @torch.no_grad()
    def after_backward(self) -> None:
        """Take in what the backward passes of a step have measured."""
        squares, self.probe.grad = self.probe.grad, None
        if squares is not None:
            met = squares.sqrt()
            later = torch.lerp(met, self.norms, MEMORY)
            self.norms.copy_(torch.where(self.norms > 0, later, met))
