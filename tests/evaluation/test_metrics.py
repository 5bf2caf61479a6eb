"""Accuracies agree with hand-worked cases and with scikit-learn's."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, top_k_accuracy_score

from rev2net.evaluation.metrics import hits, mean_class, per_class, top1, topk

# Right: videos 0, 1 and 3. Class 0 has both of its videos right, class 1 one of two, class 2 none.
SCORES = np.array([[0.9, 0.1, 0.0], [0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.1, 0.9, 0.0], [6, 5, 4]])
LABEL = np.array([0, 0, 1, 1, 2])


def test_hand_worked_accuracies() -> None:
    assert top1(SCORES, LABEL) == pytest.approx(60)
    assert topk(SCORES, LABEL, 2) == pytest.approx(80)
    assert topk(SCORES, LABEL, 3) == 100
    assert mean_class(SCORES, LABEL) == pytest.approx((100 + 50 + 0) / 3)


def test_mean_class_leaves_out_classes_without_videos() -> None:
    wider = np.hstack([SCORES, np.full((5, 4), -1.0)])
    assert mean_class(wider, LABEL) == pytest.approx(50)


def test_ties_go_to_the_lower_class() -> None:
    assert hits([[1, 1, 1]] * 3, [0, 1, 2], k=1).tolist() == [True, False, False]
    assert hits([[1, 1, 1]] * 3, [0, 1, 2], k=2).tolist() == [True, True, False]


def test_nan_scores_are_never_right() -> None:
    scores = np.array([[np.nan, 0.0], [0.0, np.nan], [1.0, 0.0]])
    assert hits(scores, [0, 0, 0], k=1).tolist() == [False, False, True]


def test_no_videos_have_no_accuracy() -> None:
    nothing = np.zeros((0, 3)), np.zeros(0, int)
    assert math.isnan(top1(*nothing))
    assert math.isnan(topk(*nothing, 5))
    assert math.isnan(mean_class(*nothing))


def test_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(3)
    label = np.concatenate([np.arange(12), random.integers(0, 12, 500)])
    scores = random.normal(size=(len(label), 12)) + 2 * (np.arange(12) == label[:, None])
    predicted = scores.argmax(axis=1)
    assert top1(scores, label) == pytest.approx(100 * accuracy_score(label, predicted))
    assert topk(scores, label, 5) == pytest.approx(100 * top_k_accuracy_score(label, scores, k=5))
    assert mean_class(scores, label) == pytest.approx(
        100 * balanced_accuracy_score(label, predicted)
    )


@pytest.mark.parametrize(
    ("scores", "label", "k"),
    [(SCORES, LABEL[:4], 1), (SCORES[0], LABEL, 1), (SCORES, LABEL + 1, 1), (SCORES, LABEL, 0)],
)
def test_impossible_arguments_raise(scores: np.ndarray, label: np.ndarray, k: int) -> None:
    with pytest.raises(ValueError):
        hits(scores, label, k)


def test_classes_by_hand() -> None:
    scores = np.eye(3)[[0, 1, 1, 2, 2, 2, 0]]
    found = per_class(scores, [0, 0, 0, 1, 1, 0, 1])
    assert [one.videos for one in found] == [4, 3, 0]
    assert found[0].accuracy == 25
    assert (found[0].confused_with, found[0].confusions) == (1, 2)
    assert (found[1].accuracy, found[1].confused_with, found[1].confusions) == (0, 2, 2)
    assert np.isnan(found[2].accuracy)
    assert found[2].confused_with is None
