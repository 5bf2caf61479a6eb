"""Format list: a CSV file, and mmaction2's and TSN's lists; what is odd in them is one line."""

from pathlib import Path

import pytest

from rev2net.config import DatasetSettings
from rev2net.datasets.index import Index, build_index
from rev2net.errors import UserError

VIDEOS = ("golf/a.avi", "golf/b c.avi", "walk/d.mp4", "走る/動画.mp4")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of four files."""
    for name in VIDEOS:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "root"


def index(root: Path, text: str | bytes, /, **changes: object) -> Index:
    content = text if isinstance(text, bytes) else text.encode()
    (root / "list.csv").write_bytes(content)
    settings = {"format": "list", "root": str(root), "lists": "list.csv", "shards": 1} | changes
    return build_index("home", DatasetSettings.model_validate(settings))


def rows(found: Index) -> list[list[object]]:
    return list(found.table.drop(columns="video_id").values.tolist())


WHOLE = """\
path,label,group,split1,split2
golf/a.avi,golf,film,train,test
golf/b c.avi,golf,,test,train
walk/d.mp4,walk,film,val,unused
"""


def test_a_csv_says_label_group_and_splits(root: Path) -> None:
    found = index(root, WHOLE)
    assert rows(found) == [
        ["golf/a.avi", "golf", 0, "film", "train", "test"],
        ["golf/b c.avi", "golf", 0, "golf/b c", "test", "train"],
        ["walk/d.mp4", "walk", 1, "film", "val", "unused"],
    ]
    assert found.warnings == []


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + WHOLE,
        WHOLE.replace("\n", "\r\n"),
        WHOLE.replace("/", "\\"),
        WHOLE.replace("path,", " Path , ").replace("label", "class"),
        WHOLE.replace("golf/a", "./golf/../golf/a"),
        "".join(line.replace(",", ",x,", 1) + "\n" for line in WHOLE.splitlines()),
        "".join('"' + line.replace(",", '","') + '"\n' for line in WHOLE.splitlines()),
        WHOLE + "\n\n",
    ],
    ids=["BOM", "CRLF", "backslashes", "header", "dots", "other columns", "quotes", "blank lines"],
)
def test_lists_as_programs_leave_them_read_the_same(root: Path, text: str) -> None:
    found = index(root, text)
    assert rows(found) == rows(index(root, WHOLE))


def test_a_utf_16_list_reads_the_same(root: Path) -> None:
    assert rows(index(root, WHOLE.encode("utf-16"))) == rows(index(root, WHOLE))


def test_absolute_paths_below_the_root_are_relative_to_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    for base in (root, tmp_path / "link"):
        text = f"path,label\n{root}/golf/a.avi,golf\n"
        settings = {"root": str(base)}
        assert rows(index(root, text, **settings)) == [["golf/a.avi", "golf", 0, "golf/a"]]


@pytest.mark.parametrize(
    "path",
    ["/elsewhere/a.avi", "../a.avi", "golf/../../a.avi", "C:\\clips\\a.avi", "\\\\nas\\a.avi"],
)
def test_paths_outside_the_root_are_refused(root: Path, path: str) -> None:
    with pytest.raises(UserError) as error:
        index(root, f"path,label\ngolf/a.avi,golf\n{path},golf\n")
    outside = f"{path!r} is outside the root {root}; allowed are paths below it"
    assert str(error.value) == f"{root}/list.csv:3: {outside}"


def test_names_in_any_script_are_found_however_accents_are_coded(root: Path) -> None:
    (root / "golf/caf\u00e9.avi").touch()
    found = index(root, "path,label\n走る/動画.mp4,走る\ngolf/cafe\u0301.avi,golf\n")
    assert rows(found) == [
        ["golf/caf\u00e9.avi", "golf", 0, "golf/caf\u00e9"],
        ["走る/動画.mp4", "走る", 1, "走る/動画"],
    ]


MMACTION2 = "golf/a.avi 1\ngolf/b c.avi 1\nwalk/d.mp4 0\n"
TSN = "golf/a 120 1\ngolf/b c 99 1\nwalk/d 48 0\n"


@pytest.mark.parametrize("text", [MMACTION2, TSN, MMACTION2.replace(".avi ", ".avi\t")])
def test_lists_of_mmaction2_and_tsn_are_taken_as_they_are(root: Path, text: str) -> None:
    (root / "classes.txt").write_text("walk\r\ngolf\r\n")
    found = index(root, text, classes="classes.txt")
    assert rows(found) == [
        ["walk/d.mp4", "walk", 0, "walk/d"],
        ["golf/a.avi", "golf", 1, "golf/a"],
        ["golf/b c.avi", "golf", 1, "golf/b c"],
    ]


def test_numbers_without_a_class_list_are_classes_in_the_order_of_numbers(root: Path) -> None:
    found = index(root, "golf/a.avi 10\ngolf/b c.avi 9\nwalk/d.mp4 010\n")
    assert found.table["class"].tolist() == ["9", "10", "10"]
    assert found.table["label"].tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ("0 walk\n1 golf\n", MMACTION2),
        ("1 walk\n2 golf\n", MMACTION2.replace(" 1", " 2").replace(" 0", " 1")),
        ("walk\ngolf\n", "path,label\n" + "golf/a.avi,golf\ngolf/b c.avi,golf\nwalk/d.mp4,walk\n"),
    ],
)
def test_a_class_list_gives_names_and_order(root: Path, classes: str, text: str) -> None:
    (root / "classes.txt").write_text(classes)
    found = index(root, text, classes="classes.txt")
    assert found.table["class"].tolist() == ["walk", "golf", "golf"]


def test_a_class_without_videos_is_told_and_leaves_no_gap(root: Path) -> None:
    (root / "classes.txt").write_text("run\nwalk\ngolf\n")
    found = index(root, "golf/a.avi 2\nwalk/d.mp4 1\n", classes="classes.txt")
    assert found.table["label"].tolist() == [0, 1]
    assert found.warnings == [
        f"classes of {root}/classes.txt without a video: 1 left out (first: run)"
    ]


def test_a_folder_of_lists_gives_the_splits_that_their_names_say(root: Path) -> None:
    lists = root / "annotations"
    lists.mkdir()
    (lists / "home_train_split_1_videos.txt").write_text("golf/a.avi 0\nwalk/d.mp4 1\n")
    (lists / "home_val_split_1_videos.txt").write_text("golf/b c.avi 0\n")
    (lists / "home_train_split_2_videos.txt").write_text("golf/b c.avi 0\n")
    (lists / "home_val_split_2_videos.txt").write_text("walk/d.mp4 1\n")
    (lists / "label_map.txt").write_text("golf\nwalk\n")
    changes = {"lists": "annotations", "classes": "annotations/label_map.txt"}
    found = index(root, "", **changes)
    assert rows(found) == [
        ["golf/a.avi", "golf", 0, "golf/a", "train", "unused"],
        ["golf/b c.avi", "golf", 0, "golf/b c", "test", "train"],
        ["walk/d.mp4", "walk", 1, "walk/d", "train", "test"],
    ]
    (lists / "home_val_split_2_videos.txt").write_text("walk/d.mp4 0\n")
    with pytest.raises(UserError, match=r"val_split_2_videos.txt:1: label '0', in .*:2 '1'"):
        index(root, "", **changes)
    (lists / "home_val_split_2_videos.txt").write_text("golf/b c.avi 0\n")
    with pytest.raises(UserError, match=r"val_split_2.*:1: 'golf/b c.avi' is the video of .*:1;"):
        index(root, "", **changes)
    for path in lists.glob("home*"):
        path.unlink()
    with pytest.raises(UserError, match="no list there that has train, val or test in its name"):
        index(root, "", **changes)


def test_an_empty_column_says_nothing_and_a_gap_is_refused(root: Path) -> None:
    text = "path,class,group,split,frames\ngolf/a.avi,golf,,,40\nwalk/d.mp4,walk,,,41\n"
    assert rows(index(root, text)) == [
        ["golf/a.avi", "golf", 0, "golf/a"],
        ["walk/d.mp4", "walk", 1, "walk/d"],
    ]
    with pytest.raises(UserError, match=r"csv:2: split ''; allowed: train, val, test, unused"):
        index(root, text.replace("walk,,,", "walk,,train,"))


def test_a_listed_video_that_is_absent_is_counted(root: Path) -> None:
    with pytest.raises(UserError, match=r"1 of 2 listed videos are not in .*golf/lost\.avi"):
        index(root, "path,label\ngolf/a.avi,golf\ngolf/lost.avi,golf\n")


ALLOWED = "expected is a CSV file with the header path,label"
DELIMITER = f"between the columns where a comma is needed; {ALLOWED}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path;label\ngolf/a.avi;golf\n", f":1: ';' {DELIMITER}"),
        ("path\tlabel\ngolf/a.avi\tgolf\n", f":1: '\\t' {DELIMITER}"),
        ("golf/a.avi,golf\n", f":1: found 'golf/a.avi,golf'; {ALLOWED}"),
        ("path,name\ngolf/a.avi,golf\n", f":1: columns ['path', 'name']; {ALLOWED}"),
        ("path,label,label\n", f":1: columns ['path', 'label', 'label']; {ALLOWED}"),
        ("path,label,split2\n", ":1: columns split2; allowed are split, or split1, split2"),
        ("path,label\ngolf/b, c.avi,golf\n", ":2: 3 cells, and 2 columns; put a path or name that"),
        ("path,label\ngolf/a.avi\n", ":2: 1 cells, and 2 columns"),
        ("path,label\ngolf/a.avi,\n", ":2: label is empty"),
        ("path,label\n,golf\n", ":2: path is empty"),
        ('path,label\n"golf/a.avi,golf\n', ":2: not a CSV file (unexpected end of data)"),
        ("path,label,split\ngolf/a.avi,golf,training\n", ":2: split 'training'; allowed: train,"),
        ("path,label\ngolf/a.avi,golf\n./golf/a.avi,golf\n", ":3: './golf/a.avi' is the video of"),
        ("path,label\n", ": no line with a video; expected is"),
        ("", ": no line with a video; expected is"),
        ("golf/a.avi 0\nwalk/d.mp4 48 1\n", ":2: found 'walk/d.mp4 48 1', expected '<path>' and"),
        ("golf/a 9 0\nwalk/d 1\n", ":2: found 'walk/d 1', expected '<path>' and frames and label,"),
        ('"' + "golf/a.avi 0\n" * 20_000 + "x", ":20001: found 'x'; expected is"),
        ("golf/a.avi golf\n", f":1: found 'golf/a.avi golf'; {ALLOWED}"),
        (b"path,label\ngolf/a.avi,caf\xe9\n", ":2: not text in UTF-8; save the list as that"),
    ],
)  # fmt: skip
def test_a_list_that_breaks_its_form_is_one_line(root: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(UserError) as error:
        index(root, text)
    assert str(error.value).startswith(f"{root}/list.csv{words}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        ("group", "groups", "group"),
        ("label", "lable", "label"),
        ("split1,split2", "split_1,x", "split1"),
        ("split2", "split-2", "split2"),
    ],
)
def test_a_column_that_is_nearly_a_known_one_is_asked_about(
    root: Path, before: str, after: str, known: str
) -> None:
    column = after.removesuffix(",x")
    with pytest.raises(UserError) as error:
        index(root, WHOLE.replace(before, after, 1))
    assert str(error.value).startswith(
        f"{root}/list.csv:1: unknown column {column!r}; did you mean {known!r}?"
    )


def test_columns_that_are_near_none_that_the_list_lacks_are_ignored(root: Path) -> None:
    text = WHOLE.replace("\n", ",1,2,3\n").replace("split2,1,2,3", "split2,labels,crop,frames")
    assert rows(index(root, text)) == rows(index(root, WHOLE))


@pytest.mark.parametrize(
    ("classes", "text", "words"),
    [
        ("walk\ngolf\n", "golf/a.avi 2\n", "list.csv:1: label '2' is no class of"),
        ("walk\ngolf\n", "golf/a.avi 2\n", "classes.txt; allowed: 0 to 1"),
        ("1 walk\n2 golf\n", "golf/a.avi 0\n", "classes.txt; allowed: 1 to 2"),
        (
            "walk\ngolf\n",
            "path,label\ngolf/a.avi,Golf\n",
            "list.csv:2: label 'Golf' is no class of",
        ),
        ("walk\ngolf\nwalk\n", "golf/a.avi 1\n", "classes.txt:3: 'walk' is in line 1 already"),
        ("\n", "golf/a.avi 1\n", "classes.txt: no class; expected is a name a line"),
    ],
)
def test_a_label_that_the_class_list_lacks_is_one_line(
    root: Path, classes: str, text: str, words: str
) -> None:
    (root / "classes.txt").write_text(classes)
    with pytest.raises(UserError) as error:
        index(root, text, classes="classes.txt")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_not_there_are_named(root: Path) -> None:
    with pytest.raises(UserError, match=r"lost\.csv: cannot read this list"):
        index(root, "", lists="lost.csv")
    with pytest.raises(UserError, match=r"lost\.txt: cannot read this list"):
        index(root, "golf/a.avi 1\n", classes="lost.txt")
    with pytest.raises(UserError, match="no such folder; `root` is the one with the videos"):
        index(root, "golf/a.avi 1\n", root=f"{root}/lost", lists=f"{root}/list.csv")


def test_labels_that_differ_only_by_case_are_refused(root: Path) -> None:
    text = "path,label\ngolf/a.avi,Golf\ngolf/b c.avi,golf\n"
    found = r"'Golf' and 'golf' differ only by case \(golf/a.avi, golf/b c.avi\)"
    with pytest.raises(UserError, match=found):
        index(root, text)


def test_groups_of_the_column_come_before_the_expression(root: Path) -> None:
    text = "path,label,group\ngolf/a.avi,golf,film\ngolf/b c.avi,golf,\n"
    found = index(root, text, groups=r"/(\w)")
    assert found.table["group"].tolist() == ["film", "b"]


def test_the_lists_of_the_real_clips(real_data: Path) -> None:
    found = {}
    for name in ("jhmdb", "arid"):
        settings = {"format": "list", "root": str(real_data / name), "lists": "clips.csv"}
        found[name] = build_index(name, DatasetSettings.model_validate(settings | {"shards": 1}))
    assert found["jhmdb"].summary.startswith(
        "jhmdb: 385 videos, 385 present, 9 classes, 154 groups"
    )
    assert found["arid"].summary.endswith("split 1: 125 train, 79 test")
    arid = found["arid"].table
    alone = arid["group"] == arid["video_id"]
    assert (arid["split1"][alone] == "test").all()
    assert alone.sum() == 79
