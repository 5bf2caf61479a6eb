"""Rev2Net's tasks reach its encoder and are learnt: flow, and frames in reverse, of unseen clips.

A network whose latents cannot say when, or whose decoders have a way around the encoder, fails
here: it copies its frames in their natural order, or sees no motion.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rev2net.bench.arrays import Clip, write_clips
from rev2net.bench.discs import DIRECTIONS, moving_disc
from rev2net.clips.dataset import read_split
from rev2net.config import (
    ClipSettings,
    ComputeSettings,
    FramesSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    TrainSettings,
    load,
)
from rev2net.evaluation.decode import decode_examples
from rev2net.runs.checkpoint import load_trained
from rev2net.runs.examples import Examples, verdict
from rev2net.runs.identity import Run
from rev2net.training.loop import train

RUN = Run("ucf101", "rev2net", "rgb", "scratch", "none", 1, 0)
LENGTH, SIZE, BOUND, TRAINED, HELD_OUT = 16, 32, 8.0, 400, 32
FRAMES = FramesSettings(short_side=SIZE, size=None, fps=None, codec="png", quality=1, time_limit=10)


def clips() -> Iterator[Clip]:
    """Discs that move 0.9 to 1.5 pixels a frame; their flow is exact."""
    for number in range(TRAINED + HELD_OUT):
        disc = moving_disc((3, number), LENGTH, SIZE, speed=(0.9, 1.5))
        part = "train" if number < TRAINED else "test"
        yield Clip(f"disc{number}", disc.frames, disc.flow, disc.label, f"g{number}", part)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Examples, list[dict[str, float]]]:
    """What 120 steps have taught: measures of held-out clips, and the lines of the log."""
    folder = tmp_path_factory.mktemp("discs")
    mini = load(Path(__file__).resolve().parents[2] / "config.yaml").flow
    flow = mini.model_copy(update={"codec": "png", "quality": 1, "bound": BOUND})
    split, shards = write_clips(folder, "ucf101", clips(), FRAMES, flow)
    settings = TrainSettings(
        configuration="test",
        run=RUN,
        network=NetworkSettings(width=0.25, options={"dropout": 0.0}),
        clip=ClipSettings(length=LENGTH, size=SIZE, scales=(1.0,), flip=False),
        optimisation=OptimisationSettings(
            optimiser="adamw",
            learning_rate=0.005,
            weight_decay=0.01,
            batch=8,
            steps=120,
            schedule="cosine",
            warmup=0.1,
            clip_gradient=10,
        ),
        loss=LossSettings(
            flow=5.0,
            flow_focus=0.1,
            frames=5.0,
            frames_focus=20.0,
            feature_discrepancy=0.01,
            latent_discrepancy=0.00001,
        ),
        compute=ComputeSettings(threads=1, loader_workers=0, precision="float32"),
        frames=FRAMES,
        flow_bound=BOUND,
        initial_weights=None,
    )
    train(settings, split, shards, DIRECTIONS, folder / "run")
    run = load_trained(folder / "run")
    found = decode_examples(run, read_split(split, ["test"])["test"], shards, torch.device("cpu"))
    lines = (folder / "run/metrics.jsonl").read_text().splitlines()
    return found, [json.loads(line) for line in lines]


def test_unseen_frames_are_decoded_in_reverse(trained: tuple[Examples, list]) -> None:
    measures = trained[0].measures
    assert measures["moving_clips"] == HELD_OUT
    assert measures["reversal"] > 0.9
    assert measures["moving_l1"] < 0.85 * measures["moving_mean_frame_l1"]
    # In the pixels that move a median over time sees none of them, or all.
    assert measures["moving_l1"] < measures["moving_median_frame_l1"]


def test_unseen_flow_is_better_than_no_motion(trained: tuple[Examples, list]) -> None:
    measures = trained[0].measures
    assert measures["flow_epe"] < 0.97 * measures["still_epe"]
    assert [" better than" in line for line in verdict(measures)] == [True, True, False]
    assert "order is reversed" in verdict(measures)[2]


def test_both_tasks_reach_every_part_of_the_encoder(trained: tuple[Examples, list]) -> None:
    """Medians over the training, in percent of the classification's gradient."""
    for term in ("flow", "frames"):
        for part in ("stem", "deep"):
            shares = [line[f"{term}_share_{part}"] for line in trained[1]]
            assert 0.3 < np.median(shares) < 100, (term, part, shares)


def test_every_line_of_the_log_has_the_share_of_every_weighted_term(
    trained: tuple[Examples, list],
) -> None:
    terms = ("flow", "frames", "feature_discrepancy", "latent_discrepancy")
    wanted = {f"{term}_share_{part}" for term in terms for part in ("stem", "deep")}
    assert len(trained[1]) == 12
    assert all({key for key in line if "_share_" in key} == wanted for line in trained[1])
