"""Rev2Net's decoders learn what they are for, and show it on videos they have not seen."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from small_dataset import BOUND, FRAME_SETTINGS, SmallData

from rev2net.clips.dataset import ClipShape, Shards, read_split
from rev2net.config import (
    ClipSettings,
    ComputeSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    TrainSettings,
)
from rev2net.evaluation.decode import decode_examples
from rev2net.experiments import Run
from rev2net.training.loop import train
from rev2net.training.trained import load_trained

RUN = Run("ucf-hmdb", "rev2net", "rgb", "scratch", "none", 1, 0)
LENGTH, SIZE = 8, 32


def test_unseen_clips_are_decoded_better_than_without_looking(
    small_data: SmallData, tmp_path: Path
) -> None:
    """Moving bars of the other dataset, after 200 steps: their flow, and their frames reversed."""
    settings = TrainSettings(
        configuration="test",
        run=RUN.path,
        network=NetworkSettings(width=0.25, options={"dropout": 0.0}),
        clip=ClipSettings(length=LENGTH, size=SIZE, scales=(1.0, 0.9), flip=False),
        optimisation=OptimisationSettings(
            optimiser="adamw",
            learning_rate=0.01,
            weight_decay=0.0,
            batch=4,
            steps=200,
            schedule="cosine",
        ),
        loss=LossSettings(flow=1.0, frames=1.0),
        compute=ComputeSettings(threads=1, loader_workers=0, precision="float32"),
        frames=FRAME_SETTINGS,
        flow_bound=BOUND,
        initial_weights=None,
    )
    train(
        *(settings, asdict(RUN), small_data.split, small_data.folders, ["right", "down"]), tmp_path
    )
    entries = read_split(small_data.split, ["test"])["test"]
    decoded = decode_examples(
        load_trained(tmp_path).network,
        RUN.path,
        entries,
        ["right", "down"],
        Shards.open(small_data.folders, ("rgb", "flow"), FRAME_SETTINGS, BOUND),
        ClipShape(("rgb", "flow"), segments=False, length=LENGTH),
        SIZE,
        BOUND,
        {"flow", "frames"},
        torch.device("cpu"),
    )
    error = {name: values.mean() for name, values in decoded.errors.items()}
    assert len(entries) == 4
    assert error["flow_epe"] < 0.88 * error["still_epe"]  # than no motion anywhere
    assert error["l1"] < 0.6 * error["mean_frame_l1"]  # than the clip's mean frame
    forwards = decoded.images["reconstruction"].astype(float) - decoded.images["clip"]
    backwards = decoded.images["reconstruction"].astype(float) - decoded.images["reversed_clip"]
    assert np.abs(backwards).mean() < 0.5 * np.abs(forwards).mean()
