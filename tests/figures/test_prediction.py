"""Classes over a frame: bars as long as probabilities, at any size of picture."""

import numpy as np
import pytest

from rev2net.figures.prediction import BAR, BAR_BACK, prediction_panel, with_panel

CLASSES = [("HandstandPushups", 0.5), ("golf", 0.25), ("ride_bike", 0.0)]


def test_bars_are_as_long_as_probabilities() -> None:
    panel = prediction_panel((240, 320), [("a", 1.0), *CLASSES])
    filled, empty = ((panel == np.array(colour)).all(axis=2) for colour in (BAR, BAR_BACK))
    rows = np.flatnonzero((filled | empty).any(axis=1))
    bars = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    lengths = [int(filled[bar[len(bar) // 2]].sum()) for bar in bars]
    assert lengths == pytest.approx([lengths[0] * p for p in (1, 0.5, 0.25, 0)], abs=2)


@pytest.mark.parametrize("size", [(240, 320), (1080, 1920), (1920, 1080), (36, 40), (8, 8)])
def test_a_panel_fits_into_any_picture_and_leaves_the_rest_alone(size: tuple[int, int]) -> None:
    panel = prediction_panel(size, CLASSES)
    assert panel.shape[0] <= size[0]
    assert panel.shape[1] <= size[1]
    top = size[0] - panel.shape[0]
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    before = picture.copy()
    drawn = with_panel(picture, panel)
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(drawn[:top], picture[:top])
    np.testing.assert_array_equal(drawn[:, panel.shape[1] :], picture[:, panel.shape[1] :])
    assert (drawn[top:] != picture[top:]).any()
