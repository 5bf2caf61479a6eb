"""Usable videos: ok in RGB and in flow, by the ledger."""

from pathlib import Path

import pytest

from rev2net.errors import UserError
from rev2net.video.ledger import usable_videos

VIDEOS = ["a", "b", "c"]
LEDGER = """\
video_id,kind,announced,decoded,status,message,content
a,rgb,10,10,ok,,
b,rgb,10,4,short,decoded 4 of 10 announced frames,
c,rgb,9,9,ok,,
a,flow,10,10,ok,,
b,flow,10,10,ok,,
c,flow,,0,broken,"ffmpeg: Invalid, or so",
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "ledger.csv"
    path.write_text(text)
    return path


def test_a_video_is_usable_if_ok_in_both_kinds(tmp_path: Path) -> None:
    assert usable_videos(write(tmp_path, LEDGER), VIDEOS) == {"a"}


def test_a_video_of_another_index_is_not_usable_here(tmp_path: Path) -> None:
    ledger = write(tmp_path, LEDGER + "d,rgb,9,9,ok,,\nd,flow,9,9,ok,,\n")
    assert usable_videos(ledger, VIDEOS) == {"a"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (LEDGER.replace("short", "shrot"), "status 'shrot' of b; allowed: ok, short"),
        (LEDGER.replace("a,flow,10,10,ok,,\n", ""), r"no flow row for 1 of 3 .*first: a"),
        ("video,kind,status\n", "not a ledger"),
        ("", "not a ledger"),
    ],
)
def test_a_ledger_that_does_not_fit_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UserError, match=named) as error:
        usable_videos(write(tmp_path, text), VIDEOS)
    assert str(error.value).startswith(str(tmp_path / "ledger.csv"))
    assert "\n" not in str(error.value)
