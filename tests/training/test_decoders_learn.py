"""Rev2Net's tasks reach its encoder and are learnt: flow, and frames in reverse, of unseen clips.

A network whose latents cannot say when, or whose decoders have a way around the encoder, fails
here: it copies its frames in their natural order, or sees no motion.
"""

import json

import numpy as np
import pytest

from rev2net.bench.arrays import lossless, write_clips
from rev2net.bench.decoders import train_and_measure
from rev2net.bench.discs import DIRECTIONS, moving_discs
from rev2net.config import ClipSettings, LossSettings
from rev2net.runs.examples import verdict
from rev2net.runs.identity import Run
from tests.training.decoder_settings import short_training

RUN = Run("clips", "rev2net", "rgb", "scratch", "none", 1, 0)
LENGTH, SIZE, BOUND, TRAINED, HELD_OUT = 16, 32, 8.0, 800, 32
FRAMES, FLOW = lossless(SIZE, BOUND)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, float], list[dict[str, float]]]:
    """What 300 steps have taught: measures of held-out clips, and the lines of the log."""
    folder = tmp_path_factory.mktemp("discs")
    # Discs that move 1 to 1.6 pixels a frame; their flow is exact.
    clips = moving_discs(3, TRAINED, HELD_OUT, LENGTH, SIZE, speed=(1.0, 1.6))
    write_clips(folder, {"clips": clips}, FRAMES, FLOW)
    settings = short_training(
        RUN,
        ClipSettings(length=LENGTH, size=SIZE, scales=(1.0,), flip=False),
        LossSettings(
            flow=5.0,
            flow_focus=0.1,
            frames=15.0,
            frames_focus=20.0,
            feature_discrepancy=0.01,
            latent_discrepancy=0.00001,
        ),
        FRAMES,
        BOUND,
        steps=300,
        learning_rate=0.005,
    )
    train_and_measure(RUN, settings, folder, list(DIRECTIONS), folder / "run")
    measures = json.loads((folder / "run/measures.json").read_text())
    lines = (folder / "run/metrics.jsonl").read_text().splitlines()
    return measures, [json.loads(line) for line in lines]


def test_unseen_frames_are_decoded_in_reverse(trained: tuple[dict, list]) -> None:
    measures = trained[0]
    assert measures["moving_clips"] == HELD_OUT
    assert measures["reversal"] > 0.9
    assert measures["moving_l1"] < 0.85 * measures["moving_mean_frame_l1"]
    # In the pixels that move a median over time sees none of them, or all.
    assert measures["moving_l1"] < measures["moving_median_frame_l1"]


def test_unseen_flow_is_better_than_no_motion(trained: tuple[dict, list]) -> None:
    measures = trained[0]
    assert measures["flow_epe"] < 0.8 * measures["still_epe"]
    assert [" better than" in line for line in verdict(measures)] == [True, True, False]
    assert "order is reversed" in verdict(measures)[2]


def test_both_tasks_reach_every_part_of_the_encoder(trained: tuple[dict, list]) -> None:
    """Medians over the training, in percent of the classification's gradient."""
    for term in ("flow", "frames"):
        for part in ("stem", "deep"):
            shares = [line[f"{term}_share_{part}"] for line in trained[1]]
            assert 0.3 < np.median(shares) < 100, (term, part, shares)


def test_every_line_of_the_log_has_the_share_of_every_weighted_term(
    trained: tuple[dict, list],
) -> None:
    terms = ("flow", "frames", "feature_discrepancy", "latent_discrepancy")
    wanted = {f"{term}_share_{part}" for term in terms for part in ("stem", "deep")}
    assert len(trained[1]) == 30
    assert all({key for key in line if "_share_" in key} == wanted for line in trained[1])
