"""Where things lie below `work/<name>` and `work/data`: the one place that spells these paths.

Imports nothing of ours but what a run is: the workflow reads it for every job, and makes its
patterns of it ("{run}" in place of a run's path, and so on).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rev2net.runs.identity import Run

DATA = "data"  # below `work`; no configuration's name


class _Within(Protocol):
    """A folder with a path."""

    @property
    def path(self) -> Path: ...


class _File:
    """The path of a folder's file (or folder), by its name there."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, folder: _Within, owner: object = None) -> Path:
        return folder.path / self.name


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, or of one training of the search."""

    path: Path

    checkpoint = _File("checkpoint.pt")  # the trained network; there when training is finished
    record = _File("run.json")  # how it was trained
    metrics = _File("metrics.jsonl")  # the log of the training, a JSON object a line
    state = _File("last.pt")  # the newest state of an unfinished training
    previous_state = _File("previous.pt")  # the one before, for a job killed while it wrote
    unfinished_metrics = _File("last.jsonl")  # the log of an unfinished training
    held_out = _File("held-out.jsonl")  # accuracy along a training that measures it
    features = _File("features.h5")  # pooled features of the scored videos
    examples = _File("examples.h5")  # what the decoders make of some test clips
    pictures = _File("examples")  # the same as a folder of PNG files
    settings = _File("settings.json")  # of a training of the search

    def scores(self, part: str) -> Path:
        """Scores of the videos of a part, test or val."""
        return self.path / f"scores-{part}.h5"


@dataclass(frozen=True)
class ShardFolder:
    """The shards of one dataset and kind; beside it, what all of them hold."""

    path: Path

    def shard(self, shard: int | str) -> Path:
        """The encoded images of some videos."""
        return self.path / f"{shard}.h5"

    def ledger_part(self, shard: int | str) -> Path:
        """What became of each of them."""
        return self.path / f"{shard}.csv"

    @property
    def index(self) -> Path:
        """Where each video of the dataset lies in which shard."""
        return self.path.with_name(f"{self.path.name}.index")

    @property
    def ledger(self) -> Path:
        """What became of each video of the dataset."""
        return self.path.with_name(f"{self.path.name}.csv")


@dataclass(frozen=True)
class DataFolder:
    """`work/data/<dataset>-<digest>`: what is made of a dataset once, for every configuration."""

    path: Path

    download = _File("download.json")  # the record of what was downloaded
    extraction = _File("extraction.json")  # and of what was unpacked into the dataset's root
    videos = _File("videos")  # the folder in which the mini benchmark generates the dataset
    index = _File("index.csv")  # the list of the videos

    def images(self, name: str) -> ShardFolder:
        """The shards of one kind, `rgb-<digest>` or `flow-<digest>`."""
        return ShardFolder(self.path / name)


@dataclass(frozen=True)
class WorkFolder:
    """`work/<name>`, all that one configuration makes but its data and its results."""

    path: Path

    config = _File("config.json")  # the configuration, resolved

    @classmethod
    def of(cls, configuration: str) -> "WorkFolder":
        """The folder of a configuration of that name, relative to where the workflow runs."""
        return cls(Path("work", configuration))

    def data(self, name: str) -> DataFolder:
        """The folder of a dataset, `<dataset>-<digest>`, which all configurations share."""
        return DataFolder(self.path.parent / DATA / name)

    def split(self, benchmark: str, split: int | str) -> Path:
        """The videos of a benchmark's split, part by part; its summary is the JSON beside it."""
        return self.path / "splits" / benchmark / f"split{split}.csv"

    def held_out(self, benchmark: str, split: int | str) -> Path:
        """The same with the validation videos of the search held out."""
        return self.path / "search" / benchmark / f"split{split}.csv"

    def held_out_source(self, benchmark: str, split: int | str) -> Path:
        """The same with videos of the source held out, for the lengths of trainings."""
        return self.path / "schedules" / benchmark / f"split{split}.csv"

    def training(self, path: str) -> RunFolder:
        """The folder of a training, by the run's path."""
        return RunFolder(self.path / "runs" / path)

    def fusion(self, path: str) -> RunFolder:
        """The folder of a fused row, by the run's path."""
        return RunFolder(self.path / "fused" / path)

    def run(self, run: Run) -> RunFolder:
        """The folder of a run of either kind."""
        return self.fusion(run.path) if run.is_fused else self.training(run.path)

    def measured(self, path: str) -> RunFolder:
        """The folder of a training whose length is measured, by the run's path."""
        return RunFolder(self.path / "schedules" / path)

    def point(self, path: str, point: str) -> RunFolder:
        """The folder of a training of the search, by the path of the run that it varies."""
        return RunFolder(self.path / "search" / path / point)
