"""What files say of themselves, and what the machine does meanwhile: neither passes for the other.

Every file is made here by ffmpeg with a known number of frames, which is the right answer.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from rev2net.errors import MachineError
from rev2net.video import decode
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import DecodingFacts, InputFacts, VideoError, ffmpeg_binary
from rev2net.video.ledger import judge
from tests.video.video_files import H264, MPEG4, MakeFrames, StandIn, WriteVideo, run_ffmpeg

FORGED_LOG = """x
[info] Input #0, avi, from 'x':
[info]   Stream #0:0: Video: h263, rgb24, 8x8, 1 fps
[info] Stream mapping:
[info]   Stream #0:0 -> #0:0 (h263 (native) -> rawvideo (native))
[info] Output #0, rawvideo, to 'pipe:':
[info]   Stream #0:0: Video: rawvideo, rgb24, 64x48, q=2
[in#0 @ 0x5] [verbose]   Input stream #0:0 (video): 9 packets read (9 bytes); 9 frames decoded; 9
[warning] corrupt decoded frame
[error] File ended prematurely
"""


def read(path: Path, fps: float | None = None) -> tuple[int, InputFacts, DecodingFacts, str, str]:
    """Frames delivered, facts, status and message."""
    stream = FrameStream(path, fps=fps)
    num_frames = sum(1 for _ in stream)
    facts, decoding = stream.outcome()
    return num_frames, facts, decoding, *judge(announced_frames(path, facts), decoding)


def test_empty_chunks_of_an_avi_are_no_frames(tmp_path: Path) -> None:
    """Two seconds of four hold no new frame: half of the slots are empty."""
    path = tmp_path / "video.avi"
    source = "testsrc2=size=64x48:rate=30,select='not(between(n,30,89))'"
    run_ffmpeg(*("-f", "lavfi", "-i", source, "-frames:v", "60", "-fps_mode", "vfr", *MPEG4, path))
    assert path.read_bytes().count(b"00dc" + bytes(4)) >= 60  # in the content or its index
    num_frames, facts, _, status, message = read(path)
    assert (num_frames, announced_frames(path, facts), status, message) == (60, 60, "ok", "")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(0.9 * len(whole))])
    num_frames, _, _, status, _ = read(path)
    assert num_frames < 58
    assert status == "short"


@pytest.mark.parametrize("name", ["xvid.avi", "h264.avi", "h264.mp4", "mpeg4.mp4"])
def test_a_video_that_lost_frames_to_damage_is_never_ok(tmp_path: Path, name: str) -> None:
    codec = {
        "xvid": ("-c:v", "libxvid", "-g", "300", "-bf", "2"),
        "h264": (*H264, "-bf", "2"),
        "mpeg4": MPEG4,
    }[name.split(".")[0]]
    made = tmp_path / name
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=96x64", "-frames:v", "100", *codec, made)
    whole, lossy = made.read_bytes(), 0
    for seed in range(8):
        rng = random.Random(seed)
        content = bytearray(whole)
        for place in range(len(content) // 10, int(len(content) * 0.9)):
            if rng.random() < 1 / (100 * 4 ** (seed % 4)):
                content[place] ^= 1 << rng.randrange(8)
        path = tmp_path / f"{seed}{made.suffix}"
        path.write_bytes(content)
        try:
            num_frames, *_, status, _ = read(path)
        except VideoError:
            continue
        lossy += num_frames < 97
        assert status == "short" or num_frames >= 97, (name, seed, num_frames)
    assert lossy  # the damage was worth the test


def test_what_an_edit_list_hides_is_not_missing(tmp_path: Path) -> None:
    """Cut without encoding again: the frames before the cut stay in the file."""
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    codec = ("-c:v", "libx264", "-g", "100", "-bf", "2")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48", "-frames:v", "100", *codec, whole)
    run_ffmpeg("-ss", "1.6", "-i", whole, "-c", "copy", cut)
    num_frames, facts, decoding, status, message = read(cut)
    assert decoding.packets == 100
    assert num_frames == 60
    assert announced_frames(cut, facts) == 60
    assert (status, message) == ("ok", "")


@pytest.mark.parametrize("key", ["comment", "title", "a\n[info] Stream mapping"])
@pytest.mark.parametrize("name", ["video.mp4", "video.mkv", "video.avi"])
def test_text_in_a_file_is_not_taken_for_the_log(
    write_video: WriteVideo, smooth_frames: MakeFrames, name: str, key: str
) -> None:
    written = smooth_frames(9, 30, 50)
    plain = write_video(written, f"plain-{name}", H264)
    expected = read(plain)
    metadata = ("-metadata", f"{key}={FORGED_LOG}")
    forged = write_video(written, name, H264, more=(*metadata, "-movflags", "use_metadata_tags"))
    assert read(forged) == expected
    np.testing.assert_array_equal(decode(forged), decode(plain))


def test_a_name_is_not_taken_for_the_log(
    write_video: WriteVideo, smooth_frames: MakeFrames
) -> None:
    written = smooth_frames(9, 30, 50)
    expected = read(write_video(written, "plain.avi", MPEG4))
    forged = "a\n[info] Stream mapping:\n[info]   Stream #0:0 -> #0:0 (h263 (native)\n.avi"
    assert read(write_video(written, forged, MPEG4)) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AV_LOG_FORCE_COLOR", "1"),
        ("AV_LOG_FORCE_256COLOR", "1"),
        ("FFREPORT", "file=report.log:level=48"),
        ("OPENCV_FFMPEG_CAPTURE_OPTIONS", "ignore_editlist;1|skip_frame;nokey"),
        ("OPENCV_VIDEOIO_PRIORITY_LIST", "CV_IMAGES"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("TMPDIR", "/nowhere"),
    ],
)
def test_variables_of_the_surroundings_change_nothing(
    write_video: WriteVideo,
    smooth_frames: MakeFrames,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    value: str,
) -> None:
    path = write_video(smooth_frames(9), codec=MPEG4)
    expected = read(path)
    monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert read(path) == expected
    assert set(tmp_path.iterdir()) == before


def test_a_rate_repeats_no_frame_through_a_long_gap(tmp_path: Path) -> None:
    """Thirty frames, half an hour of nothing, thirty frames: 45,000 at 25 a second."""
    path = tmp_path / "video.mp4"
    gap = ("-vf", "setpts='PTS+if(gte(N,30),1800/TB,0)'", "-fps_mode", "passthrough")
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "60", *gap, *H264, path)
    )
    num_frames, _, _, status, message = read(path, fps=25)
    assert 60 + 240 <= num_frames <= 60 + 251  # ten seconds of the gap are kept
    assert (status, message) == ("ok", "gaps in its time stamps are cut by 1790 s")
    assert read(path)[0] == 60


def test_a_rate_keeps_gaps_as_long_as_those_of_slow_videos(tmp_path: Path) -> None:
    """A frame in eight seconds is no gap: the same frames as without any care for gaps."""
    path = tmp_path / "video.mp4"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1/8", "-frames:v", "4", *H264, path)
    )
    num_frames, _, _, status, message = read(path, fps=10)
    assert num_frames == 4 * 80
    assert (status, message) == ("ok", "")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_decoder_is_no_fault_of_the_video(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "video.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=640x480", "-frames:v", "200", *MPEG4, path)
    stream = FrameStream(path)

    def frames_until_killed() -> None:
        for _ in stream:
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.Error):
                    child.send_signal(number)

    with pytest.raises(MachineError, match=rf"ffmpeg was ended by ({number.name}|signals)"):
        frames_until_killed()
    assert stream.num_frames < 200


def test_a_disk_that_does_not_give_out_a_file_is_no_fault_of_the_video(tmp_path: Path) -> None:
    """Linux lets nobody read a process's memory from its first byte on: an input/output error."""
    path = tmp_path / "video.mp4"
    path.symlink_to("/proc/self/mem")
    with pytest.raises(MachineError, match=r"video\.mp4: Input/output error"):
        decode(path)


@pytest.mark.skipif(os.getuid() != 0, reason="must be able to become nobody")
def test_a_file_that_may_not_be_read_is_no_fault_of_the_video(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    (folder / "video.avi").write_bytes(b"x")
    os.seteuid(65534)
    try:
        with pytest.raises(MachineError, match="Permission denied"):
            decode(folder / "video.avi")
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "long name", "nul"])
def test_what_is_no_file_is_one_line_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "video.avi"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "long name":
        path = tmp_path / ("x" * 300)
    else:
        path = tmp_path / "a\0b.avi"
    with pytest.raises(VideoError):
        decode(path)


