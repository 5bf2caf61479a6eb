"""The index file: rows, order, absent videos, and what its reader refuses."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rev2net.cli import main
from rev2net.config import DatasetSettings, dump
from rev2net.datasets.index import build_index, read_index
from rev2net.errors import UserError

Settings = Callable[..., DatasetSettings]


def test_rows_are_as_the_formats_page_says(real_data: Path, settings: Settings) -> None:
    ucf101 = build_index("ucf101", settings("ucf101", real_data / "ucf101", partial=True)).table
    hmdb51 = build_index("hmdb51", settings("hmdb51", real_data / "hmdb51", partial=True)).table
    rows = "\n".join(table.to_csv(index=False) for table in (ucf101, hmdb51)).splitlines()
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text().splitlines()
    start = page.index("video_id,path,class,label,group,split1,split2,split3")
    example = page[start : start + 3]
    assert set(example) <= set(rows)


def test_rows_are_ordered_by_label_then_name(hmdb_root: Path, settings: Settings) -> None:
    table = build_index("hmdb51", settings("hmdb51", hmdb_root)).table
    assert list(table["label"]) == [0, 0, 1, 1]
    assert list(table["video_id"]) == [
        "(HQ) a;b_climb_stairs_f_cm_np1_ba_bad_12",
        "Film_climb_stairs_l_nm_np2_le_med_0",
        "#1_Swing!_golf_f_nm_np1_ri_goo_0",
        "Film_golf_u_cm_np10_fr_med_1",
    ]


def test_summary_counts_what_is_there(ucf_root: Path, settings: Settings) -> None:
    (ucf_root / "UCF-101/Archery/v_Archery_g01_c01.avi").unlink()
    index = build_index("ucf101", settings("ucf101", ucf_root, partial=True))
    assert index.summary.startswith("ucf101: 12 videos, 11 present, 2 classes, 6 groups")
    assert "split 3: 8 train, 4 test" in index.summary
    assert len(index.table) == 12


def test_few_absent_videos_are_a_warning_and_many_an_error(
    ucf_root: Path, settings: Settings
) -> None:
    (ucf_root / "UCF-101/Archery/v_Archery_g01_c01.avi").unlink()
    allowed = settings("ucf101", ucf_root, max_unusable_fraction=1 / 12)
    (warning,) = build_index("ucf101", allowed).warnings
    assert "1 of 12" in warning
    with pytest.raises(UserError, match=r"1 of 12 .*v_Archery_g01_c01.*partial: true"):
        build_index("ucf101", settings("ucf101", ucf_root, max_unusable_fraction=0.08))


def test_copy_without_any_video_is_an_error_even_if_partial(
    ucf_root: Path, settings: Settings
) -> None:
    for path in (ucf_root / "UCF-101").glob("*/*.avi"):
        path.unlink()
    with pytest.raises(UserError, match="12 of 12 listed videos are not in"):
        build_index("ucf101", settings("ucf101", ucf_root, partial=True))


def test_command_writes_the_same_bytes_whatever_the_order_on_disk(
    kinetics_root: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = dump(settings("kinetics400", Path("elsewhere")))
    command = ["index", "kinetics400", "--root", str(kinetics_root), "--settings", text]
    assert main([*command, str(tmp_path / "new" / "first.csv")]) == 0
    assert capsys.readouterr().out.startswith("kinetics400: 3 videos, 3 present, 2 classes")
    for path in sorted(kinetics_root.rglob("*.webm")):  # a moved file is a new directory entry
        path.rename(path.with_suffix(".moved")).rename(path)
    assert main([*command, str(tmp_path / "new" / "second.csv")]) == 0
    first, second = sorted((tmp_path / "new").glob("[!.]*"))  # and no unfinished file beside them
    assert first.read_bytes() == second.read_bytes()
    assert b"\r" not in first.read_bytes()


def test_command_fails_with_one_line_and_leaves_no_file(
    ucf_root: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = dump(settings("ucf101", ucf_root, lists="no-such-folder"))
    assert main(["index", "ucf101", "--settings", text, str(tmp_path / "ucf101.csv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "ucf101.csv").exists()


def test_reader_keeps_ids_that_look_like_numbers(
    kinetics_root: Path, settings: Settings, tmp_path: Path
) -> None:
    index = build_index("kinetics400", settings("kinetics400", kinetics_root))
    index.table.to_csv(tmp_path / "index.csv", index=False)
    table = read_index(tmp_path / "index.csv")
    assert "12345678901" in set(table["group"])
    assert table["label"].dtype == "int64"


def test_reader_names_a_missing_column_and_a_repeated_video(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    path.write_text("video_id,path,class,label,split1\na,a.avi,x,0,train\n")
    with pytest.raises(UserError, match="no column 'group'"):
        read_index(path)
    row = "a,a.avi,x,0,g,train\n"
    path.write_text("video_id,path,class,label,group,split1\n" + row + row)
    with pytest.raises(UserError, match="video a is listed twice"):
        read_index(path)
    with pytest.raises(UserError, match=r"absent\.csv"):
        read_index(tmp_path / "absent.csv")


def test_help_of_both_commands_imports_no_pandas() -> None:
    stages = "from rev2net.commands import stage_index, stage_splits"
    code = f"import sys; {stages}; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reader_names_a_row_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    path.write_text("video_id,path,class,label,group\na,a.avi,x,0,g\nb,b.avi\n")
    with pytest.raises(UserError, match="2 columns in row 2, 5 expected"):
        read_index(path)


def test_a_shards_job_imports_no_pandas() -> None:
    code = "import sys; from rev2net.shards import make; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
