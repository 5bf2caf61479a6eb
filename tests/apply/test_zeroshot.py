"""`rev2net zeroshot`: how often a network is right of classes with other names than its own."""

import csv
import json
import math
from pathlib import Path

import pytest

from rev2net.apply.zeroshot import Answered, right_answers, tally
from rev2net.errors import UserError
from tests.apply.moving_videos import main, write_video

NETWORK = [
    "golf chipping",
    "golf driving",
    "golf putting",
    "archery",
    "pull ups",
    "dancing",
    "yoga",
]
RIGHT = {"golf": ["golf chipping", "golf driving"], "shoot_bow": ["archery"]}


def answered(class_name: str, group: str, *best: str) -> Answered:
    """A video of which the network's classes come in this order, then as they are."""
    return Answered(class_name, group, [*best, *(name for name in NETWORK if name not in best)])


def test_any_right_class_is_a_hit_among_all_that_the_network_has() -> None:
    videos = [
        answered("golf", "a", "golf driving"),
        answered("golf", "a", "golf putting", "golf chipping"),
        answered("golf", "b", "yoga", "dancing", "pull ups", "archery", "golf driving"),
        answered("shoot_bow", "c", "golf putting", "dancing", "yoga", "pull ups", "golf driving"),
    ]
    found = tally(videos, RIGHT)
    assert (found.videos, found.groups) == (4, 3)
    assert found.top1.percent == 25
    assert found.top5.percent == 75
    assert found.taken_for == "golf putting"  # twice, yoga once


def test_intervals_are_over_source_groups() -> None:
    right, wrong = answered("golf", "a", "golf driving"), answered("golf", "b", "yoga")
    # However many clips they have: of two sources, a quarter of the draws is one of them twice.
    assert tally([right] * 90 + [wrong] * 90, RIGHT).top1 == (50, 0, 100)
    alone = tally([right] * 90, RIGHT).top1
    assert alone.percent == 100
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)


def test_of_no_video_nothing_is_said() -> None:
    found = tally([], RIGHT)
    assert (found.videos, found.groups, found.taken_for) == (0, 0, "")
    assert all(map(math.isnan, (*found.top1, *found.top5)))


def test_a_shipped_map_says_what_is_right_of_published_classes() -> None:
    videos = ["golf", "shoot_bow", "sit"]
    strict = right_answers("hmdb51_kinetics400", "strict", videos, NETWORK)
    assert strict == RIGHT
    every = right_answers("hmdb51_kinetics400", None, videos, NETWORK)
    assert every == RIGHT | {"golf": NETWORK[:3]}


def test_without_a_map_names_that_are_alike_are_right() -> None:
    assert right_answers(None, None, ["PullUps", "sit"], NETWORK) == {"PullUps": ["pull ups"]}
    with pytest.raises(UserError, match="the videos and the network name no class alike"):
        right_answers(None, None, ["sit"], NETWORK)


