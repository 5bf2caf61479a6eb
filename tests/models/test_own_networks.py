"""A network of one's own: built by its name like ours, and refused where it does not fit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rev2net.cli import main
from rev2net.errors import UserError
from rev2net.models import build
from rev2net.models.cost import measure
from rev2net.models.own_network import check_outputs, own_class
from rev2net.models.spec import InputSpec, input_spec, input_specs

HEAD = """
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import InputSpec, input_spec
import torch
"""
# A whole network, of whose lines each case below changes one.
NET = (
    HEAD
    + """
class Net(VideoNetwork):
    input_specs = {"rgb": input_spec("i3d")}

    def __init__(self, num_classes, input_spec, *, width=1.0, depth=2):
        super().__init__(input_spec)
        self.classifier = torch.nn.Linear(3, num_classes)

    def forward(self, x):
        return self.classifier(x.mean((2, 3, 4)))

    def forward_train(self, x, *, decode_first=None):
        return {"logits": self.forward(x), "features": x.mean((2, 3, 4))}
"""
)


def write(folder: Path, *changes: tuple[str, str]) -> None:
    source = NET
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    (folder / "net.py").write_text(source)


def test_it_is_built_by_its_name_with_width_and_options(own_folder: Path) -> None:
    network: Any = build("mine:PlainNetwork", 5, width=0.125, dropout=0.25)
    assert network.dropout.p == 0.25
    assert network(torch.zeros(2, 3, 4, 32, 32)).shape == (2, 5)
    assert network.input_spec == input_spec("mine:PlainNetwork")
    assert network.input_spec.length == 16
    assert list(input_specs("mine:PlainNetwork")) == ["rgb"]


def test_its_cost_is_counted_and_printed(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cost = measure("mine:PlainNetwork", num_classes=5)
    weights = 27 * (3 * 64 + 64 * 128 + 128 * 256) + 2 * (64 + 128 + 256)
    assert cost.parameters_without_head == weights
    assert cost.parameters == weights + 5 * 257
    assert main(["models", "mine:PlainNetwork", "tsm"]) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == "network"
    assert rows[2:] == ["mine:PlainNetwork", "tsm", "tsm"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([("(VideoNetwork)", "(torch.nn.Module)")], "needed: a class derived from rev2net.models"),
        ([("class Net", "Net = 3\nclass Other")], "3, a int; needed: a class derived from"),
        ([("def forward(", "def infer(")], "a VideoNetwork without forward; needed: forward, "),
        ([("    input_specs", "    inputs")], r"input_specs is \{\}; needed: an InputSpec of each"),
        ([('{"rgb": input_spec("i3d")}', "[1]")], r"input_specs is \[1\]; needed"),
        ([('"rgb": input_spec("i3d")', '"flow": input_spec("i3d")')], "input_specs is {'flow': "),
        ([("*, width=1.0, ", "*, ")], "__init__.*unexpected keyword argument 'width'; needed: "),
        ([("num_classes, input_spec,", "num_classes,")], "__init__.*too many positional argum"),
        ([("depth=2", "depth")], "__init__.*missing a required.*'depth'; needed: .*defaults behin"),
        ([("x, *, decode_first=None", "x")], "forward_train.*'decode_first'; needed: "),
    ],
)
def test_a_class_that_does_not_fit_is_refused(
    own_folder: Path, changes: list[tuple[str, str]], expected: str
) -> None:
    write(own_folder, *changes)
    with pytest.raises(UserError, match=f"^net:Net: .*{expected}") as raised:
        own_class("net:Net")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"in_channels": 2}, r"in_channels 2 is not allowed; allowed: 3 \(rgb\)"),
        ({"width": 0.0}, "width 0.0 is not allowed"),
        ({"deapth": 3}, "option 'deapth' is unknown; did you mean 'depth'. allowed: depth"),
    ],
)
def test_its_inputs_and_options_are_checked_as_ours_are(
    own_folder: Path, arguments: dict[str, Any], expected: str
) -> None:
    write(own_folder)
    with pytest.raises(UserError, match=f"model 'net:Net': {expected}"):
        build("net:Net", 5, **arguments)


def test_a_modality_that_it_does_not_take_is_refused(own_folder: Path) -> None:
    write(own_folder)
    with pytest.raises(UserError, match=r"'net:Net' does not take input 'flow'; allowed: rgb$"):
        input_spec("net:Net", "flow")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "return self.classifier(x.mean((2, 3, 4)))",
            "return self.classifier(x.mean((3, 4)).mT)",
            r"forward is shape \(2, 8, 5\) for 2 clips; needed: a tensor of shape \(2, 5\)",
        ),
        ("(3, num_classes)", "(3, 4)", r"forward is shape \(2, 4\) for 2 clips; .*\(2, 5\)"),
        ("self.forward(x)", "None", r"forward_train\(\)\['logits'\] is nothing for 2 clips"),
        (', "features"', ', "feature"', r"\['features'\] is nothing for 2 clips; .*\(2, D\)"),
        ('"features": x.mean((2, 3, 4))', '"features": x', r"\['features'\] is shape \(2, 3, 8, "),
        ('x.mean((2, 3, 4))}', 'x.mean((2, 3, 4)).squeeze()}', r"is shape \(3,\) for 1 clips"),
        ('return {"logits"', 'return [] and {"logits"', r"forward_train gives \[\], a list;"),
    ],
)  # fmt: skip
def test_outputs_of_other_shapes_are_refused(
    own_folder: Path, old: str, new: str, expected: str
) -> None:
    write(own_folder, (old, new))
    network = build("net:Net", 5)
    with pytest.raises(UserError, match=expected):
        check_outputs(network, "net:Net", 5, torch.zeros(1, 3, 8, 32, 32))


def test_right_outputs_pass(own_folder: Path) -> None:
    check_outputs(build("mine:PlainNetwork", 5), "mine", 5, torch.zeros(1, 3, 8, 32, 32))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"modality": "depth"}, "modality 'depth'; allowed: rgb, flow, rgbdiff"),
        ({"layout": "BTCHW"}, r"of rgb: layout, time_axis \('BTCHW', 'frames'\); allowed: \('BCT"),
        ({"mean": (0.5,)}, r"of rgb: means and deviations \(1, 3\); allowed: \(3, 3\)"),
        ({"channels": 9}, "of rgb: channels 9; allowed: 3"),
        ({"stack": 2, "channels": 6}, "of rgb: 2 images in C; layout BCTHW has one"),
    ],
)
def test_an_input_whose_fields_do_not_fit_together_is_refused(
    changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UserError, match=f"InputSpec.*{expected}"):
        InputSpec(**{**vars(input_spec("i3d")), **changes})
