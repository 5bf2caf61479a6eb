"""Training goes on: after a kill, a damaged state or a signal, to the same weights."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rev2net import config
from rev2net.config import ComputeSettings, TrainSettings
from rev2net.training import loop
from tests.small_dataset import SmallData
from tests.training.test_training_loop import REV2NET_LOSS, equal, lines, settings, train


class Killed(Exception):
    pass


def train_and_kill(data: SmallData, chosen: TrainSettings, folder: Path, kill_at: int) -> None:
    """A training that ends without saving when a step is done and not yet in the log."""
    original = loop.TrainingLog.step

    def die(self: Any, step: int, *rest: Any, **more: Any) -> None:
        if step == kill_at:
            raise Killed
        original(self, step, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.TrainingLog, "step", die)
        with pytest.raises(Killed):
            train(data, chosen, folder)


@pytest.mark.parametrize("kill_at", [1, 4, 5])
def test_a_killed_training_resumes_to_the_same_weights_bit_for_bit(
    small_data: SmallData, tmp_path: Path, kill_at: int
) -> None:
    chosen = settings("rev2net", loss=REV2NET_LOSS)
    whole = train(small_data, chosen, tmp_path / "whole")
    train_and_kill(small_data, chosen, tmp_path / "killed", kill_at)
    assert not (tmp_path / "killed" / "checkpoint.pt").exists()
    assert equal(whole, train(small_data, chosen, tmp_path / "killed"))
    assert [line["loss"] for line in lines(tmp_path / "killed")] == [
        line["loss"] for line in lines(tmp_path / "whole")
    ]


def test_a_training_whose_last_state_is_damaged_goes_on_from_the_one_before(
    small_data: SmallData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train(small_data, settings(), tmp_path / "whole")
    train_and_kill(small_data, settings(), tmp_path / "killed", 5)
    last = tmp_path / "killed" / "last.pt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1  # in the weights: nothing but a checksum shows it
    last.write_bytes(content)
    capsys.readouterr()
    assert equal(whole, train(small_data, settings(), tmp_path / "killed"))
    said = capsys.readouterr().out
    assert f"not continued: {last}: damaged" in said
    assert "resuming at step 2" in said
    assert [path.name for path in (tmp_path / "killed").glob("*.pt")] == ["checkpoint.pt"]


def test_the_log_of_a_resumed_training_is_that_of_an_undisturbed_one(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines average several steps; the state is saved in the middle of such a line."""
    monkeypatch.setattr(loop, "LINES", 2)  # a line every 3 of 6 steps, a state every 2
    train(small_data, settings(), tmp_path / "whole")
    train_and_kill(small_data, settings(), tmp_path / "killed", 4)
    train(small_data, settings(), tmp_path / "killed")
    whole, resumed = lines(tmp_path / "whole"), lines(tmp_path / "killed")
    assert [line["step"] for line in whole] == [3, 6]
    assert [line["loss"] for line in resumed] == [line["loss"] for line in whole]


def test_a_saved_state_of_other_settings_is_not_continued(
    small_data: SmallData, tmp_path: Path
) -> None:
    train_and_kill(small_data, settings(learning_rate=0.1), tmp_path / "changed", 4)
    assert (tmp_path / "changed" / "last.pt").exists()
    fresh = train(small_data, settings(), tmp_path / "fresh")
    assert equal(fresh, train(small_data, settings(), tmp_path / "changed"))


@pytest.mark.parametrize("workers", [0, 2])
def test_sigterm_to_the_process_group_saves_the_state_and_asks_to_be_tried_again(
    small_data: SmallData, tmp_path: Path, workers: int
) -> None:
    compute = ComputeSettings(threads=1, loader_workers=workers, precision="float32")
    chosen = settings(steps=2000, checkpoint_every=2000).model_copy(update={"compute": compute})
    command = [sys.executable, "-m", "rev2net.cli", "train", str(tmp_path / "run")]
    command += small_data.options
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


@pytest.mark.parametrize("kill_at", [1, 5])
def test_accumulated_batches_and_averaged_weights_resume_bit_for_bit(
    small_data: SmallData, tmp_path: Path, kill_at: int
) -> None:
    """The process is killed, as by the kernel: nothing is saved on the way out."""
    chosen = settings("rev2net", loss=REV2NET_LOSS, accumulate=2, ema=0.9, clip_gradient=1.0)
    whole = train(small_data, chosen, tmp_path / "whole")
    context = multiprocessing.get_context("fork")
    job = context.Process(
        target=train_until_killed, args=(small_data, chosen, tmp_path / "run", kill_at)
    )
    job.start()
    job.join(timeout=120)
    assert job.exitcode == -signal.SIGKILL
    assert (tmp_path / "run/last.pt").exists() == (kill_at > 2)
    assert equal(whole, train(small_data, chosen, tmp_path / "run"))
    losses = [[line["loss"] for line in lines(tmp_path / name)] for name in ("run", "whole")]
    assert losses[0] == losses[1]


def train_until_killed(data: SmallData, chosen: TrainSettings, folder: Path, kill_at: int) -> None:
    original = loop.TrainingLog.step

    def die(self: Any, step: int, *rest: Any, **more: Any) -> None:
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        original(self, step, *rest, **more)

    loop.TrainingLog.step = die  # type: ignore[method-assign]
    train(data, chosen, folder)
