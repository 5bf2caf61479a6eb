"""Published checkpoints land where they belong, and the report says so."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from rev2net.config import load
from rev2net.errors import UserError
from rev2net.experiments import train_settings
from rev2net.models import build
from rev2net.models.spec import input_spec
from rev2net.models.weights import cross_modality, inflate, load_weights, superseded
from rev2net.runs.checkpoint import save_trained
from rev2net.runs.identity import Run

# torchvision's googlenet.py: input channels and the six numbers of each module.
GOOGLENET = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


def googlenet() -> dict[str, Tensor]:
    """A state dictionary with the names and shapes of torchvision's GoogLeNet."""
    torch.manual_seed(0)
    state = {}

    def unit(name: str, before: int, after: int, kernel: int) -> None:
        state[f"{name}.conv.weight"] = torch.randn(after, before, kernel, kernel)
        for key in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.bn.{key}"] = torch.rand(after)
        state[f"{name}.bn.num_batches_tracked"] = torch.tensor(1)

    unit("conv1", 3, 64, 7)
    unit("conv2", 64, 64, 1)
    unit("conv3", 64, 192, 3)
    for name, (before, one, reduce1, three1, reduce2, three2, projection) in GOOGLENET.items():
        unit(f"inception{name}.branch1", before, one, 1)
        unit(f"inception{name}.branch2.0", before, reduce1, 1)
        unit(f"inception{name}.branch2.1", reduce1, three1, 3)
        unit(f"inception{name}.branch3.0", before, reduce2, 1)
        unit(f"inception{name}.branch3.1", reduce2, three2, 3)
        unit(f"inception{name}.branch4.1", before, projection, 1)
    state["fc.weight"], state["fc.bias"] = torch.randn(1000, 1024), torch.randn(1000)
    return state


def test_googlenet_fills_all_of_i3d_but_the_head() -> None:
    model, state = build("i3d", 5), googlenet()
    report = load_weights(model, state)
    assert report.left_over == ["fc.weight", "fc.bias"]
    assert report.missing == ["logits.conv3d.weight", "logits.conv3d.bias"]
    assert report.renamed["inception4e.branch3.1.bn.running_var"] == "Mixed_4f.b2b.bn.running_var"
    found = model.get_parameter("Mixed_5c.b1b.conv3d.weight")
    torch.testing.assert_close(found.sum(2), state["inception5b.branch2.1.conv.weight"])
    mean = model.get_buffer("Mixed_3b.b3b.bn.running_mean")
    assert torch.equal(mean, state["inception3a.branch4.1.bn.running_mean"])


def test_inflated_filters_answer_to_a_still_video_like_the_image_filter() -> None:
    weight, image = torch.randn(4, 3, 5, 5), torch.randn(1, 3, 9, 9)
    video = image.unsqueeze(2).expand(1, 3, 7, 9, 9)
    expected = F.conv2d(image, weight).unsqueeze(2).expand(1, 4, 5, 5, 5)
    found = F.conv3d(video, inflate(weight, 3))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_flow_networks_start_from_the_mean_over_rgb() -> None:
    model, state = build("i3d", 5, in_channels=2), googlenet()
    load_weights(model, state)
    found = model.get_parameter("Conv3d_1a_7x7.conv3d.weight")
    assert found.shape == (64, 2, 7, 7, 7)
    expected = state["conv1.conv.weight"].mean(1) / 7
    for channel in range(2):
        for time in range(7):
            torch.testing.assert_close(found[:, channel, time], expected)


def test_cross_modality_leaves_matching_filters_alone() -> None:
    weight = torch.randn(4, 10, 3, 3)
    assert cross_modality(weight, 10) is weight


def test_rev2net_takes_an_i3d_when_told_that_decoders_are_missing() -> None:
    encoder, model = build("i3d", 5, width=0.125), build("rev2net", 5, width=0.125)
    with pytest.raises(UserError, match=r"missing, 'flow_path.gaussian.conv3d.weight' first"):
        load_weights(model, encoder.state_dict())
    report = load_weights(model, encoder.state_dict(), partial=True)
    assert {key.split(".")[0] for key in report.missing} == {
        "flow_decoder",
        "flow_path",
        "frame_decoder",
        "frame_path",
        "junction_tap",
        "junction_volume",
    }
    x = torch.randn(1, 3, 8, 32, 32)
    assert torch.equal(model.eval()(x), encoder.eval()(x))