def test_several_classes_may_have_the_same_right_answer(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("net,mine\ndancing,waltz\ndancing,tango\nyoga,yoga\n")
    found = right_answers(str(tmp_path / "map.csv"), None, ["tango", "waltz", "golf"], NETWORK)
    assert found == {"tango": ["dancing"], "waltz": ["dancing"]}


@pytest.mark.parametrize(
    ("text", "class_set", "expected"),
    [
        ("mine,net\nrun,jogging\n", None, "map.csv: has no class of the network"),
        ("mine,net\nrun,yoga\n", None, r"map.csv: has no class of the videos \(golf, sit\)"),
        ("mine,net\ngolf,golf drivin\nsit,yoga\n", None, "map.csv:2: 'golf drivin' is no class of"),
        (
            "mine,net,set\ngolf,yoga,b\nrun,dancing,a\n",
            "c",
            "class set 'c' of .*: allowed are b, a",
        ),
        ("mine,net,set\nrun,yoga,a\ngolf,dancing,b\n", "a", "set 'a' of .*: pairs no class of the"),
    ],
)
def test_a_map_that_says_nothing_of_them_gets_one_line(
    tmp_path: Path, text: str, class_set: str | None, expected: str
) -> None:
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(UserError, match=expected) as caught:
        right_answers(str(tmp_path / "map.csv"), class_set, ["golf", "sit"], NETWORK)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list with CRLF of four videos, one of them broken, and of one that is not there."""
    folder = tmp_path_factory.mktemp("zeroshot")
    for seed, name in enumerate(("a", "b", "c")):
        write_video(folder / f"{name}.mp4", 9, seed=seed, height=64, width=64)
    (folder / "broken.mp4").write_text("no video")
    rows = ["path,class,group", "a.mp4,walk,one", "b.mp4,walk,two", "c.mp4,sit,three"]
    rows += ["broken.mp4,walk,one", "absent.mp4,walk,one"]
    (folder / "clips.csv").write_bytes("\r\n".join(rows).encode())
    return folder


@pytest.fixture(scope="module")
def words(weights: Path, clips: Path) -> list[str]:
    """The network of 7 classes, as arguments."""
    (clips / "names.txt").write_text("\n".join(NETWORK))
    network = ["--network", "i3d", "--weights", str(weights), "--whole-video"]
    return [*network, "--classes", str(clips / "names.txt")]


def test_the_table_counts_what_predict_says(
    clips: Path, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(clips / "a.mp4"), *words, "--json", "--top", "7"]) == 0
    ranked = [row["class"] for row in json.loads(capsys.readouterr().out)["classes"]]
    first, second, *_, last = ranked
    (tmp_path / "map.csv").write_text(f"clips,net\nwalk,{second}\njump,{last}\n")
    given = ["zeroshot", str(clips / "clips.csv"), *words, "--csv", str(tmp_path / "out.csv")]
    assert main([*given, "--class-map", str(tmp_path / "map.csv")]) == 2  # one cannot be read
    out, err = capsys.readouterr()
    assert "3 videos, classes: 1; left out are 1 of classes without a right answer (sit)" in out
    assert "1 of 5 listed are not there" in out
    assert f"rev2net zeroshot: {clips / 'broken.mp4'}: ffmpeg: Invalid data" in err
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == ["walk", "all"]
    for row in rows:
        # An untrained network says the same of both: its second class is right.
        assert (row["videos_evaluated"], row["videos_expected"], row["groups"]) == ("2", "3", "2")
        assert (row["top1"], row["top5"], row["taken_for"]) == ("0.00", "100.00", first)
        assert (row["top5_ci_low"], row["top5_ci_high"]) == ("100.00", "100.00")
    shown = out.splitlines()[-2].split()
    assert shown[:5] == ["walk", "2", "of", "3", "2"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--class-set", "strict"], "--class-set: goes with --class-map"),
        (["--class-map", "hmdb51"], "class map 'hmdb51': allowed are ucf101_hmdb51, "),
        ([], "the videos and the network name no class alike (sit, walk; archery, "),
        (["--csv", "clips.csv"], "clips.csv: is what it would be made from"),
    ],
)
def test_bad_options_get_one_line(
    clips: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(clips)
    assert main(["zeroshot", "clips.csv", *words, *more]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1


def test_names_of_the_networks_classes_are_needed(
    clips: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["zeroshot", str(clips / "clips.csv"), "--network", "i3d", "--weights", str(weights)]
    assert main(given) == 2
    assert "--classes: needed with --weights" in capsys.readouterr().err


@pytest.mark.slow
def test_published_weights_know_published_clips(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for class_name, title in (("golf", "Anna_Rawson_LPGA"), ("pullup", "10_Pull_Ups")):
        (tmp_path / class_name).mkdir()
        for clip in sorted((real_data / "jhmdb" / class_name).glob(f"{title}*"))[:1]:
            (tmp_path / class_name / clip.name).symlink_to(clip)
    given = ["zeroshot", str(tmp_path), "--network", "i3d", "--whole-video"]
    given += ["--weights", str(real_data / "weights" / "i3d_rgb_kinetics400.pt")]
    given += ["--classes", str(real_data / "kinetics400" / "label_map.txt")]
    given += ["--class-map", "hmdb51_kinetics400", "--csv", str(tmp_path / "out.csv")]
    assert main(given) == 0
    assert "I3D on RGB, 400 classes; whole video x 1 crop" in capsys.readouterr().out
    with open(tmp_path / "out.csv", newline="") as file:
        found = {
            row["class"]: (row["videos_evaluated"], row["top1"]) for row in csv.DictReader(file)
        }
    assert found == {"golf": ("1", "100.00"), "pullup": ("1", "100.00"), "all": ("2", "100.00")}
