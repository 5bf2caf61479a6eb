"""What names a run, and where it lies: one spelling of its path, for Python and the workflow."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rev2net.runs
from rev2net import experiments
from rev2net.config import TrainSettings, digest, dump, load, parse_settings
from rev2net.digests import write_text
from rev2net.errors import UserError
from rev2net.experiments import METHODS
from rev2net.runs.checkpoint import build_network, save_trained
from rev2net.runs.folder import RunFolder, WorkFolder
from rev2net.runs.identity import FUSED_PATTERN, TRAINING_PATTERN, Run

MINI = load(Path(__file__).resolve().parents[2] / "config.yaml")
RUN = Run("hmdb-ucf", "tsn", "rgb", "scratch", "mkmmd", 1, 0)

runs = st.builds(
    Run,
    st.sampled_from(["ucf101", "hmdb51", "kinetics400", "hmdb-ucf", "ucf-hmdb"]),
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(sorted(experiments.INPUT_LABELS)),
    st.sampled_from(["scratch", "imagenet", "kinetics"]),
    st.sampled_from(["none", "mkmmd", "dann"]),
    st.integers(1, 3),
    st.integers(0, 10**6),
)


@given(runs)
def test_a_run_is_its_path(run: Run) -> None:
    assert Run.parse(run.path) == run
    ours, others = TRAINING_PATTERN, FUSED_PATTERN
    if run.is_fused:
        ours, others = others, ours
    assert re.fullmatch(ours, run.path)
    assert not re.fullmatch(others, run.path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("hmdb-ucf/i3d", "is not <benchmark>/<method>"),
        ("hmdb-ucf/i3d/rgb.imagnet.mkmmd/split1.seed0", "init 'imagnet' is none of scratch"),
        ("hmdb-ucf/i3d/grey.scratch.mkmmd/split1.seed0", "input 'grey' is none of rgb, flow"),
    ],
)
def test_a_path_with_other_words_is_refused(path: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Run.parse(path)


def test_settings_hold_the_run_and_say_its_path() -> None:
    settings = experiments.train_settings(RUN, MINI)
    assert f'"run":"{RUN.path}"' in dump(settings)
    again = parse_settings(TrainSettings, dump(settings))
    assert again.run == RUN
    assert digest(again) == digest(settings)


def test_trainings_and_fused_rows_lie_apart() -> None:
    work = WorkFolder.of("mini")
    fused = Run.parse(RUN.path.replace("rgb.", "rgb+flow."))
    assert work.run(RUN).scores("val").as_posix() == f"work/mini/runs/{RUN.path}/scores-val.h5"
    assert work.run(fused).path.as_posix() == f"work/mini/fused/{fused.path}"


def test_a_folder_opens_as_a_network_and_its_record(tmp_path: Path) -> None:
    settings = experiments.train_settings(RUN, MINI)
    files = RunFolder(tmp_path / "run")
    network = build_network(settings, 3)
    save_trained(files.path, network, settings, ["a", "b", "c"], split_digest="0")
    with pytest.raises(UserError, match=r"run\.json: No such file"):
        rev2net.runs.load(files.path)
    write_text(files.record, '{"seed": 0}\n')
    for folder in (files.path, str(files.path)):
        found, record = rev2net.runs.load(folder)
        assert record == {"seed": 0}
        assert not found.training
        for name, value in network.state_dict().items():
            assert torch.equal(found.state_dict()[name], value)
    assert torch.load(files.checkpoint)["identity"] == asdict(RUN)