def test_a_rev2net_of_one_latent_a_clip_gives_its_i3d_and_no_more() -> None:
    model, encoder = build("rev2net", 5, width=0.125), build("i3d", 5, width=0.125)
    old = encoder.state_dict() | {
        "flow_latent.gaussian.weight": torch.ones(48, 128),
        "frame_decoder.foreground.weight": torch.ones(8, 3, 3, 4, 4),  # the same shape as today's
    }
    assert "flow_latent.gaussian.weight" in superseded(old)
    assert superseded(model.state_dict()) == superseded(encoder.state_dict()) == ""
    report = load_weights(model, old, partial=True)
    assert set(report.left_over) == old.keys() - encoder.state_dict().keys()
    assert not (model.get_parameter("frame_decoder.foreground.weight") == 1).any()
    x = torch.randn(1, 3, 8, 32, 32)
    assert torch.equal(model.eval()(x), encoder.eval()(x))


def test_a_rev2net_of_one_convolution_where_conv3d_2c_joins_gives_its_i3d_and_no_more() -> None:
    model, encoder = build("rev2net", 5, width=0.125), build("i3d", 5, width=0.125)
    old = model.state_dict() | {"flow_decoder.join.weight": torch.ones(8, 24, 1, 1, 1)}
    assert "flow_decoder.join.weight" in superseded(old)
    fresh = build("rev2net", 5, width=0.125)
    report = load_weights(fresh, old, partial=True)
    assert set(report.left_over) == old.keys() - encoder.state_dict().keys()
    x = torch.randn(1, 3, 8, 32, 32)
    assert torch.equal(fresh.eval()(x), model.eval()(x))


def test_a_head_for_other_classes_is_left_fresh_and_reported(tmp_path: Path) -> None:
    kinetics, model = build("i3d", 400, width=0.125), build("i3d", 101, width=0.125)
    torch.save({"state_dict": kinetics.state_dict()}, tmp_path / "kinetics.pt")
    before = model.get_parameter("logits.conv3d.weight").clone()
    report = load_weights(model, tmp_path / "kinetics.pt")
    assert report.reset == ["logits.conv3d.weight", "logits.conv3d.bias"]
    assert report.missing == report.left_over == []
    assert torch.equal(model.get_parameter("logits.conv3d.weight"), before)
    assert "reset: logits.conv3d.weight" in str(report)


def own_run(
    folder: Path, method: str = "i3d", classes: Sequence[str] = ("climb", "golf"), **options: Any
) -> tuple[Path, Any]:
    """A run's `checkpoint.pt` as training writes it, and its network."""
    run = Run("ucf-hmdb", method, "rgb", "scratch", "none", 1, 0)
    config = load(Path(__file__).resolve().parents[2] / "config.yaml")
    settings = train_settings(run, config)
    network = build(method, len(classes), width=settings.network.width, **options)
    save_trained(folder, network, settings, list(classes), "")
    return folder / "checkpoint.pt", network


def test_an_own_run_with_the_same_classes_is_taken_whole(tmp_path: Path) -> None:
    path, run = own_run(tmp_path)
    model: Any = build("i3d", 2, width=0.25)
    report = load_weights(model, path, class_names=["climb", "golf"])
    assert report.missing == report.left_over == report.reset == []
    assert torch.equal(model.logits.conv3d.weight, run.logits.conv3d.weight)
    assert str(report).startswith(f"{path} (i3d on rgb, ucf-hmdb): used ")
    assert "Mixed_5c.b3b.bn.running_var" not in str(report)  # one line, not a line a parameter


@pytest.mark.parametrize("classes", [["climb", "golf", "hug"], ["golf", "climb"]])
def test_an_own_run_on_other_classes_gives_all_but_its_head(
    tmp_path: Path, classes: Sequence[str]
) -> None:
    path, run = own_run(tmp_path)
    model: Any = build("i3d", len(classes), width=0.25)
    before = model.logits.conv3d.weight.clone()
    report = load_weights(model, path, class_names=classes)
    assert report.reset == ["logits.conv3d.weight", "logits.conv3d.bias"]
    assert report.missing == []
    assert torch.equal(model.logits.conv3d.weight, before)
    assert torch.equal(model.Conv3d_2b_1x1.conv3d.weight, run.Conv3d_2b_1x1.conv3d.weight)


