"""Weights and inputs from one formula of name and index, and the figures of public networks.

`golden/*.json` hold outputs of other people's code: each names its repository and commit. The
public network was filled with `fill`, fed with `values(shape, "input", 1.0)` in double precision,
run once in evaluation mode outside this project, and summarised as in `Golden.summary`.
"""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rev2net.models.cost import multiply_adds


def values(shape: tuple[int, ...], name: str, bound: float) -> Tensor:
    """Numbers in [-bound, bound) that look random: integer hashing, equal on every machine."""
    mask = 0xFFFFFFFF
    index = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    x = (index + zlib.crc32(name.encode())) & mask
    for multiplier in (0x45D9F3B, 0x119DE1F3):  # products stay below 2^63
        x = ((x ^ (x >> 16)) * multiplier) & mask
    x = x ^ (x >> 16)
    return ((x.double() / 2**31 - 1) * bound).reshape(shape)


def fill(network: nn.Module, rename: dict[str, str] | None = None) -> None:
    """Fill every parameter and statistic from its name, at scales that keep activations alive.

    `rename` maps a prefix of this network's names to the prefix in the public network.
    """
    state = network.state_dict()
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        public = name
        for ours, theirs in (rename or {}).items():
            if name.startswith(ours):
                public = theirs + name.removeprefix(ours)
                break
        if tensor.ndim > 1:
            filled = values(tensor.shape, public, (6 / tensor[0].numel()) ** 0.5)
        elif name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1):
            filled = 1 + values(tensor.shape, public, 0.5)
        else:
            filled = values(tensor.shape, public, 0.1)
        tensor.copy_(filled)


def summary(x: Tensor) -> list[float]:
    """What is kept of a tensor: its mean size and 16 elements spread over it."""
    x = x.detach().double()
    flat = x.reshape(-1)
    picks = torch.linspace(0, len(flat) - 1, 16).round().long()
    return [flat.abs().mean().item(), *flat[picks].tolist()]


class Golden:
    """One golden file."""

    def __init__(self, name: str) -> None:
        path = Path(__file__).parent / "golden" / f"{name}.json"
        self.cases: list[dict] = json.loads(path.read_text())["cases"]

    @staticmethod
    def agrees(x: Tensor, expected: list[float], tolerance: float = 1e-5) -> bool:
        """Whether a tensor has the summary, within `tolerance` of its largest number."""
        found = torch.tensor(summary(x))
        wanted = torch.tensor(expected)
        return bool(((found - wanted).abs().max() / wanted.abs().max()) <= tolerance)


@pytest.fixture(scope="session")
def golden() -> type[Golden]:
    return Golden


@pytest.fixture(scope="session")
def fill_by_formula() -> Callable[..., None]:
    return fill


@pytest.fixture(scope="session")
def values_by_formula() -> Callable[..., Tensor]:
    return values


@pytest.fixture(scope="session")
def giga_multiply_adds() -> Callable[..., float]:
    """Billions of multiply-adds of `run(x)`, an input of the shape, on torch's meta device."""
    return lambda run, *shape: multiply_adds(run, *shape) / 1e9
