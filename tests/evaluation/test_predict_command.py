"""`rev2net predict`: a file's classes are those that `rev2net evaluate` finds through shards."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rev2net import config, experiments
from rev2net.apply.subject import of_run
from rev2net.cli import main
from rev2net.config import Config, EvaluateSettings, FlowShardSettings, TestSettings
from rev2net.digests import file_digest
from rev2net.flow.parameters import default_settings
from rev2net.mini.encode import encode
from rev2net.runs.checkpoint import build_network, save_trained
from rev2net.runs.examples import Examples, write_examples
from rev2net.runs.identity import Run
from rev2net.runs.scores import read_scores
from rev2net.video import decode
from tests import small_dataset

CLASSES = ["right", "down", "neither"]
VIDEOS = ["a", "b", "c"]
PROTOCOL = TestSettings(clips=2, crops=3, size=32, average="logit")
TOLERANCE = 1e-5  # of float32 sums in other batches, and of six decimals in JSON
FRAMES = {"short_side": 32, "size": None, "fps": None, "codec": "jpeg", "quality": 90}


@pytest.fixture(scope="module")
def configuration() -> Config:
    """The mini configuration's recipes on quickly computed flow."""
    values = small_dataset.MINI.model_dump()
    values["frames"] |= FRAMES
    values["flow"] |= {"backend": "opencv", "bound": 4, "nscales": 2, "warps": 1}
    for recipe in values["recipes"].values():
        recipe["test"]["size"] = 32
    values["recipes"]["tsn.rgbdiff"] = values["recipes"]["tsn.rgb"]
    return config.validate(Config, values, "test")


DATA = "data/ucf101-0"  # beside work/mini


