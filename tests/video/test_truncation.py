"""Files cut in half, by container: what their own counts and heads give away."""

from pathlib import Path

import pytest

from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError
from rev2net.video.ledger import judge
from tests.video.video_files import MPEG4, MakeFrames, WriteVideo


def judged(path: Path) -> tuple[str, int]:
    """Status, and frames decoded, as the stages judge a file."""
    stream = FrameStream(path)
    try:
        num_frames = sum(1 for _ in stream)
    except VideoError:
        return "broken", 0
    facts, decoding = stream.outcome()
    return judge(announced_frames(path, facts), decoding)[0], num_frames


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("video.avi", "short"),  # its head counts the frames
        ("video.mp4", "broken"),  # its index comes last
        ("video.mkv", "short"),  # its head states its bytes
        # A stream for broadcasting has no length: half of one is a whole one.
        ("video.ts", "ok"),
        ("video.mpg", "ok"),
    ],
)
def test_half_a_file_is_told_where_its_container_keeps_count(
    write_video: WriteVideo, frames: MakeFrames, name: str, status: str
) -> None:
    path = write_video(frames(40, 96, 128), name, MPEG4 if name != "video.mpg" else MPEG1)
    assert judged(path) == ("ok", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, num_frames = judged(path)
    assert found == status
    assert num_frames < 35


MPEG1 = ("-c:v", "mpeg1video", "-q:v", "2", "-pix_fmt", "yuv420p")
