"""Features in the plane: t-SNE keeps neighbours, and mixing is measured before it."""

import numpy as np
import pytest
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_info, threadpool_limits

from rev2net.figures.embedding import NAMED, neighbour_share, scatter, tsne
from tests.figures.svg_text import svg_texts


def clusters(number: int, each: int = 8) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(0)
    centre = rng.normal(scale=20, size=(number, 8))
    points = np.concatenate([one + rng.normal(size=(each, 8)) for one in centre])
    return points, [f"cluster {n}" for n in range(number) for _ in range(each)]


def test_clusters_stay_together_and_a_seed_gives_the_same_picture() -> None:
    features, group = clusters(3)
    points = tsne(features)
    assert neighbour_share(points, group, 5)[0] == 100
    np.testing.assert_array_equal(points, tsne(features))


def test_it_takes_one_thread_whatever_the_machine_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the libraries themselves, in the middle of the work."""
    threads: set[int] = set()

    class Watched(TSNE):
        def fit_transform(self, X: np.ndarray, y: None = None) -> np.ndarray:
            threads.update(pool["num_threads"] for pool in threadpool_info())
            return super().fit_transform(X, y)

    monkeypatch.setattr("sklearn.manifold.TSNE", Watched)
    with threadpool_limits(2):
        tsne(clusters(2)[0])
    assert threads == {1}


def test_constant_features_do_no_harm_and_few_points_are_refused() -> None:
    assert np.isfinite(tsne(np.repeat(np.arange(6.0)[:, None], 3, 1) * [1, 0, 2])).all()
    with pytest.raises(ValueError, match="3 points"):
        tsne(np.zeros((3, 2)))


def test_neighbours_of_separate_groups_are_their_own() -> None:
    features, group = clusters(2, 6)
    share, chance = neighbour_share(features, group, 5)
    assert share == 100
    assert chance == pytest.approx(100 * 5 / 11)  # of the other 11 points, 5 are of the own group


def test_neighbour_shares_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(1)
    features, group = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    same = 0
    for n in range(30):
        distance = np.linalg.norm(features - features[n], axis=1)
        near = [k for k in np.argsort(distance) if k != n][:7]
        same += sum(group[k] == group[n] for k in near)
    assert neighbour_share(features, group.tolist(), 7)[0] == pytest.approx(100 * same / (30 * 7))


def test_few_groups_are_named_and_many_are_not() -> None:
    points = np.random.default_rng(0).normal(size=(40, 2))
    texts = svg_texts(scatter("I3D", points, ["ucf101", "hmdb51"] * 20))
    assert sorted(texts) == ["I3D", "hmdb51", "ucf101"]
    many = [f"class {n % (NAMED + 1)}" for n in range(40)]
    assert svg_texts(scatter("I3D", points, many)) == ["I3D"]
