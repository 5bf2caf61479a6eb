"""Long names: no title is cut off, in any figure."""

from collections.abc import Callable

import numpy as np
import pytest

from rev2net.figures.confusion import confusion_matrix
from rev2net.figures.embedding import scatter
from rev2net.figures.learning import accuracy_curves, learning_curves
from rev2net.figures.sensitivity import fusion_panel, setting_panel, surface_panel
from rev2net.figures.transfer import Transfer, transfer_gap
from tests.figures.drawn_text import texts_outside
from tests.figures.svg_text import svg_texts

TITLE = "Rev2Net w/o frame dec. RGB + RGB diff. (kinetics) (source only)"
NAMES = ["brush hair", "climb stairs", "sword exercise"]
STEPS = np.arange(1, 4)
POINTS = np.random.default_rng(0).normal(size=(20, 2))
FIGURES: dict[str, Callable[[str], bytes]] = {
    "confusion": lambda title: confusion_matrix(title, np.eye(3, dtype=int), NAMES),
    "embedding": lambda title: scatter(title, POINTS, NAMES[:2] * 10),
    "learning": lambda title: learning_curves(
        title, {"step": STEPS, "classification": STEPS / 3}, (0, 3)
    ),
    "accuracy": lambda title: accuracy_curves(
        title, {f"{title[:17]} {n}": (STEPS, 10 * STEPS) for n in range(12)}
    ),
    "accuracy-long": lambda title: accuracy_curves(title, {title: (STEPS, 10 * STEPS)}),
    "setting": lambda title: setting_panel(
        title, STEPS / 10, 10 * STEPS, STEPS > 2, 1, (0, 40)
    ),
    "surface": lambda title: surface_panel(
        (title[:31], title[32:]), STEPS / 10, STEPS / 20, 10 * STEPS, 1, (0, 40)
    ),
    "fusion": lambda title: fusion_panel(title, {"HMDB→UCF": ([0, 1, 2], [30, 40, 20])}, 1.5),
    "transfer": lambda title: transfer_gap(
        title, [Transfer("Rev2Net w/o flow dec.", "rgb", 99.9, 98.0, 90.0, 100.0)]
    ),
}  # fmt: skip
MODULES = {
    "accuracy": "learning",
    "accuracy-long": "learning",
    "setting": "sensitivity",
    "surface": "sensitivity",
    "fusion": "sensitivity",
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"rev2net.figures.{MODULES.get(name, name)}"
    assert texts_outside(lambda: FIGURES[name](TITLE), module, monkeypatch) == []


@pytest.mark.parametrize("name", FIGURES)
def test_a_long_title_breaks_at_a_word_and_a_short_one_does_not(name: str) -> None:
    if name != "surface":  # whose title is made of its axes' names
        assert "I3D RGB" in svg_texts(FIGURES[name]("I3D RGB"))
        words = " ".join(svg_texts(FIGURES[name](TITLE)))
        for word in TITLE.split():
            assert word in words
