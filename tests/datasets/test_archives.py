"""Archives as the datasets are published: every layout ends in the same folder, or in one line."""

import contextlib
import errno
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rev2net.cli import main
from rev2net.config import DatasetSettings, dump
from rev2net.datasets import unpack as unpacking
from rev2net.datasets.archives import archive_files, unpack_archives
from rev2net.datasets.index import build_index
from rev2net.datasets.unpack import damaged_files, unpack
from rev2net.errors import UserError
from tests.datasets.archive_files import WRITERS, write_rar4, write_rar5, write_tar, write_zip

Settings = Callable[..., DatasetSettings]

needs_rar = pytest.mark.skipif(
    not any(map(shutil.which, unpacking._RAR_PROGRAMS)),
    reason="no program on PATH reads rar (Debian: libarchive-tools)",
)
KINDS = [pytest.param(kind, marks=needs_rar if kind == "rar" else ()) for kind in WRITERS]


def files_below(folder: Path) -> dict[str, bytes]:
    """Visible files by their path in the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


def content(folder: Path, below: str = "", keep: str = "") -> dict[str, bytes]:
    """Files of a published folder as they stand in its archive, each with bytes of its own."""
    return {
        below + path: data or path.encode()
        for path, data in files_below(folder).items()
        if path.startswith(keep)
    }


def extract(settings: DatasetSettings, *archives: Path) -> None:
    for _ in unpack_archives(settings, archives):
        pass


@pytest.mark.parametrize("kind", KINDS)
def test_ucf101_as_one_archive_of_videos_and_one_of_lists(
    kind: str, ucf_root: Path, settings: Settings, tmp_path: Path
) -> None:
    new = settings("ucf101", tmp_path / "new")
    videos = content(ucf_root, keep="UCF-101/")
    lists = content(ucf_root, keep="ucfTrainTestlist/")
    extract(
        new,
        WRITERS[kind](tmp_path / f"UCF101.{kind}", videos),
        write_zip(tmp_path / "UCF101TrainTestSplits-RecognitionTask.zip", lists),
    )
    assert files_below(tmp_path / "new") == videos | lists
    unpacked, published = (
        build_index("ucf101", new),
        build_index("ucf101", settings("ucf101", ucf_root)),
    )
    assert unpacked.table.equals(published.table)
    assert unpacked.warnings == []


@needs_rar
@pytest.mark.parametrize("layout", ["rar of rars", "folder of rars", "rar of class folders"])
def test_hmdb51_as_a_rar_of_a_rar_a_class_or_their_folder(
    layout: str, hmdb_root: Path, settings: Settings, tmp_path: Path
) -> None:
    videos = content(hmdb_root / "hmdb51_org")
    rars = tmp_path / "rars"
    rars.mkdir()
    for name in ("golf", "climb_stairs"):
        of_class = {path: data for path, data in videos.items() if path.startswith(f"{name}/")}
        write_rar4(rars / f"{name}.rar", of_class)
    if layout == "rar of rars":
        write_rar4(tmp_path / "hmdb51_org.rar", files_below(rars))
    elif layout == "rar of class folders":
        write_rar5(tmp_path / "hmdb51_org.rar", videos)
    given = rars if layout == "folder of rars" else tmp_path / "hmdb51_org.rar"
    lists = content(hmdb_root, keep="testTrainMulti_7030_splits/")
    splits = write_rar5(tmp_path / "test_train_splits.rar", lists)

    new = settings("hmdb51", tmp_path / "new")
    extract(new, *archive_files("hmdb51", [str(given), str(splits)]))
    assert files_below(tmp_path / "new" / "hmdb51_org") == videos
    assert build_index("hmdb51", new).table.equals(
        build_index("hmdb51", settings("hmdb51", hmdb_root)).table
    )


def test_kinetics_as_parts_of_loose_clips_and_class_archives(
    kinetics_root: Path, settings: Settings, tmp_path: Path
) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    write_tar(parts / "part_0.tar.gz", {"./R6llTwEh07w_000000_000010.mp4": b"a"})
    write_tar(parts / "part_1.tgz", {"train/12345678901_000101_000111.mp4": b"b"})
    write_zip(parts / "air_drumming.zip", {"-_a_b_c_d_e.mp4": b"c"})
    (parts / "notes.txt").touch()
    lists = {"kinetics-400_val.csv": (kinetics_root / "kinetics-400_val.csv").read_bytes()}
    annotations = write_zip(tmp_path / "annotations.zip", lists)
    new = settings("kinetics400", tmp_path / "new")
    extract(new, *archive_files("kinetics400", [str(parts), str(annotations)]))
    assert dict(build_index("kinetics400", new).table[["group", "path"]].values) == {
        "-_a_b_c_d_e": "videos/air_drumming/-_a_b_c_d_e.mp4",
        "12345678901": "videos/train/12345678901_000101_000111.mp4",
        "R6llTwEh07w": "videos/part_0/R6llTwEh07w_000000_000010.mp4",
    }


def test_what_is_in_place_is_not_unpacked_again_and_what_is_gone_is(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = settings("ucf101", tmp_path / "new")
    archive = write_zip(tmp_path / "a.zip", {"Archery/v_a.avi": b"1", "Archery/v_b.avi": b"2"})
    extract(new, archive)
    assert "unpacking" in capsys.readouterr().err
    extract(new, archive)
    assert "unpacking" not in capsys.readouterr().err
    (tmp_path / "new/UCF-101/Archery/v_b.avi").unlink()
    extract(new, archive)
    assert (tmp_path / "new/UCF-101/Archery/v_b.avi").read_bytes() == b"2"
    write_zip(archive, {"Archery/v_a.avi": b"another length"})
    extract(new, archive)
    assert (tmp_path / "new/UCF-101/Archery/v_a.avi").read_bytes() == b"another length"


def test_a_later_archive_mends_files_of_an_earlier_one(settings: Settings, tmp_path: Path) -> None:
    new = settings("kinetics400", tmp_path / "new")
    part = write_tar(tmp_path / "part_0.tar.gz", {"a.mp4": b"corrupted", "b.mp4": b"b"})
    mended = write_tar(tmp_path / "replacement.tgz", {"mended/a.mp4": b"whole"})
    a, b = (tmp_path / "new/videos/part_0" / name for name in ("a.mp4", "b.mp4"))
    extract(new, part, mended)
    assert a.read_bytes() == b"whole"
    assert set(files_below(tmp_path / "new")) == {"videos/part_0/a.mp4", "videos/part_0/b.mp4"}
    b.unlink()  # brings the corrupted one back, which has to be mended again
    extract(new, part, mended)
    assert (a.read_bytes(), b.read_bytes()) == (b"whole", b"b")
    b.unlink()
    next(iter(unpack_archives(new, [part, mended])))  # ends, killed, after the first
    assert a.read_bytes() == b"corrupted"
    extract(new, part, mended)
    assert (a.read_bytes(), b.read_bytes()) == (b"whole", b"b")


def test_files_that_are_neither_video_nor_list_are_left_out_by_name(
    settings: Settings, tmp_path: Path
) -> None:
    archive = write_zip(
        tmp_path / "UCF101.zip",
        {
            "UCF-101/Archery/v_a.AVI": b"1",
            "copy/Archery/v_a.AVI": b"1",
            "UCF-101/Archery/._v_a.avi": b"resource fork",
            "UCF-101/Thumbs.db": b"",
        },
    )
    (receipt,) = unpack_archives(settings("ucf101", tmp_path / "new"), [archive])
    assert receipt.files == ["UCF-101/Archery/v_a.AVI"]
    assert len(receipt.left_out) == 3
    assert set(files_below(tmp_path / "new")) == {"UCF-101/Archery/v_a.AVI"}


# Bad archives


@pytest.mark.parametrize("name", ["../evil.avi", "/evil.avi", "a/../../evil.avi", "..\\evil.avi"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_leads_outside_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    archive = WRITERS[kind](tmp_path / f"a.{kind}", {name: b"x"})
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    with pytest.raises(UserError, match="would land outside"):
        unpack(archive, folder)
    assert not list(tmp_path.rglob("evil*"))


@needs_rar
@pytest.mark.parametrize("write", [write_rar4, write_rar5])
@pytest.mark.parametrize("name", ["../evil.avi", "/evil-rev2net.avi"])
def test_a_rar_reaches_nothing_outside_its_folder(
    write: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    archive = write(tmp_path / "a.rar", {name: b"x"})
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    with contextlib.suppress(UserError):  # some programs refuse, others drop the leading part
        unpack(archive, folder)
    assert not list(tmp_path.glob("evil*")) + list((tmp_path / "deep").glob("evil*"))
    assert not Path("/evil-rev2net.avi").exists()


def test_links_in_a_tar_are_not_made(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, str(tmp_path / "outside")
            file.addfile(member)
        member = tarfile.TarInfo("link/evil.avi")
        member.size = 1
        file.addfile(member, io.BytesIO(b"x"))
    folder = tmp_path / "folder"
    folder.mkdir()
    unpack(tmp_path / "a.tar", folder)
    assert not list((tmp_path / "outside").iterdir())
    assert files_below(folder) == {"link/evil.avi": b"x"}  # in a folder, not through a link


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_archive_is_one_line_and_leaves_nothing(
    kind: str, settings: Settings, tmp_path: Path
) -> None:
    videos = {f"Archery/v_{k}.avi": os.urandom(50_000) for k in range(4)}
    archive = WRITERS[kind](tmp_path / f"a.{kind}", videos)
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"a\.{kind}: ") as caught:
        extract(settings("ucf101", tmp_path / "new"), archive)
    assert "\n" not in str(caught.value)
    assert files_below(tmp_path / "new") == {}
    assert [path.name for path in (tmp_path / "new" / ".unpacked").iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("zip", write_zip),
        ("tar.gz", write_tar),  # a plain tar keeps no checksum of its files
        pytest.param("rar", write_rar4, marks=needs_rar),
        pytest.param("rar", write_rar5, marks=needs_rar),
    ],
)
def test_a_flipped_bit_is_found(kind: str, write: Callable[..., Path], tmp_path: Path) -> None:
    archive = write(tmp_path / f"a.{kind}", {"v_a.avi": os.urandom(100_000)})
    data = bytearray(archive.read_bytes())
    data[50_000] ^= 1
    archive.write_bytes(data)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=rf"a\.{kind}: "):
        unpack(archive, tmp_path / "folder")


@pytest.mark.parametrize("write", [write_rar4, write_rar5])
def test_files_that_differ_from_the_checksums_of_a_rar_are_counted(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    videos = {"a/v_1.avi": os.urandom(5000), "a/v_2.avi": b"", "v_3.avi": os.urandom(200)}
    archive = write(tmp_path / "a.rar", videos)
    folder = tmp_path / "folder"
    for name, data in videos.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    assert damaged_files(archive, folder) == 0
    (folder / "a/v_1.avi").write_bytes(bytes(5000))
    assert damaged_files(archive, folder) == 1
    (folder / "v_3.avi").unlink()
    assert damaged_files(archive, folder) == 2


def test_a_web_page_in_place_of_an_archive_shows_its_beginning(tmp_path: Path) -> None:
    page = tmp_path / "UCF101.rar"
    page.write_text("<!DOCTYPE html><title>404</title>")
    with pytest.raises(UserError, match=r"UCF101\.rar: damaged, or no rar.*<!DOCTYPE html>"):
        unpack(page, tmp_path)


def test_without_a_program_for_rar_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_rar5(tmp_path / "a.rar", {"v_a.avi": b"x"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"no program on PATH reads rar; install one of unrar, 7zz"):
        unpack(archive, tmp_path)


@needs_rar
def test_a_program_that_cannot_read_rar_is_followed_by_one_that_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "unrar"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho junk > half.avi\necho unsupported method\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    archive = write_rar5(tmp_path / "a.rar", {"v_a.avi": b"x"})
    (tmp_path / "folder").mkdir()
    unpack(archive, tmp_path / "folder")
    assert files_below(tmp_path / "folder") == {"v_a.avi": b"x"}


def test_a_full_disk_is_one_line(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "a.zip", {"v_a.avi": b"x"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(UserError, match=r"a\.zip: no space left to unpack it"):
        extract(settings("ucf101", tmp_path / "new"), archive)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3))
    with pytest.raises(UserError, match=r"a\.zip: 0\.0 GB to unpack in"):
        extract(settings("ucf101", tmp_path / "new"), archive)
    assert files_below(tmp_path / "new") == {}


def test_what_a_killed_job_leaves_does_not_count_and_is_made_again(
    settings: Settings, tmp_path: Path
) -> None:
    new = settings("ucf101", tmp_path / "new", videos=".")
    archive = write_zip(tmp_path / "a.zip", {f"Archery/v_{k}.avi": b"x" for k in range(3)})
    # Dies like a killed job, after the first file has been moved to its place.
    code = f"""
