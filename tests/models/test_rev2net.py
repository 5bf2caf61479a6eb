"""Rev2Net is I3D at test time; its decoders give what the paper trains them for."""

from functools import partial

import pytest
import torch
from torch import nn

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


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build("rev2net", 5, width=0.125)


@pytest.mark.parametrize("name", ["rev2net", "rev2net-noflow", "rev2net-noframe"])
def test_at_test_time_it_is_its_i3d_bit_for_bit(name):
    torch.manual_seed(0)
    model = build(name, 5, width=0.25).eval()
    encoder = build("i3d", 5, width=0.25).eval()
    missing, _ = encoder.load_state_dict(model.state_dict(), strict=False)
    assert missing == []
    clips = torch.randn(2, 3, 16, 64, 64)
    with torch.no_grad():
        assert torch.equal(model(clips), encoder(clips))
        scored = model.forward_train(clips, decode_first=0)  # as evaluation calls it
        for output, expected in encoder.forward_train(clips).items():
            assert torch.equal(scored[output], expected), output


def test_at_test_time_it_costs_what_its_i3d_costs(giga_multiply_adds):
    with torch.device("meta"):
        model, encoder = build("rev2net", 400).eval(), build("i3d", 400).eval()
    shape = (1, 3, 64, 224, 224)
    cost = giga_multiply_adds(encoder, *shape)
    assert giga_multiply_adds(model, *shape) == cost
    scoring = partial(model.forward_train, decode_first=0)  # as evaluation calls it
    assert giga_multiply_adds(scoring, *shape) == cost


@pytest.mark.parametrize("trunk_width", [16, 32, 64])
def test_the_trunks_cost_1_23_billion_multiply_adds_a_channel(trunk_width, giga_multiply_adds):
    # From 192 channels at 32 x 56 x 56, 4 x 4 x 4 taps (paper/PROTOCOLS: "1.23 C GMACs").
    costs = []
    for width in (trunk_width, 2 * trunk_width):
        with torch.device("meta"):
            model = build("rev2net", 400, trunk_width=width).eval()
        costs.append(giga_multiply_adds(model.forward_train, 1, 3, 64, 224, 224))
    heads = 64 * 112 * 112 * 48 * (2 + 4) / 1e9  # 3 x 4 x 4 taps; 2 flow, 3 + 1 frame channels
    trunks = 2 * 32 * 56 * 56 * 192 * 64 / 1e9
    assert (costs[1] - costs[0]) / trunk_width == pytest.approx(trunks + heads, rel=1e-6)


def test_the_decoders_have_the_papers_layers():
    model = build("rev2net", 5)
    flow = [m for m in model.flow_decoder.modules() if isinstance(m, nn.ConvTranspose3d)]
    frame = [m for m in model.frame_decoder.modules() if isinstance(m, nn.ConvTranspose3d)]
    background = [m for m in model.frame_decoder.modules() if isinstance(m, nn.Conv3d)]
    assert (len(flow), len(frame), len(background)) == (2, 3, 1)
    assert flow[0].in_channels == frame[0].in_channels == background[0].in_channels == 192


@pytest.mark.parametrize("size", [(16, 64, 64), (9, 33, 47), (11, 50, 36), (8, 32, 33)])
def test_outputs_have_the_clips_size_and_the_targets_range(model, size):
    outputs = model.forward_train(torch.randn(2, 3, *size))
    assert outputs["flow"].shape == (2, 2, *size)
    assert outputs["frames"].shape == outputs["foreground"].shape == (2, 3, *size)
    assert outputs["mask"].shape == (2, 1, *size)
    assert outputs["background"].shape == (2, 3, 1, *size[1:])
    for name in ("flow", "frames", "foreground", "background"):
        assert outputs[name].abs().max() <= 1
    assert 0 <= outputs["mask"].min() <= outputs["mask"].max() <= 1


def test_frames_are_composed_of_foreground_and_background(model):
    outputs = model.forward_train(torch.randn(2, 3, 8, 32, 32))
    mask = outputs["mask"]
    expected = mask * outputs["foreground"] + (1 - mask) * outputs["background"]
    torch.testing.assert_close(outputs["frames"], expected)


def test_heads_are_the_layers_that_the_checkpoint_names(model):
    model.eval()
    x = torch.randn(2, 3, 8, 32, 32)
    decoder = model.frame_decoder
    with torch.no_grad():
        outputs = model.forward_train(x)
        trunk = outputs["frame_maps"][0]
        torch.testing.assert_close(outputs["foreground"], decoder.foreground(trunk).tanh())
        torch.testing.assert_close(outputs["mask"], decoder.mask(trunk).sigmoid())
    model.train()


def test_trunk_maps_of_both_decoders_have_one_shape(model):
    outputs = model.forward_train(torch.randn(1, 3, 9, 40, 48))
    shapes = [[m.shape for m in outputs[name]] for name in ("flow_maps", "frame_maps")]
    assert shapes[0] == shapes[1] == [(1, 8, 10, 20, 24)]


def test_only_the_first_clips_are_decoded_when_asked(model):
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
def test_a_decoder_switched_off_leaves_neither_outputs_nor_parameters(name, keys):
    model = build(name, 5, width=0.125)
    assert set(model.forward_train(torch.randn(2, 3, 8, 32, 32))) == keys
    parts = {n.split(".")[0] for n, _ in model.named_parameters()}
    assert ("flow_decoder" in parts and "flow_latent" in parts) == ("flow" in keys)
    assert ("frame_decoder" in parts and "frame_latent" in parts) == ("frames" in keys)


def test_training_draws_latents_and_evaluation_takes_their_mean(model):
    x = torch.randn(2, 3, 8, 32, 32)
    with torch.no_grad():
        drawn = [model.train().forward_train(x)["flow"] for _ in range(2)]
        means = [model.eval().forward_train(x)["flow"] for _ in range(2)]
    model.train()
    assert not torch.equal(*drawn)
    assert torch.equal(*means)


def test_latents_are_drawn_from_the_gaussian_that_is_returned(model):
    torch.manual_seed(0)
    mean, log_variance = torch.full((20_000, 2), 3.0), torch.full((20_000, 2), -2.0)
    draws = model.train().sample(mean, log_variance)[:, :, 0, 0, 0]
    torch.testing.assert_close(draws.mean(0), mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(draws.var(0).log(), log_variance[0], atol=0.05, rtol=0)


def test_the_latent_reaches_every_position_of_the_decoder():
    # Local features see 11 frames; only z can carry the far end of a long clip.
    torch.manual_seed(0)
    model = build("rev2net", 5, width=0.125).eval()
    clip = torch.randn(1, 3, 48, 32, 32)
    changed = clip.clone()
    changed[:, :, -1] += 3
    model.frame_latent.gaussian.weight.data.mul_(100)
    with torch.no_grad():
        first, second = (model.forward_train(x)["frames"][:, :, 0] for x in (clip, changed))
        assert (first - second).abs().max() > 1e-4
        model.frame_latent.gaussian.weight.data.zero_()
        first, second = (model.forward_train(x)["foreground"][:, :, 0] for x in (clip, changed))
        assert torch.equal(first, second)


def test_gradients_of_the_decoders_reach_the_encoder(model):
    model.zero_grad()
    model.forward_train(torch.randn(2, 3, 8, 32, 32))["flow"].square().mean().backward()
    for name in ("Conv3d_1a_7x7.conv3d.weight", "Mixed_5c.b0.conv3d.weight"):
        assert model.get_parameter(name).grad.abs().max() > 0
    assert model.logits.conv3d.weight.grad is None
