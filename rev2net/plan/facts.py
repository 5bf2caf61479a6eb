"""How much data there is: published figures, or those of indexes, ledgers and splits.

Of datasets of one's own a few videos are opened, for their length and size.
"""

import contextlib
import csv
import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from rev2net.config import (
    BenchmarkSettings,
    Config,
    CrossDataset,
    DatasetSettings,
    MiniSettings,
)
from rev2net.datasets.class_maps import alike_classes, class_map
from rev2net.datasets.index import IMPORTERS
from rev2net.datasets.listing import Listing, Side
from rev2net.datasets.protocols import BY_LISTS, EVERY_TARGET_TESTED, refuse_unknown_classes
from rev2net.datasets.sizes import SHARED_VIDEOS, SIZES, DatasetFacts
from rev2net.digests import read_json
from rev2net.errors import MachineError
from rev2net.experiments import class_columns, data_folder, shard_folder
from rev2net.mini.conventions import mini_classes, num_mini_videos
from rev2net.runs.folder import WorkFolder
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import probe
from rev2net.video.ffmpeg import InputFacts, VideoError

# Of datasets of one's own none of whose videos can be opened: frames, width, height, fps.
ASSUMED = (250, 320, 240, 25.0)
LOOKED_AT = 8  # videos of a dataset of one's own, at most
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
    """A dataset's size; from those below `root` where its index and ledger are there already.

    Raises UserError for a dataset of one's own whose folder or list cannot be read.
    """
    work = WorkFolder(root / WorkFolder.of(config.name).path)
    index = data_folder(work, name, config).index
    ledger = shard_folder(work, name, "rgb", config).ledger
    facts = _before_it_is_made(name, config, root, index)
    if index.is_file():
        classes = Counter(row["class"] for row in _rows(index))
        facts = replace(facts, videos=classes.total(), classes=classes, source="the index")
    if ledger.is_file():
        decoded = [int(row["decoded"]) for row in _rows(ledger)]
        frames = sum(decoded) / max(1, len(decoded))
        facts = replace(facts, frames=frames, source="index and ledger")
        if facts.looked_at:
            facts = replace(facts, assumed="")
        elif facts.assumed:
            size = f"{facts.width}x{facts.height} at {facts.fps:g} a second"
            facts = replace(facts, assumed=size)
    return facts


def benchmark_facts(name: str, split: int, config: Config, root: Path) -> BenchmarkFacts:
    """A split's size; from `root`/work/<name>/splits where it has been made already.

    Raises UserError for a class of one's own map that a dataset lacks, as the split would.
    """
    benchmark = config.benchmarks[name]
    summary = (root / WorkFolder.of(config.name).split(name, split)).with_suffix(".json")
    if summary.is_file():
        made = read_json(summary)
        usable = {part: counts.get("usable", 0) for part, counts in made["parts"].items()}
        sides_of = (usable["train"], usable.get("val", 0), usable["test"])
        return BenchmarkFacts(len(made["class_names"]), *sides_of)
    of = {name: dataset_facts(name, config, root) for name in benchmark.datasets}
    sides = {name: _sides(of[name], benchmark, split, config) for name in of}
    if not isinstance(benchmark, CrossDataset):
        train, test = sides[benchmark.dataset]
        held_out = round(train * benchmark.validation_fraction)
        num_classes = of[benchmark.dataset].num_classes
        return BenchmarkFacts(num_classes, train - held_out, held_out, test)
    num_classes, sides, assumed = _of_shared_classes(name, benchmark, of, sides, config)
    train, val = sides[benchmark.source]
    test = sides[benchmark.target][1]
    if benchmark.protocol == EVERY_TARGET_TESTED:
        test = sum(sides[benchmark.target])
    return BenchmarkFacts(num_classes, train, val, test, assumed)


