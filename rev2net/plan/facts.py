"""How much data there is: published figures, or those of indexes, ledgers and splits."""

import csv
import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rev2net.config import Config, CrossDataset, DatasetSettings, FramesSettings, MiniSettings
from rev2net.datasets.class_maps import ClassMap, alike_classes, class_map
from rev2net.datasets.index import IMPORTERS
from rev2net.datasets.listing import Listing, Side
from rev2net.datasets.protocols import EVERY_TARGET_TESTED, HELD_OUT
from rev2net.datasets.sizes import SHARED_VIDEOS, SIZES
from rev2net.digests import read_json
from rev2net.experiments import class_columns
from rev2net.mini.conventions import mini_classes, num_mini_videos
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
    lists: Mapping[Side, tuple[int, ...]] = field(default_factory=dict)  # of each split's sides
    classes: Mapping[str, int] = field(default_factory=dict)  # videos by class, where known

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


# Of datasets of one's own, whose videos are not opened for a plan: frames, width, height, fps.
ASSUMED = (250, 320, 240, 25.0)
MINI_TESTED = 0.28  # of a mini dataset's videos: as in UCF101, 7 of 25 groups


@dataclass(frozen=True)
class BenchmarkFacts:
    """The videos of a benchmark's split."""

    num_classes: int
    train: int
    val: int
    test: int
    assumed: str = ""  # what is not known of it yet

    @property
    def scored(self) -> int:
        """Videos that an evaluation scores."""
        return self.val + self.test


def dataset_facts(name: str, config: Config, root: Path) -> DatasetFacts:
    """A dataset's size; from `root`/work/<name> where its index and ledger are there already.

    Raises UserError for a dataset of one's own whose folder or list cannot be read.
    """
    facts = _before_it_is_made(name, config, root)
    work = WorkFolder(root / WorkFolder.of(config.name).path)
    index, ledger = work.index(name), work.shards(name).ledger
    if index.is_file():
        classes = Counter(row["class"] for row in _rows(index))
        facts = replace(facts, videos=classes.total(), classes=classes, source="the index")
    if ledger.is_file():
        decoded = [int(row["decoded"]) for row in _rows(ledger) if row["kind"] == "rgb"]
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
    of = {name: dataset_facts(name, config, root) for name in benchmark.datasets}
    sides = {name: _sides(of[name], benchmark.protocol, split, config) for name in of}
    if not isinstance(benchmark, CrossDataset):
        train, test = sides[benchmark.dataset]
        held_out = round(train * benchmark.validation_fraction)
        num_classes = of[benchmark.dataset].num_classes
        return BenchmarkFacts(num_classes, train - held_out, held_out, test)
    shared = _shared_classes(name, benchmark, of, config)
    assumed = ""
    if shared is None:
        num_classes = min(facts.num_classes for facts in of.values())
        assumed = "every class is counted; which ones both share is known with their indexes"
    else:
        num_classes = len(shared.class_names)
        shares = {name: _share(of[name], shared.labels[name]) for name in of}
        sides = {
            name: (round(train * shares[name]), round(test * shares[name]))
            for name, (train, test) in sides.items()
        }
        if any(shares[name] < 1 and not of[name].classes for name in of):
            assumed = "a class is taken to have as many videos as any other of its dataset"
    counted = SHARED_VIDEOS.get(str(benchmark.class_set), {})
    formats = {name: config.datasets[name].format for name in of}
    if config.mini is None and set(formats.values()) == set(counted):
        sides, assumed = {name: counted[formats[name]] for name in of}, ""
    train, val = sides[benchmark.source]
    test = sides[benchmark.target][1]
    if benchmark.protocol == EVERY_TARGET_TESTED:
        test = sum(sides[benchmark.target])
    return BenchmarkFacts(num_classes, train, val, test, assumed)


def _before_it_is_made(name: str, config: Config, root: Path) -> DatasetFacts:
    """As published, as the mini benchmark makes it, or as its own folder and list have it."""
    settings = config.datasets[name]
    if config.mini is not None:
        return _mini_facts(name, config.mini)
    if (size := SIZES.get(settings.format)) is not None:
        of_video = (size.frames, size.width, size.height, size.fps)
        return DatasetFacts(size.videos, *of_video, size.num_classes, size.source, size.lists)
    listing = _listing(settings.model_copy(update={"root": str(root / settings.root)}))
    splits = [Counter(sides) for sides in zip(*(v.sides for v in listing.videos), strict=True)]
    lists: dict[Side, tuple[int, ...]] = {
        "train": tuple(split["train"] + split["val"] for split in splits),
        "test": tuple(split["test"] for split in splits),
    }
    frames, width, height, fps = ASSUMED
    return DatasetFacts(
        *(len(listing.videos), *ASSUMED, len(listing.class_names)),
        f"counted; {frames} frames of {width}x{height} at {fps:g} a second assumed",
        lists if splits else {},
        Counter(video.class_name for video in listing.videos),
    )


@functools.cache
def _listing(settings: DatasetSettings) -> Listing:
    return IMPORTERS[settings.format](settings)


def _shared_classes(
    name: str, benchmark: CrossDataset, of: Mapping[str, DatasetFacts], config: Config
) -> ClassMap | None:
    """The classes of both sides; None where they are not known yet."""
    if benchmark.class_map is not None:
        columns = class_columns(name, config)
        return class_map(benchmark.class_map, benchmark.class_set, columns)
    if all(facts.classes for facts in of.values()):
        return alike_classes({dataset: facts.classes for dataset, facts in of.items()})
    return None


def _share(facts: DatasetFacts, shared: Mapping[str, int]) -> float:
    """The part of a dataset's videos that is of some of its classes."""
    if facts.classes:
        return sum(facts.classes.get(name, 0) for name in shared) / facts.videos
    return min(1.0, len(shared) / facts.num_classes)


def _sides(facts: DatasetFacts, protocol: str, split: int, config: Config) -> tuple[int, int]:
    """Videos of a dataset to train on and to hold out or test, as far as they are there."""
    share = MINI_TESTED if config.mini is not None else HELD_OUT
    lists = facts.lists
    if protocol in ("official", "official-split1") and split <= len(lists.get("test", ())):
        # An incomplete copy lacks videos of both lists alike.
        part = min(1.0, facts.videos / sum(of_side[0] for of_side in lists.values()))
        train, test = (lists[side][split - 1] for side in ("train", "test"))
        return round(train * part), round(test * part)
    test = round(facts.videos * share)
    return facts.videos - test, test


def _mini_facts(name: str, mini: MiniSettings) -> DatasetFacts:
    videos = num_mini_videos(name, mini)
    width, classes = 4 * mini.height // 3, len(mini_classes(name, mini.classes))
    return DatasetFacts(
        videos, sum(mini.frames) / 2, width, mini.height, 25, classes, "configuration"
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
