"""A compiled network trains, and its gradient shares are measured, as one that is not."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rev2net.config import ComputeSettings, LossSettings
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import input_spec
from rev2net.training.batches import Batch
from rev2net.training.objective import Objective, Targets, gradient_shares
from rev2net.training.step import TrainingStep


class Small(VideoNetwork):
    """Two layers, so that compiling takes seconds."""

    def __init__(self) -> None:
        super().__init__(input_spec("i3d", "rgb"))
        self.stem = nn.Conv3d(3, 8, 3)
        self.deep = nn.Conv3d(8, 8, 3)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.forward_train(x)["logits"]
        assert isinstance(logits, Tensor)
        return logits

    def forward_train(
        self, x: Tensor, *, decode_first: int | None = None
    ) -> dict[str, Tensor | list[Tensor]]:
        features = self.deep(torch.relu(self.stem(x)).square()).tanh().mean((2, 3, 4))
        return {"logits": self.head(features), "features": features}

    def parts(self) -> dict[str, list[nn.Parameter]]:
        return {"stem": list(self.stem.parameters()), "deep": list(self.deep.parameters())}


def two_steps(compiled: bool) -> tuple[dict[str, float], list[Tensor]]:
    """The gradients of two steps, labelled clips and unlabelled ones, and the shares of the second:
    as in a training, where few steps are measured, and never the first.
    """
    torch.manual_seed(0)
    network = Small()
    objective = Objective(LossSettings(domain=1.0), "mkmmd", 8)
    compute = ComputeSettings(threads=1, loader_workers=0, precision="float32", compile=compiled)
    forward = TrainingStep(network, objective, compute).train()
    batch = Batch(torch.randn(8, 3, 6, 8, 8), Targets(torch.tensor([0, 1, 0, 1]), None, None), 4)
    forward(batch, 0.5)[0].backward()
    loss, weighted, _ = forward(batch, 0.5)
    shares = gradient_shares(weighted, network.parts())
    loss.backward()
    return shares, [p.grad for p in network.parameters() if p.grad is not None]


def test_the_shares_of_a_compiled_network_are_measured_between_plain_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A backward pass compiled for steps that keep nothing overwrites what a second pass needs."""
    compiler = torch.compile

    def quickly(function: Any) -> Any:
        """Forward and backward pass as graphs, without the machine code, which takes minutes."""
        return compiler(function, backend="aot_eager")

    monkeypatch.setattr(torch, "compile", quickly)
    plain_shares, plain_gradients = two_steps(compiled=False)
    shares, gradients = two_steps(compiled=True)
    assert shares == pytest.approx(plain_shares, rel=1e-3)
    assert shares.keys() == {"domain_share_stem", "domain_share_deep"}
    assert len(gradients) == len(plain_gradients) == 6
    for ours, theirs in zip(gradients, plain_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)
