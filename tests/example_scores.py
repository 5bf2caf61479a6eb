"""A small valid scores file to start from: three classes, four videos of two source groups."""

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from rev2net.runs.scores import Scores

BASE = Scores(
    scores=np.array([[3, 1, 0], [0, 2, 1], [2, 1, 0], [0, 1, 4]], np.float32),
    video_id=["v_a1", "v_a2", "v_b1", "größe_b2"],
    label=np.array([0, 1, 1, 2]),
    group=["a", "a", "b", "b"],
    class_names=["climb", "golf", "punch"],
    benchmark="hmdb-ucf",
    split=1,
    part="test",
    method="tsn",
    input="rgb",
    init="scratch",
    adapt="mkmmd",
    seed=0,
    configuration="mini",
    protocol="official-split1; 1 clip x 1 crop",
    space="logit",
    videos_expected=5,
    checkpoint="11aa",
    split_digest="22bb",
    class_map="ucf101_hmdb51 small 0123456789ab",
    settings="44dd.55ee",
    commit="33cc",
)


class MakeScores(Protocol):
    def __call__(self, **changes: Any) -> Scores: ...


def changed(**changes: Any) -> Scores:
    """The small scores file with some fields changed."""
    return replace(BASE, **changes)
