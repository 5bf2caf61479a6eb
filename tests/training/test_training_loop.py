"""Training: it learns, it resumes to the same weights, it never sees a target label."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from small_dataset import BOUND, FRAME_SETTINGS, SmallData

from rev2net import config
from rev2net.config import (
    ClipSettings,
    ComputeSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    TrainSettings,
)
from rev2net.errors import UserError
from rev2net.experiments import Run
from rev2net.training import loop
from rev2net.training.checkpoint import file_digest
from rev2net.training.trained import load_trained

CLASSES = ["right", "down"]


def settings(
    method: str = "i3d",
    input_: str = "rgb",
    adapt: str = "mkmmd",
    steps: int = 6,
    loss: LossSettings | None = None,
    **optimisation: Any,
) -> TrainSettings:
    segments = method in ("tsn", "tsm")
    return TrainSettings(
        configuration="test",
        run=Run("ucf-hmdb", method, input_, "scratch", adapt, 1, 0).path,
        network=NetworkSettings(width=0.125, options={"dropout": 0.2}),
        clip=ClipSettings(length=3 if segments else 8, size=32, scales=(1.0, 0.9), flip=False),
        optimisation=OptimisationSettings(
            **{
                "optimiser": "adamw",
                "learning_rate": 0.003,
                "weight_decay": 0.01,
                "batch": 4,
                "steps": steps,
                "schedule": "cosine",
                "checkpoint_every": 2,
                **optimisation,
            }
        ),
        loss=loss or LossSettings(),
        compute=ComputeSettings(threads=1, loader_workers=0, precision="float32"),
        frames=FRAME_SETTINGS,
        flow_bound=BOUND,
        initial_weights=None,
    )


REV2NET_LOSS = LossSettings(flow=1.0, frames=1.0, feature_discrepancy=0.1, latent_discrepancy=0.01)


def train(
    data: SmallData, chosen: TrainSettings, folder: Path, split: Path | None = None
) -> dict[str, torch.Tensor]:
    identity = asdict(Run.parse(chosen.run))
    loop.train(chosen, identity, split or data.split, data.folders, CLASSES, folder)
    return load_trained(folder).network.state_dict()


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first | second)


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_rev2net_logs_its_five_terms_and_the_adaptation_by_name(
    small_data: SmallData, tmp_path: Path
) -> None:
    train(small_data, settings("rev2net", loss=REV2NET_LOSS), tmp_path)
    terms = {"classification", "flow", "frames", "feature_discrepancy", "latent_discrepancy"}
    for line in lines(tmp_path):
        assert terms | {"domain", "loss", "top1", "lr", "seconds", "data_seconds"} <= set(line)
        weighted = (
            line["classification"]
            + line["flow"]
            + line["frames"]
            + 0.1 * line["feature_discrepancy"]
            + 0.01 * line["latent_discrepancy"]
            + line["domain"]
        )
        assert line["loss"] == pytest.approx(weighted, abs=1e-4)
    assert [line["step"] for line in lines(tmp_path)] == list(range(1, 7))
    assert not (tmp_path / "last.pt").exists()


@pytest.mark.parametrize(
    ("method", "input_", "adapt"),
    [("i3d", "flow", "none"), ("tsn", "flow", "dann"), ("tsm", "rgb", "none")],
)
def test_every_kind_of_run_trains(
    small_data: SmallData, tmp_path: Path, method: str, input_: str, adapt: str
) -> None:
    train(small_data, settings(method, input_, adapt, steps=2), tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["method"], record["input"], record["adapt"]) == (method, input_, adapt)
    assert ("domain" in lines(tmp_path)[0]) == (adapt != "none")


def test_a_motion_is_learnt(small_data: SmallData, tmp_path: Path) -> None:
    train(small_data, settings("i3d", "flow", "none", steps=60), tmp_path)
    logged = lines(tmp_path)
    first = sum(line["classification"] for line in logged[:5]) / 5
    last = sum(line["classification"] for line in logged[-5:]) / 5
    assert last < 0.5 * first
    assert logged[-1]["top1"] > 90


def test_the_same_seed_gives_the_same_weights(small_data: SmallData, tmp_path: Path) -> None:
    chosen = settings("rev2net", loss=REV2NET_LOSS, steps=3)
    first = train(small_data, chosen, tmp_path / "a")
    assert equal(first, train(small_data, chosen, tmp_path / "b"))
    assert file_digest(tmp_path / "a/checkpoint.pt") == file_digest(tmp_path / "b/checkpoint.pt")


class Killed(Exception):
    pass


@pytest.mark.parametrize("kill_at", [1, 4, 5])
def test_a_killed_training_resumes_to_the_same_weights_bit_for_bit(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_at: int
) -> None:
    chosen = settings("rev2net", loss=REV2NET_LOSS)
    whole = train(small_data, chosen, tmp_path / "whole")

    def die(self: Any, step: int, *rest: Any, **more: Any) -> None:
        if step == kill_at:
            raise Killed
        original(self, step, *rest, **more)

    original = loop.TrainingLog.step
    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingLog, "step", die)
        with pytest.raises(Killed):
            train(small_data, chosen, tmp_path / "killed")
    assert not (tmp_path / "killed" / "checkpoint.pt").exists()
    assert equal(whole, train(small_data, chosen, tmp_path / "killed"))
    assert [line["loss"] for line in lines(tmp_path / "killed")] == [
        line["loss"] for line in lines(tmp_path / "whole")
    ]


def test_the_log_of_a_resumed_training_is_that_of_an_undisturbed_one(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines average several steps; the state is saved in the middle of such a line."""
    monkeypatch.setattr(loop, "LINES", 2)  # a line every 3 of 6 steps, a state every 2
    train(small_data, settings(), tmp_path / "whole")

    def die(self: Any, step: int, *rest: Any, **more: Any) -> None:
        if step == 4:
            raise Killed
        original(self, step, *rest, **more)

    original = loop.TrainingLog.step
    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingLog, "step", die)
        with pytest.raises(Killed):
            train(small_data, settings(), tmp_path / "killed")
    train(small_data, settings(), tmp_path / "killed")
    whole, resumed = lines(tmp_path / "whole"), lines(tmp_path / "killed")
    assert [line["step"] for line in whole] == [3, 6]
    assert [line["loss"] for line in resumed] == [line["loss"] for line in whole]


