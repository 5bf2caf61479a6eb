"""`rev2net new`: what it finds in folders, and that its proposals are configurations that fit."""

import csv
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rev2net.cli import main
from rev2net.config import Config, CrossDataset, WithinDataset, load
from rev2net.datasets.index import IMPORTERS
from rev2net.datasets.listing import Listing, Video
from rev2net.mini import MiniOptions, write_mini
from rev2net.proposing.classes import shared_classes
from rev2net.proposing.fitting import Machine, Sizes, fitting
from rev2net.proposing.survey import group_example, group_pattern
from tests.own_videos import FRAMES, link_project, write_folder, write_video

CPU = ("--cores", "2", "--gpus", "0")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of videos by class, written once."""
    folder = tmp_path_factory.mktemp("videos")
    write_folder(folder / "home", ["jump", "push-ups", "sit"])
    write_folder(folder / "away", ["Jump", "PushUp", "Sitting"], ["a", "b", "c"], ".avi")
    return folder


@pytest.fixture
def project(tmp_path: Path, videos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the workflow runs, with two folders of videos in it."""
    monkeypatch.chdir(link_project(tmp_path))
    shutil.copytree(videos, tmp_path, dirs_exist_ok=True)
    return tmp_path


def propose(*words: str) -> Config:
    assert main(["new", "mine.yaml", *words, *CPU]) == 0
    return load(Path("mine.yaml"))