def test_an_own_rev2net_gives_its_decoders_too(tmp_path: Path) -> None:
    path, run = own_run(tmp_path, "rev2net")
    model: Any = build("rev2net", 3, width=0.25)
    report = load_weights(model, path)
    assert report.missing == report.left_over == []
    assert torch.equal(model.frame_decoder.mask.weight, run.frame_decoder.mask.weight)


def test_an_own_run_of_another_network_is_refused_by_name(tmp_path: Path) -> None:
    path, _ = own_run(tmp_path, "tsm")
    for partial in (False, True):
        with pytest.raises(UserError, match=r"\(tsm on rgb, ucf-hmdb\): .* of I3D are missing"):
            load_weights(build("i3d", 2, width=0.25), path, partial=partial)


@pytest.mark.parametrize(("name", "channels"), [("i3d", 3), ("i3d", 2), ("rev2net", 3)])
def test_the_public_i3d_on_kinetics_loads_without_its_head(name: str, channels: int) -> None:
    """rgb_imagenet.pt and flow_imagenet.pt: 400 classes, from before batches were counted."""
    public = build("i3d", 400, in_channels=channels, width=0.125).state_dict()
    public = {k: v for k, v in public.items() if not k.endswith("num_batches_tracked")}
    model = build(name, 12, in_channels=channels, width=0.125)
    report = load_weights(model, public, partial=name == "rev2net")
    assert not report.left_over
    assert not report.renamed
    assert len(report.used) + len(report.reset) == len(public)
    assert report.reset == ["logits.conv3d.weight", "logits.conv3d.bias"]


def test_tsns_public_checkpoint_loses_its_wrappers(tmp_path: Path) -> None:
    source: Any = build("tsn", 101, width=0.125, in_channels=10)
    public = {}
    for key, value in source.state_dict().items():
        key = key.replace("classifier.", "new_fc.").replace("backbone.", "base_model.")
        public[f"module.{key}"] = value[None] if "_bn." in key and value.ndim else value
    torch.save({"epoch": 80, "arch": "BNInception", "state_dict": public}, tmp_path / "tsn.pth.tar")
    model: Any = build("tsn", 101, width=0.125, in_channels=10)
    report = load_weights(model, tmp_path / "tsn.pth.tar")
    assert report.missing == report.left_over == report.reset == []
    assert torch.equal(model.classifier.weight, source.classifier.weight)
    assert report.renamed["module.new_fc.bias"] == "classifier.bias"


def test_torchvisions_r3d_18_fills_the_encoder_of_actionflownet() -> None:
    model, source = build("actionflownet", 5, width=0.125), build("actionflownet", 400, width=0.125)
    public = {k: v for k, v in source.state_dict().items() if not k.startswith("flow_decoder.")}
    report = load_weights(model, public, partial=True)
    assert report.left_over == []
    assert report.reset == ["fc.weight", "fc.bias"]
    assert all(key.startswith("flow_decoder.") for key in report.missing)


def test_tsms_checkpoint_loses_its_wrappers() -> None:
    model = build("tsm", 5, width=0.125)
    public = {}
    for key, value in build("tsm", 5, width=0.125).state_dict().items():
        key = key.replace("classifier.", "new_fc.").replace("backbone.", "base_model.")
        if ".conv1." in key and ".layer" in key:
            key = key.replace(".conv1.", ".conv1.net.")
        public[f"module.{key}"] = value
    report = load_weights(model, public)
    assert report.missing == report.left_over == []
    assert len(report.used) == len(public)


@pytest.mark.parametrize("name", ["tsm", "stm"])
def test_an_imagenet_resnet_fills_the_backbone(name: str) -> None:
    source = build("tsm", 1000, width=0.125).get_submodule("backbone").state_dict()
    imagenet = {**source, "fc.weight": torch.zeros(1000, 256), "fc.bias": torch.zeros(1000)}
    model: Any = build(name, 5, width=0.125)
    # STM's modules are new: they need to be allowed to stay as they start.
    report = load_weights(model, imagenet, partial=name == "stm")
    assert report.left_over == ["fc.weight", "fc.bias"]
    fresh = [k for k in report.missing if not k.startswith("classifier")]
    assert all(".temporal." in k or ".motion." in k for k in fresh)
    assert bool(fresh) == (name == "stm")


