"""Methods and adaptation terms of a configuration's own, through the commands of the workflow."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rev2net import config, experiments, runs
from rev2net.config import Config, EvaluateSettings, TrainSettings
from rev2net.config.section import read_yaml
from rev2net.errors import UserError
from rev2net.models.i3d import I3D
from rev2net.plan.work import training_work
from rev2net.runs.checkpoint import build_network
from rev2net.runs.identity import Run
from rev2net.runs.scores import read_scores
from rev2net.training import distributed, loop
from tests.apply.moving_videos import main, write_video
from tests.own_network import coral
from tests.small_dataset import BOUND, FRAME_SETTINGS, SmallData
from tests.training.test_training_loop import CLASSES, lines, settings

ROOT = Path(__file__).resolve().parents[2]
MINE = Run("ucf-hmdb", "mine", "rgb", "scratch", "coral", 1, 0)


@pytest.fixture
def configured(own_folder: Path) -> Config:
    """The smoke configuration with methods of its own, on the small dataset."""
    values = read_yaml(ROOT / "configs" / "smoke.yaml")
    recipe = {**values["recipes"]["i3d.rgb"], "loss": {"domain": 2.0, "domain_ramp": 0.5}}
    recipe["network"] = {"width": 0.125, "options": {"dropout": 0.0}}
    values["methods"] = {
        "mine": {"network": "mine:PlainNetwork", "label": "Mine"},
        "my-i3d": {"network": "i3d", "recipe": "mine"},
        "rev2net-mine": {"network": "i3d", "recipe": "mine"},
        "my-off": {"network": "off", "recipe": "off"},
    }
    values["adaptations"] = {"coral": "mine:coral"}
    values["recipes"] |= {"mine.rgb": recipe, "mine.flow": recipe}
    chosen = config.validate(Config, values, "test")
    return chosen.model_copy(update={"frames": FRAME_SETTINGS})


def of(run: Run, configured: Config) -> TrainSettings:
    return experiments.train_settings(run, configured).model_copy(update={"flow_bound": BOUND})


def words(stage: str, data: SmallData, folder: Path, chosen: Any) -> list[str]:
    found = ["stage", stage, str(folder), f"--split={data.split}"]
    found += data.options
    return [*found, f"--settings={config.dump(chosen)}"]


def evaluation(configured: Config) -> EvaluateSettings:
    return experiments.evaluate_settings(MINE, configured)


def test_a_network_of_ones_own_goes_all_the_way(
    small_data: SmallData, configured: Config, own_folder: Path
) -> None:
    """Trained in a process that does not look into the folder where it runs by itself (-P)."""
    folder = own_folder / "runs" / MINE.path
    chosen = of(MINE, configured)
    command = [sys.executable, "-P", "-m", "rev2net.cli"]
    subprocess.run(
        [*command, *words("train", small_data, folder, chosen)],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    logged = lines(folder)
    for line in logged:
        ramp = min(1.0, 2 * (line["step"] - 1) / line["steps"])
        weighted = line["classification"] + 2.0 * ramp * line["domain"]
        assert line["loss"] == pytest.approx(weighted, abs=1e-4)
    record = json.loads((folder / "run.json").read_text())
    assert (record["method"], record["adapt"]) == ("mine", "coral")
    assert record["settings"]["network_name"] == "mine:PlainNetwork"

    assert main(words("evaluate", small_data, folder, evaluation(configured))) == 0
    scores = read_scores(folder / "scores-test.h5")
    assert scores.settings == experiments.run_digest(chosen, evaluation(configured))
    assert len(np.unique(scores.scores, axis=0)) == 4  # of four different videos

    video = own_folder / "clip.mp4"
    write_video(video, 12)
    loaded = runs.load(folder)
    assert type(loaded[0]).__name__ == "PlainNetwork"
    predicted = loaded.predict(video)
    assert sorted(name for name, _ in predicted) == sorted(CLASSES)
    assert main(["predict", str(video), "--run", str(folder)]) == 0
    features = ["features", str(video), "--run", str(folder), "--out", str(own_folder / "found")]
    assert main(features) == 0
    assert np.load(own_folder / "found" / "clip.npy").shape[1] == 32
    assert main(["export", str(folder), str(own_folder / "given")]) == 0
    assert "`mine:PlainNetwork`" in (own_folder / "given" / "README.md").read_text()
    again, about = runs.load(own_folder / "given")
    assert about["network"] == "mine:PlainNetwork"
    clip = torch.rand(1, 3, 8, 32, 32)
    assert torch.equal(again(clip), loaded[0](clip))


def test_a_trained_network_whose_module_is_gone_is_refused_by_its_name(
    small_data: SmallData, configured: Config, own_folder: Path
) -> None:
    folder = own_folder / "run"
    assert main(words("train", small_data, folder, of(MINE, configured))) == 0
    (own_folder / "mine.py").rename(own_folder / "renamed.py")
    missing = r"^methods\.mine\.network: mine:PlainNetwork: no module 'mine'; it has to be import"
    with pytest.raises(UserError, match=missing):
        runs.load(folder)


def test_edited_code_is_trained_again_and_never_mixed(
    small_data: SmallData,
    configured: Config,
    own_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, folder = of(MINE, configured), own_folder / "run"
    assert main(words("train", small_data, folder, before)) == 0
    with (own_folder / "mine.py").open("a") as file:
        file.write("# edited\n")
    after = of(MINE, configured)
    assert after.own_code.keys() == {"mine:PlainNetwork", "mine:coral"}
    assert after.own_code != before.own_code
    assert after.model_copy(update={"own_code": before.own_code}) == before
    for stage, chosen, expected in (
        ("train", before, "mine.py: edited since this job was planned; start the workflow again"),
        ("evaluate", evaluation(configured), f"{folder}: trained with another version of "),
    ):
        capsys.readouterr()
        assert main(words(stage, small_data, folder, chosen)) == 2
        assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "input_", "expected"),
    [
        ("(VideoNetwork)", "(nn.Module)", "rgb", "needed: a class derived from rev2net.models"),
        ("import torch\n", "import absent\n", "rgb", "raises ModuleNotFoundError on import"),
        ("dropout", "droppings", "rgb", "option 'dropout' is unknown; did you mean 'droppings'"),
        ("", "", "flow", "does not take input 'flow'; allowed: rgb"),
        (", num_classes)", ", 7)", "rgb", r"\(2, 7\) for 2 clips; needed: .* \(2, 2\)"),
        ('"features": features', '"features": x', "rgb", r"is shape \(2, 3, 8, 32, 32\) for 2 cl"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_before_the_first_step(
    small_data: SmallData,
    configured: Config,
    own_folder: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    input_: str,
    expected: str,
) -> None:
    path = own_folder / "mine.py"
    source = path.read_text().replace(
        "self.dropout = nn.Dropout(dropout)", "self.dropout = nn.Dropout()"
    )
    path.write_text(source.replace(old, new) if old else source)
    chosen = of(replace(MINE, input=input_), configured)
    assert main(words("train", small_data, own_folder / "run", chosen)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(f"methods\\.mine\\.network: .*mine:PlainNetwork.*{expected}", line)
    assert not (own_folder / "run" / "last.jsonl").exists()


def test_an_adaptation_that_does_not_fit_is_refused_before_the_first_step(
    small_data: SmallData,
    configured: Config,
    own_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = own_folder / "mine.py"
    path.write_text(path.read_text().replace("difference.square().sum()", "difference.square()"))
    assert main(words("train", small_data, own_folder / "run", of(MINE, configured))) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "adaptations.coral: mine:coral: gives shape (32, 32); needed: a tensor" in line


def test_a_missing_module_is_noticed_when_the_workflow_is_planned(
    configured: Config, own_folder: Path
) -> None:
    (own_folder / "mine.py").unlink()
    with pytest.raises(UserError, match=r"^methods\.mine\.network: mine:PlainNetwork: no module"):
        experiments.train_settings(MINE, configured)
    ours = Run("ucf-hmdb", "i3d", "rgb", "scratch", "coral", 1, 0)
    with pytest.raises(UserError, match=r"^adaptations\.coral: mine:coral: no module"):
        experiments.train_settings(ours, configured)


def test_a_network_of_ours_is_known_under_another_name(configured: Config) -> None:
    run = Run("ucf-hmdb", "my-i3d", "rgb", "scratch", "none", 1, 0)
    chosen = of(run, configured)
    assert (chosen.network_name, chosen.own_code) == ("i3d", {})
    assert isinstance(build_network(chosen, 2), I3D)
    ours = of(Run("ucf-hmdb", "i3d", "rgb", "scratch", "none", 1, 0), configured)
    work = [training_work(run, one, 6).multiply_adds for one in (chosen, ours)]
    assert work[0] == work[1]
    bad = Run("ucf-hmdb", "my-i3d", "rgbdiff", "scratch", "none", 1, 0)
    refusal = r"^methods\.my-i3d\.network: model 'i3d' does not take input 'rgbdiff'; allowed: rgb"
    with pytest.raises(UserError, match=refusal):
        build_network(chosen.model_copy(update={"run": bad}), 2)


@pytest.mark.parametrize("method", ["mine", "my-i3d", "rev2net-mine", "my-off"])
def test_methods_of_a_configuration_fuse_their_own_streams_alike(method: str) -> None:
    run = Run("ucf-hmdb", method, "rgb+flow", "scratch", "none", 1, 0)
    found = [(stream.method, stream.input, weight) for stream, weight in run.streams]
    assert found == [(method, "rgb", 1.0), (method, "flow", 1.0)]


def test_sun_offs_network_starts_from_a_tsn_under_any_name(configured: Config) -> None:
    run = Run("ucf-hmdb", "my-off", "rgb", "scratch", "none", 1, 0)
    start = experiments.parent(run, configured)
    assert start is not None
    assert start.method == "tsn"
    source = of(run, configured).initial_weights
    assert source is not None
    assert source.partial


def enlarged(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """CORAL, of the features of an untrained network, in a size that the log's digits show."""
    return 1e9 * coral(source, target)


def train_own(data: SmallData, processes: int, folder: Path) -> None:
    """A training with an adaptation of one's own; what depends on the slice of a rank is off."""
    torch.set_default_dtype(torch.float64)
    chosen = settings("i3d", adapt="coral", batch=8, freeze_batchnorm=True)
    update = {
        "adaptation": "tests.training.test_own_methods:enlarged",
        "network_name": "tests.own_network:PlainNetwork",
        "network": chosen.network.model_copy(update={"options": {"dropout": 0.0}}),
        "compute": chosen.compute.model_copy(update={"processes": processes}),
    }
    try:
        loop.train(chosen.model_copy(update=update), data.split, data.indexes, CLASSES, folder)
    finally:
        torch.set_default_dtype(torch.float32)


def test_an_adaptation_of_ones_own_sees_the_features_of_all_processes(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    train_own(small_data, 1, tmp_path / "one")
    distributed.launch(2, train_own, small_data, 2, tmp_path / "two")
    domain = [[line["domain"] for line in lines(tmp_path / part)] for part in ("one", "two")]
    assert domain[1] == pytest.approx(domain[0], rel=1e-6)
    assert min(domain[0]) > 1e-4
