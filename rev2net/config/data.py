"""The data: datasets, how frames and flow are made and stored, and the benchmarks on them.

Datasets and benchmarks are named by the configuration; what is closed is the formats that datasets
come in and the protocols that benchmarks follow.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, RootModel, Tag, model_validator

from rev2net.config.section import Fraction, Positive, Section

# Of a dataset, a benchmark, a method or a table: part of paths and of wildcards.
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
# As published by their makers; folders: <class>/* or {train,val,test}/<class>/*; list: a file with
# a path and a label a line.
DatasetFormat = Literal["ucf101", "hmdb51", "kinetics400", "folders", "list"]
OFFICIAL_SPLITS = {"ucf101": 3, "hmdb51": 3, "kinetics400": 1}  # of the formats that are published


def _group_of_a_path(pattern: str) -> str:
    """A regular expression whose first group is a path's source group."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression ({error})") from None
    if groups != 1:
        raise ValueError(
            f"{pattern!r} has {groups} groups (in brackets); it needs one: the part of a path that "
            "names the source video"
        )
    return pattern


class MiniSettings(Section):
    """The synthetic benchmark (docs/mini.md)."""

    classes: Literal["small", "full"]
    groups: Positive  # source videos a class
    clips: Positive  # clips a source video
    frames: tuple[Positive, Positive]  # shortest and longest clip
    height: Positive  # pixels
    seed: int


class DownloadSource(Section):
    """A file of a dataset on its own site, and what is known of it."""

    url: Annotated[str, Field(pattern=r"^https?://[^/]+/.*[^/]$")]
    bytes: Positive | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class DatasetSettings(Section):
    """Where a dataset lies and how it is cut into shards."""

    format: DatasetFormat
    # The folder that the next three are relative to; none where `mini` makes it.
    root: str = ""
    videos: str = "."  # the folder of the class folders; of format list: that its paths start from
    lists: str = ""  # the folder of the official lists; of format list: a file, or a folder of them
    classes: str | None = None  # a file with a class name a line, where labels are numbers from 0
    # Of a path below `root`: its one group names the source video. None: a column of the list, or
    # every video for itself.
    groups: Annotated[str, AfterValidator(_group_of_a_path)] | None = None
    official: bool = False  # assert the published counts of the lists
    partial: bool = False  # an incomplete copy: missing videos are recorded, and never stop a run
    max_unusable_fraction: Fraction = 0.05
    shards: Positive
    # Where the folder comes from; with neither of the first two it is taken as it is.
    archives: tuple[str, ...] = ()  # files, and folders of them, to unpack into `root`
    download: bool = False  # fetch the archives from the dataset's own site first
    sources: tuple[DownloadSource, ...] = ()  # in place of the addresses that we know

    @model_validator(mode="after")
    def _archives_are_given_or_downloaded(self) -> Self:
        if self.download and self.archives:
            raise ValueError("give archives, or download: true, not both")
        if self.download and self.format not in OFFICIAL_SPLITS:
            raise ValueError(f"download: true, but the site of a {self.format} is not known")
        return self

    @model_validator(mode="after")
    def _keys_fit_the_format(self) -> Self:
        own, published = self.format not in OFFICIAL_SPLITS, tuple(OFFICIAL_SPLITS)
        if not self.lists and self.format != "folders":
            what = "the file with a path and a label a line" if own else "the official lists"
            raise ValueError(f"lists: this key is required of format {self.format}: {what}")
        for key, formats in (
            ("official", published),
            ("archives", published),
            ("lists", (*published, "list")),
            ("classes", ("list",)),
            ("groups", ("folders", "list")),
        ):
            if getattr(self, key) and self.format not in formats:
                raise ValueError(f"{key} is given; it is for format {', '.join(formats)}")
        return self

    @property
    def unpacked(self) -> bool:
        """Whether the stage `extract` fills the folder."""
        return bool(self.archives or self.download)

    @property
    def allowed_unusable(self) -> float:
        """The fraction of its videos that may be absent or unreadable."""
        return 1.0 if self.partial else self.max_unusable_fraction

    def undemanding(self) -> "DatasetSettings":
        """The same without what it must fulfil and how it is cut: what its folder depends on."""
        rest = {"official": False, "partial": True, "max_unusable_fraction": 0.0, "shards": 1}
        return self.model_copy(update=rest)

    def as_folder(self) -> "DatasetSettings":
        """The same without where the folder comes from: what the list of its videos depends on."""
        rest = {"archives": (), "download": False, "sources": ()}
        return self.undemanding().model_copy(update=rest)


