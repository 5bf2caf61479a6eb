"""What tasks send back into an encoder is set by the share, and not by their weights."""

from typing import Any

import pytest
import torch
from torch import Tensor

from rev2net.models import build
from rev2net.models.junction import MEMORY, Junction


def step(junction: Junction, x: Tensor, trunk: float, task: float) -> Tensor:
    """The gradient of x, of which `trunk` and `task` are the norms that come back."""
    x.grad = None
    even = torch.ones_like(x) / x.numel() ** 0.5
    first = torch.zeros_like(x)
    first[0] = even[0]
    first /= first.norm()
    loss = (junction.trunk(x) * even).sum() * trunk
    (loss + (junction.branch("flow", x) * first).sum() * task).backward()
    junction.after_backward()
    assert x.grad is not None
    return x.grad - trunk * even


@pytest.mark.parametrize("weight", [1e-6, 1.0, 1e6])
def test_a_task_sends_back_its_share_whatever_its_weight(weight: float) -> None:
    junction, x = Junction(["flow"]), torch.randn(2, 3, requires_grad=True)
    junction.share = 0.25
    assert step(junction, x, 2.0, weight).norm() < 1e-6  # the first step measures
    assert step(junction, x, 2.0, weight).norm() == pytest.approx(0.5, rel=1e-4)


def test_shares_are_of_running_means() -> None:
    """A batch whose labels are known already is no reason for the task to fall silent."""
    junction, x = Junction(["flow"]), torch.randn(2, 3, requires_grad=True)
    junction.share = 0.5
    for trunk in (2.0, 0.0, 2.0):
        step(junction, x, trunk, 3.0)
    mean = MEMORY * MEMORY * 2 + (1 - MEMORY) * 2
    assert step(junction, x, 2.0, 3.0).norm() == pytest.approx(0.5 * mean, rel=1e-4)


def test_without_a_share_the_weights_decide_and_with_none_at_all_nothing_passes() -> None:
    for share, expected in ((None, 3.0), (0.0, 0.0)):
        junction, x = Junction(["flow"]), torch.randn(2, 3, requires_grad=True)
        junction.share = share
        for _ in range(3):
            found = step(junction, x, 2.0, 3.0)
        assert found.norm() == pytest.approx(expected, abs=1e-5)


def test_a_task_that_sends_nothing_back_stays_finite() -> None:
    junction, x = Junction(["flow"]), torch.randn(2, 3, requires_grad=True)
    junction.share = 0.25
    for task in (0.0, 0.0, 3.0):
        assert step(junction, x, 2.0, task).isfinite().all()
    assert step(junction, x, 2.0, 3.0).norm() == pytest.approx(0.5, rel=1e-4)


def encoder_gradients(model: Any, weight: float) -> tuple[Tensor, Tensor]:
    """Of the third step, on the stem and on 3b-5c: the tasks' and the classification's together."""
    model.share_gradient(0.3)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        model.zero_grad()
        x = torch.randn(2, 3, 8, 32, 32, generator=generator)
        outputs = model.forward_train(x)
        tasks = outputs["flow"].square().mean() + outputs["frames"].square().mean()
        (outputs["logits"].square().mean() + weight * tasks).backward()
        model.after_backward()
    stem, deep = (torch.cat([p.grad.flatten() for p in part]) for part in model.parts().values())
    return stem, deep


def test_rev2nets_encoder_is_taught_alike_by_light_and_heavy_tasks() -> None:
    found = []
    for weight in (0.01, 1.0, 100.0):
        torch.manual_seed(0)
        model = build("rev2net", 5, width=0.125).eval()  # no draws: only the weight differs
        found.append(encoder_gradients(model, weight))
        assert all(p.grad is None for n, p in model.named_parameters() if n.endswith(".probe"))
    for other in found[1:]:
        for ours, first in zip(other, found[0], strict=True):
            torch.testing.assert_close(ours, first, rtol=1e-3, atol=1e-4 * float(first.norm()))


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_share_is_what_reaches_rev2nets_encoder(share: float) -> None:
    """On the trunk's gradient alone or beside it, in both places where tasks branch off."""
    norms = {}
    for tasks in (False, True):
        torch.manual_seed(0)
        model: Any = build("rev2net", 5, width=0.125).eval()
        model.share_gradient(share)
        x = torch.randn(2, 3, 8, 32, 32)
        for _ in range(2):
            model.zero_grad()
            outputs = model.forward_train(x)
            loss = outputs["logits"].square().mean()
            for name in ("flow", "frames") if tasks else ():
                loss = loss + outputs[name].square().mean()
            loss.backward()
            model.after_backward()
        norms[tasks] = [torch.cat([p.grad.flatten() for p in q]) for q in model.parts().values()]
    for with_tasks, alone in zip(norms[True], norms[False], strict=True):
        taught = (with_tasks - alone).norm() / alone.norm()
        assert (taught > 0.02) == (share > 0)
        assert taught < 6 * share + 1e-6  # on weights, of the norm set on maps


@pytest.mark.parametrize("endpoint", ["Mixed_5c", "Mixed_4f"])
def test_at_the_volume_the_trunks_norm_is_of_the_classification_alone(endpoint: str) -> None:
    """If it counted what tasks send back it would grow with them, and they with it."""
    norms = {}
    for share in (0.0, 1.0):
        torch.manual_seed(0)
        model: Any = build("rev2net", 5, width=0.125, latent_endpoint=endpoint).eval()
        model.share_gradient(share)
        x = torch.randn(2, 3, 8, 32, 32)
        for _ in range(20):
            model.zero_grad()
            outputs = model.forward_train(x)
            loss = outputs["logits"].square().mean()
            (loss + outputs["flow"].square().mean() + outputs["frames"].square().mean()).backward()
            model.after_backward()
        norms[share] = model.junction_volume.norms[0].item()
    assert norms[1.0] == pytest.approx(norms[0.0], rel=1e-4)


def test_a_compiled_network_is_taught_as_one_that_is_not() -> None:
    found = []
    for compiled in (False, True):
        torch.manual_seed(0)
        model: Any = build("rev2net", 5, width=0.125).eval()
        if compiled:
            model.forward_train = torch.compile(model.forward_train, backend="aot_eager")
        found.append(encoder_gradients(model, 1.0))
    for ours, plain in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-3, atol=1e-4 * float(plain.norm()))


def test_the_parts_of_a_batch_measure_what_it_measures_at_once() -> None:
    """Norms of parts would not add up to it, their squares do: so for processes that share it."""
    norms = []
    for parts in (1, 4):
        torch.manual_seed(0)
        junction, x = Junction(["flow"]), torch.randn(8, 3)
        for part in x.chunk(parts):
            part = part.clone().requires_grad_()
            loss = junction.trunk(part).square().sum() + 3 * junction.branch("flow", part).sum()
            (loss / len(x)).backward()
        junction.after_backward()
        norms.append(junction.norms)
    torch.testing.assert_close(norms[1], norms[0])
