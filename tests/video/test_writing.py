"""Pictures become a video of as many frames, of any size."""

from pathlib import Path

import numpy as np
import pytest

from rev2net.video import decode, probe
from rev2net.video.writing import write_mp4


def ramp(height: int, width: int, count: int) -> list[np.ndarray]:
    """Smooth pictures that grow brighter."""
    slope = np.linspace(0, 100, width)[None, :, None] + np.zeros((height, 1, 3))
    return [np.asarray(slope + 10 * number, np.uint8) for number in range(count)]


@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_what_is_decoded_is_what_was_written(tmp_path: Path, size: tuple[int, int]) -> None:
    pictures = ramp(*size, 5)
    assert write_mp4(tmp_path / "out.mp4", pictures, 12.5) == 5
    found = decode(tmp_path / "out.mp4")
    assert found.shape == (5, 48, 64, 3)  # H.264 wants even sides
    difference = found[:, : size[0], : size[1]].astype(int) - np.stack(pictures)
    assert np.abs(difference).mean() < 2
    facts = probe(tmp_path / "out.mp4")
    assert (facts.codec, facts.fps) == ("h264", 12.5)


def test_an_unknown_rate_becomes_the_usual_one(tmp_path: Path) -> None:
    write_mp4(tmp_path / "out.mp4", ramp(16, 16, 2), 0.0)
    assert probe(tmp_path / "out.mp4").fps == 25


def test_failures_are_raised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pictures"):
        write_mp4(tmp_path / "out.mp4", [], 25)
    with pytest.raises(RuntimeError, match="ffmpeg could not encode"):
        write_mp4(tmp_path / "no folder" / "out.mp4", ramp(16, 16, 200), 25)
