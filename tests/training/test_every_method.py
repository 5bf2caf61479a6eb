"""The compared methods: trained by a shipped recipe, stored, read again and scored."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from rev2net import config, experiments
from rev2net.cli import main
from rev2net.config import TrainSettings, WeightsSource
from rev2net.errors import UserError
from rev2net.models import build
from rev2net.runs.checkpoint import load_trained
from rev2net.runs.identity import Run
from rev2net.runs.scores import read_scores
from rev2net.training.loop import train
from tests.small_dataset import BOUND, FRAME_SETTINGS, SmallData

ROOT = Path(__file__).resolve().parents[2]
SMOKE = config.load(ROOT / "configs" / "smoke.yaml").model_copy(
    update={"frames": FRAME_SETTINGS, "name": "test"}
)
HEADS = {"classification", "classification_14", "classification_28"}
TERMS = {  # beside the adaptation
    ("stm", "rgb"): {"classification"},
    ("tsn", "rgbdiff"): {"classification"},
    ("off", "rgb"): HEADS,
    ("off", "flow"): HEADS,
    ("off", "rgbdiff"): HEADS,
    ("actionflownet", "rgb"): {"classification", "flow"},
    ("rev2net-noframe", "rgb"): {"classification", "flow"},
    ("rev2net-noflow", "rgb"): {"classification", "frames"},
    ("rev2net-noddp", "rgb"): {"classification", "flow", "frames"},
}
BOOKKEEPING = {"step", "steps", "lr", "loss", "top1", "gradient_norm", "seconds", "data_seconds"}


def settings(run: Run, parent: Path | None = None) -> TrainSettings:
    """The smoke configuration's, on the small dataset."""
    source = WeightsSource(file=str(parent / "checkpoint.pt"), partial=True) if parent else None
    chosen = experiments.train_settings(run, SMOKE)
    return chosen.model_copy(update={"flow_bound": BOUND, "initial_weights": source})


def trained(data: SmallData, run: Run, folder: Path, parent: Path | None = None) -> Path:
    train(settings(run, parent), data.split, data.indexes, ["right", "down"], folder)
    return folder


@pytest.mark.parametrize(("method", "input_"), TERMS, ids=lambda word: word)
def test_a_method_trains_by_its_recipe_and_scores_from_its_checkpoint(
    small_data: SmallData, tmp_path: Path, method: str, input_: str
) -> None:
    run = Run("ucf-hmdb", method, input_, "scratch", "mkmmd", 1, 0)
    parent = None
    if method == "off":
        tsn = Run("ucf-hmdb", "tsn", input_, "scratch", "mkmmd", 1, 0)
        parent = trained(small_data, tsn, tmp_path / "tsn")
    folder = trained(small_data, run, tmp_path / method, parent)

    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        shares = {name for name in line if "_share_" in name}
        terms = TERMS[method, input_] | {"domain"}
        assert line.keys() - BOOKKEEPING - shares == terms
        if method.startswith("rev2net"):
            parts = ("stem", "deep")
            measured = terms - {"classification"}
            assert shares == {f"{term}_share_{part}" for term in measured for part in parts}
        assert all(math.isfinite(value) for value in line.values())

    evaluation = experiments.evaluate_settings(run, SMOKE)
    command = ["evaluate", str(folder), "--settings", config.dump(evaluation)]
    command += small_data.options
    assert main([*command, "--split", str(small_data.split)]) == 0
    scores = read_scores(folder / "scores-test.h5")
    assert scores.scores.shape == (4, 2)
    assert np.isfinite(scores.scores).all()
    assert len(np.unique(scores.scores, axis=0)) == 4  # of four different videos


def test_clips_too_short_for_a_network_are_refused_before_the_first_step(
    small_data: SmallData, tmp_path: Path
) -> None:
    run = Run("ucf-hmdb", "actionflownet", "rgb", "scratch", "none", 1, 0)
    chosen = settings(run)
    short = chosen.model_copy(update={"clip": chosen.clip.model_copy(update={"length": 4})})
    with pytest.raises(UserError, match="4 frames; needed: at least 8"):
        train(short, small_data.split, small_data.indexes, ["a", "b"], tmp_path)
    assert not (tmp_path / "last.jsonl").exists()


def test_sun_off_keeps_the_network_of_its_tsn(small_data: SmallData, tmp_path: Path) -> None:
    tsn = Run("ucf-hmdb", "tsn", "rgbdiff", "scratch", "mkmmd", 1, 0)
    off = Run("ucf-hmdb", "off", "rgbdiff", "scratch", "mkmmd", 1, 0)
    parent = trained(small_data, tsn, tmp_path / "tsn")
    folder = trained(small_data, off, tmp_path / "off", parent)
    before = load_trained(parent).network.get_submodule("backbone").state_dict()
    after = load_trained(folder).network.get_submodule("backbone").state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_sun_off_refuses_a_tsn_that_does_not_fill_its_frozen_network(
    small_data: SmallData, tmp_path: Path
) -> None:
    off = Run("ucf-hmdb", "off", "rgb", "scratch", "none", 1, 0)
    tsm = Run("ucf-hmdb", "tsm", "rgb", "scratch", "none", 1, 0)
    parent = trained(small_data, tsm, tmp_path / "tsm")
    with pytest.raises(UserError, match="parameters of OFF are missing"):
        trained(small_data, off, tmp_path / "off", parent)

    wide = build("tsn", 2, width=0.25)
    torch.save(wide.state_dict(), tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=r"'backbone\.conv1_7x7_s2\.weight' first; they are frozen"):
        trained(small_data, off, tmp_path / "off", tmp_path)
