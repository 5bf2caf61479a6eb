"""Which images and which part of them make a clip."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rev2net.clips import sampling

counts = st.integers(1, 400)
lengths = st.integers(1, 64)


def test_a_dense_clip_of_a_short_video_loops() -> None:
    assert sampling.dense(3, 7, 1, 0) == [0, 1, 2, 0, 1, 2, 0]
    assert sampling.dense(10, 4, 2, 3) == [3, 5, 7, 9]


@given(counts, lengths, st.integers(1, 4), st.integers(0, 2**32))
def test_a_random_start_fits_the_clip_wherever_it_can(
    num_images: int, length: int, stride: int, seed: int
) -> None:
    start = sampling.random_start(num_images, length, stride, Random(seed))
    assert 0 <= start < num_images
    if num_images > stride * (length - 1):
        indices = sampling.dense(num_images, length, stride, start)
        assert (np.diff(indices) == stride).all()


def test_every_start_that_fits_is_drawn() -> None:
    rng = Random(0)
    starts = {sampling.random_start(20, 16, 1, rng) for _ in range(300)}
    assert starts == {0, 1, 2, 3, 4}


def test_even_starts_span_the_video() -> None:
    assert sampling.even_starts(20, 16, 1, 1) == [2]
    assert sampling.even_starts(20, 16, 1, 3) == [0, 2, 4]
    assert sampling.even_starts(5, 16, 1, 2) == [0, 0]


@given(counts, st.integers(1, 25), st.integers(1, 5), st.integers(0, 2**32))
def test_each_snippet_lies_in_its_own_segment(
    num_images: int, length: int, stack: int, seed: int
) -> None:
    indices = sampling.segments(num_images, length, stack, Random(seed))
    snippets = np.reshape(indices, (length, stack))
    assert snippets.min() >= 0
    assert snippets.max() < num_images
    starts = snippets[:, 0]
    room = max(1, num_images - stack + 1)
    assert (starts >= np.floor(np.arange(length) * room / length)).all()
    assert (starts <= np.floor((np.arange(length) + 1) * room / length)).all()
    assert (np.diff(starts) >= 0).all()


@pytest.mark.parametrize("num_images", [1, 3])
def test_a_video_shorter_than_a_snippet_repeats_its_last_image(num_images: int) -> None:
    rng = Random(0)
    for snippet in np.reshape(sampling.segments(num_images, 2, 6, rng), (2, 6)):
        assert snippet.tolist() == [min(k, num_images - 1) for k in range(6)]


def test_test_snippets_lie_in_the_middle_of_their_segments() -> None:
    assert sampling.segments(30, 3, 1, None) == [5, 15, 25]
    assert sampling.segments(12, 2, 3, None) == [2, 3, 4, 7, 8, 9]


@given(st.integers(8, 300), st.integers(8, 300), st.booleans(), st.integers(0, 2**32))
def test_a_random_crop_lies_in_the_image_with_sides_from_the_scales(
    height: int, width: int, corners: bool, seed: int
) -> None:
    scales = (1.0, 0.875, 0.75, 0.66)
    rng = Random(seed)
    crop = sampling.random_crop(height, width, sampling.Augmentation(scales, 1, corners, True), rng)
    assert crop.top >= 0
    assert crop.left >= 0
    assert crop.top + crop.height <= height
    assert crop.left + crop.width <= width
    sides = [round(scale * min(height, width)) for scale in scales]
    assert crop.height in sides
    assert crop.width in sides
    if len(set(sides)) == 4:  # width and height at most one step apart
        assert abs(sides.index(crop.height) - sides.index(crop.width)) <= 1


def test_protocol_crops_are_the_published_ones() -> None:
    (centre,) = sampling.protocol_crops(256, 340, 224, 1)
    assert (centre.top, centre.left, centre.height, centre.width) == (16, 58, 224, 224)
    three = sampling.protocol_crops(256, 340, 256, 3)
    assert [(c.top, c.left) for c in three] == [(0, 0), (0, 42), (0, 84)]
    ten = sampling.protocol_crops(256, 340, 224, 10)
    places = [(c.top, c.left) for c in ten[:5]]
    assert places == [(0, 0), (0, 116), (32, 0), (32, 116), (16, 58)]
    assert [c.flip for c in ten] == [False] * 5 + [True] * 5
    with pytest.raises(ValueError, match="1, 3 or 10"):
        sampling.protocol_crops(256, 340, 224, 2)
