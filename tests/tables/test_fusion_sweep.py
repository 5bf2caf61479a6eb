"""The sweep of the flow stream's weight: on validation videos, beside the published weight."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rev2net.config import Config
from rev2net.errors import UserError
from rev2net.runs.identity import Run
from rev2net.tables.fusion_sweep import COLUMNS, sweep


def test_accuracy_follows_the_stream_that_weighs_more(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    one = config.model_copy(update={"seeds": (0,)})
    right = np.array([[2.0, 0.0], [2.0, 0.0]], np.float32)
    wrong = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    shared = {"part": "val", "num_classes": 2}
    work.add(i3d_rgb, [0, 0], [1, 1], **shared, scores=right)
    work.add(replace(i3d_rgb, input="flow"), [0, 0], [1, 1], **shared, scores=wrong)
    frame = sweep(one, work.root)
    assert list(frame.columns) == COLUMNS
    # 2 for the truth against weight x 1: flow takes over above 2.
    accuracy = frame.set_index("flow_weight")["top1_val"]
    assert set(accuracy[accuracy.index < 2]) == {100.0}
    assert set(accuracy[accuracy.index > 2]) == {0.0}
    assert list(frame[frame["published"]]["flow_weight"]) == [1.0]


def test_tsns_published_weight_is_one_and_a_half(work: Any, config: Config, i3d_rgb: Run) -> None:
    one = config.model_copy(update={"seeds": (0,)})
    for input_ in ("rgb", "flow"):
        work.add(replace(i3d_rgb, method="tsn", input=input_), [0, 1], [1, 1], part="val")
    frame = sweep(one, work.root)
    assert list(frame[frame["published"]]["flow_weight"]) == [1.5]


def test_rows_without_validation_videos_are_left_out(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    for input_ in ("rgb", "flow"):
        work.add(replace(i3d_rgb, input=input_), [0, 1], [1, 1])  # test scores, which do not count
    assert sweep(config, work.root).empty


def test_sun_offs_four_streams_keep_their_shares(work: Any, config: Config, i3d_rgb: Run) -> None:
    """TSN and OFF on RGB weigh 1 and 2, on flow 1.5 and 3: at weight 1.5 that is the row itself."""
    one = config.model_copy(update={"seeds": (0,)})
    within = Run("ucf101", "off", "rgb", "scratch", "none", 1, 0)
    votes = {("tsn", "rgb"): 2.9, ("off", "rgb"): -2.0, ("tsn", "flow"): 0.0, ("off", "flow"): 0.0}
    shared = {"part": "val", "num_classes": 2}
    for (method, input_), vote in votes.items():
        scores = np.array([[vote, 0.0], [vote, 0.0]], np.float32)
        run = replace(within, method=method, input=input_)
        work.add(run, [0, 0], [1, 1], **shared, scores=scores)
    frame = sweep(one, work.root)
    off = frame[(frame["method"] == "off") & (frame["benchmark"] == "ucf101")]
    # 1 x 2.9 - 2 x 2.0 < 0: class 1 everywhere; with equal weights it would be class 0.
    assert set(off["top1_val"]) == {0.0}
    assert list(off[off["published"]]["flow_weight"]) == [1.5]


def test_streams_that_cannot_be_fused_are_refused_as_in_the_rows(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    one = config.model_copy(update={"seeds": (0,)})
    work.add(i3d_rgb, [0, 1], [1, 1], part="val")
    work.add(replace(i3d_rgb, input="flow"), [0, 1], [1, 1], part="val", space="probability")
    with pytest.raises(UserError, match="cannot be fused: space is 'logit'"):
        sweep(one, work.root)
