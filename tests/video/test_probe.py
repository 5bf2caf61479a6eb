import subprocess

import pytest

from rev2net.video import probe
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import PIXEL_FORMAT, decoder_command
from rev2net.video.ffmpeg import input_facts
from tests.video.video_files import H264, MPEG4, MakeFrames, WriteVideo


@pytest.mark.parametrize(
    ("name", "codec", "container", "codec_name"),
    [("video.avi", MPEG4, "avi", "mpeg4"), ("video.mp4", H264, "mov", "h264")],
)
def test_containers_that_count_their_frames_are_believed(
    write_video: WriteVideo,
    smooth_frames: MakeFrames,
    name: str,
    codec: tuple[str, ...],
    container: str,
    codec_name: str,
) -> None:
    path = write_video(smooth_frames(17), name, codec)
    facts = probe(path)
    assert (facts.container, facts.codec) == (container, codec_name)
    assert (facts.width, facts.height, facts.fps) == (64, 48, 25.0)
    assert announced_frames(path, facts) == 17


def test_a_container_without_a_count_announces_nothing(
    write_video: WriteVideo, smooth_frames: MakeFrames
) -> None:
    path = write_video(smooth_frames(5), "video.mkv", H264)
    assert announced_frames(path, probe(path)) is None


def test_the_rate_is_exact(write_video: WriteVideo, smooth_frames: MakeFrames) -> None:
    path = write_video(smooth_frames(5), codec=MPEG4, rate="30000/1001")
    assert probe(path).fps == 30000 / 1001


def test_a_variable_rate_is_given_as_its_average(
    write_video: WriteVideo, smooth_frames: MakeFrames
) -> None:
    drop_some = ("-vf", "select='lt(n,20)+not(mod(n,5))'", "-fps_mode", "vfr")
    path = write_video(smooth_frames(100), "video.mp4", H264, more=drop_some)
    # 20 frames, then every fifth of 80: 36 in somewhat less than 4 seconds, at 25 or 5 a second.
    assert probe(path).fps == pytest.approx(36 / 4, rel=0.2)


def test_a_truncated_avi_still_announces_all_frames(
    write_video: WriteVideo, frames: MakeFrames
) -> None:
    path = write_video(frames(40), codec=MPEG4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert announced_frames(path, probe(path)) == 40


def test_another_threads_word_inside_the_line_of_the_output_is_passed_over(
    write_video: WriteVideo, smooth_frames: MakeFrames
) -> None:
    """A thread that ends while the output is described, as those of short clips do."""
    command = decoder_command(write_video(smooth_frames(5)), {}, PIXEL_FORMAT)
    log = subprocess.run(command, capture_output=True, check=True).stderr.decode()
    line = "[info]   Stream #0:0: Video: rawvideo"
    start, stream, rest = log.rpartition(line)
    assert stream
    for place in ("#0", "#0:0"):  # the former was seen, four times in 2,213
        head, _, tail = line.partition(place)
        torn = f"{head}{place}EOF while reading input\n[info] {tail}"
        assert input_facts(start + torn + rest) == input_facts(log) is not None
