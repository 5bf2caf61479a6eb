"""Figures of a search: every trial is there, and the chosen one is marked."""

import numpy as np

from rev2net.figures.sensitivity import accuracy_limits, fusion_panel, setting_panel, surface_panel
from tests.figures.svg_text import svg_texts


def test_limits_hold_every_accuracy_and_are_never_empty() -> None:
    low, high = accuracy_limits([40.0, 60.0])
    assert low < 40
    assert high > 60
    low, high = accuracy_limits([50.0])
    assert low < 50 < high


def test_a_surface_shows_the_best_of_each_pair() -> None:
    drawn = surface_panel(
        ("flow", "frames"), [0.1, 1, 1, 0], [1, 1, 1, 1], [50, 61, 72, 99], 2, (40, 100)
    )
    numbers = [text for text in svg_texts(drawn) if text in ("50", "61", "72", "99")]
    assert numbers == ["50", "72"]  # 61 is the worse of its pair; a weight of 0 has no place


def test_a_weight_of_zero_stands_at_the_left_end() -> None:
    drawn = setting_panel(
        "flow", [0, 0.1, 1], [50, 60, 55], np.array([False, False, True]), 1, (45, 65)
    )
    texts = svg_texts(drawn)
    places = [text for text in texts if text in ("0", "0.1", "1")]
    assert places == ["0", "0.1", "1"]
    assert {"coarse", "fine", "chosen"} <= set(texts)


def test_a_fusion_panel_has_a_line_a_benchmark() -> None:
    curves = {"UCF101": ([0.0, 1.0], [80.0, 90.0]), "HMDB51": ([0.0, 1.0], [50.0, 60.0])}
    assert {"TSN", "UCF101", "HMDB51"} <= set(svg_texts(fusion_panel("TSN", curves, 1.5)))