def caffe_bn_inception() -> dict[str, Tensor]:
    backbone = build("tsn", 5, width=0.125).get_submodule("backbone")
    state = {k: v.clone() for k, v in backbone.state_dict().items()}
    return state | {"fc.weight": torch.zeros(1000, 128), "fc.bias": torch.zeros(1000)}


def test_the_caffe_networks_preprocessing_is_folded_into_its_first_convolution() -> None:
    torch.manual_seed(0)
    model, state = build("tsn", 5, width=0.125), caffe_bn_inception()
    state["conv1_7x7_s2_bn.running_var"] = state["conv1_7x7_s2_bn.running_var"][None]  # as in TSN's
    load_weights(model, state)
    pixels = torch.randint(0, 256, (1, 3, 21, 21)).float()  # red, green, blue
    spec = input_spec("tsn")
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (spec.mean, spec.std))
    caffe_input = pixels.flip(1) - torch.tensor([104.0, 117.0, 128.0]).reshape(3, 1, 1)
    weight, bias = state["conv1_7x7_s2.weight"], state["conv1_7x7_s2.bias"]
    expected = F.conv2d(caffe_input, weight, bias, 2)
    layer: Any = model.get_submodule("backbone.conv1_7x7_s2")
    found = F.conv2d((pixels / 255 - mean) / std, layer.weight, layer.bias, 2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-2)


def test_the_caffe_network_for_flow_reads_bytes_minus_128() -> None:
    model, state = build("tsn", 5, width=0.125, in_channels=10), caffe_bn_inception()
    load_weights(model, state)
    flow = torch.rand(1, 10, 9, 9) * 2 - 1  # in units of the bound
    averaged = state["conv1_7x7_s2.weight"].mean(1, keepdim=True).expand(-1, 10, -1, -1)
    bias = state["conv1_7x7_s2.bias"]
    expected = F.conv2d(flow * 127, averaged, bias)
    layer: Any = model.get_submodule("backbone.conv1_7x7_s2")
    found = F.conv2d(flow / input_spec("tsn", "flow").std[0], layer.weight, layer.bias)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def test_an_own_tsn_is_loaded_as_it_is() -> None:
    run, model = build("tsn", 5, width=0.125), build("tsn", 5, width=0.125)
    load_weights(model, run.state_dict())
    name = "backbone.conv1_7x7_s2.weight"
    assert torch.equal(model.get_parameter(name), run.get_parameter(name))


def test_off_starts_from_a_tsn() -> None:
    tsn, model = build("tsn", 5, width=0.125), build("off", 5, width=0.125)
    report = load_weights(model, tsn.state_dict(), partial=True)
    assert report.left_over == ["classifier.weight", "classifier.bias"]
    assert not any(key.startswith("backbone.") for key in report.missing)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save(build("tsm", 5, width=0.125).state_dict(), tmp_path / "tsm.pt")
    with pytest.raises(UserError, match=r"tsm\.pt: \d+ of \d+ parameters of I3D are missing"):
        load_weights(build("i3d", 5, width=0.125), tmp_path / "tsm.pt")
    with pytest.raises(UserError, match="missing"):
        load_weights(build("i3d", 5, width=0.125), tmp_path / "tsm.pt", partial=True)


def test_a_checkpoint_of_another_width_is_refused_with_both_shapes() -> None:
    with pytest.raises(UserError, match=r"\(16, 3, 7, 7, 7\); I3D needs \(8, 3, 7, 7, 7\)"):
        load_weights(build("i3d", 5, width=0.125), build("i3d", 5, width=0.25).state_dict())


@pytest.mark.parametrize("content", [b"not a checkpoint", b""])
def test_a_file_of_another_kind_gets_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pt: not a checkpoint") as error:
        load_weights(build("i3d", 5, width=0.125), tmp_path / "weights.pt")
    assert "\n" not in str(error.value)


def test_a_file_with_another_digest_is_refused(tmp_path: Path) -> None:
    path, model = tmp_path / "weights.pt", build("i3d", 5, width=0.125)
    torch.save(model.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=f"sha256 is {digest}; the configuration asks 00000000"):
        load_weights(model, path, sha256="0" * 8)
    assert load_weights(model, str(path), sha256=digest[:8]).left_over == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.pt: no such checkpoint; put it there"):
        load_weights(build("i3d", 5, width=0.125), tmp_path / "absent.pt")