import os
from pathlib import Path
from rev2net.config import DatasetSettings, parse_settings
from rev2net.datasets.archives import unpack_archives
moved = 0
rename = os.rename
def move(source, target):
    global moved
    if moved:
        os._exit(9)
    moved += 1
    rename(source, target)
os.rename = move
list(unpack_archives(parse_settings(DatasetSettings, {dump(new)!r}), [Path({str(archive)!r})]))
"""
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert died.returncode == 9
    assert not list((tmp_path / "new/.unpacked").glob("*.json"))
    assert len(files_below(tmp_path / "new")) == 1
    extract(new, archive)
    assert len(files_below(tmp_path / "new")) == 3
    assert not list((tmp_path / "new/.unpacked").glob("*.part"))


def test_a_folder_of_videos_may_be_a_link_to_another_disk(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = settings("ucf101", tmp_path / "new")
    (tmp_path / "new").mkdir()
    (tmp_path / "disk").mkdir()
    (tmp_path / "new" / "UCF-101").symlink_to(tmp_path / "disk")
    rename = os.rename

    def only_on_one_disk(source: Path, target: Path) -> None:
        if "disk" in str(target.resolve()) and "disk" not in str(source.resolve()):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "rename", only_on_one_disk)
    extract(new, write_zip(tmp_path / "a.zip", {"Archery/v_a.avi": b"1"}))
    assert files_below(tmp_path / "disk") == {"Archery/v_a.avi": b"1"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir(mode=0o500)
    with pytest.raises(UserError, match=r"new/\.unpacked: cannot be written \(Permission"):
        extract(settings("ucf101", tmp_path / "new"), write_zip(tmp_path / "a.zip", {"a.avi": b""}))


def test_an_entry_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"datasets\.ucf101\.archives: no file or folder .*x\.rar"):
        archive_files("ucf101", [str(tmp_path / "x.rar")])
    with pytest.raises(UserError, match="no rar, zip or tar in"):
        archive_files("ucf101", [str(tmp_path)])


# The command


@pytest.fixture
def ucf_archive(ucf_root: Path, tmp_path: Path) -> Path:
    """Videos and lists in one zip, one video missing."""
    everything = content(ucf_root)
    del everything["UCF-101/Archery/v_Archery_g01_c01.avi"]
    return write_zip(tmp_path / "UCF101.zip", everything)


def test_command_records_what_is_missing_of_a_partial_copy(
    ucf_archive: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = settings("ucf101", tmp_path / "new", partial=True, archives=[str(ucf_archive)])
    record = ["--record", str(tmp_path / "done.json")]
    assert main(["extract", "ucf101", "--settings", dump(new), *record]) == 0
    found = json.loads((tmp_path / "done.json").read_text())
    assert (found["listed"], found["present"]) == (12, 11)
    assert found["missing"] == ["v_Archery_g01_c01"]
    assert found["archives"] == [
        {
            "archive": "UCF101.zip",
            "bytes": ucf_archive.stat().st_size,
            "files": 18,
            "left_out": [],
        }
    ]
    assert "12 videos, 11 present" in capsys.readouterr().out


def test_command_refuses_an_incomplete_copy_that_is_not_partial(
    ucf_archive: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "done.json"
    command = ["extract", "ucf101", str(ucf_archive), "--record", str(record), "--settings"]
    new = settings("ucf101", tmp_path / "new")
    assert main([*command, dump(new)]) == 2
    assert "1 of 12 listed videos are not in" in capsys.readouterr().err
    assert not record.exists()
    official = new.model_copy(update={"official": True, "partial": True})
    assert main([*command, dump(official)]) == 2
    assert "2 classes, published are 101" in capsys.readouterr().err
