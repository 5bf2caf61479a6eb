"""Usable videos: ok in every ledger that is given."""

from pathlib import Path

import pytest

from rev2net.errors import UserError
from rev2net.video.ledger import refuse_unusable, usable_videos

VIDEOS = ["a", "b", "c"]
HEAD = "video_id,kind,announced,decoded,status,message,content\n"
RGB = (
    HEAD
    + """\
a,rgb,10,10,ok,,
b,rgb,10,4,short,decoded 4 of 10 announced frames,
c,rgb,9,9,ok,,
"""
)
FLOW = (
    HEAD
    + """\
a,flow,10,10,ok,,
b,flow,10,10,ok,,
c,flow,,0,broken,"ffmpeg: Invalid, or so",
"""
)


def write(folder: Path, **texts: str) -> list[Path]:
    paths = [folder / f"{kind}.csv" for kind in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text)
    return paths


def test_a_video_is_usable_if_ok_in_every_kind_that_is_needed(tmp_path: Path) -> None:
    paths = write(tmp_path, rgb=RGB, flow=FLOW)
    assert usable_videos(paths, VIDEOS) == {"a"}
    assert usable_videos(paths[:1], VIDEOS) == {"a", "c"}


def test_a_video_of_another_index_is_not_usable_here(tmp_path: Path) -> None:
    paths = write(tmp_path, rgb=RGB + "d,rgb,9,9,ok,,\n", flow=FLOW + "d,flow,9,9,ok,,\n")
    assert usable_videos(paths, VIDEOS) == {"a"}


def test_what_is_unusable_in_either_kind_counts_once_against_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where a split is made: each kind alone may be within it."""
    paths = write(tmp_path, rgb=RGB, flow=FLOW)
    (tmp_path / "flow").mkdir()
    (part,) = write(tmp_path / "flow", **{"3": FLOW})
    refuse_unusable("ucf101", paths, 2, 3, 0.67)
    with pytest.raises(UserError) as error:
        refuse_unusable("ucf101", paths, 2, 3, 0.5)
    assert str(error.value).startswith(f"{paths[0]}: 2 of 3 videos are unusable; allowed is a")
    assert "0.5 (datasets.ucf101: max_unusable_fraction)" in str(error.value)
    assert f"delete {paths[0]}, {paths[1]}, {part} and give the same" in str(error.value)
    assert capsys.readouterr().out.splitlines() == [
        "  short in rgb: b: decoded 4 of 10 announced frames",
        "  broken in flow: c: ffmpeg: Invalid, or so",
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (RGB.replace("short", "shrot"), "status 'shrot' of b; allowed: ok, short"),
        (RGB.replace("a,rgb,10,10,ok,,\n", ""), r"no row for 1 of 3 .*first: a"),
        ("video,kind,status\n", "not a ledger"),
        ("", "not a ledger"),
    ],
)
def test_a_ledger_that_does_not_fit_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UserError, match=named) as error:
        usable_videos(write(tmp_path, rgb=text), VIDEOS)
    assert str(error.value).startswith(str(tmp_path / "rgb.csv"))
    assert "\n" not in str(error.value)
