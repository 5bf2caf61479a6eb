"""How much data there is: published figures, or those of indexes, ledgers and splits."""

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

from rev2net.config import Config, CrossDataset, DatasetName, FramesSettings, MiniSettings
from rev2net.mini.published import mini_classes
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


# UCF101: 13,320 clips of 7.21 s at 25 frames a second (Soomro 2012). HMDB51: 6,766 clips,
# 240 pixels high, some 0.63 million frames. Kinetics-400: clips of 10 s; their size is assumed.
PUBLISHED = {
    "ucf101": DatasetFacts(13_320, 180, 320, 240, 25, 101, "published"),
    "hmdb51": DatasetFacts(6_766, 93, 352, 240, 30, 51, "published; width assumed"),
    "kinetics400": DatasetFacts(266_440, 250, 640, 360, 25, 400, "published; size assumed"),
}
TRAINED = {  # videos of the training list, by split
    "ucf101": (9537, 9586, 9624),
    "hmdb51": (3570, 3570, 3570),
    "kinetics400": (246_534,),
}
TESTED = {"ucf101": (3783, 3734, 3696), "hmdb51": (1530, 1530, 1530), "kinetics400": (19_906,)}
# Classes, and videos of UCF101 and HMDB51 on the training and test list of split 1.
CLASS_SETS: dict[str, tuple[int, dict[DatasetName, tuple[int, int]]]] = {
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
    scored: int  # by an evaluation: its test videos, and its validation videos


def dataset_facts(name: str, config: Config, root: Path) -> DatasetFacts:
    """A dataset's size; from `root`/work/<name> where its index and ledger are there already."""
    facts = PUBLISHED[name] if config.mini is None else _mini_facts(name, config.mini)
    work = WorkFolder(root / WorkFolder.of(config.name).path)
    index, ledger = work.index(name), work.shards(name).ledger
    if index.is_file():
        facts = replace(facts, videos=sum(1 for _ in _rows(index)), source="the index")
    if ledger.is_file():
        decoded = [int(row["decoded"]) for row in _rows(ledger) if row["kind"] == "rgb"]
        frames = sum(decoded) / max(1, len(decoded))
        facts = replace(facts, frames=frames, source="index and ledger")
    return facts


def benchmark_facts(name: str, split: int, config: Config, root: Path) -> BenchmarkFacts:
    """A split's size; from `root`/work/<name>/splits where it has been made already."""
    benchmark = config.benchmarks[name]  # type: ignore[index]
    summary = root / "work" / config.name / "splits" / name / f"split{split}.json"
    if summary.is_file():
        made = json.loads(summary.read_text())
        usable = {part: counts.get("usable", 0) for part, counts in made["parts"].items()}
        scored = usable["test"] + usable.get("val", 0)
        return BenchmarkFacts(len(made["class_names"]), usable["train"], scored)
    if not isinstance(benchmark, CrossDataset):
        dataset, fraction = benchmark.dataset, benchmark.validation_fraction
        facts = dataset_facts(dataset, config, root)
        train, test = _sides(dataset, split, facts, config)
        held_out = round(train * fraction)
        return BenchmarkFacts(facts.num_classes, train - held_out, test + held_out)
    source, target = benchmark.source, benchmark.target
    sides: dict[DatasetName, tuple[int, int]]
    if config.mini is not None or benchmark.class_set == "small":
        sides = {d: _sides(d, 1, dataset_facts(d, config, root), config) for d in (source, target)}
        num_classes = dataset_facts("hmdb51", config, root).num_classes
    else:
        num_classes, sides = CLASS_SETS[benchmark.class_set]
    train, held_out = sides[source]
    return BenchmarkFacts(num_classes, train, sides[target][1] + held_out)


def _sides(dataset: str, split: int, facts: DatasetFacts, config: Config) -> tuple[int, int]:
    """Videos of a dataset's training and test list."""
    if config.mini is not None:
        test = round(facts.videos * MINI_TESTED)
        return facts.videos - test, test
    number = min(split, len(TRAINED[dataset])) - 1
    # An incomplete copy lacks videos of both lists alike.
    part = min(1.0, facts.videos / PUBLISHED[dataset].videos)
    return round(TRAINED[dataset][number] * part), round(TESTED[dataset][number] * part)


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
