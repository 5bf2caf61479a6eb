"""From uint8 crops to network input: what flips, resizes and scaling do to pixels and to flow."""

from dataclasses import replace

import torch

from rev2net.clips.transforms import to_batch, to_input
from rev2net.models.spec import input_spec

CPU = torch.device("cpu")


def crop(channels: int, height: int = 8, width: int = 8, frames: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height * width + channels)
    shape = (frames, height, width, channels)
    return torch.randint(1, 256, shape, dtype=torch.uint8, generator=generator)


def test_rgb_becomes_values_between_0_and_1_in_channel_first_order() -> None:
    clip = crop(3)
    batch = to_batch([clip], [False], 8, CPU, "rgb")
    assert batch.shape == (1, 3, 2, 8, 8)
    assert torch.equal(batch[0, 1, 0], clip[0, :, :, 1].float() / 255)


def test_flow_bytes_become_flow_over_its_bound() -> None:
    clip = torch.tensor([1, 128, 255], dtype=torch.uint8).view(1, 1, 3, 1).repeat(1, 3, 1, 2)
    batch = to_batch([clip], [False], 3, CPU, "flow")
    assert batch[0, 0, 0, 0].tolist() == [-1.0, 0.0, 1.0]


def test_a_flip_mirrors_and_negates_x_only() -> None:
    clip = crop(2)
    plain, flipped = to_batch([clip, clip], [False, True], 8, CPU, "flow")
    assert torch.equal(flipped[0], -plain[0].flip(2))
    assert torch.equal(flipped[1], plain[1].flip(2))


def test_resizing_a_flow_scales_its_components_with_the_pixels() -> None:
    clip = torch.full((1, 8, 4, 2), 128 + 64, dtype=torch.uint8)
    batch = to_batch([clip], [False], 16, CPU, "flow")
    assert torch.allclose(batch[0, 0], torch.tensor(64 / 127 * 16 / 4))
    assert torch.allclose(batch[0, 1], torch.tensor(64 / 127 * 16 / 8))


def test_segments_keep_the_channels_of_each_stack_together() -> None:
    values = torch.arange(2 * 6).view(1, 2, 6, 1, 1).float()  # value = 6 * channel + image
    spec = replace(input_spec("tsn", "flow"), std=(1.0, 1.0), stack=3, channels=6)
    x = to_input(values, spec)
    assert x.shape == (1, 2, 6, 1, 1)
    assert x[0, 0].flatten().tolist() == [0, 6, 1, 7, 2, 8]  # x, y of images 0, 1, 2
    assert x[0, 1].flatten().tolist() == [3, 9, 4, 10, 5, 11]


def test_six_frames_of_a_segment_are_five_differences_one_after_the_other() -> None:
    spec = input_spec("tsn", "rgbdiff")
    frames = torch.rand(2, 3, 3 * spec.images, 4, 5)  # 3 segments
    x = to_input(frames, spec)
    assert x.shape == (2, 3, 15, 4, 5)
    for segment, k, channel in ((0, 0, 0), (1, 4, 2), (2, 3, 1)):
        t = 6 * segment + k
        difference = frames[:, channel, t + 1] - frames[:, channel, t]
        expected = difference / spec.std[channel]
        torch.testing.assert_close(x[:, segment, 3 * k + channel], expected)


def test_a_flip_mirrors_differences_and_does_not_negate_them() -> None:
    spec = input_spec("tsn", "rgbdiff")
    clip = crop(3, frames=6)
    plain, flipped = to_input(to_batch([clip, clip], [False, True], 8, CPU, "rgb"), spec)
    assert torch.equal(flipped, plain.flip(-1))


def test_normalisation_is_by_channel() -> None:
    values = torch.ones(1, 2, 1, 1, 1)
    spec = replace(input_spec("i3d", "flow"), mean=(1.0, 0.5), std=(2.0, 0.25))
    assert to_input(values, spec).flatten().tolist() == [0.0, 2.0]


def test_input_is_the_same_in_place_and_values_are_kept_otherwise() -> None:
    for method, modality in (("i3d", "rgb"), ("tsn", "flow"), ("tsn", "rgbdiff")):
        spec = input_spec(method, modality)
        kind = "flow" if modality == "flow" else "rgb"
        clip = crop(2 if kind == "flow" else 3, frames=2 * spec.images)
        values = to_batch([clip], [False], 8, CPU, kind)
        kept = values.clone()
        expected = to_input(values, spec)
        assert torch.equal(values, kept)
        assert torch.equal(to_input(values, spec, in_place=True), expected)
