"""`rev2net bench decode`: the least that decoding and encoding take, beside the stage itself."""

from pathlib import Path

import pytest

from rev2net.bench.decode import Pass, table
from rev2net.bench.measuring import Timer, generated_clips
from rev2net.cli import main
from rev2net.video import decode


def test_the_ratio_is_the_baselines_time_over_ours() -> None:
    passes = [
        Pass(100, Timer(1.0, 0.9), Timer(3.0, 2.7), Timer(clock, 4.5)) for clock in (4.0, 5.0, 8.0)
    ]
    lines = table(passes).splitlines()
    rows = {line[:22].strip(): line[22:].split() for line in lines[1:-1]}
    assert rows == {
        "ffmpeg to a null sink": ["100", "10.000", "9.000"],
        "cv2.imencode": ["33", "30.000", "27.000"],
        "both: the baseline": ["25", "40.000", "36.000"],
        "rev2net frames": ["20", "50.000", "45.000"],
    }
    assert "0.800 by the clock, 0.800 by processor time (median of 3 passes)" in lines[-1]


def test_a_timer_adds_up_its_blocks() -> None:
    timer = Timer()
    for _ in range(2):
        with timer:
            sum(range(200_000))
    assert timer.processor > 0
    assert 0 < timer.clock < 10


def test_generated_clips_have_the_frames_asked_for(tmp_path: Path) -> None:
    clips = generated_clips(tmp_path, 2, 3)
    shown = [decode(clip) for clip in clips]
    assert [frames.shape for frames in shown] == [(3, 240, 320, 3)] * 2
    assert (shown[0] != shown[1]).any()
    assert (shown[0][0] != shown[0][1]).any()


def test_the_table_is_of_all_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = [str(clip) for clip in generated_clips(tmp_path, 2, 4)]
    options = ["--clips", *clips, "--repeats", "2", "--short-side", "64"]
    assert main(["bench", "decode", *options]) == 0
    printed = capsys.readouterr()
    _, head, _, *rows, ratio = printed.out.splitlines()
    assert head == "2 clips, 8 frames, short side 64; JPEG 95; one core"
    assert len(rows) == 4
    assert "the bar is 0.8" in ratio
    assert printed.err.splitlines()[0] == "pass 1 of 2: clip 1 of 2, clip0.avi"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--repeats", "0"], "--repeats: 0; allowed is a whole number from 1"),
        (["--clips", "absent.avi"], "--clips: absent.avi: no such file"),
        (["--quality", "0"], "quality"),
    ],
)
def test_bad_usage_is_one_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "decode", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
