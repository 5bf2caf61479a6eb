"""Lists, names and folders as people's machines leave them: they work, or are one clear line."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from rev2net.cli import main
from rev2net.config import DatasetSettings, dump
from rev2net.datasets.index import build_index, read_index
from rev2net.datasets.unpack import unpack
from rev2net.errors import UserError

Settings = Callable[..., DatasetSettings]
ROOTS = {"ucf101": "ucf_root", "hmdb51": "hmdb_root", "kinetics400": "kinetics_root"}


@pytest.fixture(params=list(ROOTS))
def dataset(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Each dataset, complete, in its published layout."""
    return request.param, request.getfixturevalue(ROOTS[request.param])


def lists_below(root: Path) -> list[Path]:
    return sorted([*root.rglob("*.txt"), *root.rglob("*.csv")])


def test_lists_saved_as_utf_16_read_the_same(dataset: tuple[str, Path], settings: Settings) -> None:
    name, root = dataset
    expected = build_index(name, settings(name, root)).table
    for path in lists_below(root):
        path.write_bytes(path.read_text().encode("utf-16"))
    pd.testing.assert_frame_equal(build_index(name, settings(name, root)).table, expected)


@pytest.mark.parametrize("junk", [b"caf\xe9 1\n", b"\xff\xfe\x00", bytes(range(256))])
def test_a_list_in_another_encoding_is_one_line_that_names_it(
    dataset: tuple[str, Path], settings: Settings, junk: bytes
) -> None:
    name, root = dataset
    for path in lists_below(root):
        path.write_bytes(path.read_bytes() + junk if junk[:1] == b"c" else junk)
    with pytest.raises(UserError) as error:
        build_index(name, settings(name, root))
    assert "\n" not in str(error.value)
    assert str(root) in str(error.value)
    if junk[:1] == b"c":
        assert "not text in UTF-8; save the list as that" in str(error.value)


def test_hidden_files_of_macos_change_nothing(
    dataset: tuple[str, Path], settings: Settings
) -> None:
    name, root = dataset
    expected = build_index(name, settings(name, root))
    for path in [*lists_below(root), *root.rglob("*.avi"), *root.rglob("*.mp4")]:
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07\xff")
    chosen = settings(name, root)
    if name == "kinetics400":
        folder = root / "lists"
        folder.mkdir()
        for path in list(root.glob("*.csv")):
            path.rename(folder / path.name)
        chosen = settings(name, root, lists="lists")
    found = build_index(name, chosen)
    pd.testing.assert_frame_equal(found.table, expected.table)
    assert found.warnings == expected.warnings


def test_links_in_a_circle_end(dataset: tuple[str, Path], settings: Settings) -> None:
    name, root = dataset
    expected = build_index(name, settings(name, root)).table
    folders = sorted(path for path in root.rglob("*") if path.is_dir())
    for number, folder in enumerate([*folders, *folders]):
        (folder / f"up{number}").symlink_to(root)
        (folder / f"across{number}").symlink_to(folders[number % len(folders)])
    pd.testing.assert_frame_equal(build_index(name, settings(name, root)).table, expected)


def test_names_that_are_no_text_come_through_the_index(
    kinetics_root: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clip is found by its id: its folder may be named as it was on another system."""
    folder = os.fsdecode(os.fsencode(kinetics_root / "videos") + b"/caf\xe9")
    Path(folder).mkdir()
    (kinetics_root / "videos/R6llTwEh07w.mp4").rename(f"{folder}/R6llTwEh07w.mp4")
    (Path(folder) / os.fsdecode(b"\xff\xfe.mp4")).touch()
    output = tmp_path / "kinetics400.csv"
    words = ["index", "kinetics400", "--settings", dump(settings("kinetics400", kinetics_root))]
    assert main([*words, str(output)]) == 0
    captured = capsys.readouterr()
    assert "1 left out" in captured.err
    table = read_index(output)
    paths = [kinetics_root / path for path in table["path"]]
    assert all(path.is_file() for path in paths)
    assert sum(b"caf\xe9" in os.fsencode(path) for path in paths) == 1


def test_two_clips_of_one_id_are_not_one_file(kinetics_root: Path, settings: Settings) -> None:
    path = kinetics_root / "kinetics-400_val.csv"
    text = path.read_text()
    row = next(line for line in text.splitlines() if "R6llTwEh07w" in line)
    path.write_text(text.rstrip() + "\n" + row.replace(",0,10,", ",30,40,") + "\n")
    assert path.read_text().count("R6llTwEh07w") == 2
    index = build_index("kinetics400", settings("kinetics400", kinetics_root, partial=True))
    assert list(index.table["path"]).count("videos/R6llTwEh07w.mp4") == 0
    assert any("which of them they are cannot be told" in line for line in index.warnings)
    named = kinetics_root / "videos/R6llTwEh07w_000030_000040.mp4"
    (kinetics_root / "videos/R6llTwEh07w.mp4").rename(named)
    index = build_index("kinetics400", settings("kinetics400", kinetics_root, partial=True))
    assert list(index.table["path"]).count("videos/R6llTwEh07w_000030_000040.mp4") == 1


@pytest.mark.skipif(os.getuid() != 0, reason="must be able to become nobody")
def test_a_folder_that_may_not_be_read_is_one_line(ucf_root: Path, settings: Settings) -> None:
    closed = sorted(path for path in (ucf_root / "UCF-101").iterdir() if path.is_dir())[0]
    opened = [path for path in ucf_root.parents if path.stat().st_mode & 0o005 != 0o005]
    modes = {path: path.stat().st_mode for path in opened}
    for path in opened:
        path.chmod(0o755)
    closed.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(UserError, match=f"{closed}: cannot look into this folder"):
            build_index("ucf101", settings("ucf101", ucf_root))
    finally:
        os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_zip_in_a_truncated_zip_is_not_the_whole(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("inner.avi", b"inner" * 100)
    path, folder = tmp_path / "outer.zip", tmp_path / "out"
    folder.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("first.avi", b"first" * 100)
        file.writestr("inner.zip", inner.getvalue())
        file.writestr("last.avi", b"last" * 3000)
    whole = path.read_bytes()
    unpack(path, folder)
    assert sorted(file.name for file in folder.iterdir()) == ["first.avi", "inner.zip", "last.avi"]
    path.write_bytes(whole[: whole.index(inner.getvalue()) + len(inner.getvalue()) + 200])
    with pytest.raises(UserError, match="ends too early"):
        unpack(path, folder)


@pytest.mark.parametrize("row", [b"v,a.avi,c,zero,g,train", b"v\xe9,a.avi,c,0,g,train"])
def test_an_index_that_cannot_be_used_is_one_line(tmp_path: Path, row: bytes) -> None:
    path = tmp_path / "ucf101.csv"
    path.write_bytes(b"video_id,path,class,label,group,split1\n" + row + b"\n")
    with pytest.raises(UserError, match=r"ucf101\.csv: not an index \("):
        read_index(path)
