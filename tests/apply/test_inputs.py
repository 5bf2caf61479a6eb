"""Which videos are meant, and what their results are called."""

import os
from pathlib import Path

import pytest

from rev2net.apply.inputs import find_videos
from rev2net.apply.output import atomic_folder
from rev2net.errors import UserError
from rev2net.files import atomic_path


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(*paths: Path) -> list[str]:
    return [video.name for video in find_videos(paths)]


def test_results_are_called_as_the_videos_and_no_two_are_alike_or_in_each_other(
    tmp_path: Path,
) -> None:
    """`film/` as the folder of a video's images would take the other's away."""
    touched(tmp_path, "a.mp4", "b.avi", "b.mp4", "film.mp4", "film/scene.avi", "settings.mp4")
    assert names(tmp_path) == [
        "a",
        "b.avi",
        "b.mp4",
        "film.mp4",
        "film/scene",
        "settings.mp4",  # settings.json says what a folder was made with
    ]


def test_results_that_would_lie_in_each_other_all_the_same_are_refused(tmp_path: Path) -> None:
    one = touched(tmp_path / "one", "x.mp4/y.avi")
    other = touched(tmp_path / "other", "x.mp4", "x/z.avi")
    with pytest.raises(UserError, match="would have the name of those of"):
        names(one, other)


def test_folders_that_are_links_are_looked_into(tmp_path: Path) -> None:
    elsewhere = touched(tmp_path / "disk", "far.avi")
    videos = touched(tmp_path / "videos", "near.avi", ".hidden/x.avi", "._near.avi")
    (videos / "more").symlink_to(elsewhere)
    (videos / "more" / "back").symlink_to(videos)
    (videos / "gone.avi").symlink_to(tmp_path / "nowhere")
    assert names(videos) == ["more/far", "near"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", ["a.avi\n# no\nb/é.avi\n", "label, Path\nx,a.avi\ny,b/é.avi\n"])
def test_a_list_has_a_path_a_line_or_in_a_column(tmp_path: Path, text: str, encoding: str) -> None:
    listed = tmp_path / "list.csv"
    listed.write_bytes(text.encode(encoding))
    touched(tmp_path, "a.avi", "b/é.avi")
    assert names(listed) == ["a", "b/é"]


def test_a_row_of_other_length_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("path,label\na.avi,walk\nb, c.avi,walk\n")
    with pytest.raises(UserError, match=r"list\.csv:3: 3 cells, and 2 columns"):
        names(listed)


def test_what_another_process_is_filling_is_no_leftover(tmp_path: Path) -> None:
    """Two videos, talk and talk.720p, at the same time."""
    left = tmp_path / f".talk.{os.getpid() + 1}.part"
    left.mkdir()
    with atomic_folder(tmp_path / "talk.720p") as other, atomic_folder(tmp_path / "talk"):
        assert other.is_dir()
        assert not left.exists()
    assert (tmp_path / "talk.720p").is_dir()
    with atomic_path(tmp_path / "film.1") as one:
        one.touch()
        with atomic_path(tmp_path / "film") as two:
            two.touch()
        assert one.exists()
