"""Accuracy on held-out source videos along a training: no trace, no foreign label, no lost line."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from rev2net.cli import main
from rev2net.config import TrainSettings, dump
from rev2net.errors import UserError
from rev2net.runs.checkpoint import load_trained
from rev2net.training import loop
from tests.small_dataset import SmallData
from tests.training.test_training_loop import CLASSES, REV2NET_LOSS, equal, settings


def train(
    data: SmallData,
    chosen: TrainSettings,
    folder: Path,
    split: Path | None = None,
    measurements: int = 3,
) -> dict[str, torch.Tensor]:
    where = split or data.split
    loop.train(chosen, where, data.indexes, CLASSES, folder, measurements=measurements)
    return load_trained(folder).network.state_dict()


def held_out(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "held-out.jsonl").read_text().splitlines()]


def partial_bn() -> TrainSettings:
    chosen = settings("tsn", "flow", "none")
    options = {"dropout": 0.2, "partial_bn": True}
    return chosen.model_copy(
        update={"network": chosen.network.model_copy(update={"options": options})}
    )


@pytest.mark.parametrize(
    "chosen",
    [
        settings("rev2net", loss=REV2NET_LOSS),
        settings("tsn", "flow", "dann"),
        partial_bn(),
        settings("i3d", "flow", "none", freeze_batchnorm=True),
        settings("i3d", ema=0.9),
    ],
    ids=["rev2net", "tsn", "partial-bn", "frozen-bn", "averaged"],
)
def test_measuring_leaves_no_trace_in_the_weights(
    small_data: SmallData, tmp_path: Path, chosen: TrainSettings
) -> None:
    """Weights, running statistics, and what dropout drew: every number is that of a training
    that measures nothing."""
    plain = train(small_data, chosen, tmp_path / "plain", measurements=0)
    assert equal(plain, train(small_data, chosen, tmp_path / "measured"))
    assert not (tmp_path / "plain/held-out.jsonl").exists()
    logs = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("plain", "measured")]
    plain_log, measured_log = (
        [{k: v for k, v in json.loads(line).items() if "seconds" not in k} for line in log]
        for log in map(str.splitlines, logs)
    )
    assert plain_log == measured_log


def test_loader_processes_draw_no_seed_from_the_training(
    small_data: SmallData, tmp_path: Path
) -> None:
    chosen = settings(steps=3)
    compute = chosen.compute.model_copy(update={"loader_workers": 1})
    chosen = chosen.model_copy(update={"compute": compute})
    plain = train(small_data, chosen, tmp_path / "plain", measurements=0)
    assert equal(plain, train(small_data, chosen, tmp_path / "measured"))


def test_of_several_processes_the_first_measures_and_the_others_wait(
    small_data: SmallData, tmp_path: Path
) -> None:
    chosen = settings("i3d", "flow", "none", steps=4)
    compute = chosen.compute.model_copy(update={"processes": 2})
    chosen = chosen.model_copy(update={"compute": compute})
    plain = train(small_data, chosen, tmp_path / "plain", measurements=0)
    assert equal(plain, train(small_data, chosen, tmp_path / "measured", measurements=2))
    assert [line["step"] for line in held_out(tmp_path / "measured")] == [2, 4]


def test_a_line_has_the_accuracy_and_the_groups_it_comes_from(
    small_data: SmallData, tmp_path: Path
) -> None:
    """Two held-out videos, each its own group; six labelled ones, four a step."""
    train(small_data, settings("i3d", "flow", "none", steps=60), tmp_path)
    found = held_out(tmp_path)
    assert [(line["step"], line["epoch"]) for line in found] == [
        (20, 13.333), (40, 26.667), (60, 40.0),
    ]  # fmt: skip
    assert found[-1]["top1"] == 100
    assert found[-1]["groups"] == {"ucf101_6": [1, 1], "ucf101_7": [1, 1]}
    for line in found:
        right = sum(right for right, _ in line["groups"].values())
        assert line["top1"] == 100 * right / line["videos"] == 50 * right


def test_the_end_of_the_curve_is_what_the_stored_network_scores(
    small_data: SmallData, tmp_path: Path
) -> None:
    """One view a video, from the weights that are kept: here averaged ones."""
    from rev2net.clips.dataset import Shards, read_split
    from rev2net.config import TestSettings
    from rev2net.evaluation.metrics import topk
    from rev2net.evaluation.predict import predict
    from rev2net.runs.checkpoint import clip_shape

    chosen = settings("i3d", "flow", "none", steps=10, ema=0.9)
    train(small_data, chosen, tmp_path)
    network = load_trained(tmp_path).network
    entries = read_split(small_data.split, ("val",))["val"]
    prediction = predict(
        network,
        entries,
        Shards.open(small_data.indexes, ("flow",), chosen.frames, chosen.flow_bound),
        clip_shape(network.input_spec, ("flow",), chosen),
        TestSettings(clips=1, crops=1, size=32, average="logit"),
        chosen.compute,
        torch.device("cpu"),
    )
    expected = topk(prediction.scores, [entry.label for entry in entries], 1)
    assert held_out(tmp_path)[-1]["top1"] == expected


def test_other_labels_of_the_test_and_of_the_target_change_nothing(
    small_data: SmallData, tmp_path: Path
) -> None:
    """The held-out source videos alone are looked at: their labels do change the curve."""
    rows = list(csv.DictReader(small_data.split.read_text().splitlines()))

    def relabelled(name: str, parts: set[str]) -> Path:
        path = tmp_path / f"{name}.csv"
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            for row in rows:
                label = str(1 - int(row["label"] or 0)) if row["part"] in parts else row["label"]
                writer.writerow(row | {"label": label})
        return path

    chosen = settings("i3d", "flow", steps=60)
    weights = train(small_data, chosen, tmp_path / "true")
    foreign = relabelled("foreign", {"test", "target_unlabelled"})
    assert equal(weights, train(small_data, chosen, tmp_path / "foreign", foreign))
    assert held_out(tmp_path / "foreign") == held_out(tmp_path / "true")

    own = relabelled("own", {"val"})
    assert equal(weights, train(small_data, chosen, tmp_path / "own", own))
    turned = [100 - line["top1"] for line in held_out(tmp_path / "true")]
    assert [line["top1"] for line in held_out(tmp_path / "own")] == turned


class Killed(Exception):
    pass


@pytest.mark.parametrize("kill_at", [1, 3, 5])
def test_a_killed_training_resumes_to_the_same_curve(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_at: int
) -> None:
    """States after steps 2 and 4, measurements after 2, 4 and 6."""
    chosen = settings("tsn", "rgb", "mkmmd")
    whole = train(small_data, chosen, tmp_path / "whole")
    original = loop.Training.advance

    def die(self: Any, step: int, *rest: Any) -> bool:
        if step == kill_at:
            raise Killed
        return original(self, step, *rest)

    monkeypatch.setattr(loop.Training, "advance", die)
    with pytest.raises(Killed):
        train(small_data, chosen, tmp_path / "killed")
    assert not (tmp_path / "killed/held-out.jsonl").exists()
    monkeypatch.undo()
    assert equal(whole, train(small_data, chosen, tmp_path / "killed"))
    curves = [(tmp_path / name / "held-out.jsonl").read_bytes() for name in ("whole", "killed")]
    assert curves[0] == curves[1]


def test_a_state_of_another_number_of_measurements_is_not_continued(
    small_data: SmallData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(steps=3)
    arguments = (chosen, small_data.split, small_data.indexes, CLASSES, tmp_path)
    with pytest.raises(loop.Interrupted):
        loop.train(*arguments, stop_at=0.0)
    train(small_data, chosen, tmp_path)
    assert "not continued" in capsys.readouterr().out
    assert [line["step"] for line in held_out(tmp_path)] == [1, 2, 3]


def test_a_split_without_held_out_videos_is_refused(small_data: SmallData, tmp_path: Path) -> None:
    lines = small_data.split.read_text().splitlines()
    split = tmp_path / "split.csv"
    split.write_text("\n".join(line for line in lines if not line.endswith(",val")) + "\n")
    with pytest.raises(UserError, match="no video of part 'val'"):
        train(small_data, settings(steps=2), tmp_path / "run", split)


def test_the_command_takes_a_number_of_measurements(
    small_data: SmallData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(tmp_path / "run"), "--settings", dump(settings(steps=2))]
    command += small_data.options
    command += ["--split", str(small_data.split), "--measurements"]
    assert main([*command, "2"]) == 0
    assert len(held_out(tmp_path / "run")) == 2
    assert main([*command, "-1"]) == 2
    assert "--measurements: -1; allowed is" in capsys.readouterr().err
