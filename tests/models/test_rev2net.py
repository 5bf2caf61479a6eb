"""Rev2Net is I3D at test time; its decoders give what the paper trains them for."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rev2net.errors import UserError
from rev2net.models import build

DECODED = {"flow", "flow_maps", "flow_mean", "flow_logvar"}
RECONSTRUCTED = {
    "frames",
    "foreground",
    "mask",
    "background",
    "frame_maps",
    "frame_mean",
    "frame_logvar",
}
ALWAYS = {"logits", "features"}


def with_trained_heads(model: nn.Module) -> Any:
    """Heads start at zero; some numbers, as if they had learnt."""
    for name, parameter in model.named_parameters():
        if ".flow." in name or ".foreground." in name or ".mask." in name:
            nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return with_trained_heads(build("rev2net", 5, width=0.125))


@pytest.mark.parametrize("name", ["rev2net", "rev2net-noflow", "rev2net-noframe"])
def test_at_test_time_it_is_its_i3d_bit_for_bit(name: str) -> None:
    torch.manual_seed(0)
    model: Any = build(name, 5, width=0.25).eval()
    encoder: Any = build("i3d", 5, width=0.25).eval()
    missing, _ = encoder.load_state_dict(model.state_dict(), strict=False)
    assert missing == []
    clips = torch.randn(2, 3, 16, 64, 64)
    with torch.no_grad():
        assert torch.equal(model(clips), encoder(clips))
        scored: Any = model.forward_train(clips, decode_first=0)  # as evaluation calls it
        for output, expected in encoder.forward_train(clips).items():
            assert torch.equal(scored[output], expected), output


def test_at_test_time_it_costs_what_its_i3d_costs(giga_multiply_adds: Any) -> None:
    with torch.device("meta"):
        model, encoder = build("rev2net", 400).eval(), build("i3d", 400).eval()
    shape = (1, 3, 64, 224, 224)
    cost = giga_multiply_adds(encoder, *shape)
    assert giga_multiply_adds(model, *shape) == cost
    scoring = partial(model.forward_train, decode_first=0)  # as evaluation calls it
    assert giga_multiply_adds(scoring, *shape) == cost


@pytest.mark.parametrize("trunk_width", [16, 32, 64])
@pytest.mark.parametrize("endpoint", ["Mixed_5c", "Mixed_4f"])
def test_training_costs_at_most_2_2_i3ds_and_the_added_parts_less_than_one(
    trunk_width: int, endpoint: str, giga_multiply_adds: Any
) -> None:
    with torch.device("meta"):
        model = build("rev2net", 400, trunk_width=trunk_width, latent_endpoint=endpoint).eval()
    shape = (1, 3, 64, 224, 224)
    encoder = giga_multiply_adds(model, *shape)
    assert giga_multiply_adds(model.forward_train, *shape) <= 2.2 * encoder
    added = sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        if name.startswith(("flow_", "frame_"))
    )
    assert 0 < added < sum(parameter.numel() for parameter in model.parameters()) - added


def test_the_decoders_have_the_papers_layers() -> None:
    model: Any = build("rev2net", 5)
    flow = [m for m in model.flow_decoder.modules() if isinstance(m, nn.ConvTranspose3d)]
    frame = [m for m in model.frame_decoder.modules() if isinstance(m, nn.ConvTranspose3d)]
    background = [m for m in model.frame_decoder.modules() if isinstance(m, nn.Conv3d)]
    assert (len(flow), len(frame), len(background)) == (2, 3, 1)
    assert background[0].in_channels == model.flow_decoder.join[0].conv3d.in_channels == 192


@pytest.mark.parametrize("endpoint", ["Mixed_5c", "Mixed_4f"])
def test_the_counterpart_undoes_the_encoders_pools(endpoint: str) -> None:
    model: Any = build("rev2net", 5, latent_endpoint=endpoint, latent_channels=24)
    strides = [layer[0].stride for layer in model.frame_path.counterpart]
    pools = ("MaxPool3d_5a_2x2", "MaxPool3d_4a_3x3", "MaxPool3d_3a_3x3")
    undone = [model.get_submodule(name).stride for name in pools[endpoint == "Mixed_4f" :]]
    assert strides == undone
    assert model.frame_path.gaussian.conv3d.in_channels == model.channels[endpoint]
    assert model.frame_path.counterpart[0][0].in_channels == 24


def test_an_unknown_place_for_the_gaussians_is_refused() -> None:
    with pytest.raises(UserError, match=r"latent_endpoint 'Mixed_5b' is unknown; did you mean"):
        build("rev2net", 5, latent_endpoint="Mixed_5b")


def test_decoding_begins_near_no_motion_and_the_mean_frame_with_something_to_learn_below() -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, 8, 33, 35) * 2 - 1
    model = build("rev2net", 5, width=0.25)
    outputs: Any = model.forward_train(x, decode_first=1)
    assert 0.1 < outputs["flow"].std() < 0.5  # of the training set's mean flow
    assert outputs["mask"].max() < 0.4
    off = outputs["frames"] - x[:1].mean(2, keepdim=True)
    assert 0.005 < off.std() < 0.05  # one to six grey levels
    # Behind heads of zero nothing would be taught at first, and on real clips for long.
    (outputs["flow"].square().mean() + outputs["frames"].square().mean()).backward()
    for name in ("flow_decoder", "flow_path", "frame_decoder", "frame_path"):
        taught = [
            p.grad is not None and p.grad.any() for p in model.get_submodule(name).parameters()
        ]
        assert all(taught), name


@pytest.mark.parametrize("size", [(16, 64, 64), (9, 33, 47), (11, 50, 36), (8, 32, 33)])
def test_outputs_have_the_clips_size_and_the_targets_range(
    model: Any, size: tuple[int, ...]
) -> None:
    outputs = model.forward_train(torch.randn(2, 3, *size))
    assert outputs["flow"].shape == (2, 2, *size)
    assert outputs["frames"].shape == outputs["foreground"].shape == (2, 3, *size)
    assert outputs["mask"].shape == (2, 1, *size)
    assert outputs["background"].shape == (2, 3, 1, *size[1:])
    for name in ("frames", "foreground", "background"):
        assert outputs[name].abs().max() <= 1
    assert 0 <= outputs["mask"].min() <= outputs["mask"].max() <= 1


def test_frames_are_the_mean_frame_and_what_changes_in_the_composition(model: Any) -> None:
    x = torch.rand(2, 3, 8, 32, 32) - 0.5
    outputs = model.forward_train(x)
    mask = outputs["mask"]
    composed = mask * outputs["foreground"] + (1 - mask) * outputs["background"]
    expected = x.mean(2, keepdim=True) + composed - composed.mean(2, keepdim=True)
    torch.testing.assert_close(outputs["frames"], expected.clamp(-1, 1))
    assert outputs["frames"].std(2).min() > 0


def test_heads_are_the_layers_that_the_checkpoint_names(model: Any) -> None:
    model.eval()
    x = torch.randn(2, 3, 8, 32, 32)
    decoder = model.frame_decoder
    with torch.no_grad():
        outputs = model.forward_train(x)
        trunk = outputs["frame_maps"][-1]
        torch.testing.assert_close(outputs["foreground"], decoder.foreground(trunk).tanh())
        torch.testing.assert_close(outputs["mask"], decoder.mask(trunk).sigmoid())
    model.train()


def test_maps_of_both_decoders_pair_up_from_the_volume_to_the_trunk(model: Any) -> None:
    outputs = model.forward_train(torch.randn(1, 3, 9, 40, 48))
    shapes = [[m.shape for m in outputs[name]] for name in ("flow_maps", "frame_maps")]
    assert shapes[0] == shapes[1]
    assert [tuple(shape) for shape in shapes[0]] == [
        (1, 16, 3, 3, 3), (1, 16, 5, 5, 6), (1, 8, 5, 10, 12), (1, 8, 10, 20, 24)
    ]  # fmt: skip
    assert outputs["flow_mean"].shape == outputs["frame_logvar"].shape == (1, 8, 2, 2, 2)


def test_only_the_first_clips_are_decoded_when_asked(model: Any) -> None:
    outputs = model.forward_train(torch.randn(5, 3, 8, 32, 32), decode_first=2)
    for name in DECODED | RECONSTRUCTED:
        for tensor in outputs[name] if isinstance(outputs[name], list) else [outputs[name]]:
            assert len(tensor) == 2, name
    assert len(outputs["logits"]) == len(outputs["features"]) == 5


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("rev2net", ALWAYS | DECODED | RECONSTRUCTED),
        ("rev2net-noddp", ALWAYS | DECODED | RECONSTRUCTED),
        ("rev2net-noflow", ALWAYS | RECONSTRUCTED),
        ("rev2net-noframe", ALWAYS | DECODED),
    ],
)
def test_a_decoder_switched_off_leaves_neither_outputs_nor_parameters(
    name: str, keys: set[str]
) -> None:
    model = build(name, 5, width=0.125)
    assert set(model.forward_train(torch.randn(2, 3, 8, 32, 32))) == keys
    parts = {n.split(".")[0] for n, _ in model.named_parameters()}
    assert {"flow_decoder", "flow_path"} & parts == (
        {"flow_decoder", "flow_path"} if "flow" in keys else set()
    )
    assert {"frame_decoder", "frame_path"} & parts == (
        {"frame_decoder", "frame_path"} if "frames" in keys else set()
    )


def test_training_draws_latents_and_evaluation_takes_their_mean(model: Any) -> None:
    x = torch.randn(2, 3, 8, 32, 32)
    with torch.no_grad():
        drawn = [model.train().forward_train(x)["flow"] for _ in range(2)]
        means = [model.eval().forward_train(x)["flow"] for _ in range(2)]
    model.train()
    assert not torch.equal(*drawn)
    assert torch.equal(*means)


def test_latents_are_drawn_from_the_gaussian_that_is_returned(model: Any) -> None:
    path = model.train().flow_path
    drawn = []
    layer = path.counterpart[0]
    handle = layer.register_forward_pre_hook(lambda module, inputs: drawn.append(inputs[0]))
    volume = torch.randn(32, model.channels["Mixed_5c"], 4, 4, 4)
    with torch.no_grad():
        mean, log_variance, _ = path(volume, [(8, 8, 8), (16, 16, 16), (16, 32, 32)])
    handle.remove()
    noise = (drawn[0] - mean) * torch.exp(-0.5 * log_variance)
    assert noise.mean().abs() < 0.03
    assert noise.std() == pytest.approx(1, abs=0.03)


def test_noise_of_the_latents_never_exceeds_the_spread_of_fresh_means() -> None:
    """Of whatever volume, after whatever Eq. 2 has asked of the variances."""
    torch.manual_seed(0)
    path: Any = build("rev2net", 5, width=0.25).get_submodule("frame_path")
    volume = torch.randn(4, path.gaussian.conv3d.in_channels, 4, 4, 4).relu()
    mean, _ = path.gaussian(volume)
    with torch.no_grad():
        path.gaussian.conv3d.weight[len(path.gaussian.conv3d.weight) // 2 :] = 0.5
    for shift in (-40.0, 0.0, 4.0, 40.0):
        log_variance = path.gaussian(volume + shift)[1]
        assert log_variance.exp().sqrt().max() <= 1 < 2 * mean.std()
        assert log_variance.exp().min() > 0


def decoded_frames(model: Any, volume: Any, still: Any, size: Any) -> Tensor:
    """Frames by the frame decoder alone, of a volume (B, C, t, h, w), over a grey mean frame."""
    grids = model.grids((-(-size[0] // 2), -(-size[1] // 4), -(-size[2] // 4)))
    with torch.no_grad():
        *_, maps = model.eval().frame_path(volume, grids)
        grey = torch.zeros(1, 3, 1, *size[1:])
        return model.frame_decoder(maps[-1], still, grey, torch.Size(size))[1]["frames"]


def test_what_lies_in_the_volume_alone_tells_one_moment_from_another() -> None:
    # 64 frames at width 1: constant but for one position in time of the volume.
    torch.manual_seed(0)
    model = with_trained_heads(build("rev2net", 5))
    volume = torch.rand(1, 1, 1, 1, 1).expand(1, 1024, 8, 1, 1).clone()
    still = torch.rand(1, 192, 1, 1, 1).expand(1, 192, 1, 8, 8)
    same = decoded_frames(model, volume, still, (64, 32, 32))
    assert torch.equal(same[:, :, 37], same[:, :, 21])  # both far from the ends, as if one moment
    volume[:, :, 3] += torch.rand(1024)[:, None, None]
    other = decoded_frames(model, volume, still, (64, 32, 32))
    assert not torch.equal(other[:, :, 37], other[:, :, 21])


def test_frames_know_no_moment_but_from_the_volume(model: Any) -> None:
    """Whatever the order in time of Conv3d_2c's map: only its average is looked at."""
    model.eval()
    clip = torch.randn(1, 3, 16, 32, 32)
    clip -= clip.mean(2, keepdim=True)
    volume, maps = model.endpoints(clip, "Conv3d_2c_3x3")
    natural = maps["Conv3d_2c_3x3"]
    shuffled = natural[:, :, torch.tensor([5, 2, 7, 0, 1, 6, 3, 4])]
    first, second = (
        decoded_frames(model, volume, tap.mean(2, keepdim=True), (16, 32, 32))
        for tap in (natural, shuffled)
    )
    torch.testing.assert_close(first, second)
    with torch.no_grad():
        assert torch.allclose(model.forward_train(clip)["frames"], first, atol=1e-6)
    model.train()


@pytest.mark.parametrize("task", ["flow", "frames"])
def test_frames_teach_through_the_volume_only_and_flow_the_stem_too(
    model: Any, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(2, 3, 8, 32, 32)
    for way_open in (True, False):
        model.zero_grad()
        if not way_open:
            path = model.get_submodule(f"{task.removesuffix('s')}_path")
            forward = path.forward  # the volume passes values and no gradient
            monkeypatch.setattr(path, "forward", lambda v, g, f=forward: f(v.detach(), g))
        model.forward_train(x)[task].square().mean().backward()
        reached = [
            parameter.grad is not None and parameter.grad.abs().max() > 0
            for name, parameter in model.named_parameters()
            if name in ("Conv3d_1a_7x7.conv3d.weight", "Mixed_5c.b0.conv3d.weight")
        ]
        assert reached == [way_open or task == "flow", way_open]
    assert model.logits.conv3d.weight.grad is None
