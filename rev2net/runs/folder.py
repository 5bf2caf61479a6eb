"""Where things lie below `work/<name>` and `work/data`: the one place that spells these paths.

Imports nothing of ours but what a run is: the workflow reads it for every job, and makes its
patterns of it ("{run}" in place of a run's path, and so on).
"""

from dataclasses import dataclass
from pathlib import Path

from rev2net.runs.identity import Run

DATA = "data"  # below `work`; no configuration's name


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, or of one training of the search."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The trained network; there when the training is finished."""
        return self.path / "checkpoint.pt"

    @property
    def record(self) -> Path:
        """How it was trained."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """The log of the training, a JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def state(self) -> Path:
        """The newest state of an unfinished training."""
        return self.path / "last.pt"

    @property
    def previous_state(self) -> Path:
        """The one before it, for where a job was killed while it wrote."""
        return self.path / "previous.pt"

    @property
    def unfinished_metrics(self) -> Path:
        """The log of an unfinished training."""
        return self.path / "last.jsonl"

    @property
    def held_out(self) -> Path:
        """Accuracy on held-out videos along a training that measures it."""
        return self.path / "held-out.jsonl"

    def scores(self, part: str) -> Path:
        """Scores of the videos of a part, test or val."""
        return self.path / f"scores-{part}.h5"

    @property
    def features(self) -> Path:
        """Pooled features of the scored videos."""
        return self.path / "features.h5"

    @property
    def examples(self) -> Path:
        """What the decoders make of some test clips."""
        return self.path / "examples.h5"

    @property
    def pictures(self) -> Path:
        """The same as a folder of PNG files."""
        return self.path / "examples"

    @property
    def settings(self) -> Path:
        """The settings of a training of the search."""
        return self.path / "settings.json"


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

    @property
    def download(self) -> Path:
        """The record of what was downloaded."""
        return self.path / "download.json"

    @property
    def extraction(self) -> Path:
        """The record of what was unpacked into the dataset's root."""
        return self.path / "extraction.json"

    @property
    def videos(self) -> Path:
        """The folder in which the mini benchmark generates the dataset."""
        return self.path / "videos"

    @property
    def index(self) -> Path:
        """The list of the videos."""
        return self.path / "index.csv"

    def images(self, name: str) -> ShardFolder:
        """The shards of one kind, `rgb-<digest>` or `flow-<digest>`."""
        return ShardFolder(self.path / name)


@dataclass(frozen=True)
class WorkFolder:
    """`work/<name>`, all that one configuration makes but its data and its results."""

    path: Path

    @classmethod
    def of(cls, configuration: str) -> "WorkFolder":
        """The folder of a configuration of that name, relative to where the workflow runs."""
        return cls(Path("work", configuration))

    @property
    def config(self) -> Path:
        """The configuration, resolved."""
        return self.path / "config.json"

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
