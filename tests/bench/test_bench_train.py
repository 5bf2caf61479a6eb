"""The benchmarks of training: what they count is what happens, and their scripts run."""

from pathlib import Path

import pytest
import torch

from rev2net.bench import train_gpu
from rev2net.bench.train import DecoderCost, LoopCost
from rev2net.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent


def test_overheads_by_hand() -> None:
    assert LoopCost(bare=0.2, loop=0.21, device=0.005, data=0.02).overhead == pytest.approx(5.0)
    cost = DecoderCost(32, multiply_adds=18.0, i3d_multiply_adds=10.0, step=2.07, i3d_step=1.0)
    assert cost.multiply_add_ratio == pytest.approx(1.8)
    assert cost.excess == pytest.approx(15.0)


def test_the_loop_is_timed_beside_a_bare_step(capsys: pytest.CaptureFixture[str]) -> None:
    configuration = str(ROOT / "config.yaml")
    assert (
        main(["bench", "train", "--part", "loop", "--config", configuration, "--steps", "1"]) == 0
    )
    out = capsys.readouterr().out
    milliseconds = {
        line[:28].strip(): float(line[28:].split()[0])
        for line in out.splitlines()
        if line.endswith("%") and " ms " in line
    }
    assert set(milliseconds) == {
        "bare step",
        "step of the loop",
        "resize, flip, normalise",
        "clips from shards",
    }
    assert milliseconds["resize, flip, normalise"] < milliseconds["step of the loop"]
    assert "the loop adds" in out


def test_the_decoders_are_timed_beside_i3d(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--part decoders --width 0.25 --length 8 --size 64 --steps 1 --trunks 32 64"
    assert main(["bench", "train", *words.split()]) == 0
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    ratios = {row[0]: float(row[2]) for row in rows if row[0] in ("32", "64")}
    assert 1 < ratios["32"] < ratios["64"]


@pytest.mark.parametrize(
    ("option", "value"), [("--steps", "0"), ("--batch", "0"), ("--size", "32")]
)
def test_senseless_numbers_are_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "train", option, value]) == 2
    assert f"{option}: {value}; allowed is" in capsys.readouterr().err


def test_a_batch_that_does_not_fit_is_a_row_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*args: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(train_gpu, "random_batch", full)
    setup = train_gpu.Setup("tsn", 2, channels_last=True, compile=False, deterministic=False)
    speed = train_gpu.measure(setup, torch.device("cpu"), tiny=True)
    assert "| tsn | 2 | channels last | no | no | does not fit |  |" in train_gpu.table(
        {setup: speed}
    )