class _StoredImages(Section):
    """How images are stored."""

    codec: Literal["jpeg", "png", "webp"]
    quality: Annotated[int, Field(ge=1, le=101)]

    @model_validator(mode="after")
    def _quality_of_the_codec(self) -> Self:
        if self.codec == "jpeg" and self.quality > 100:
            raise ValueError("quality: 101; allowed for jpeg is 1 to 100 (101 makes webp lossless)")
        return self


class FramesSettings(_StoredImages):
    """Decoding: the frames that both RGB and flow shards are made from."""

    short_side: Positive | None  # resize, keeping the aspect
    size: tuple[Positive, Positive] | None  # or an exact (width, height)
    fps: Annotated[float, Field(gt=0)] | None  # null: native
    time_limit: Annotated[float, Field(gt=0)]  # seconds its decoder may work, or idle

    @model_validator(mode="after")
    def _one_resize_rule(self) -> Self:
        if self.short_side is not None and self.size is not None:
            raise ValueError("give short_side or size, not both")
        return self


class FlowSettings(_StoredImages):
    """TV-L1 (parameters named as in OpenCV) and how its flow is stored."""

    backend: Literal["auto", "numba", "opencv", "cuda"]
    bound: Annotated[float, Field(gt=0)]  # pixels a frame that the byte range spans
    tau: Annotated[float, Field(gt=0)]
    lambda_: Annotated[float, Field(gt=0)]
    theta: Annotated[float, Field(gt=0)]
    nscales: Positive
    warps: Positive
    epsilon: Annotated[float, Field(ge=0)]
    inner_iterations: Positive
    outer_iterations: Positive
    scale_step: Annotated[float, Field(gt=0, lt=1)]
    median_filtering: Literal[1, 3, 5]


class FlowShardSettings(FlowSettings):
    """What a flow shard depends on: the flow and the frames it is computed from."""

    frames: FramesSettings


Splits = Annotated[tuple[Positive, ...], Field(min_length=1)]
Part = Annotated[float, Field(gt=0, lt=1)]


class _Benchmark(Section):
    """What benchmarks of either kind say."""

    held_out: Part = 0.2  # of the videos, where a protocol divides them by source groups
    splits: Splits | None = None  # where not all of the configuration's
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] | None = None  # likewise
    allow_duplicates: bool = False  # videos of one content in train and test: told, not refused
    label: str | None = None  # what tables call it


class WithinDataset(_Benchmark):
    """A benchmark inside one dataset."""

    dataset: Name
    # official: split k of the dataset's lists, or the columns or folders that its owner gives;
    # by-group: all videos, divided by source groups; split k is the k-th such division.
    protocol: Literal["official", "by-group"] = "official"
    validation_fraction: Fraction = 0.0  # of the training list, held out by whole groups

    @property
    def datasets(self) -> tuple[str, ...]:
        """What it reads: the dataset that it trains on first."""
        return (self.dataset,)


class CrossDataset(_Benchmark):
    """Train on the source (and the unlabelled target), test on the target."""

    source: Name
    target: Name
    # A shipped map, or a CSV file of one's own; none: the classes that both name alike.
    class_map: str | None = None
    class_set: str | None = None  # of the map; none: all of its pairs
    # official: split k of both sides, official-split1 the first whatever k others average over;
    # all-videos divides all videos of both sides by source groups; all-videos-tested is the same
    # with every target video in the test, as its authors did; lists-or-groups is official for a
    # dataset whose lists have sides, and all-videos for one whose lists have none
    protocol: Literal[
        "official-split1", "official", "all-videos", "all-videos-tested", "lists-or-groups"
    ]
    # Of the source's training list, held out by whole groups as `val`; 0: its own held-out list.
    validation_fraction: Fraction = 0.0

    @property
    def datasets(self) -> tuple[str, ...]:
        """What it reads: source before target."""
        return (self.source, self.target)

    @model_validator(mode="after")
    def _two_datasets(self) -> Self:
        if self.source == self.target:
            raise ValueError(f"source and target are both {self.source!r}; give `dataset` alone")
        if self.class_map is None and self.class_set is not None:
            raise ValueError("class_set is given, but no class_map that has sets")
        if self.protocol == "official-split1" and self.splits not in (None, (1,)):
            raise ValueError("official-split1 has split 1 only; give no splits, or [1]")
        return self


def _kind_of_benchmark(values: Any) -> str:
    """Which of the two is meant, so that a wrong value is not taken for a wrong kind."""
    if isinstance(values, dict):
        return "within" if "dataset" in values else "cross"
    return "within" if isinstance(values, WithinDataset) else "cross"


BenchmarkSettings = Annotated[
    Annotated[WithinDataset, Tag("within")] | Annotated[CrossDataset, Tag("cross")],
    Discriminator(_kind_of_benchmark),
]


class Benchmark(RootModel[BenchmarkSettings]):
    """A benchmark of either kind, as a stage is given one."""
