"""Several processes train as one does: same loss, same weights; they stop and fail together."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from rev2net import config
from rev2net.config import LossSettings, TrainSettings
from rev2net.errors import UserError
from rev2net.models import rev2net as networks
from rev2net.runs.checkpoint import load_trained
from rev2net.training import distributed, loop, prepare
from tests.small_dataset import SmallData
from tests.training.test_training_loop import CLASSES, REV2NET_LOSS, settings

# Everything that depends on the slice of a rank is off: dropout, batch statistics, and the noise of
# Rev2Net's latent variables (`without_noise`).
QUIET: dict[str, Any] = {
    "freeze_batchnorm": True,
    "optimiser": "sgd",
    "learning_rate": 0.002,
    "batch": 8,
}


def quiet(method: str, input_: str, adapt: str, processes: int, **more: Any) -> TrainSettings:
    loss = REV2NET_LOSS if method == "rev2net" else LossSettings()
    chosen = settings(method, input_, adapt, loss=loss, **(QUIET | more))
    network = chosen.network.model_copy(update={"options": {"dropout": 0.0}})
    compute = chosen.compute.model_copy(update={"processes": processes})
    return chosen.model_copy(update={"network": network, "compute": compute})


CASES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "rev2net": ("rev2net", "rgb", "mkmmd", {"ema": 0.9, "clip_gradient": 1.0}),
    "tsn": ("tsn", "flow", "mkmmd", {"accumulate": 2}),
}


def train(data: SmallData, chosen: TrainSettings, folder: Path) -> None:
    loop.train(chosen, data.split, data.indexes, CLASSES, folder)


def without_noise(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    return mean + 0.1 * log_variance


def train_case(data: SmallData, case: str, processes: int, folder: Path) -> None:
    """A whole training, in one process or as one of the ranks.

    In double precision: rounding then changes no sign anywhere (of an L1 loss, at a ReLU). The
    decoders' normalisation is frozen too, for each rank would see its own batch's statistics.
    """
    method, input_, adapt, more = CASES[case]
    torch.set_default_dtype(torch.float64)
    original, networks.draw = networks.draw, without_noise
    spared, prepare.DECODING = prepare.DECODING, ()  # type: ignore[assignment]
    try:
        train(data, quiet(method, input_, adapt, processes, **more), folder)
    finally:
        torch.set_default_dtype(torch.float32)
        networks.draw = original
        prepare.DECODING = spared


def curve(folder: Path) -> list[dict[str, float]]:
    timeless = {"seconds", "data_seconds"}
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    # One process alone measures gradient shares.
    return [
        {name: row[name] for name in row if name not in timeless and "_share_" not in name}
        for row in rows
    ]


@pytest.mark.parametrize("case", ["rev2net", pytest.param("tsn", marks=pytest.mark.slow)])
def test_two_processes_have_the_losses_of_one_and_end_with_its_weights(
    small_data: SmallData, tmp_path: Path, case: str
) -> None:
    train_case(small_data, case, 1, tmp_path / "one")
    distributed.launch(2, train_case, small_data, case, 2, tmp_path / "two")
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert len(one) == 6
    assert one[-1]["loss"] != pytest.approx(one[0]["loss"], rel=1e-2)  # something was learnt
    for first, second in zip(one, two, strict=True):
        assert second == pytest.approx(first, rel=1e-6, abs=2e-6)  # the digits of the log
    expected = load_trained(tmp_path / "one").network.state_dict()
    found = load_trained(tmp_path / "two").network.state_dict()
    for name in expected:
        if name.endswith(".norms"):  # of a process's part; only what they are to each other counts
            expected[name], found[name] = (x[name] / x[name][0] for x in (expected, found))
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-7)


def command(data: SmallData, chosen: TrainSettings, folder: Path) -> list[str]:
    words = [sys.executable, "-m", "rev2net.cli", "train", str(folder), f"--split={data.split}"]
    words += data.options
    return [*words, f"--settings={config.dump(chosen)}"]


def start(data: SmallData, chosen: TrainSettings, folder: Path) -> subprocess.Popen[str]:
    """`rev2net stage train` in a process group of its own, once it has written its first line."""
    process = subprocess.Popen(
        command(data, chosen, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    progress = folder / "last.jsonl"
    deadline = time.monotonic() + 90
    while not (progress.exists() and progress.stat().st_size):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("to_group", [True, False], ids=["group", "parent"])
def test_sigterm_stops_all_ranks_after_the_same_step_and_they_continue_from_it(
    small_data: SmallData, tmp_path: Path, to_group: bool
) -> None:
    chosen = settings(steps=60, checkpoint_every=1000, ema=0.9)
    compute = chosen.compute.model_copy(update={"processes": 2})
    chosen = chosen.model_copy(update={"compute": compute})
    train(small_data, chosen, tmp_path / "whole")
    process = start(small_data, chosen, tmp_path / "run")
    (os.killpg if to_group else os.kill)(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors
    assert errors == "terminated: state saved, the same command continues from it\n"
    step = torch.load(tmp_path / "run/last.pt", weights_only=True)["next_step"]
    assert 0 < step < 60
    done = subprocess.run(
        command(small_data, chosen, tmp_path / "run"), capture_output=True, text=True, check=True
    )
    assert done.stdout.count(f"resuming at step {step}\n") == 1
    assert curve(tmp_path / "run") == curve(tmp_path / "whole")
    whole = load_trained(tmp_path / "whole").network.state_dict()
    resumed = load_trained(tmp_path / "run").network.state_dict()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def children(pid: int) -> list[int]:
    """Of a process: its children, their children, and so on."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def wait_until_ended(pids: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["parent", "rank"])
def test_when_one_process_is_killed_the_others_end(
    small_data: SmallData, tmp_path: Path, victim: str
) -> None:
    chosen = settings(steps=5000)
    compute = chosen.compute.model_copy(update={"processes": 2})
    process = start(small_data, chosen.model_copy(update={"compute": compute}), tmp_path / "run")
    everyone = [process.pid, *children(process.pid)]
    ranks = [pid for pid in everyone if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(ranks) == 2
    os.kill(process.pid if victim == "parent" else ranks[1], signal.SIGKILL)
    try:
        assert wait_until_ended(ranks)
        process.communicate(timeout=30)
        assert process.returncode not in (0, 75)
    finally:
        for pid in filter(alive, everyone):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_an_error_of_the_ranks_is_one_line(small_data: SmallData, tmp_path: Path) -> None:
    chosen = settings("tsn", "flow", "dann", learning_rate=1e18, clip_gradient=None, steps=20)
    compute = chosen.compute.model_copy(update={"processes": 2})
    chosen = chosen.model_copy(update={"compute": compute})
    done = subprocess.run(
        command(small_data, chosen, tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("rev2net train: step ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        ({"processes": 3}, "optimisation.batch is 8; with 3 processes and accumulate 2 it must be"),
        ({"sync_batchnorm": True}, "compute.sync_batchnorm is true, but works on GPUs only"),
    ],
)
def test_what_cannot_be_is_refused(
    small_data: SmallData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compute: dict[str, Any],
    words: str,
) -> None:
    chosen = quiet("tsn", "flow", "none", 1, accumulate=2)
    changed = chosen.compute.model_copy(update=compute)
    monkeypatch.setattr(distributed, "size", lambda: changed.processes)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    arguments = (small_data.split, small_data.indexes, CLASSES)
    with pytest.raises(UserError, match=words):
        loop.Training(
            chosen.model_copy(update={"compute": changed}),
            *arguments,
            tmp_path,
            torch.device("cpu"),
        )
