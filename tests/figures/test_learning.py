"""Learning curves: which terms are drawn, how they are smoothed, and on which axis."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

from rev2net.figures.learning import (
    TERMS,
    accuracy_curves,
    common_limits,
    learning_curves,
    length_curves,
    loss_terms,
    smooth,
)
from rev2net.training.objective import NEEDS
from tests.figures.svg_text import svg_texts


def test_smoothing_averages_what_lies_within_the_window() -> None:
    rng = np.random.default_rng(0)
    value = rng.normal(size=20)
    by_hand = [value[max(0, n - 2) : n + 3].mean() for n in range(20)]
    np.testing.assert_allclose(smooth(value, 5), by_hand)


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_short_logs_are_smoothed_too(length: int) -> None:
    assert smooth(np.full(length, 2.0), 9).tolist() == [2.0] * length


def test_every_weighed_term_has_a_pen_of_its_own() -> None:
    weighed = set(NEEDS)
    assert weighed | {"classification"} == set(TERMS)
    assert len({(pen.color, pen.dashes) for pen in TERMS.values()}) == len(TERMS)


def test_only_loss_terms_are_drawn_in_the_order_of_the_legend() -> None:
    log = ["step", "lr", "loss", "flow", "classification", "top1", "seconds"]
    assert list(loss_terms(log)) == ["classification", "flow"]


def test_panels_share_an_axis_that_holds_all_of_them() -> None:
    first: dict[str, ArrayLike] = {"step": [1, 2], "classification": [2.0, 1.0]}
    second: dict[str, ArrayLike] = {
        "step": [1, 2],
        "classification": [3.0, 3.0],
        "domain": [-0.2, -0.2],
    }
    low, high = common_limits([first, second])
    assert low < -0.2
    assert high > 3


def test_a_log_without_terms_has_limits() -> None:
    low, high = common_limits([])
    assert low < high


def test_a_panel_names_its_run_and_draws_each_term_faint_and_strong() -> None:
    log: dict[str, ArrayLike] = {
        "step": [10, 20, 30],
        "classification": [2, 1, 0.5],
        "domain": [0.1, -0.1, 0.1],
    }
    drawn = learning_curves("I3D RGB", log, common_limits([log]))
    assert "I3D RGB" in svg_texts(drawn)
    assert drawn.count(b"stroke: #56b4e9") == 2  # domain adaptation


def test_rows_of_a_benchmark_share_one_panel_of_accuracies() -> None:
    steps = [10, 20, 30, 40]
    curves = {"I3D RGB": (steps, [10.0, 20.0, 30.0, 40.0]), "TSN RGB": (steps, [0.0] * 4)}
    drawn = accuracy_curves("HMDB→UCF", curves)
    texts = svg_texts(drawn)
    for words in ("HMDB→UCF", "I3D RGB", "TSN RGB", "training clips, %"):
        assert words in texts
    assert drawn.count(b"stroke: #0072b2") == 2  # a line, and its sample in the legend


def test_a_curve_of_lengths_names_its_axes_and_marks() -> None:
    drawn = length_curves("TSN RGB", [9, 18, 27], [50, 70, 60], [5, 4, 4], 1, (40, 80))
    assert {"TSN RGB", "chosen", "recipe", "epochs of the source's list"} <= set(svg_texts(drawn))
    other = length_curves("TSN RGB", [9, 18, 27], [50, 70, 60], [5, 4, 4], 2, (40, 80))
    assert drawn != other
