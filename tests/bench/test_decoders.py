"""The experiment on decoders: clips made once, and never mistaken for those of other options."""

from pathlib import Path

import numpy as np
import pytest

from rev2net.bench import decoders
from rev2net.bench.discs import DIRECTIONS, moving_discs
from rev2net.clips.dataset import read_split


def test_a_disc_moves_where_its_class_and_its_flow_say() -> None:
    for clip in moving_discs(0, 4, 0, length=3, size=32, speed=(2.0, 2.0)):
        assert clip.flow is not None
        assert clip.label is not None
        moving = clip.flow[0].any(-1)
        expected = {"right": (2, 0), "down": (0, 2), "left": (-2, 0), "up": (0, -2)}
        np.testing.assert_allclose(
            clip.flow[0][moving].mean(0), expected[DIRECTIONS[clip.label]], atol=1e-5
        )
        y, x = (part.mean() for part in np.nonzero(moving))
        y_next, x_next = (part.mean() for part in np.nonzero(clip.flow[1].any(-1)))
        np.testing.assert_allclose((x_next - x, y_next - y), expected[DIRECTIONS[clip.label]])


def test_a_folder_goes_on_with_its_own_options_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[str] = []
    monkeypatch.setattr(decoders, "HELD_OUT", 1)
    monkeypatch.setattr(
        decoders, "train_and_measure", lambda run, *_: trained.append(f"{run.method}.{run.seed}")
    )
    command = ["directions", str(tmp_path), "--clips", "2", "--arms", "i3d", "--seeds"]
    decoders.main([*command, "0"])
    decoders.main([*command, "1"])
    assert trained == ["i3d.0", "i3d.1"]
    parts = read_split(tmp_path / "data/split1.csv", ["train", "test"])
    assert [len(parts[part]) for part in ("train", "test")] == [2, 1]
    for option, value in (("--clips", "3"), ("--speed", "1"), ("--steps", "7")):
        words = [value] * (2 if option == "--speed" else 1)
        with pytest.raises(SystemExit):
            decoders.main([*command, "0", option, *words])
        error = capsys.readouterr().err.splitlines()[-1]
        assert f"{option}: " in error
        assert f"{tmp_path} was begun with" in error
    assert len(trained) == 2
