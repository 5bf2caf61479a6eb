"""Confusion matrices: counts, the worst pairs, and what stands in the picture."""

import numpy as np

from rev2net.figures.confusion import NAMED, confusion_matrix, count_confusions, most_confused
from tests.figures.svg_text import svg_texts

NAMES = ["climb", "golf", "punch"]


def test_counts_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 4, (2, 100))
    expected = np.zeros((4, 4), int)
    for row, column in zip(true, predicted, strict=True):
        expected[row, column] += 1
    np.testing.assert_array_equal(count_confusions(true, predicted, 4), expected)


def test_the_worst_pairs_come_first_and_right_answers_never() -> None:
    count = np.array([[8, 2, 0], [5, 5, 0], [0, 0, 20]])
    assert most_confused(count, NAMES) == [("golf", "climb", 50.0), ("climb", "golf", 20.0)]
    assert most_confused(np.eye(3, dtype=int), NAMES) == []


def test_the_picture_holds_percent_of_the_true_class() -> None:
    count = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    texts = svg_texts(confusion_matrix("I3D RGB", count, NAMES))
    assert [text for text in texts if text.isdigit()] == ["75", "25", "100"]
    assert texts.count("golf") == 2  # at both axes


def test_many_classes_are_not_named() -> None:
    names = [f"class {n}" for n in range(NAMED + 1)]
    texts = svg_texts(confusion_matrix("I3D RGB", np.eye(NAMED + 1, dtype=int), names))
    assert texts == ["predicted", "true", "I3D RGB"]