@pytest.fixture(scope="module")
def work(configuration: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`work/mini` as the workflow leaves it, a split and the configuration, beside its data."""
    work = tmp_path_factory.mktemp("predict") / "work" / "mini"
    data = work.parent / DATA
    videos = data / "videos"
    videos.mkdir(parents=True)
    columns = ["video_id", "path", "class", "label", "group", "split1", "split2", "split3"]
    rows = []
    for number, name in enumerate(VIDEOS):
        frames = small_dataset.video(number % 2, number)[0]
        encode(frames, 25, videos / f"{name}.avi", "ucf101")
        label = [CLASSES[number % 2], number % 2]
        rows.append([name, f"{name}.avi", *label, name, *["test"] * 3])
    index = data / "index.csv"
    write_csv(index, columns, rows)
    flow = FlowShardSettings(frames=configuration.frames, **configuration.flow.model_dump())
    settings = {"rgb": config.dump(configuration.frames), "flow": config.dump(flow)}
    for kind, command in (("rgb", "frames"), ("flow", "flow")):
        words = ["stage", command, "--index", str(index), "--root", str(videos), "--shard", "0"]
        words += ["--dataset", "ucf101", "--num-shards", "1", "--settings", settings[kind]]
        words += [str(data / f"{kind}-0" / name) for name in ("0.h5", "0.csv")]
        assert main(words) == 0
        words = ["merge", "ucf101", "--kind", kind, "--index", str(index), "--num-shards", "1"]
        assert main([*words, str(data / f"{kind}-0")]) == 0
    split = work / "splits" / "ucf101" / "split1.csv"
    split.parent.mkdir(parents=True)
    entries = [[name, "ucf101", number % 2, name, "test"] for number, name in enumerate(VIDEOS)]
    write_csv(split, ["video_id", "dataset", "label", "group", "part"], entries)
    summary = {
        "class_names": CLASSES,
        "protocol": "official-split1",
        "notes": [],
        "parts": {"test": {"expected": len(VIDEOS)}},
    }
    split.with_suffix(".json").write_text(json.dumps(summary))
    (work / "config.json").write_text(config.dump(configuration))
    return work


@pytest.fixture(scope="module")
def i3d(work: Path, configuration: Config) -> Path:
    """The folder of an RGB run of I3D."""
    return make_run(work, configuration, "i3d", "rgb")


def write_csv(path: Path, columns: list[str], rows: list[list[object]]) -> None:
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def make_run(work: Path, configuration: Config, method: str, input_: str) -> Path:
    """A run of an untrained network, its head turned up until it tells the videos apart."""
    run = Run("ucf101", method, input_, "scratch", "none", 1, 0)
    settings = experiments.train_settings(run, configuration)
    torch.manual_seed(0)
    network = build_network(settings, len(CLASSES)).eval()
    head: Any = network.get_submodule("logits.conv3d" if method == "i3d" else "classifier")
    folder = work / "runs" / run.path
    digest = file_digest(work / "splits" / "ucf101" / "split1.csv")
    save_trained(folder, network, settings, CLASSES, digest)
    logits_VC = torch.from_numpy(evaluated(work, configuration, folder, PROTOCOL))
    gain_C = 1 / logits_VC.std(0)
    with torch.no_grad():
        head.weight.mul_(gain_C.view(-1, *[1] * (head.weight.ndim - 1)))
        head.bias.copy_((head.bias - logits_VC.mean(0)) * gain_C)
    save_trained(folder, network, settings, CLASSES, digest)
    return folder


def evaluated(work: Path, configuration: Config, folder: Path, test: TestSettings) -> np.ndarray:
    """Scores (V, C) by way of the shards."""
    settings = EvaluateSettings(configuration="test", test=test, compute=configuration.compute)
    words = ["evaluate", str(folder), "--settings", config.dump(settings)]
    words += ["--split", str(work / "splits" / "ucf101" / "split1.csv")]
    data = work.parent / DATA
    words += [f"--{kind}=ucf101={data}/{kind}-0.index" for kind in ("rgb", "flow")]
    assert main(words) == 0
    return read_scores(folder / "scores-test.h5").scores


def softmax(logits_VC: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits_VC.astype(np.float64))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def predicted(capsys: pytest.CaptureFixture[str], *words: object) -> np.ndarray:
    """Probabilities (V, C) of `rev2net predict --json`, classes in their own order."""
    capsys.readouterr()
    assert main(["predict", *map(str, words), "--json", "--top", "9"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [{c["class"]: c["probability"] for c in record["classes"]} for record in records]
    return np.array([[classes[name] for name in CLASSES] for classes in found])


def paths(work: Path) -> list[Path]:
    return [work.parent / DATA / "videos" / f"{name}.avi" for name in VIDEOS]


@pytest.mark.parametrize(
    ("method", "input_"), [("i3d", "rgb"), ("i3d", "flow"), ("tsn", "flow"), ("tsn", "rgbdiff")]
)
def test_a_file_has_the_probabilities_that_evaluation_finds(
    work: Path,
    configuration: Config,
    capsys: pytest.CaptureFixture[str],
    method: str,
    input_: str,
) -> None:
    folder = make_run(work, configuration, method, input_)
    expected = softmax(evaluated(work, configuration, folder, PROTOCOL))
    assert np.ptp(expected, axis=0).max() > 0.1  # the videos do differ
    found = predicted(capsys, *paths(work), "--run", folder, "--clips", 2, "--crops", 3)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_the_protocol_is_that_of_the_configuration_beside_the_run(
    work: Path, configuration: Config, i3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = PROTOCOL.model_copy(update={"clips": 3, "crops": 1, "average": "probability"})
    changed = configuration.model_dump()
    changed["recipes"]["i3d.rgb"]["test"] = test.model_dump()
    (work / "config.json").write_text(config.dump(config.validate(Config, changed, "test")))
    try:
        found = predicted(capsys, *paths(work), "--run", i3d)
        given = predicted(capsys, *paths(work), "--run", i3d, "--config", work / "config.json")
    finally:
        (work / "config.json").write_text(config.dump(configuration))
    expected = evaluated(work, configuration, i3d, test)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    np.testing.assert_array_equal(found, given)


def test_a_checkpoint_alone_is_scored_on_one_centre_crop(
    work: Path,
    configuration: Config,
    i3d: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = tmp_path / "i3d.pt"
    alone.write_bytes((i3d / "checkpoint.pt").read_bytes())
    size = configuration.recipes["i3d.rgb"].clip.size
    test = TestSettings(clips=1, crops=1, size=size, average="logit")
    expected = softmax(evaluated(work, configuration, i3d, test))
    found = predicted(capsys, *paths(work), "--run", alone)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_all_frames_are_one_clip_however_few(
    work: Path, configuration: Config, i3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = PROTOCOL.model_copy(update={"crops": 1, "whole_video": True, "length": 8})
    expected = softmax(evaluated(work, configuration, i3d, test))
    asked = [*paths(work), "--run", i3d, "--crops", 1]
    words = [*asked, "--whole-video"]
    np.testing.assert_allclose(predicted(capsys, *words), expected, atol=TOLERANCE)
    one_clip = predicted(capsys, *asked, "--clips", 1)
    assert np.abs(one_clip - expected).max() > 100 * TOLERANCE
    assert main(["predict", *map(str, words)]) == 0
    assert "12 frames, whole video x 1 crop" in capsys.readouterr().out


def test_segments_are_no_whole_video(
    work: Path, configuration: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(work, configuration, "tsn", "rgbdiff")
    assert main(["predict", str(paths(work)[0]), "--run", str(folder), "--whole-video"]) == 2
    assert capsys.readouterr().err.startswith("rev2net predict: --whole-video: for 3D networks")


def test_the_best_classes_are_printed_in_percent(
    work: Path, i3d: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = paths(work)[0]
    chances = predicted(capsys, video, "--run", i3d)[0]
    assert main(["predict", str(video), "--run", str(i3d), "--top", "2"]) == 0
    network, title, first, second = capsys.readouterr().out.splitlines()
    trained_on = "trained on ucf101 of configuration 'mini' (synthetic videos)"
    assert network == f"I3D on RGB, 3 classes, {trained_on}"
    assert title == f"{video}: 12 frames, 1 clip x 1 crop"
    order = np.argsort(-chances)
    assert first.split() == [f"{100 * chances[order[0]]:.1f}", "%", CLASSES[order[0]]]
    assert second.split() == [f"{100 * chances[order[1]]:.1f}", "%", CLASSES[order[1]]]


def test_a_bad_file_gets_a_line_and_the_others_are_predicted(
    work: Path, i3d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.avi").write_text("no video")
    good, bad = paths(work)[0], [tmp_path / "absent.avi", tmp_path / "text.avi"]
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(bad[0]), str(good), str(bad[1]), "--run", str(i3d), "--json"])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert [json.loads(line)["video"] for line in out.splitlines()] == [str(good)]
    absent, text = err.splitlines()
    assert absent == f"rev2net predict: {bad[0]}: no such file"
    assert text.startswith(f"rev2net predict: {bad[1]}: ffmpeg: Invalid data")


def test_a_single_frame_has_no_flow(
    work: Path, configuration: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(work, configuration, "i3d", "flow")
    encode(small_dataset.video(0, 0)[0][:1], 25, tmp_path / "one.avi", "ucf101")
    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path / "one.avi"), "--run", str(folder)])
    assert "one.avi: one frame; flow needs two" in capsys.readouterr().err


def test_a_truncated_video_is_predicted_with_a_warning(
    work: Path, i3d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = paths(work)[0].read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 2 // 3])
    assert main(["predict", str(tmp_path / "cut.avi"), "--run", str(i3d)]) == 0
    out, err = capsys.readouterr()
    assert "warning:" in err
    assert "of 12 announced frames" in err
    assert out.count("%") == len(CLASSES)


def test_the_annotated_video_shows_every_frame_with_a_panel(
    work: Path, i3d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, marked = paths(work)[0], tmp_path / "marked.mp4"
    assert main(["predict", str(video), "--run", str(i3d), "--annotate", str(marked)]) == 0
    before, after = decode(video, short_side=240), decode(marked)
    assert after.shape[:2] == (12, 240)
    width = min(before.shape[2], after.shape[2])  # an odd one has become even
    change = np.abs(before[:, :, :width].astype(int) - after[:, :, :width]).mean(axis=(0, 3))
    assert change[:120].mean() < 8  # compression
    assert change[200:230, :60].mean() > 30  # the panel


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--top", "0"], "--top: 0; allowed is a whole number from 1"),
        (["--clips", "0"], "arguments: clips: Input should be greater than or equal to 1, found 0"),
        (["--annotate", "x.gif"], "--annotate: x.gif; allowed ending: .mp4"),
        (["another.avi", "--annotate", "x.mp4"], "--annotate: takes one video; 2 given"),
    ],
)
def test_bad_options_get_one_line(
    work: Path,
    i3d: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    line: str,
) -> None:
    assert main(["predict", str(paths(work)[0]), *words, "--run", str(i3d)]) == 2
    assert capsys.readouterr().err == f"rev2net predict: {line}\n"


def test_a_checkpoint_that_is_no_run_gets_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"state_dict": {"weight": torch.zeros(1)}}, tmp_path / "other.pt")
    assert main(["predict", "a.avi", "--run", str(tmp_path / "other.pt")]) == 2
    assert "other.pt: holds no trained run; needed: a checkpoint.pt" in capsys.readouterr().err
    assert main(["predict", "a.avi", "--run", str(tmp_path / "absent")]) == 2
    assert "no such checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["legacy", "cut", "text", "pickle", "strange weights"])
def test_a_checkpoint_of_something_else_is_never_advised_to_be_deleted(
    i3d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "resnet50.pth.tar"
    other: dict[str, Any] = {"state_dict": {"weight": torch.zeros(1)}}
    if kind == "legacy":
        torch.save(other, path, _use_new_zipfile_serialization=False)
    elif kind == "text":
        path.write_text("<html>404</html>")
    elif kind == "pickle":
        torch.save({"model": torch.nn.Linear(1, 1)}, path)
    elif kind == "cut":
        torch.save(other, path)
        path.write_bytes(path.read_bytes()[:-40])
    else:
        state = torch.load(i3d / "checkpoint.pt", weights_only=True)
        state["network"] = {name: value.flatten()[:1] for name, value in state["network"].items()}
        torch.save(state, path)
    assert main(["predict", "a.avi", "--run", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"rev2net predict: {path}: ")
    assert error.count("\n") == 1
    assert "delete" not in error


def test_a_damaged_checkpoint_of_the_workflows_is_advised_to_be_made_again(
    i3d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / i3d.name
    folder.mkdir()
    (folder / "checkpoint.pt").write_bytes((i3d / "checkpoint.pt").read_bytes()[:-40])
    assert main(["predict", "a.avi", "--run", str(folder)]) == 2
    assert "delete it and give the same command again" in capsys.readouterr().err


def test_a_folder_stands_for_the_videos_below_it_and_a_list_for_those_it_names(
    work: Path, i3d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = paths(work)[0].parent
    (folder / "notes.txt").touch()
    (folder / "._a.avi").touch()
    expected = predicted(capsys, *paths(work), "--run", i3d)
    np.testing.assert_array_equal(predicted(capsys, folder, "--run", i3d), expected)
    np.testing.assert_array_equal(predicted(capsys, folder.parent, "--run", i3d), expected)
    listed = tmp_path / "clips.txt"
    listed.write_text("".join(f"{path}\n" for path in paths(work)))
    np.testing.assert_array_equal(predicted(capsys, listed, "--run", i3d), expected)
    listed.unlink()
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(tmp_path), str(paths(work)[0]), "--run", str(i3d)])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert f"{tmp_path}: no video in this folder; looked for .avi, " in err
    assert out.splitlines()[1].startswith(f"{paths(work)[0]}: ")


def test_an_exported_run_is_asked_as_the_run_is(
    work: Path, configuration: Config, tmp_path: Path
) -> None:
    """With the flow and the views that its configuration says."""
    run = make_run(work, configuration, "i3d", "flow")
    evaluated(work, configuration, run, PROTOCOL)
    for source, name in ((run, "folder"), (run / "checkpoint.pt", "file")):
        assert main(["export", str(source), str(tmp_path / name)]) == 0
        ours, given = of_run(run), of_run(tmp_path / name)
        assert given.flow == ours.flow
        assert (given.test, given.frames) == (ours.test, ours.frames)
        card = (tmp_path / name / "README.md").read_text()
        assert "of 3 test videos" in card
        assert ours.flow != default_settings(ours.flow.bound)


def test_a_name_that_is_no_text_is_predicted_like_any_other(
    work: Path, i3d: Path, tmp_path: Path
) -> None:
    """As a process: what is printed must get through its standard output."""
    odd = tmp_path / os.fsdecode(b"caf\xe9.avi")
    odd.write_bytes(paths(work)[0].read_bytes())
    command = [sys.executable, "-m", "rev2net.cli", "predict", str(odd)]
    command += [str(paths(work)[1]), "--run", str(i3d)]
    for more in ([], ["--json"]):
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        assert not done.stderr
        assert "caf\\udce9.avi" in done.stdout
        assert str(paths(work)[1]) in done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["video"] == str(odd)


@pytest.mark.parametrize("how", ["itself", "dots", "link", "hard link", "link to its folder"])
@pytest.mark.parametrize("command", ["predict", "visualize"])
def test_no_video_is_overwritten_with_what_is_made_from_it(
    work: Path,
    i3d: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    how: str,
) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(paths(work)[0].read_bytes())
    content, output = video.read_bytes(), tmp_path / "other.mp4"
    if how == "link":
        output.symlink_to(video)
    elif how == "hard link":
        output.hardlink_to(video)
    elif how == "link to its folder":
        (tmp_path / "folder").symlink_to(tmp_path)
        output = tmp_path / "folder" / "clip.mp4"
    else:
        output = video if how == "itself" else tmp_path / "." / ".." / tmp_path.name / "clip.mp4"
    words = [command, str(video), str(output)]
    if command == "predict":
        words = [command, str(video), "--run", str(i3d), "--annotate", str(output)]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert f"rev2net {command}: {output}: is what it would be made from, {video}" in error
    assert video.read_bytes() == content


def test_names_near_the_limit_do_not_break_evaluation_or_pictures(
    work: Path, i3d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / ("ü" * 120 + "x" * 11 + ".mp4")
    assert len(os.fsencode(long.name)) == 255
    command = ["predict", str(paths(work)[0]), "--run", str(i3d), "--annotate", str(long)]
    assert main(command) == 0
    assert len(decode(long)) == 12
    assert [path.name for path in tmp_path.iterdir()] == [long.name]


def test_inspect_takes_a_run_and_the_folders_above_it(
    work: Path, i3d: Path, configuration: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(work, configuration, i3d, PROTOCOL)
    unfinished = i3d.with_name("split2.seed0")
    unfinished.mkdir(exist_ok=True)
    (unfinished / "last.jsonl").write_text('{"step": 40}\n{"step": 80}\n{"st')

    def inspected(path: Path) -> Any:
        capsys.readouterr()
        assert main(["inspect", str(path), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    lines = [{"step": 10, "flow_share_deep": 2.0, "flow_share_stem": 0.5},
             {"step": 20, "flow_share_deep": 6.0, "flow_share_stem": 0.1}]  # fmt: skip
    (i3d / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    measures = {"clips": 8.0, "flow_epe": 0.3, "still_epe": 0.6}
    write_examples(i3d / "examples.h5", Examples("a/run", measures=measures))
    run = inspected(i3d)
    assert run["run"]["run"] == "split1.seed0"
    (shares,) = run["gradient, percent of the classification's"]
    assert list(shares.values())[:4] == ["flow", "2", "4", "6"]
    decoded = run["decoded held-out clips"]
    assert decoded["flow_epe"] == 0.3
    assert decoded["verdict 1"] == (
        "Flow errs 0.50 times as much as no motion: better than standing still."
    )
    assert run["test: accuracy in percent"]["videos"] == len(VIDEOS)
    assert {"name": "checkpoint.pt", "bytes": (i3d / "checkpoint.pt").stat().st_size} in run[
        "files"
    ]
    made = [
        {"dataset": "ucf101-0", "images": f"{kind}-0", "videos": 3, "usable": 3}
        for kind in ("flow", "rgb")
    ]
    assert inspected(work.parent / "data")["datasets"] == made
    for folder, datasets in ((work, []), (work.parent, made)):
        found = inspected(folder)
        assert found["datasets"] == datasets
        states = {row["run"]: row["state"] for row in found["runs"]}
        assert states[unfinished.relative_to(work / "runs").as_posix()] == "unfinished, at step 80"
        assert i3d.relative_to(work / "runs").as_posix() in states
    assert main(["inspect", str(unfinished)]) == 0