def test_a_saved_state_of_other_settings_is_not_continued(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Any, step: int, *rest: Any, **more: Any) -> None:
        if step == 4:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingLog, "step", die)
        with pytest.raises(Killed):
            train(small_data, settings(learning_rate=0.1), tmp_path / "changed")
    assert (tmp_path / "changed" / "last.pt").exists()
    fresh = train(small_data, settings(), tmp_path / "fresh")
    assert equal(fresh, train(small_data, settings(), tmp_path / "changed"))


def test_target_labels_cannot_reach_training(small_data: SmallData, tmp_path: Path) -> None:
    """Labels of target videos replaced by others: not one weight changes."""
    noisy = tmp_path / "noisy.csv"
    with open(small_data.split, newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        if row[1] == "hmdb51":
            row[2] = str(1 - int(row[2])) if row[2] else "1"
    with open(noisy, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert noisy.read_text() != small_data.split.read_text()
    chosen = settings("rev2net", loss=REV2NET_LOSS, steps=3)
    first = train(small_data, chosen, tmp_path / "true")
    assert equal(first, train(small_data, chosen, tmp_path / "noise", split=noisy))


def test_a_loss_that_is_not_finite_stops_with_its_name(
    small_data: SmallData, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"loss term '\w+' is nan"):
        train(small_data, settings(learning_rate=1e18, clip_gradient=None, steps=20), tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_split_without_training_videos_is_refused(small_data: SmallData, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("video_id,dataset,label,group,part\n")
    with pytest.raises(UserError, match="no video of part 'train'"):
        train(small_data, settings(), tmp_path, split=empty)


@pytest.mark.parametrize("workers", [0, 2])
def test_sigterm_to_the_process_group_saves_the_state_and_asks_to_be_tried_again(
    small_data: SmallData, tmp_path: Path, workers: int
) -> None:
    compute = ComputeSettings(threads=1, loader_workers=workers, precision="float32")
    chosen = settings(steps=2000, checkpoint_every=2000).model_copy(update={"compute": compute})
    command = [sys.executable, "-m", "rev2net.cli", "train", str(tmp_path / "run")]
    command += [f"--shards={name}={folder}" for name, folder in small_data.folders.items()]
    command += [f"--split={small_data.split}", f"--settings={config.dump(chosen)}"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    progress = tmp_path / "run" / "last.jsonl"
    for _ in range(600):
        if progress.exists() and progress.stat().st_size:
            break
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    os.killpg(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors
    assert b"the same command continues" in errors
    assert (tmp_path / "run" / "last.pt").exists()
