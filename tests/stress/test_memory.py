"""The peak memory of a shard job, whatever the number and the length of its videos."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.stress.video_clips import write_clip

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = 8  # MiB of difference between two runs of the same program

pytestmark = pytest.mark.slow


def peak_memory(stage: str, folder: Path, clips: dict[str, Path]) -> float:
    """MiB that `rev2net <stage>` takes at most for one shard of these videos."""
    index = folder / "ucf101.csv"
    rows = [f"{name},{clip},c,0,{name},train" for name, clip in clips.items()]
    index.write_text("\n".join(["video_id,path,class,label,group,split1", *rows]) + "\n")
    configuration = yaml.safe_load((ROOT / "config.yaml").read_text())
    frames = configuration["frames"] | {"short_side": None}
    settings = frames if stage == "frames" else configuration["flow"] | {"frames": frames}
    words = [
        "--dataset",
        "ucf101",
        "--index",
        index,
        "--root",
        folder,
        "--shard",
        0,
        "--num-shards",
        1,
    ]
    words += ["--settings", json.dumps(settings), folder / "0.h5", folder / "0.csv"]
    command = [sys.executable, "-m", "rev2net.cli", stage, *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert (folder / "0.csv").read_text().count(",ok,") == len(clips)
    return usage.ru_maxrss / 1024


@pytest.mark.parametrize("stage", ["frames", "flow"])
def test_memory_does_not_grow_with_the_number_of_videos(tmp_path: Path, stage: str) -> None:
    clip = write_clip(tmp_path / "clip.avi", 12, 48, 64)
    peaks = [
        peak_memory(stage, tmp_path, {f"v{number}": clip for number in range(videos)})
        for videos in (64, 512)
    ]
    print(f"{stage}: {peaks[0]:.1f} MiB for 64 videos, {peaks[1]:.1f} MiB for 512")
    assert peaks[1] - peaks[0] < ALLOWED


@pytest.mark.parametrize("stage", ["frames", "flow"])
def test_memory_does_not_grow_with_the_length_of_a_video(tmp_path: Path, stage: str) -> None:
    lengths = (60, 3000)  # frames; the longer one's take 55 MB
    clips = [write_clip(tmp_path / f"{length}.avi", length, 64, 96) for length in lengths]
    peaks = [peak_memory(stage, tmp_path, {"v": clip}) for clip in clips]
    print(f"{stage}: {peaks[0]:.1f} MiB for 60 frames, {peaks[1]:.1f} MiB for 3,000")
    assert peaks[1] - peaks[0] < ALLOWED