def _before_it_is_made(name: str, config: Config, root: Path, index: Path) -> DatasetFacts:
    """As published, as the mini benchmark makes it, or as folder, list or index of its own say."""
    settings = config.datasets[name]
    if config.mini is not None:
        return _mini_facts(name, config.mini)
    if settings.format in SIZES:
        return SIZES[settings.format]
    if index.is_file():  # the folder may be gone
        videos = [(row["class"], _sides_in(row)) for row in _rows(index)]
        paths = [row["path"] for row in _rows(index)]
    else:
        listing = _listing(settings.model_copy(update={"root": str(root / settings.root)}))
        videos = [(video.class_name, video.sides) for video in listing.videos]
        paths = [video.path for video in listing.videos if video.present]
    splits = [Counter(sides) for sides in zip(*(sides for _, sides in videos), strict=True)]
    lists: dict[Side, tuple[int, ...]] = {
        "train": tuple(split["train"] + split["val"] for split in splits),
        "test": tuple(split["test"] for split in splits),
    }
    frames, width, height, fps = ASSUMED
    facts = DatasetFacts(
        *(len(videos), *ASSUMED, len({name for name, _ in videos})),
        "counted",
        f"{frames} frames of {width}x{height} at {fps:g} a second",
        lists=lists if splits else {},
        classes=Counter(name for name, _ in videos),
    )
    number = min(LOOKED_AT, len(paths))
    spread = [paths[k * len(paths) // number] for k in range(number)]
    return _looked_at(facts, tuple(root / settings.root / path for path in spread))


def _looked_at(facts: DatasetFacts, files: tuple[Path, ...]) -> DatasetFacts:
    """The same with the mean length and size of some videos, as far as these can be read."""
    found = _opened(files)
    if not found:
        return facts
    counts = [frames for _, frames in found if frames]
    rates = [video.fps for video, _ in found if video.fps]
    return replace(
        facts,
        frames=mean(counts) if counts else facts.frames,
        width=round(mean(video.width for video, _ in found)),
        height=round(mean(video.height for video, _ in found)),
        fps=mean(rates) if rates else facts.fps,
        assumed="" if counts else f"{facts.frames} frames",
        looked_at=len(found),
    )


@functools.cache
def _opened(files: tuple[Path, ...]) -> list[tuple[InputFacts, int | None]]:
    """What is known of those videos that can be read, and their frames, where they say it."""
    found = []
    for file in files:
        with contextlib.suppress(VideoError, MachineError):
            video = probe(file)
            found.append((video, announced_frames(file, video)))
    return found


def _sides_in(row: Mapping[str, str]) -> tuple[str, ...]:
    """The sides of a video in a row of an index."""
    return tuple(side for column, side in row.items() if column.startswith("split"))


@functools.cache
def _listing(settings: DatasetSettings) -> Listing:
    return IMPORTERS[settings.format](settings)


def _of_shared_classes(
    name: str,
    benchmark: CrossDataset,
    of: Mapping[str, DatasetFacts],
    sides: dict[str, tuple[int, int]],
    config: Config,
) -> tuple[int, dict[str, tuple[int, int]], str]:
    """How many classes both sides share, the videos of them, and what of that is assumed."""
    if benchmark.class_map is not None:
        columns = class_columns(name, config)
        shared = class_map(benchmark.class_map, benchmark.class_set, columns)
        known = {dataset: facts.classes for dataset, facts in of.items() if facts.classes}
        refuse_unknown_classes(benchmark.class_map, shared, columns, known)
    elif all(facts.classes for facts in of.values()):
        shared = alike_classes({dataset: facts.classes for dataset, facts in of.items()})
    else:
        assumed = "every class is counted; which ones both share is known with their indexes"
        return min(facts.num_classes for facts in of.values()), sides, assumed
    formats = {dataset: config.datasets[dataset].format for dataset in of}
    counted = SHARED_VIDEOS.get((benchmark.class_map, benchmark.class_set), {})
    if config.mini is None and set(formats.values()) == set(counted):
        exact = {dataset: counted[format_] for dataset, format_ in formats.items()}
        return len(shared.class_names), exact, ""
    shares = {dataset: _share(of[dataset], shared.labels[dataset]) for dataset in of}
    parts = {
        dataset: (round(train * shares[dataset]), round(test * shares[dataset]))
        for dataset, (train, test) in sides.items()
    }
    assumed = ""
    if any(shares[dataset] < 1 and not of[dataset].classes for dataset in of):
        assumed = "a class is taken to have as many videos as any other of its dataset"
    return len(shared.class_names), parts, assumed


def _share(facts: DatasetFacts, shared: Mapping[str, int]) -> float:
    """The part of a dataset's videos that is of some of its classes."""
    if facts.classes:
        return sum(facts.classes.get(name, 0) for name in shared) / facts.videos
    return min(1.0, len(shared) / facts.num_classes)


def _sides(
    facts: DatasetFacts, benchmark: BenchmarkSettings, split: int, config: Config
) -> tuple[int, int]:
    """Videos of a dataset to train on and to hold out or test, as far as they are there."""
    share = MINI_TESTED if config.mini is not None else benchmark.held_out
    lists = facts.lists
    if benchmark.protocol in BY_LISTS and split <= len(lists.get("test", ())):
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
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))