def test_two_folders_become_transfer_in_both_directions(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = propose("--dataset", "home=home", "--dataset", "away=away")
    assert config.name == "mine"
    for name, source, target in (("home-away", "home", "away"), ("away-home", "away", "home")):
        benchmark = config.benchmarks[name]
        assert isinstance(benchmark, CrossDataset)
        assert (benchmark.source, benchmark.target) == (source, target)
        assert (benchmark.class_map, benchmark.protocol) == ("mine.classes.csv", "all-videos")
    assert config.datasets["home"].root == "home"
    assert config.tables["transfer"].benchmarks == ("home-away", "away-home")
    with open("mine.classes.csv", newline="") as file:
        pairs = [(row["home"], row["away"]) for row in csv.DictReader(file)]
    assert pairs == [("jump", "Jump"), ("push-ups", "PushUp")]
    out = capsys.readouterr().out
    assert "are 'sit' and 'Sitting' the same?" in out
    assert f"{FRAMES} / {FRAMES} / {FRAMES}" in out
    assert "home: 18 videos count as sources of their own" in out
    assert "rev2net plan --config mine.yaml\n" in out
    assert "snakemake results/transfer.csv --cores 2 --configfile mine.yaml\n" in out
    offered = re.findall("# groups: (.*)", Path("mine.yaml").read_text())
    assert offered == [r"'([^/]+)-\d+\.\w+$' # matches every path, as it must"]  # of home alone


def test_names_that_yaml_would_take_for_something_else(project: Path) -> None:
    assert main(["new", "2024.yaml", "--dataset=2023=home", "--dataset=no=away", *CPU]) == 0
    config = load(Path("2024.yaml"))
    assert config.name == "2024"
    assert list(config.datasets) == ["2023", "no"]
    assert list(propose("--dataset=2023=home").benchmarks) == ["2023"]


def test_every_recipe_that_the_table_needs_is_there(project: Path) -> None:
    config = propose("--dataset", "home=home", "--dataset", "away=away")
    for row in config.tables["transfer"].rows:
        for kind in row.input.split("+"):
            assert config.recipe_name(f"{row.method}.{kind}", "scratch", "home-away")


def test_one_folder_is_divided_by_source_video(project: Path) -> None:
    benchmark = propose("--dataset", "home=home").benchmarks["home"]
    assert isinstance(benchmark, WithinDataset)
    assert benchmark.protocol == "by-group"
    assert not Path("mine.classes.csv").exists()


def test_train_and_test_folders_are_kept(project: Path) -> None:
    for side in ("train", "test"):
        write_folder(project / "sides" / side, ["jump", "sit"], [f"{side}1", f"{side}2"])
    config = propose("--dataset", "home=sides")
    assert config.benchmarks["home"].protocol == "official"
    assert config.datasets["home"].format == "folders"
    # Of two datasets both must be divided.
    assert main(["new", "both.yaml", "--dataset", "a=sides", "--dataset", "b=home", *CPU]) == 0
    assert load(Path("both.yaml")).benchmarks["a-b"].protocol == "all-videos"
    assert "What a gives as train and test is not used" in Path("both.yaml").read_text()


@pytest.mark.parametrize("given", ["home", "home/clips.csv"])
def test_a_list_is_read_from_its_folder_or_by_name(project: Path, given: str) -> None:
    rows = [
        f"{path.relative_to('home')},{path.parent.name}" for path in Path("home").rglob("*-*.*")
    ]
    Path("home/clips.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    settings = propose("--dataset", f"home={given}").datasets["home"]
    assert (settings.format, settings.root, settings.lists) == ("list", "home", "clips.csv")


def test_lists_of_mmaction2_are_read_together(project: Path) -> None:
    paths = sorted(path.relative_to("home").as_posix() for path in Path("home").rglob("*-*.*"))
    for name, part in (("train", paths[::2]), ("val", paths[1::2])):
        lines = [f"{path} {ord(path[0])}\n" for path in part]
        Path(f"home/{name}_list_videos.txt").write_text("".join(lines))
    config = propose("--dataset", "home=home")
    assert (config.datasets["home"].format, config.datasets["home"].lists) == ("list", ".")
    assert config.benchmarks["home"].protocol == "official"


def test_other_texts_beside_the_videos_are_no_lists(project: Path) -> None:
    Path("home/readme.txt").write_bytes("Aufnahmen von März 2024\n".encode("latin-1"))
    Path("home/cameras.csv").write_text("path,owner\npark,me\n")
    Path("home/.clips.csv").write_text("path,label\n")
    assert propose("--dataset", "home=home").datasets["home"].format == "folders"


def test_published_datasets_have_the_shipped_pairs(project: Path) -> None:
    tiny = MiniOptions(groups=4, clips=1, frames=(5, 7), height=32)
    for dataset in ("ucf101", "hmdb51"):
        write_mini(project, dataset, tiny)
    config = propose("--dataset", "ucf=ucf101", "--dataset", "films=hmdb51")
    assert config.datasets["films"].format == "hmdb51"
    assert not config.datasets["films"].official
    assert config.benchmarks["ucf-films"].protocol == "official-split1"
    with open("mine.classes.csv", newline="") as file:
        pairs = {(row["ucf"], row["films"]) for row in csv.DictReader(file)}
    assert ("GolfSwing", "golf") in pairs


def test_real_clips_in_folders_and_lists(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of JHMDB, whose file names tell the film, and of ARID: five classes of both."""
    monkeypatch.chdir(link_project(tmp_path))
    folders = {}
    for name in ("jhmdb", "arid"):
        folders[name] = tmp_path / "folders" / name
        folders[name].mkdir(parents=True)
        for place in filter(Path.is_dir, (real_data / name).iterdir()):
            (folders[name] / place.name).symlink_to(place)
    alike = propose(*(f"--dataset={name}={folder}" for name, folder in folders.items()))
    known = list(csv.DictReader((real_data / "jhmdb" / "clips.csv").read_text().splitlines()))
    videos = IMPORTERS["folders"](alike.datasets["jhmdb"]).videos
    titles = {row["path"]: row["group"] for row in known}
    # One title holds the class's name, `Rate_my_golf_swing`, and the list cuts it there.
    longer = {v.group for v in videos if v.group != titles[v.path]}
    assert longer == {"Rate_my_golf_swing__driver_and_9_iron"}
    assert alike.datasets["arid"].groups is None
    rows = list(csv.DictReader(Path("mine.classes.csv").read_text().splitlines()))
    assert [row["arid"] for row in rows] == ["Jump", "Run", "Sit", "Stand", "Walk"]

    words = (f"--dataset={name}={real_data / name}" for name in folders)
    listed = propose(*words, "--force")
    assert [listed.datasets[name].format for name in folders] == ["list", "list"]
    clip = listed.recipes["i3d.rgb"].clip
    whole = [int(row["frames"]) > clip.stride * (clip.length - 1) for row in known]
    assert sum(whole) > 0.85 * len(whole)  # of most videos a clip is no repetition


def test_a_broken_video_is_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("home/jump/broken.mp4").write_text("no video")
    whole = Path("home/sit/hall-1.mp4").read_bytes()
    Path("home/sit/cut.mp4").write_bytes(whole[: len(whole) // 2])
    propose("--dataset", "home=home")
    out = capsys.readouterr().out
    assert "2 of 20" in out
    for name in ("home/jump/broken.mp4", "home/sit/cut.mp4"):
        assert re.search(rf"^  {name} +\S", out, flags=re.MULTILINE)


def test_a_folder_of_two_datasets_is_asked_about(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("home", "away"):
        shutil.copytree(project / name, project / "both" / name)
    propose("--dataset", "mine=both")
    line = "both: no class folder holds a video itself, only folders do (away/Jump); if away and "
    assert f"{line}home are datasets, not classes, give each" in capsys.readouterr().out
    write_video(project / "both/home/a.mp4", 0, 0)
    propose("--dataset", "mine=both", "--force")
    assert "no class folder" not in capsys.readouterr().out


def test_it_obeys_the_schema_that_its_first_line_names(project: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    Path("own").mkdir()
    assert main(["new", "own/mine.yaml", "--dataset", "home=home", *CPU]) == 0
    text = Path("own/mine.yaml").read_text()
    named = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    schema = yaml.safe_load((Path("own") / named).read_text())
    jsonschema.validate(yaml.safe_load(text), schema)
    assert max(map(len, text.splitlines())) <= 110


def test_elsewhere_paths_are_whole_and_the_way_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Snakefile").unlink()
    config = propose("--dataset", "home=home", "--dataset", "away=away")
    assert config.datasets["home"].root == str(project / "home")
    assert config.benchmarks["home-away"].class_map == str(project / "mine.classes.csv")  # type: ignore[union-attr]
    first = Path("mine.yaml").read_text().splitlines()[0]
    assert re.search(r"\$schema=file:///\S+/configs/schema\.json$", first)
    out = capsys.readouterr().out
    assert re.search(r"next:\n  cd /.+\n  rev2net plan --config /", out)


def test_nothing_is_overwritten_unless_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["new", "mine.yaml", "--dataset", "home=home", *CPU]
    Path("mine.yaml").write_text("mine\n")
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "rev2net new: mine.yaml: is there already; give another name, or --force\n"
    )
    assert Path("mine.yaml").read_text() == "mine\n"
    assert main([*words, "--force"]) == 0
    assert load(Path("mine.yaml")).name == "mine"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["mine.yaml", "home"], "--dataset home: expected NAME=DIR, for example home=videos/home"),
        (["mine.yaml", "Home=home"], "--dataset Home=home: name 'Home'; allowed are a-z"),
        (["mine.yaml", "a=home", "a=away"], "--dataset a=away: name 'a' stands twice"),
        (["mine.yaml", "a=home", "b=away", "c=away"], "3 datasets; allowed are one or two"),
        (["mine.yaml", "a=absent"], "absent: no such folder, or list of videos"),
        (["Mine.yaml", "a=home"], "Mine.yaml: allowed are a-z, 0-9 and -"),
        (["mine.json", "a=home"], "mine.json: allowed are a-z, 0-9 and -"),
        (["mini.yaml", "a=home"], "mini.yaml: {here}/config.yaml has the name 'mini' already"),
        (["mine.yaml", "a=home", "--cores", "0"], "--cores: 0; allowed is a whole number from 1"),
        (["mine.yaml", "a=home/jump"], "home/jump: 6 videos, none in a class"),
        (["mine.yaml", "a=one"], "one: one class, 'jump'; needed are two"),
        (["mine.yaml", "a=home", "b=other"], "a and b have 0 classes of the same name"),
        (["mine.yaml", "a=text"], "text: no video of 2 can be decoded (text/run/b.mp4: "),
        (["mine.yaml", "a=line\nend"], "'line\\nend': a configuration cannot hold this name"),
    ],
)
def test_what_cannot_be_proposed_is_one_line(
    words: list[str], line: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(Path("one/jump/a.mp4"), 0, 0)
    write_folder(project / "other", ["fly", "swim"], ["a"])
    for name in ("run/b", "walk/c"):
        path = Path(f"text/{name}.mp4")
        path.parent.mkdir(parents=True)
        path.write_text("no video")
    before = sorted(os.listdir())
    given = [f"--dataset={word}" if "=" in word or word == "home" else word for word in words]
    assert main(["new", *given]) == 2
    error = capsys.readouterr().err
    assert line.replace("{here}", str(project)) in error
    assert error.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_classes_of_the_same_words_are_paired() -> None:
    found = shared_classes(
        ["Push_Ups", "golf", "shoot ball", "walk", "ride_horse", "box"],
        ["pushup", "GolfSwing", "ShootBalls", "Walking", "HorseRiding", "boxes", "swim"],
    )
    assert found.pairs == [("Push_Ups", "pushup"), ("shoot ball", "ShootBalls"), ("box", "boxes")]
    assert found.near == [("golf", "GolfSwing"), ("walk", "Walking")]
    assert found.rest == (
        ["golf", "walk", "ride_horse"],
        ["GolfSwing", "Walking", "HorseRiding", "swim"],
    )


def test_two_classes_of_the_same_words_in_one_dataset_are_left_to_a_person() -> None:
    found = shared_classes(["jump", "Jumps", "run"], ["jump", "run"])
    assert found.pairs == [("run", "run")]
    assert found.near == [("jump", "jump"), ("Jumps", "jump")]


def listing(*paths: str) -> Listing:
    names = sorted({Path(path).parent.name for path in paths})
    stems = [path.rpartition(".")[0] for path in paths]
    videos = [
        Video(stem, path, Path(path).parent.name, stem, (), True)
        for stem, path in zip(stems, paths, strict=True)
    ]
    return Listing(names, videos, [])


@pytest.mark.parametrize(
    ("paths", "groups"),
    [
        (
            [
                "Biking/v_Biking_g01_c04.avi",
                "Biking/v_Biking_g01_c05.avi",
                "Punch/v_Punch_g2_c1.avi",
            ],
            {"v_Biking_g01", "v_Punch_g2"},
        ),
        (
            [
                "shoot_ball/A_run_(HQ)_shoot_ball_f_cm_np1_le_med_2.avi",
                "run/A_run_(HQ)_run_u_nm_np2_ba_goo_0.avi",
            ],
            {"A_run_(HQ)"},  # the film, whatever is done in it
        ),
        (["jump/park-1.mp4", "run/v_run_g01_c01.mp4"], None),
    ],
)
def test_groups_are_read_off_known_names_only(paths: list[str], groups: set[str] | None) -> None:
    pattern = group_pattern(listing(*paths))
    assert (pattern is None) == (groups is None)
    if pattern is not None:
        matches = [re.search(pattern, path) for path in paths]
        assert {match[1] for match in matches if match} == groups


@pytest.mark.parametrize(
    ("paths", "groups"),
    [
        (["run/park-1.mp4", "jump/my_park-2.mp4"], ["park", "my_park"]),
        (["run/park_1.mp4", "run/park_12.mp4"], ["park", "park"]),
        (["run/park-1.mp4", "run/hall.mp4"], None),
        (["run/1.mp4", "run/2.mp4"], None),
    ],
)
def test_the_groups_that_are_offered_match_every_path(
    paths: list[str], groups: list[str] | None
) -> None:
    pattern = group_example(listing(*paths))
    assert (pattern is None) == (groups is None)
    if pattern is not None:
        assert [match[1] for path in paths if (match := re.search(pattern, path))] == groups


kinds = st.fixed_dictionaries(
    {
        "frames": st.integers(2, 2000).map(lambda n: (n, n, n)),
        "short_side": st.integers(32, 1080),
        "fps": st.sampled_from([0.0, 5.0, 15.0, 25.0, 30.0, 60.0]),
    }
)


@given(
    found=st.lists(kinds, min_size=1, max_size=2),
    training=st.integers(1, 300_000),
    cores=st.integers(1, 256),
    gpus=st.integers(0, 8),
)
def test_sizes_fit_the_videos_and_the_machine(
    found: list[dict[str, object]], training: int, cores: int, gpus: int
) -> None:
    surveys = [SimpleNamespace(**values) for values in found]
    machine = Machine(cores, gpus, memory_mb=64_000)
    sizes = fitting(surveys, [training] * len(surveys), machine)  # type: ignore[arg-type]
    least = min(survey.short_side for survey in surveys)
    assert 32 <= sizes.size <= sizes.short_side <= least
    assert sizes.batch <= max(2, training)
    assert sizes.threads <= cores
    shortest = min(survey.frames[0] for survey in surveys)
    assert sizes.fps or sizes.stride == 1 or sizes.stride * (sizes.length - 1) < shortest
    if not gpus:
        steps = sizes.epochs * training / sizes.batch
        assert steps <= max(400 * max(1, cores // 4), training / sizes.batch)


def test_a_gpu_is_given_more_than_two_cores() -> None:
    survey = SimpleNamespace(frames=(60, 80, 90), short_side=240, fps=25.0)
    small, large, huge = (
        fitting([survey], [videos], Machine(16, gpus, 64_000))  # type: ignore[list-item]
        for videos, gpus in ((200, 0), (200, 1), (9000, 1))
    )

    def cost(sizes: Sizes) -> float:
        return sizes.size**2 * sizes.length * sizes.width**2 * sizes.batch

    assert 10 * cost(small) < cost(large)
    assert large.size < huge.size
    assert (small.gpus, large.gpus) == (0, 1)


def test_rates_that_differ_much_are_made_one() -> None:
    rates = [SimpleNamespace(frames=(100,) * 3, short_side=240, fps=fps) for fps in (60.0, 25.0)]
    sizes = fitting(rates, [100, 100], Machine(2, 0, 64_000))  # type: ignore[arg-type]
    assert sizes.fps == 25
