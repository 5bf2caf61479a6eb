"""`rev2net predict` without a run: published weights, names of classes, windows of long videos."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rev2net.apply.predict import read_class_names
from rev2net.errors import UserError
from rev2net.models import build
from rev2net.video import decode
from tests.apply.moving_videos import main, write_video

CLASSES = [f"class-{letter}" for letter in "abcdefg"]


def words(weights: Path) -> list[str]:
    return ["--network", "i3d", "--weights", str(weights)]


def test_windows_say_when_what_is_done(weights: Path, tmp_path: Path) -> None:
    video, out = tmp_path / "clip.mp4", tmp_path / "times.csv"
    write_video(video, 150, height=224, width=224)
    (tmp_path / "names.txt").write_text("\n".join(CLASSES))
    given = ["predict", str(video), *words(weights), "--classes", str(tmp_path / "names.txt")]
    assert main([*given, "--windows", str(out), "--top", "1"]) == 0
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["start"], row["end"]) for row in rows] == [("0.000", "2.560"), ("2.560", "5.120")]
    network = build("i3d", 7)
    network.load_state_dict(torch.load(weights))
    with torch.no_grad():
        for number, row in enumerate(rows):
            clip = torch.from_numpy(_cropped(video)[64 * number : 64 * number + 64])
            x = clip.permute(3, 0, 1, 2)[None].float() / 255 * 2 - 1
            chances = network.eval()(x).softmax(1)[0]
            assert row["class"] == CLASSES[int(chances.argmax())]
            assert float(row["probability"]) == pytest.approx(float(chances.max()), abs=1e-4)


def test_a_window_longer_than_its_video_ends_with_it(weights: Path, tmp_path: Path) -> None:
    video, out = tmp_path / "clip.mp4", tmp_path / "times.csv"
    write_video(video, 12, height=64, width=64)
    given = ["predict", str(video), *words(weights), "--windows", str(out), "--top", "1"]
    assert main(given) == 0
    with open(out, newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["start"], row["end"]) == ("0.000", "0.480")  # 12 frames at 25 a second


def _cropped(video: Path) -> np.ndarray:
    return np.ascontiguousarray(decode(video, short_side=256)[:, 16:240, 16:240])


def test_classes_without_names_have_numbers(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(tmp_path / "clip.mp4", 9, height=64, width=64)
    assert main(["predict", str(tmp_path / "clip.mp4"), *words(weights), "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["network"] == "I3D on RGB, 7 classes"
    assert {row["class"] for row in line["classes"]} <= {f"class {n}" for n in range(7)}


def test_the_names_of_kinetics_lists_are_their_labels(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(tmp_path / "clip.mp4", 9, height=64, width=64)
    rows = "".join(f"{name},x{k}\n" for k, name in enumerate([*reversed(CLASSES), CLASSES[0]]))
    (tmp_path / "val.csv").write_text(f"label,youtube_id\n{rows}")
    given = ["predict", str(tmp_path / "clip.mp4"), *words(weights), "--json", "--top", "7"]
    assert main(given) == 0
    numbers = json.loads(capsys.readouterr().out)["classes"]
    assert main([*given, "--classes", str(tmp_path / "val.csv")]) == 0
    named = json.loads(capsys.readouterr().out)["classes"]
    for number, name in zip(numbers, named, strict=True):
        assert CLASSES[int(number["class"].removeprefix("class "))] == name["class"]


@pytest.mark.parametrize(
    "text",
    [
        "walk\r\ngolf\r\n",
        "\ufeffwalk\n\ngolf\n",
        "0 walk\n1 golf\n",
        "label,youtube_id\r\nwalk,a\r\ngolf,b\r\nwalk,c\r\n",
    ],
    ids=["CRLF", "BOM", "numbers", "list of videos"],
)
def test_class_names_come_in_every_usual_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "names").write_bytes(text.encode())
    expected = ("golf", "walk") if "label" in text else ("walk", "golf")
    assert read_class_names(tmp_path / "names") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("walk\ngolf\nwalk\n", "names:3: 'walk' is in line 1 already"),
        ("\n", "names: no class; expected is a name a line"),
        ("label,youtube_id\n,a\n", "names: no name in the column label"),
        (b"caf\xe9\n", "names:1: not text in UTF-8"),
    ],
)
def test_a_file_without_names_is_refused(tmp_path: Path, text: str | bytes, expected: str) -> None:
    (tmp_path / "names").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=expected):
        read_class_names(tmp_path / "names")


@pytest.mark.parametrize("damage", ["other names", "other shape", "no classifier"])
def test_weights_of_another_network_get_one_line(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    state, stem = torch.load(weights), "Conv3d_1a_7x7.conv3d.weight"
    if damage == "other names":
        state = {f"net.{name}" * ("logits" not in name) or name: t for name, t in state.items()}
        expected = "parameters of I3D are missing, 'Conv3d_1a_7x7.conv3d.weight' first"
    elif damage == "other shape":
        state[stem] = state[stem][:32]
        expected = f"{stem!r} has shape (32, 3, 7, 7, 7); I3D needs (64, 3, 7, 7, 7)"
    else:
        state = {name: t for name, t in state.items() if "logits" not in name}
        expected = "holds no classifier of videos"
    torch.save(state, tmp_path / "bad.pt")
    assert main(["predict", "clip.mp4", *words(tmp_path / "bad.pt")]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--classes", "two.txt"], "a classifier of 7 classes; 2 names are given"),
        (["--classes", "kinetics400"], "--classes: kinetics400: no such file; no dataset's names"),
        (["--input", "flow"], "takes 3 channels; i3d on flow takes 2"),
        (["--windows", "clip.mp4"], "is what it would be made from"),
        (["--windows", "t.csv", "--stride", "0"], "--stride: 0.0; allowed is"),
    ],
)
def test_bad_options_get_one_line(
    weights: Path,
    more: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "clip.mp4", 9, height=64, width=64)
    (tmp_path / "two.txt").write_text("one\ntwo\n")
    assert main(["predict", "clip.mp4", *words(weights), *more]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1