def test_time_in_which_everything_is_stopped_does_not_count(tmp_path: Path) -> None:
    # 1 s of waiting and 4.5 s of standstill: more than the limit, of which a busy machine has 3 s.
    path = tmp_path / "video.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "100", *MPEG4, path)
    program = f"""
import os
from rev2net.video.decoding import FrameStream
stream = FrameStream({str(path)!r}, time_limit=4)
for number, _ in enumerate(stream):
    if number == 1:
        print(flush=True)
        os.read(0, 1)  # go on
print(stream.num_frames)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    decoder = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
    os.kill(decoder, signal.SIGSTOP)  # the reader waits for frames until it is stopped, too
    assert process.stdin is not None
    process.stdin.write("x")
    process.stdin.flush()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    os.killpg(process.pid, signal.SIGSTOP)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(4.5)
    os.killpg(process.pid, signal.SIGCONT)
    output, _ = process.communicate(timeout=60)
    assert output.strip() == "100"


def test_a_decoder_that_works_on_and_on_is_ended(tmp_path: Path, stand_in: StandIn) -> None:
    (tmp_path / "video.avi").write_bytes(b"x")
    stand_in("while :; do :; done")
    with pytest.raises(VideoError, match=r"not decoded within 0\.3 s"):
        list(FrameStream(tmp_path / "video.avi", time_limit=0.3))


def test_output_that_is_no_whole_frames_is_refused(
    write_video: WriteVideo, smooth_frames: MakeFrames, stand_in: StandIn
) -> None:
    path = write_video(smooth_frames(3), codec=MPEG4)
    real = ffmpeg_binary()
    stand_in(f'"{real}" "$@" && printf xyz')
    with pytest.raises(VideoError, match="no whole frames of 64x48 pixels"):
        decode(path)


def test_a_log_that_comes_after_the_frames_is_waited_for(
    write_video: WriteVideo, smooth_frames: MakeFrames, stand_in: StandIn, tmp_path: Path
) -> None:
    path = write_video(smooth_frames(3), codec=MPEG4)
    expected = read(path)
    real, log = ffmpeg_binary(), tmp_path / "log"
    stand_in(f'"{real}" "$@" 2> "{log}" && sleep 0.3 && cat "{log}" >&2')
    assert read(path) == expected
    stand_in(f'"{real}" "$@" 2> /dev/null && echo "[verbose] nothing else" >&2')
    with pytest.raises(MachineError, match=r"cannot follow the log of ffmpeg .* nothing else'$"):
        decode(path)
