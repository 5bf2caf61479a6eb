"""The data: datasets, how frames and flow are made and stored, and the benchmarks on them."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from rev2net.config.section import Fraction, Positive, Section

DatasetName = Literal["ucf101", "hmdb51", "kinetics400"]
BenchmarkName = Literal["ucf101", "hmdb51", "kinetics400", "hmdb-ucf", "ucf-hmdb"]


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

    root: str  # folder as published; the next two are relative to it
    videos: str
    lists: str
    official: bool  # assert the published counts of the lists
    partial: bool  # an incomplete copy: missing videos are recorded, and never stop a run
    max_unusable_fraction: Fraction
    shards: Positive
    # Where the folder comes from; with neither of the first two it is taken as it is.
    archives: tuple[str, ...] = ()  # files, and folders of them, to unpack into `root`
    download: bool = False  # fetch the archives from the dataset's own site first
    sources: tuple[DownloadSource, ...] = ()  # in place of the addresses that we know

    @model_validator(mode="after")
    def _archives_are_given_or_downloaded(self) -> "DatasetSettings":
        if self.download and self.archives:
            raise ValueError("give archives, or download: true, not both")
        return self

    @property
    def unpacked(self) -> bool:
        """Whether the stage `extract` fills the folder."""
        return bool(self.archives or self.download)

    def as_folder(self) -> "DatasetSettings":
        """The same without where the folder comes from, which later stages do not depend on."""
        return self.model_copy(update={"archives": (), "download": False, "sources": ()})


def _check_quality(codec: str, quality: int) -> None:
    if codec == "jpeg" and quality > 100:
        raise ValueError("quality: 101; allowed for jpeg is 1 to 100 (101 makes webp lossless)")


class FramesSettings(Section):
    """Decoding: the frames that both RGB and flow shards are made from."""

    short_side: Positive | None  # resize, keeping the aspect
    size: tuple[Positive, Positive] | None  # or an exact (width, height)
    fps: Annotated[float, Field(gt=0)] | None  # null: native
    codec: Literal["jpeg", "png", "webp"]
    quality: Annotated[int, Field(ge=1, le=101)]
    time_limit: Annotated[float, Field(gt=0)]  # seconds its decoder may work, or idle

    @model_validator(mode="after")
    def _one_resize_rule(self) -> "FramesSettings":
        if self.short_side is not None and self.size is not None:
            raise ValueError("give short_side or size, not both")
        return self

    @model_validator(mode="after")
    def _quality_of_the_codec(self) -> "FramesSettings":
        _check_quality(self.codec, self.quality)
        return self


class FlowSettings(Section):
    """TV-L1 (parameters named as in OpenCV) and how its flow is stored."""

    backend: Literal["auto", "numba", "opencv", "cuda"]
    bound: Annotated[float, Field(gt=0)]  # pixels a frame that the byte range spans
    codec: Literal["jpeg", "png", "webp"]
    quality: Annotated[int, Field(ge=1, le=101)]
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

    @model_validator(mode="after")
    def _quality_of_the_codec(self) -> "FlowSettings":
        _check_quality(self.codec, self.quality)
        return self


class FlowShardSettings(FlowSettings):
    """What a flow shard depends on: the flow and the frames it is computed from."""

    frames: FramesSettings


class WithinDataset(Section):
    """A benchmark inside one dataset, on its official splits."""

    dataset: DatasetName
    validation_fraction: Fraction  # of the training list, held out by whole groups
    splits: Annotated[tuple[Literal[1, 2, 3], ...], Field(min_length=1)] | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] | None = None  # where not all of them

    @property
    def datasets(self) -> tuple[DatasetName, ...]:
        """What it reads: the dataset that it trains on first."""
        return (self.dataset,)


class CrossDataset(Section):
    """Train on the source (and the unlabelled target), test on the target."""

    source: DatasetName
    target: DatasetName
    class_map: Literal["ucf101_hmdb51"]
    class_set: Literal["small", "full", "wide-14", "wide-16", "wide-20"]
    # all-videos-tested is all-videos with every target video in the test, as its authors did
    protocol: Literal["official-split1", "all-videos", "all-videos-tested"]
    # Of the source's training list, held out by whole groups as `val`; 0: its own held-out list.
    validation_fraction: Fraction = 0.0

    @property
    def datasets(self) -> tuple[DatasetName, ...]:
        """What it reads: source before target."""
        return (self.source, self.target)


def _kind_of_benchmark(values: Any) -> str:
    """Which of the two is meant, so that a wrong value is not taken for a wrong kind."""
    if isinstance(values, dict):
        return "within" if "dataset" in values else "cross"
    return "within" if isinstance(values, WithinDataset) else "cross"


BenchmarkSettings = Annotated[
    Annotated[WithinDataset, Tag("within")] | Annotated[CrossDataset, Tag("cross")],
    Discriminator(_kind_of_benchmark),
]
