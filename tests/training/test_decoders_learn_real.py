"""On real clips, too, unseen frames are decoded in reverse, and better than by a mean frame.

The frame decoder alone, which needs no flow; `rev2net.bench.decoders jhmdb` has all of it.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rev2net.bench.arrays import Clip, lossless, write_clips
from rev2net.bench.decoders import jhmdb_parts, train_and_measure
from rev2net.config import ClipSettings, LossSettings
from rev2net.runs.examples import verdict
from rev2net.runs.identity import Run
from rev2net.video import decode
from tests.real_data import REAL_DATA, WITHOUT
from tests.training.decoder_settings import short_training

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (REAL_DATA / "jhmdb").exists(), reason=WITHOUT),
]

RUN = Run("clips", "rev2net-noflow", "rgb", "scratch", "none", 1, 0)
LENGTH, SIDE, SIZE, BOUND = 16, 112, 64, 8.0
FRAMES, _ = lossless(SIDE, BOUND)


def clips() -> Iterator[Clip]:
    """Every other frame of the clips that are long enough; whole source titles are held out."""
    for row, label, part in jhmdb_parts():
        frames = decode(REAL_DATA / "jhmdb" / row["path"], short_side=SIDE)[::2]
        if len(frames) >= LENGTH:
            yield Clip(Path(row["path"]).stem, frames, None, label, row["group"], part)


def test_unseen_real_frames_are_decoded_in_reverse(tmp_path: Path) -> None:
    write_clips(tmp_path, {"clips": clips()}, FRAMES)
    settings = short_training(
        RUN,
        ClipSettings(length=LENGTH, size=SIZE, scales=(0.58, 0.66, 0.75), flip=True),
        LossSettings(frames=500.0, frames_focus=20.0),
        FRAMES,
        BOUND,
        steps=250,
        learning_rate=0.001,
    )
    train_and_measure(RUN, settings, tmp_path, [f"class {k}" for k in range(9)], tmp_path / "run")
    measures = json.loads((tmp_path / "run/measures.json").read_text())
    assert measures["moving_clips"] >= 50
    assert measures["reversal"] > 0.3
    assert measures["reversal_mean"] > 0.3
    assert measures["moving_l1"] < measures["moving_mean_frame_l1"]
    assert "order is reversed" in verdict(measures)[1]
