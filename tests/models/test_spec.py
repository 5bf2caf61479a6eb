"""Every network says what it takes; names, options and channels are checked."""

import subprocess
import sys
from typing import Any

import pytest
import torch

from rev2net.errors import UserError
from rev2net.models import build
from rev2net.models.layers import scaled
from rev2net.models.spec import SPECS, input_spec


@pytest.mark.parametrize("name", SPECS)
def test_every_network_takes_the_least_input_of_every_modality(name: str) -> None:
    for modality, spec in SPECS[name].items():
        model = build(name, 5, in_channels=spec.channels, width=0.125).eval()
        sizes = {"B": 2, "T": spec.min_length, "C": spec.channels}
        shape = [sizes.get(axis, spec.min_size) for axis in spec.layout]
        with torch.no_grad():
            assert model(torch.zeros(shape)).shape == (2, 5), modality
        assert model.input_spec == input_spec(name, modality)


@pytest.mark.parametrize("name", SPECS)
def test_training_outputs_hold_the_logits_of_inference_and_one_feature_vector_a_clip(
    name: str,
) -> None:
    model: Any = build(name, 5, width=0.125).eval()
    spec = model.input_spec
    sizes = {"B": 3, "T": max(spec.min_length, 4), "C": 3}
    x = torch.randn([sizes.get(axis, 40) for axis in spec.layout])
    with torch.no_grad():
        outputs: Any = model.forward_train(x)
        assert torch.equal(outputs["logits"], model(x))
    assert outputs["features"].ndim == 2
    assert len(outputs["features"]) == 3


@pytest.mark.parametrize("name", SPECS)
def test_a_step_of_training_reaches_every_parameter(name: str) -> None:
    model: Any = build(name, 5, width=0.125)
    spec = model.input_spec
    sizes = {"B": 2, "T": 8, "C": 3}
    outputs: Any = model.forward_train(torch.randn([sizes.get(axis, 64) for axis in spec.layout]))
    tensors = [t for o in outputs.values() for t in (o if isinstance(o, list) else [o])]
    sum(t.square().mean() for t in tensors).backward()
    without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []


def test_published_inputs() -> None:
    i3d, flow = input_spec("i3d"), input_spec("i3d", "flow")
    assert (i3d.layout, i3d.length, i3d.size, i3d.channels) == ("BCTHW", 64, 224, 3)
    assert (flow.channels, flow.stack, flow.mean, flow.std) == (2, 1, (0, 0), (1, 1))
    tsn = input_spec("tsn", "flow")
    assert (tsn.layout, tsn.length, tsn.channels, tsn.stack) == ("BTCHW", 3, 10, 5)
    assert input_spec("tsm").length == 8


def test_the_symmetric_range_is_minus_one_to_one() -> None:
    spec = input_spec("rev2net")
    assert [(v - spec.mean[0]) / spec.std[0] for v in (0.0, 1.0)] == [-1, 1]


def test_specs_need_no_torch() -> None:
    program = (
        "import sys; from rev2net.models.spec import input_spec; input_spec('i3d'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [(64, 1, 64), (24, 1, 24), (64, 0.25, 16), (96, 0.25, 24), (16, 0.125, 8), (144, 0.25, 40)],
)
def test_widths_give_multiples_of_eight(channels: int, width: float, expected: int) -> None:
    assert scaled(channels, width) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "rev2nett"}, ["'rev2nett'", "did you mean 'rev2net'"]),
        ({"name": "i3d", "dropuot": 0.1}, ["'dropuot'", "did you mean 'dropout'"]),
        ({"name": "i3d", "in_channels": 4}, ["in_channels 4", "3 (rgb), 2 (flow)"]),
        ({"name": "rev2net", "in_channels": 2}, ["in_channels 2", "3 (rgb)"]),
        ({"name": "rev2net-noflow", "use_flow_decoder": True}, ["'use_flow_decoder'"]),
        ({"name": "tsn", "width": 0}, ["width 0"]),
    ],
)
def test_wrong_arguments_get_one_line_that_names_them(
    arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError) as error:
        build(num_classes=5, **arguments)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 3, 7, 64, 64), "7 frames; needed: at least 8"),
        ((1, 3, 16, 64, 24), "24x64 pixels; needed: at least 32x32"),
        ((1, 2, 16, 64, 64), "2 channels; needed: 3"),
        ((3, 16, 64, 64), "4 dimensions; needed: B, C, T, H, W"),
    ],
)
def test_a_clip_that_does_not_fit_is_refused(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build("i3d", 5, width=0.125)(torch.zeros(shape))
