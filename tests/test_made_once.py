"""What is made of videos is made once, whichever configuration asks first; flow only where read."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rev2net import experiments, needs
from rev2net.changes import changed_folders, replaced_weights, warning
from rev2net.config import Config, dump, load, validate
from rev2net.datasets.index import build_index
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from tests.made_data import data_folder, shard_folder
from tests.test_workflow import ROOT, counts, snakemake
from tests.work_folder import own_config

SMOKE = ROOT / "configs/smoke.yaml"
OF_DATA = {"generate_mini", "index_dataset", "decode_frames", "compute_flow", "merge_shards"}
SPLITS = [f"work/smoke/splits/{name}/split1.csv" for name in ("hmdb-ucf", "ucf-hmdb")]
RUN = "hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0"


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The smoke configuration with a change, as a file."""
    values = yaml.safe_load(SMOKE.read_text())
    change(values)
    path.write_text(yaml.safe_dump(values))
    return path


def planned(directory: Path, file: Path, *targets: str) -> dict[str, int]:
    """The jobs of a dry run, by rule; none where there is nothing to be done."""
    result = snakemake(
        *targets, "-n", "--cores", "2", "--configfile", str(file), directory=directory
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return {} if "Nothing to be done" in result.stdout else counts(result.stdout)


def make(directory: Path, file: Path, *targets: str) -> None:
    options = ("--cores", "2", "--configfile", str(file))
    result = snakemake(*targets, *options, directory=directory)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smoke benchmark ran up to its splits."""
    folder = tmp_path_factory.mktemp("made")
    make(folder, SMOKE, *SPLITS)
    return folder


def test_a_second_configuration_decodes_nothing_and_computes_no_flow(
    made: Path, tmp_path: Path
) -> None:
    """Other name, seeds, recipes, demands and limits, and a method more, on the same videos."""

    def change(values: dict[str, Any]) -> None:
        values |= {"name": "second", "seeds": [0, 1], "methods": {"wide": {"network": "i3d"}}}
        values["recipes"]["wide.rgb"] = values["recipes"]["i3d.rgb"]
        values["recipes"]["tsn.rgb"]["optimisation"]["steps"] = 5
        values["datasets"]["ucf101"] |= {"max_unusable_fraction": 0.0, "official": True}
        values["datasets"]["hmdb51"]["partial"] = True
        values["frames"]["time_limit"] = 61

    file = changed(tmp_path / "second.yaml", change)
    own = [f"work/second/runs/hmdb-ucf/wide/rgb.scratch.mkmmd/split1.seed{s}" for s in (0, 1)]
    scores = [f"{folder}/scores-test.h5" for folder in own]
    jobs = planned(made, file, "results/table5.csv", *scores)
    assert not OF_DATA & set(jobs)
    assert (jobs["split_benchmark"], jobs["train_run"]) == (2, 2 * 14 + 2)
    # Beginning for itself, it would make all of it.
    assert set(planned(tmp_path, file, "results/table5.csv")) > OF_DATA

    make(made, file, "work/second/splits/hmdb-ucf/split1.csv")
    ours, theirs = (made / f"work/{n}/splits/hmdb-ucf/split1.csv" for n in ("second", "smoke"))
    assert ours.read_text() == theirs.read_text()
    assert planned(made, SMOKE, *SPLITS) == {}


def test_other_frames_have_a_folder_of_their_own(made: Path, tmp_path: Path) -> None:
    file = changed(tmp_path / "coarse.yaml", lambda values: values["frames"].update(quality=50))
    old = shard_folder(SMOKE, "hmdb51", "rgb", made)
    before = [old.index.read_bytes(), *(old.shard(k).stat().st_mtime_ns for k in range(2))]
    new = shard_folder(file, "hmdb51", "rgb")
    assert new.path.parent == data_folder(SMOKE, "hmdb51").path  # of the same videos
    make(made, file, str(new.index))
    assert (made / new.shard(0)).read_bytes() != old.shard(0).read_bytes()
    assert before == [old.index.read_bytes(), *(old.shard(k).stat().st_mtime_ns for k in range(2))]
    assert planned(made, SMOKE, *SPLITS) == {}


@pytest.mark.parametrize(
    ("section", "key", "value", "same"),
    [
        ("frames", "time_limit", 7, {"videos", "rgb", "flow"}),
        ("frames", "quality", 90, {"videos", "flow"}),  # flow is of frames as decoded
        ("frames", "short_side", 32, {"videos"}),
        ("flow", "lambda_", 0.2, {"videos", "rgb"}),
        ("hmdb51", "shards", 3, {"videos"}),
        ("hmdb51", "official", True, {"videos", "rgb", "flow"}),
        ("hmdb51", "partial", True, {"videos", "rgb", "flow"}),
        ("hmdb51", "lists", "elsewhere", set()),
        ("mini", "seed", 7, set()),
    ],
)
def test_a_folder_is_named_by_what_decides_what_it_holds(
    section: str, key: str, value: object, same: set[str], tmp_path: Path
) -> None:
    def change(values: dict[str, Any]) -> None:
        values.get(section, values["datasets"].get(section))[key] = value

    def names(file: Path) -> dict[str, str]:
        kinds = {kind: shard_folder(file, "hmdb51", kind).path for kind in ("rgb", "flow")}
        folders = {"videos": data_folder(file, "hmdb51").path, **kinds}
        return {name: str(path) for name, path in folders.items()}

    before, after = names(SMOKE), names(changed(tmp_path / "new.yaml", change))
    assert {name for name in before if before[name] == after[name]} == same


def rgb_only(values: dict[str, Any]) -> None:
    """A benchmark on which one RGB stream is measured, and nothing else runs."""
    values["benchmarks"]["away"] = values["benchmarks"]["hmdb-ucf"]
    values["schedules"] |= {"streams": ["tsn.rgb"], "benchmarks": ["away"]}


def test_a_benchmark_whose_runs_read_rgb_makes_no_flow(tmp_path: Path) -> None:
    file = changed(tmp_path / "rgb.yaml", rgb_only)
    jobs = planned(tmp_path, file, "results/schedules.csv")
    assert "compute_flow" not in jobs
    assert (jobs["decode_frames"], jobs["merge_shards"], jobs["train_schedule"]) == (4, 2, 1)
    assert needs.kinds_needed("hmdb-ucf", load(file)) == ("rgb", "flow")


def test_a_table_of_rgb_rows_makes_no_flow_until_a_row_reads_some(tmp_path: Path) -> None:
    def table(*rows: str) -> dict[str, int]:
        def change(values: dict[str, Any]) -> None:
            values["benchmarks"]["away"] = values["benchmarks"]["hmdb-ucf"]
            values["tables"] = {
                "mine": {"title": "Mine", "benchmarks": ["away"], "rows": list(rows)}
            }

        file = changed(tmp_path / "mine.yaml", change)
        return planned(tmp_path, file, "results/smoke/mine.csv")

    rgb = table("i3d.rgb", "tsn.rgb")
    assert "compute_flow" not in rgb
    assert (rgb["decode_frames"], rgb["merge_shards"], rgb["train_run"]) == (4, 2, 2)
    assert table("i3d.rgb", "rev2net.rgb")["compute_flow"] == 4  # its decoder's targets
    assert table("i3d.rgb", "tsn.rgb+flow")["compute_flow"] == 4


def test_a_run_that_reads_what_its_tables_do_not_is_one_line_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    """Its videos would be others than theirs: a video may be broken in flow alone."""
    file = changed(tmp_path / "rgb.yaml", rgb_only)
    run = "work/smoke/runs/away/i3d/{}.scratch.mkmmd/split1.seed0/run.json"
    assert planned(tmp_path, file, run.format("rgb"))["train_run"] == 1
    options = ("-n", "--configfile", str(file))
    result = snakemake(run.format("flow"), *options, directory=tmp_path)
    assert result.returncode == 1
    printed = result.stdout + result.stderr
    assert "reads flow, which no table of configuration 'smoke' reads on away" in printed
    assert "add a row for i3d.flow to one of them" in printed


def test_a_loss_on_flow_needs_flow_of_an_rgb_run() -> None:
    config = load(SMOKE)
    kinds = {
        method: experiments.run_kinds(
            Run("hmdb-ucf", method, "rgb", "scratch", "none", 1, 0), config
        )
        for method in ("i3d", "rev2net", "rev2net-noflow")
    }
    assert kinds == {"i3d": ("rgb",), "rev2net": ("rgb", "flow"), "rev2net-noflow": ("rgb",)}


def test_a_benchmark_without_any_run_may_be_asked_for_any(tmp_path: Path) -> None:
    def change(values: dict[str, Any]) -> None:
        values["benchmarks"]["away"] = values["benchmarks"]["hmdb-ucf"]

    file = changed(tmp_path / "any.yaml", change)
    assert needs.kinds_needed("away", load(file)) == ("rgb", "flow")


class Finished:
    """`work/smoke` with the configuration that made it, and with the records of some runs."""

    def __init__(self, folder: Path, runs: list[str]) -> None:
        self.work, self.values = (
            WorkFolder(folder / "work/smoke"),
            yaml.safe_load(SMOKE.read_text()),
        )
        config = self.config()
        self.work.path.mkdir(parents=True)
        self.work.config.write_text(dump(config) + "\n")
        for path in runs:
            settings = experiments.train_settings(Run.parse(path), config)
            record = self.work.training(path).record
            record.parent.mkdir(parents=True)
            record.write_text(json.dumps({"settings": json.loads(dump(settings))}))

    def config(self, **sections: Any) -> Config:
        return validate(Config, {**self.values, **sections}, "smoke")

    def changed(self, section: str, *keys: str, value: object) -> str | None:
        """The warning where a key has another value."""
        part = json.loads(json.dumps(self.values[section]))
        inner = part
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        return warning(self.config(**{section: part}), self.work)


@pytest.fixture
def finished(tmp_path: Path) -> Finished:
    runs = [RUN, RUN.replace("rgb", "flow"), "hmdb-ucf/tsn/rgb.scratch.mkmmd/split1.seed0"]
    return Finished(tmp_path, runs)


def test_changed_settings_that_train_finished_runs_again_are_said(finished: Finished) -> None:
    line = finished.changed("recipes", "i3d.rgb", "optimisation", "steps", value=5)
    assert line == (
        f"{finished.work.config} has other settings (recipes.i3d.rgb.optimisation.steps): 1 of 3 "
        "finished runs will be trained again when they are asked for, in place of what is there; "
        "another `name` keeps them"
    )
    for section, key, value, number in (
        ("frames", "quality", 90, 3),
        ("flow", "lambda_", 0.2, 1),  # of the run that reads flow
        ("mini", "seed", 7, 3),
    ):
        line = finished.changed(section, key, value=value)
        assert line is not None
        assert f"({section}.{key}): {number} of 3 finished runs" in line
    line = finished.changed("benchmarks", "hmdb-ucf", "validation_fraction", value=0.2)
    assert line is not None
    assert "3 of 3" in line


def test_changes_that_train_nothing_again_are_not_mentioned(finished: Finished) -> None:
    assert warning(finished.config(), finished.work) is None
    assert warning(finished.config(seeds=[0, 1]), finished.work) is None
    assert finished.changed("recipes", "tsm.rgb", "optimisation", "steps", value=5) is None
    assert finished.changed("benchmarks", "hmdb-ucf", "label", value="H to U") is None
    assert finished.changed("datasets", "ucf101", "partial", value=True) is None
    assert finished.changed("frames", "time_limit", value=60) is None
    finished.work.config.write_text("{")  # the workflow writes another
    assert finished.changed("frames", "quality", value=90) is None
    finished.work.config.unlink()
    assert finished.changed("frames", "quality", value=90) is None


def test_a_run_is_trained_again_with_the_one_that_it_starts_from(tmp_path: Path) -> None:
    finished = Finished(tmp_path, ["ucf101/tsn/rgbdiff.scratch.none/split1.seed0"])
    config = finished.config()
    off = Run.parse("ucf101/off/rgbdiff.scratch.none/split1.seed0")
    record = finished.work.run(off).record
    record.parent.mkdir(parents=True)
    settings = json.loads(dump(experiments.train_settings(off, config)))
    record.write_text(json.dumps({"settings": settings}))
    line = finished.changed("recipes", "tsn.rgbdiff", "optimisation", "steps", value=5)
    assert line is not None
    assert "2 of 2 finished runs" in line


def test_snakemake_says_so_when_it_starts_and_in_a_dry_run(
    finished: Finished, tmp_path: Path
) -> None:
    file = changed(tmp_path / "new.yaml", lambda values: values["frames"].update(quality=90))
    options = ("-n", "--configfile", str(file))
    result = snakemake("results/table5.csv", *options, directory=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("warning: work/smoke/config.json has other settings") == 1
    assert "(frames.quality): 3 of 3 finished runs" in result.stderr


@pytest.mark.parametrize("below", ["", "train/"])
def test_videos_that_came_to_a_folder_or_left_it_are_said(tmp_path: Path, below: str) -> None:
    root = tmp_path / "home"
    names = [f"{below}run/a.mp4", f"{below}walk/b.mp4", "loose.mp4"]
    for name in [*names, *(["test/run/c.mp4"] if below else [])]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    home = {"format": "folders", "root": str(root), "shards": 1}
    config = own_config(datasets={"home": home, "away": home | {"root": str(tmp_path / "away")}})
    work = WorkFolder(tmp_path / "work/own")
    assert list(changed_folders(config, work)) == []  # there is no index
    index = experiments.data_folder(work, "home", config).index
    index.parent.mkdir(parents=True)
    index.write_text(build_index("home", config.datasets["home"]).table.to_csv(index=False))
    assert list(changed_folders(config, work)) == []
    (root / names[0]).rename(root / f"{below}run/other.mp4")
    (root / f"{below}walk/c.mp4").touch()
    assert list(changed_folders(config, work)) == [
        f"datasets.home: {root} has 2 video files that its index does not list, and lacks 1 that "
        "it lists; to list them anew, add -R index_dataset to the command"
    ]
    root.rename(tmp_path / "elsewhere")
    assert list(changed_folders(config, work)) == []


@pytest.mark.parametrize("checked", [False, True])
def test_another_checkpoint_under_the_same_name_is_said(tmp_path: Path, checked: bool) -> None:
    file, run = tmp_path / "tsn.pt", "hmdb-ucf/tsn/rgb.imagenet.mkmmd/split1.seed0"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    source = {"file": str(file), **({"sha256": digest} if checked else {})}
    finished = Finished(tmp_path, [])
    config = finished.config(initial_weights={"imagenet.tsn.rgb": source})
    record = finished.work.training(run).record
    record.parent.mkdir(parents=True)
    settings = {"initial_weights": {"file": str(file)}}
    record.write_text(json.dumps({"settings": settings, "initial_weights_digest": digest}))
    assert list(replaced_weights(config, finished.work)) == []
    file.write_bytes(b"others")
    expected = [
        f"initial_weights: {file} is not the file that 1 of 1 finished runs started from; to train "
        "them from it, add -R train_run to the command, or give another `name`"
    ]
    other = finished.config(initial_weights={"imagenet.tsn.rgb": {"file": str(tmp_path / "b.pt")}})
    (tmp_path / "b.pt").write_bytes(b"of another name")
    assert list(replaced_weights(other, finished.work)) == []  # `warning` says so
    # With a sha256 the file is no start at all: the training refuses it.
    assert list(replaced_weights(config, finished.work)) == ([] if checked else expected)
