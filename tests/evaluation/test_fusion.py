"""Fusion adds weighted scores video by video, and only of streams that belong together."""

from typing import Any

import numpy as np
import pytest

from rev2net.errors import UserError
from rev2net.evaluation.fusion import fuse

NAMES = ["rgb.h5", "flow.h5"]


def test_published_tsn_weights_by_hand(make_scores: Any) -> None:
    rgb = make_scores()
    flow = make_scores(
        scores=np.array([[0, 2, 0], [1, 1, 1], [0, 4, 0], [2, 2, 2]], np.float32),
        input="flow",
        checkpoint="44dd",
        commit="33cc",
    )
    fused = fuse([rgb, flow], [1, 1.5], NAMES)
    assert fused.scores.tolist() == [[3, 4, 0], [1.5, 3.5, 2.5], [2, 7, 0], [3, 4, 7]]
    assert fused.scores.dtype == np.float32
    assert fused.input == "rgb+flow"
    assert fused.checkpoint == "11aa,44dd"
    assert fused.commit == "33cc"
    assert fused.protocol == (
        "official-split1; 1 clip x 1 crop; fused 1 x tsn rgb + 1.5 x tsn flow"
    )


def test_rev2net_with_an_i3d_flow_stream_stays_rev2net(make_scores: Any) -> None:
    rgb = make_scores(method="rev2net", protocol="official-split1; 10 clips")
    flow = make_scores(method="i3d", input="flow", protocol="official-split1; whole video")
    fused = fuse([rgb, flow], [1, 1], NAMES)
    assert fused.method == "rev2net"
    assert fused.protocol == (
        "official-split1; 10 clips | official-split1; whole video; "
        "fused 1 x rev2net rgb + 1 x i3d flow"
    )


def test_videos_are_matched_by_name_in_any_order(make_scores: Any) -> None:
    rgb, order = make_scores(), [3, 1, 0, 2]
    flow = make_scores(
        scores=10 * rgb.scores[order],
        label=rgb.label[order],
        video_id=[rgb.video_id[row] for row in order],
        group=[rgb.group[row] for row in order],
        input="flow",
    )
    fused = fuse([rgb, flow], [1, 1], NAMES)
    assert fused.video_id == rgb.video_id
    np.testing.assert_array_equal(fused.label, rgb.label)
    np.testing.assert_array_equal(fused.scores, 11 * rgb.scores)
    swapped = fuse([flow, rgb], [1, 1], NAMES)
    assert swapped.video_id == flow.video_id
    np.testing.assert_array_equal(swapped.scores, fused.scores[order])


def test_three_streams(make_scores: Any) -> None:
    streams = [make_scores(input=name) for name in ("rgb", "rgbdiff", "flow")]
    fused = fuse(streams, [1, 0, 2], ["a", "b", "c"])
    np.testing.assert_array_equal(fused.scores, 3 * streams[0].scores)
    assert fused.input == "rgb+rgbdiff+flow"


def test_parts_without_videos_fuse_to_one_without_videos(make_scores: Any) -> None:
    nothing = {"scores": np.zeros((0, 3)), "label": np.zeros(0, int), "video_id": [], "group": []}
    streams = [make_scores(**nothing, input=name) for name in ("rgb", "flow")]
    assert fuse(streams, [1, 1.5], NAMES).scores.shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"space": "probability"}, "space is 'logit' in the first and 'probability'"),
        ({"benchmark": "ucf-hmdb"}, "benchmark is 'hmdb-ucf' in the first and 'ucf-hmdb'"),
        ({"split": 2}, "split is 1 in the first and 2"),
        ({"split_digest": "other"}, "split_digest is '22bb' in the first and 'other'"),
        ({"part": "val"}, "part is 'test' in the first and 'val'"),
        ({"adapt": "none"}, "adapt is 'mkmmd' in the first and 'none'"),
        ({"seed": 7}, "seed is 0 in the first and 7"),
        ({"class_names": ["golf", "climb", "punch"]}, "class 0 is 'climb' in the first and 'golf'"),
        ({"video_id": ["x", "v_a2", "v_b1", "größe_b2"]}, "1 videos only in the first (v_a1)"),
    ],
)
def test_streams_that_do_not_belong_together_are_refused(
    make_scores: Any, change: dict[str, Any], difference: str
) -> None:
    with pytest.raises(UserError) as error:
        fuse([make_scores(), make_scores(input="flow", **change)], [1, 1], NAMES)
    assert str(error.value).startswith("rgb.h5 and flow.h5 cannot be fused: ")
    assert difference in str(error.value)


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ([1, -0.5], "flow.h5: weight is -0.5"),
        ([float("nan"), 1], "rgb.h5: weight is nan"),
        ([1, float("inf")], "flow.h5: weight is inf"),
        ([0, 0], "all weights are 0"),
    ],
)
def test_weights_that_mean_nothing_are_refused(
    make_scores: Any, weights: list[float], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        fuse([make_scores(), make_scores(input="flow")], weights, NAMES)


def test_a_single_stream_is_no_fusion(make_scores: Any) -> None:
    with pytest.raises(UserError, match="at least two"):
        fuse([make_scores()], [1], NAMES[:1])
