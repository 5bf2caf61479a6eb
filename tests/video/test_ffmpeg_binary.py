import pytest

from rev2net.errors import UserError
from rev2net.video.ffmpeg import ffmpeg_binary, ffmpeg_version
from tests.video.video_files import StandIn


def test_the_pinned_binary_is_new_enough() -> None:
    assert int(ffmpeg_version().split(".")[0]) >= 5


def test_the_environment_names_another_binary(stand_in: StandIn) -> None:
    stand_in("exit 0", version="n7.1.1-3-gabc")
    assert ffmpeg_binary().endswith("/ffmpeg")
    assert ffmpeg_version() == "7.1.1"


@pytest.mark.parametrize(
    ("version", "libavutil"), [("4.4.2-0ubuntu", "56. 70.100"), ("5.0", "57. 17.100")]
)
def test_an_old_binary_is_refused(stand_in: StandIn, version: str, libavutil: str) -> None:
    stand_in("exit 0", version=version, libavutil=libavutil)
    with pytest.raises(UserError, match=r"REV2NET_FFMPEG=.* is ffmpeg .*allowed is 5\.1 or newer"):
        ffmpeg_binary()


def test_a_binary_that_is_not_ffmpeg_is_refused(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("exit 0")
    for binary in ("/bin/echo", "/no/such/ffmpeg"):
        monkeypatch.setenv("REV2NET_FFMPEG", binary)
        with pytest.raises(UserError, match=f"REV2NET_FFMPEG={binary}"):
            ffmpeg_binary()
