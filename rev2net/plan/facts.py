"""How much data there is: published figures, or those of indexes, ledgers and splits."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

from rev2net.config import Config, CrossDataset, FramesSettings, MiniSettings
from rev2net.datasets import hmdb51, kinetics, ucf101
from rev2net.datasets.listing import Side
from rev2net.digests import read_json
from rev2net.experiments import data_folder, shard_folder
from rev2net.mini.conventions import mini_classes
from rev2net.runs.folder import WorkFolder


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset as it lies on disk."""

    videos: int
    frames: float  # a video, on average
    width: int  # pixels, as downloaded
    height: int
    fps: float
    num_classes: int
    source: str  # where the figures are from

    def stored_frames(self, frames: FramesSettings) -> float:
        """Frames a video has in the shards, on average."""
        return self.frames * (frames.fps / self.fps if frames.fps else 1.0)

    def stored_size(self, frames: FramesSettings) -> tuple[int, int]:
        """Width and height of its frames in the shards, pixels."""
        if frames.size is not None:
            return frames.size
        if frames.short_side is None:
            return self.width, self.height
        scale = frames.short_side / min(self.width, self.height)
        return round(self.width * scale), round(self.height * scale)


# Videos of the official lists of each split.
LISTS: dict[str, dict[Side, tuple[int, ...]]] = {
    "ucf101": dict(ucf101.NUM_VIDEOS),
    "hmdb51": {side: (number,) * 3 for side, number in hmdb51.NUM_VIDEOS.items()},
    "kinetics400": {side: (number,) for side, number in kinetics.NUM_VIDEOS.items()},
}
VIDEOS = {name: sum(of_side[0] for of_side in sides.values()) for name, sides in LISTS.items()}
# UCF101: clips of 7.21 s at 25 frames a second (Soomro 2012). HMDB51: 240 pixels high, some 0.63
# million frames. Kinetics-400: clips of 10 s; their size is assumed.
PUBLISHED = {
    "ucf101": DatasetFacts(VIDEOS["ucf101"], 180, 320, 240, 25, ucf101.NUM_CLASSES, "published"),
    "hmdb51": DatasetFacts(
        VIDEOS["hmdb51"], 93, 352, 240, 30, hmdb51.NUM_CLASSES, "published; width assumed"
    ),
    "kinetics400": DatasetFacts(
        VIDEOS["kinetics400"], 250, 640, 360, 25, kinetics.NUM_CLASSES, "published; size assumed"
    ),
}
# Classes, and videos of UCF101 and HMDB51 on the training and test list of split 1.
CLASS_SETS: dict[str, tuple[int, dict[str, tuple[int, int]]]] = {
    "full": (12, {"ucf101": (1438, 571), "hmdb51": (840, 360)}),
    "wide-14": (14, {"ucf101": (1819, 717), "hmdb51": (980, 420)}),
    "wide-16": (16, {"ucf101": (2764, 1103), "hmdb51": (1120, 480)}),
    "wide-20": (20, {"ucf101": (3819, 1510), "hmdb51": (1400, 600)}),
}
MINI_TESTED = 0.28  # of a mini dataset's videos: as in UCF101, 7 of 25 groups


@dataclass(frozen=True)
class BenchmarkFacts:
    """The videos of a benchmark's split."""

    num_classes: int
    train: int
    val: int
    test: int

    @property
    def scored(self) -> int:
        """Videos that an evaluation scores."""
        return self.val + self.test


def dataset_facts(name: str, config: Config, root: Path) -> DatasetFacts:
    """A dataset's size; from those below `root` where its index and ledger are there already."""
    facts = PUBLISHED[name] if config.mini is None else _mini_facts(name, config.mini)
    work = WorkFolder(root / WorkFolder.of(config.name).path)
    index = data_folder(work, name, config).index
    ledger = shard_folder(work, name, "rgb", config).ledger
    if index.is_file():
        facts = replace(facts, videos=sum(1 for _ in _rows(index)), source="the index")
    if ledger.is_file():
        decoded = [int(row["decoded"]) for row in _rows(ledger)]
        frames = sum(decoded) / max(1, len(decoded))
        facts = replace(facts, frames=frames, source="index and ledger")
    return facts


def benchmark_facts(name: str, split: int, config: Config, root: Path) -> BenchmarkFacts:
    """A split's size; from `root`/work/<name>/splits where it has been made already."""
    benchmark = config.benchmarks[name]
    summary = (root / WorkFolder.of(config.name).split(name, split)).with_suffix(".json")
    if summary.is_file():
        made = read_json(summary)
        usable = {part: counts.get("usable", 0) for part, counts in made["parts"].items()}
        sides_of = (usable["train"], usable.get("val", 0), usable["test"])
        return BenchmarkFacts(len(made["class_names"]), *sides_of)
    if not isinstance(benchmark, CrossDataset):
        facts = dataset_facts(benchmark.dataset, config, root)
        train, test = _sides(benchmark.dataset, split, facts, config)
        held_out = round(train * benchmark.validation_fraction)
        return BenchmarkFacts(facts.num_classes, train - held_out, held_out, test)
    if config.mini is not None or benchmark.class_set == "small":
        of = {name: dataset_facts(name, config, root) for name in benchmark.datasets}
        num_classes = dataset_facts("hmdb51", config, root).num_classes
        sides = {name: _sides(name, 1, facts, config) for name, facts in of.items()}
    else:
        num_classes, sides = CLASS_SETS[str(benchmark.class_set)]
    return BenchmarkFacts(num_classes, *sides[benchmark.source], sides[benchmark.target][1])


def _sides(dataset: str, split: int, facts: DatasetFacts, config: Config) -> tuple[int, int]:
    """Videos of a dataset's training and test list, as far as they are there."""
    if config.mini is not None:
        test = round(facts.videos * MINI_TESTED)
        return facts.videos - test, test
    # An incomplete copy lacks videos of both lists alike.
    part = min(1.0, facts.videos / VIDEOS[dataset])
    train, test = (LISTS[dataset][side][split - 1] for side in ("train", "test"))
    return round(train * part), round(test * part)


def _mini_facts(name: str, mini: MiniSettings) -> DatasetFacts:
    classes = len(mini_classes(name, mini.classes))
    videos = classes * mini.groups * (1 if name == "kinetics400" else mini.clips)
    width = 4 * mini.height // 3
    return DatasetFacts(
        videos, sum(mini.frames) / 2, width, mini.height, 25, classes, "configuration"
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
