"""Costs: hand-worked small cases, published figures, and what `rev2net models` prints of them."""

import functools
import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rev2net.cli import main
from rev2net.models import build
from rev2net.models.cost import activation_bytes, endpoints, measure, multiply_adds
from rev2net.models.spec import SPECS
from tests.terminal import seen_in_terminal


@functools.cache
def cost(name: str, **changes: Any) -> Any:
    return measure(name, **changes)


def test_every_filter_tap_of_every_position_is_a_multiply_add() -> None:
    with torch.device("meta"):
        layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 20, 7))
    assert multiply_adds(layers, 1, 3, 4, 5) == 20 * 8 * 3 * 9 + 160 * 7


class Perceptron(nn.Module):
    """Two layers with a ReLU between."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(10, 20, device="meta"), nn.Linear(20, 3, device="meta")

    def forward_train(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.second(torch.relu(self.first(x)))}


def test_what_two_layers_keep_counts_once() -> None:
    # Kept: the input, for the first layer; the ReLU's output, for itself and the second layer.
    perceptron: Any = Perceptron()
    assert activation_bytes(perceptron, 4, 10) == 4 * (4 * 10 + 4 * 20)


@pytest.mark.parametrize(("name", "shape"), [("rev2net", (3, 16, 64, 64)), ("tsm", (8, 3, 64, 64))])
def test_without_data_a_clip_keeps_what_it_keeps_with_data(
    name: str, shape: tuple[int, ...]
) -> None:
    with torch.device("meta"):
        abstract = build(name, 5, width=0.125)
    model = build(name, 5, width=0.125)
    one = activation_bytes(model, 1, *shape)
    assert activation_bytes(abstract, 1, *shape) == one
    # What does not grow with the batch are the statistics of a few thousand channels.
    assert activation_bytes(model, 3, *shape) == pytest.approx(3 * one, rel=0.01)


def test_resnet_50_has_4_09_billion_multiply_adds() -> None:
    # torchvision's documentation: 4.09 GFLOPS, one a multiply-add, with 1000 classes.
    assert cost("tsm", num_classes=1000).multiply_adds / 8e9 == pytest.approx(4.09, abs=0.005)


def test_i3d_has_12_29_million_parameters_beside_its_head() -> None:
    found = cost("i3d", num_classes=400)
    assert found.parameters_without_head == 12_287_264  # the public checkpoint
    assert found.parameters - found.parameters_without_head == 1024 * 400 + 400
    assert found.input_shape == (1, 3, 64, 224, 224)


def test_decoders_cost_training_only() -> None:
    i3d, rev2net = cost("i3d"), cost("rev2net")
    assert rev2net.multiply_adds == i3d.multiply_adds == i3d.training_multiply_adds
    assert rev2net.training_multiply_adds > 1.5 * i3d.training_multiply_adds
    assert rev2net.activation_bytes > 1.3 * i3d.activation_bytes


def test_a_frozen_backbone_keeps_nothing() -> None:
    off, tsn = cost("off", length=3), cost("tsn")
    assert off.multiply_adds > tsn.multiply_adds
    assert off.activation_bytes < tsn.activation_bytes


@pytest.mark.parametrize(
    ("name", "endpoint", "shape"),
    [
        # Carreira and Zisserman 2017, figure 3; He et al. 2016, table 1; Ioffe and Szegedy 2015,
        # figure 5; torchvision's r3d_18.
        ("i3d", "Mixed_4f", (1, 832, 16, 14, 14)),
        ("rev2net", "Conv3d_2c_3x3", (1, 192, 32, 56, 56)),
        ("tsm", "layer3", (8, 1024, 14, 14)),
        ("tsn", "inception_3c", (3, 576, 14, 14)),
        ("off", "inception_4e", (7, 1056, 7, 7)),
        ("off", "scale_7", (6, 1024, 7, 7)),
        ("actionflownet", "layer4", (1, 512, 2, 14, 14)),
    ],
)
def test_endpoints_have_the_published_shapes(
    name: str, endpoint: str, shape: tuple[int, ...]
) -> None:
    found = cost(name).endpoints
    assert found[endpoint] == shape
    assert list(found)[-1] == "logits"


def test_measuring_leaves_no_hooks_behind() -> None:
    with torch.device("meta"):
        model = build("tsm", 5, width=0.125)
    endpoints(model, 1, 2, 3, 64, 64)
    assert not any(module._forward_hooks for module in model.modules())


def test_the_table_has_a_row_for_every_network_and_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def measured(name: str, modality: str, **_: Any) -> Any:
        asked.append((name, modality))
        return cost("i3d")

    monkeypatch.setattr("rev2net.models.cost.measure", measured)
    assert main(["models"]) == 0
    rows = [tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines()[2:]]
    assert rows == asked == [(name, modality) for name in SPECS for modality in SPECS[name]]


def test_a_row_says_what_goes_in_and_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "i3d"]) == 0
    row = capsys.readouterr().out.splitlines()[2]
    assert "C3 T64 H224 W224" in row
    assert "[-1, 1]" in row
    assert "12.29 M" in row
    assert "111.2 G" in row


def test_json_has_the_exact_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "i3d", "tsm", "--json", "--classes", "400"]) == 0
    found = {(r["network"], r["modality"]): r for r in json.loads(capsys.readouterr().out)}
    assert list(found) == [("i3d", "rgb"), ("i3d", "flow"), ("tsm", "rgb"), ("tsm", "flow")]
    assert found["i3d", "rgb"]["parameters"] == 12_697_264
    assert found["tsm", "rgb"]["endpoints"]["logits"] == [1, 400]
    assert found["tsm", "flow"]["channels"] == 10


def test_endpoints_are_listed_with_named_axes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "i3d", "--endpoints"]) == 0
    out = capsys.readouterr().out
    assert "Conv3d_2c_3x3     C192 T32 H56 W56\n" in out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["i3f"], "model 'i3f' is unknown; did you mean 'i3d'?"),
        (["i3d", "--size", "16"], "is 16x16 pixels; needed: at least 32x32"),
        (["i3d", "--length", "4"], "has 4 frames; needed: at least 8"),
        (["i3d", "--classes", "0"], "--classes: 0; allowed is a whole number from 1"),
    ],
)
def test_bad_words_get_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *words]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


def test_a_terminal_shows_which_network_is_at_work() -> None:
    printed, shown = seen_in_terminal("models", "tsm", "--json")
    assert [row["modality"] for row in json.loads(printed)] == ["rgb", "flow"]
    for words in ("tsm rgb", "tsm flow", "2/2"):
        assert words in shown
    assert not shown.rpartition("\r")[2]
