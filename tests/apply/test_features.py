"""`rev2net features`: the numbers that the network gives, window after window."""

import json
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from rev2net.apply.windows import cut
from rev2net.models import build
from rev2net.models.exported import load_exported, save_exported
from rev2net.models.i3d import I3D
from rev2net.video import decode
from tests.apply.moving_videos import main, write_video


def by_hand(weights: Path, clip_THWC: np.ndarray, endpoint: str | None = None) -> np.ndarray:
    network = build("i3d", 7)
    network.load_state_dict(torch.load(weights))
    network.eval()
    x = torch.from_numpy(clip_THWC.copy()).permute(3, 0, 1, 2)[None].float() / 255 * 2 - 1
    with torch.no_grad():
        if endpoint is not None:
            found = cast(I3D, network).endpoints(x, endpoint)[1][endpoint].mean((2, 3, 4))
        else:
            found = cast(Tensor, network.forward_train(x)["features"])
    return np.asarray(found[0])


@pytest.mark.parametrize("endpoint", [None, "Mixed_4f"])
def test_a_windows_features_are_the_networks(
    weights: Path, endpoint: str | None, tmp_path: Path
) -> None:
    video = tmp_path / "clip.mp4"
    write_video(video, 30, height=256, width=320)
    words = ["--network", "i3d", "--weights", str(weights), "--window", "8", "--stride", "16"]
    words += ["--endpoint", endpoint] if endpoint else []
    assert main(["features", str(video), "--out", str(tmp_path / "f"), *words]) == 0
    found = np.load(tmp_path / "f" / "clip.npy")
    frames = decode(video)[:, 16:240, 48:272]
    expected = [by_hand(weights, frames[k : k + 8], endpoint) for k in (0, 16)]
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-6)
    about = json.loads((tmp_path / "f" / "clip.json").read_text())
    assert (about["windows"], about["frames"], about["stride"]) == (2, 30, 16)


def test_a_short_video_is_looped_to_one_window(weights: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    write_video(video, 5, height=256, width=256)
    words = ["--network", "i3d", "--weights", str(weights), "--window", "8"]
    assert main(["features", str(video), "--out", str(tmp_path / "f"), *words]) == 0
    frames = decode(video)[[0, 1, 2, 3, 4, 0, 1, 2], 16:240, 16:240]
    found = np.load(tmp_path / "f" / "clip.npy")
    np.testing.assert_allclose(found, by_hand(weights, frames)[None], atol=1e-6)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--endpoint", "Mixed_9z"], "--endpoint: Mixed_9z; allowed are pooled, Conv3d_1a"),
        (["--window", "0"], "--window: 0; allowed is a whole number from 1"),
        (["--window", "4"], "has 4 frames; needed: at least 8"),
        (["--input", "rgbdiff"], "does not take input 'rgbdiff'"),
    ],
)
def test_bad_options_get_one_line(
    weights: Path,
    words: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_video(tmp_path / "clip.mp4", 9, height=64, width=64)
    given = ["features", str(tmp_path / "clip.mp4"), "--out", str(tmp_path / "f")]
    assert main([*given, "--network", "i3d", "--weights", str(weights), *words]) == 2
    assert expected in capsys.readouterr().err


def test_windows_hold_no_more_than_one_window_of_a_long_video() -> None:
    alive: weakref.WeakSet[np.ndarray] = weakref.WeakSet()
    most = 0

    def images() -> Iterator[np.ndarray]:
        nonlocal most
        for _ in range(5000):
            image = np.zeros((2, 2, 3), np.uint8).view(Tracked)
            alive.add(image)
            most = max(most, len(alive))
            yield image

    assert sum(1 for _ in cut(images(), 16, 8)) == (5000 - 16) // 8 + 1
    assert most <= 2 * 16 + 1


class Tracked(np.ndarray):
    """An array that a set of weak references can hold."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def test_an_exported_network_is_the_same_one(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = build("tsm", 3, width=0.25).eval()
    names = ["a", "b", "c"]
    save_exported(tmp_path, network, "tsm", {"width": 0.25}, names, {"note": "mine"})
    loaded, config = load_exported(tmp_path)
    x = torch.rand(2, 8, 3, 64, 64)
    assert torch.equal(network(x), loaded(x))
    assert (config["classes"], config["note"], config["input"]["layout"]) == (
        names,
        "mine",
        "BTCHW",
    )
