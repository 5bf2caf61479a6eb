"""The typed, closed configuration: every key has a type, an unknown key is an error with a hint.

A configuration file is complete in itself (`config.yaml`, `configs/*.yaml`). Each stage of the
pipeline gets only its own section, as JSON: `parse_settings(FlowShardSettings, text)`.
"""

import difflib
import hashlib
import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from rev2net.errors import UserError

DatasetName = Literal["ucf101", "hmdb51", "kinetics400"]
BenchmarkName = Literal["ucf101", "hmdb51", "kinetics400", "hmdb-ucf", "ucf-hmdb"]
Initialisation = Literal["scratch", "imagenet", "kinetics"]
Adaptation = Literal["none", "mkmmd", "dann"]

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A closed, immutable part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(_unknown(str(key), list(cls.model_fields)))
        return values


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


class FramesSettings(Section):
    """Decoding: the frames that both RGB and flow shards are made from."""

    short_side: Positive | None  # resize, keeping the aspect
    size: tuple[Positive, Positive] | None  # or an exact (width, height)
    fps: Annotated[float, Field(gt=0)] | None  # null: native
    codec: Literal["jpeg", "png", "webp"]
    quality: Annotated[int, Field(ge=1, le=101)]
    time_limit: Annotated[float, Field(gt=0)]  # seconds a video may take

    @model_validator(mode="after")
    def _one_resize_rule(self) -> "FramesSettings":
        if self.short_side is not None and self.size is not None:
            raise ValueError("give short_side or size, not both")
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


class FlowShardSettings(FlowSettings):
    """What a flow shard depends on: the flow and the frames it is computed from."""

    frames: FramesSettings


class WithinDataset(Section):
    """A benchmark inside one dataset, on its official splits."""

    dataset: DatasetName
    validation_fraction: Fraction  # of the training list, held out by whole groups
    splits: Annotated[tuple[Literal[1, 2, 3], ...], Field(min_length=1)] | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] | None = None  # where not all of them


class CrossDataset(Section):
    """Train on the source (and the unlabelled target), test on the target."""

    source: DatasetName
    target: DatasetName
    class_map: Literal["ucf101_hmdb51"]
    class_set: Literal["small", "full", "wide-14", "wide-16", "wide-20"]
    # all-videos-tested is all-videos with every target video in the test, as its authors did
    protocol: Literal["official-split1", "all-videos", "all-videos-tested"]


def _kind_of_benchmark(values: Any) -> str:
    """Which of the two is meant, so that a wrong value is not taken for a wrong kind."""
    if isinstance(values, dict):
        return "within" if "dataset" in values else "cross"
    return "within" if isinstance(values, WithinDataset) else "cross"


BenchmarkSettings = Annotated[
    Annotated[WithinDataset, Tag("within")] | Annotated[CrossDataset, Tag("cross")],
    Discriminator(_kind_of_benchmark),
]


class NetworkSettings(Section):
    """The network: its width (1 is the published one) and its builder's options."""

    width: Annotated[float, Field(gt=0)]
    options: dict[str, bool | int | float | str] = {}


class ClipSettings(Section):
    """How a training sample is cut from a video."""

    length: Positive  # frames of a dense clip (3D networks), or segments (2D networks)
    stride: Positive = 1  # frames from one to the next of a dense clip
    size: Positive  # pixels; square
    scales: Annotated[
        tuple[Fraction, ...], Field(min_length=1)
    ]  # scale jitter: crop side as a fraction of the short side
    distortion: Annotated[int, Field(ge=0)] = 0  # steps by which its width and height may differ
    corners: bool = False  # crop at a corner or the centre, not anywhere
    flip: bool


class RateMultipliers(Section):
    """Factors on the learning rate of some layers, as published fine-tuning recipes have them.

    They multiply: the bias of the head has `head * biases`.
    """

    first_convolution: Annotated[float, Field(gt=0)] = 1.0  # TSN and TSM on flow: 5
    head: Annotated[float, Field(gt=0)] = 1.0  # the classifier; TSM's fine-tuning: 5
    biases: Annotated[float, Field(gt=0)] = 1.0  # of convolutions and classifiers; TSN, TSM: 2


class OptimisationSettings(Section):
    """Optimiser, schedule, batch."""

    optimiser: Literal["sgd", "adamw"]
    learning_rate: Annotated[float, Field(gt=0)]
    momentum: Fraction = 0.9
    weight_decay: Annotated[float, Field(ge=0)]
    batch: Positive  # labelled clips a step; a cross-dataset step has as many unlabelled ones
    accumulate: Positive = 1  # parts that pass one after the other and add up to the batch
    steps: Positive
    schedule: Literal["cosine", "step"]
    cycles: Positive = 1  # of the cosine: how often it begins at the full rate
    milestones: tuple[Fraction, ...] = ()  # fractions of `steps` at which the rate drops tenfold
    warmup: Fraction = 0.0  # fraction of `steps` of linear warm-up
    clip_gradient: Annotated[float, Field(gt=0)] | None = None
    checkpoint_every: Positive = 100  # steps
    multipliers: RateMultipliers = RateMultipliers()
    freeze_batchnorm: bool = False  # all of it: stored statistics, scale and shift stay
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None  # decay of averaged weights, if kept

    @model_validator(mode="after")
    def _batch_divides(self) -> "OptimisationSettings":
        if self.batch % self.accumulate:
            raise ValueError(
                f"batch is {self.batch}, accumulate {self.accumulate}; the batch must be a "
                "multiple of it"
            )
        return self


class LossSettings(Section):
    """Weights of the loss terms beside the classification (Eq. 3) and of the adaptation."""

    flow: Annotated[float, Field(ge=0)] = 0.0
    flow_norm: Literal["l1", "l2", "epe"] = "l1"  # epe: end-point error (ActionFlowNet)
    frames: Annotated[float, Field(ge=0)] = 0.0
    frames_norm: Literal["l1", "l2"] = "l1"
    feature_discrepancy: Annotated[float, Field(ge=0)] = 0.0
    latent_discrepancy: Annotated[float, Field(ge=0)] = 0.0
    mask: Annotated[float, Field(ge=0)] = 0.0  # penalty on the foreground mask; VGAN has 0.1
    domain: Annotated[float, Field(ge=0)] = 1.0
    decoders_on_target: bool = False


class TestSettings(Section):
    """The test protocol: what is averaged into a video's scores."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    clips: Positive  # evenly placed
    crops: Literal[1, 3, 10]  # centre; three along the long side; corners and centre, flipped too
    size: Positive  # pixels; square crop of the stored frames
    length: Positive | None = None  # frames or segments of a clip, where not as in training
    whole_video: bool = False  # one clip of all frames
    average: Literal["logit", "probability"]
    batch: Positive = 32


class Recipe(Section):
    """Everything that makes one method on one input."""

    network: NetworkSettings
    clip: ClipSettings
    optimisation: OptimisationSettings
    loss: LossSettings = LossSettings()
    test: TestSettings


class CrossDatasetTables(Section):
    """Tables 1 and 5: the same initialisation and adaptation for every row."""

    init: Initialisation
    adapt: Adaptation
    source_only: bool  # also run every row without adaptation


class WithinDatasetTables(Section):
    """Tables 2 and 4, and the Kinetics runs that Table 3's start from."""

    init: Initialisation


SearchedKey = Literal[
    "learning_rate", "flow", "frames", "feature_discrepancy", "latent_discrepancy", "domain"
]


class SearchSpace(Section):
    """Values of one method's settings that are tried: a coarse grid, then a finer one."""

    coarse: Annotated[
        dict[SearchedKey, Annotated[tuple[float, ...], Field(min_length=1)]], Field(min_length=1)
    ]
    fine: tuple[Annotated[float, Field(gt=0)], ...] = ()  # factors on the best of the coarse grid


class SearchSettings(Section):
    """The coarse-to-fine search on validation videos, held out of the training list by groups."""

    benchmark: DatasetName
    split: Literal[1, 2, 3]
    seed: Annotated[int, Field(ge=0)]
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    max_runs: Positive  # of all spaces together
    spaces: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+\.(rgb|flow|rgbdiff)$")], SearchSpace]

    @model_validator(mode="after")
    def _runs_are_bounded(self) -> "SearchSettings":
        runs = sum(
            math.prod(map(len, space.coarse.values())) + len(space.fine) ** len(space.coarse)
            for space in self.spaces.values()
        )
        if runs > self.max_runs:
            raise ValueError(f"the spaces take {runs} runs; max_runs is {self.max_runs}")
        return self


class WeightsSource(Section):
    """A checkpoint to start from: a file that is there, or where to download it to, and from."""

    file: str
    url: Annotated[str, Field(pattern=r"^https?://[^/]+/.*[^/]$")] | None = None
    # hexadecimal; its first 8 digits are enough (torchvision writes them into file names)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")] | None = None
    partial: bool = False  # the network has more than the checkpoint: Rev2Net's decoders

    @model_validator(mode="after")
    def _downloads_are_checked(self) -> "WeightsSource":
        if self.url is not None and self.sha256 is None:
            raise ValueError(f"url {self.url} without sha256: what is downloaded has to be checked")
        return self


class ComputeSettings(Section):
    """What of the machine is part of the numbers."""

    threads: Positive  # of torch, for one training: sums depend on it, so not --cores
    loader_workers: Annotated[int, Field(ge=0)]  # processes that decode clips beside it
    precision: Literal["float32", "bfloat16"]  # bfloat16: autocast, on GPUs only
    # Of one training: each has a share of the batch, a GPU, and threads and workers as above.
    processes: Positive = 1
    sync_batchnorm: bool = False  # statistics over the batches of all processes; GPUs only
    channels_last: bool = True  # layout of the activations
    compile: bool = False  # torch.compile


class ResourceSettings(Section):
    """What a training asks of the scheduler."""

    gpus: Annotated[int, Field(ge=0)]  # 0, or one for each of compute.processes
    memory_mb: Positive
    minutes: Positive


class Config(Section):
    """A whole configuration file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    reproduces_paper: bool  # the paper's data and networks: its numbers stand beside ours
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    splits: Annotated[tuple[Literal[1, 2, 3], ...], Field(min_length=1)]
    mini: MiniSettings | None = None
    datasets: dict[DatasetName, DatasetSettings]
    frames: FramesSettings
    flow: FlowSettings
    benchmarks: dict[BenchmarkName, BenchmarkSettings]
    cross_dataset_tables: CrossDatasetTables
    within_dataset_tables: WithinDatasetTables = WithinDatasetTables(init="scratch")
    search: SearchSettings | None = None
    compute: ComputeSettings
    resources: ResourceSettings
    # "<method>.<input>", or with a benchmark's name behind it where that has its own
    recipes: dict[
        Annotated[str, Field(pattern=r"^[a-z0-9]+\.(rgb|flow|rgbdiff)(\.[a-z0-9-]+)?$")], Recipe
    ]
    initial_weights: dict[
        Annotated[str, Field(pattern=r"^(imagenet|kinetics)\.[a-z0-9]+\.(rgb|flow|rgbdiff)$")],
        WeightsSource,
    ] = {}  # "<init>.<method>.<input>"

    @model_validator(mode="after")
    def _seeds_differ(self) -> "Config":
        if len(set(self.seeds)) < len(self.seeds) or len(set(self.splits)) < len(self.splits):
            raise ValueError("a seed or split stands twice; each counts once")
        return self

    @model_validator(mode="after")
    def _a_gpu_for_each_process(self) -> "Config":
        gpus, processes = self.resources.gpus, self.compute.processes
        if gpus not in (0, processes):
            raise ValueError(
                f"resources.gpus is {gpus} and compute.processes {processes}; "
                "give both the same number (or 0 GPUs, to train on the CPU)"
            )
        return self

    @model_validator(mode="after")
    def _mini_writes_where_datasets_are_read(self) -> "Config":
        if self.mini is None:
            return self
        if self.reproduces_paper:
            raise ValueError("reproduces_paper is true, but `mini` makes synthetic videos")
        for name, benchmark in self.benchmarks.items():
            small = isinstance(benchmark, CrossDataset) and benchmark.class_set == "small"
            if self.mini.classes == "small" and isinstance(benchmark, CrossDataset) and not small:
                raise ValueError(
                    f"benchmarks.{name}.class_set is {benchmark.class_set!r}; "
                    "mini.classes 'small' renders the set 'small' only"
                )
        for dataset, settings in self.datasets.items():
            if settings.unpacked:
                raise ValueError(f"datasets.{dataset}: archives or download, but `mini` makes it")
            made = f"work/{self.name}/datasets/{dataset}"
            if settings.root != made:
                raise ValueError(
                    f"datasets.{dataset}.root is {settings.root!r}; "
                    f"with `mini` and name {self.name!r} it has to be {made!r}"
                )
        return self

    @model_validator(mode="after")
    def _names_are_defined(self) -> "Config":
        directions = {"hmdb-ucf": ("hmdb51", "ucf101"), "ucf-hmdb": ("ucf101", "hmdb51")}
        for name, (source, target) in directions.items():
            settings = self.benchmarks.get(name)  # type: ignore[call-overload]
            if settings is not None and (
                not isinstance(settings, CrossDataset)
                or (settings.source, settings.target) != (source, target)
            ):
                raise ValueError(f"benchmarks.{name} needs source {source} and target {target}")
        for name in self.recipes:
            benchmark_name = name.split(".")[2:]
            if benchmark_name and benchmark_name[0] not in get_args(BenchmarkName):
                raise ValueError(
                    f"recipes.{name}: {benchmark_name[0]!r} is none of "
                    f"{', '.join(get_args(BenchmarkName))}"
                )
        for name, benchmark in self.benchmarks.items():
            if name not in directions and (
                not isinstance(benchmark, WithinDataset) or benchmark.dataset != name
            ):
                raise ValueError(f"benchmarks.{name} needs dataset {name}")
            if name == "kinetics400" and getattr(benchmark, "splits", None) != (1,):
                raise ValueError(
                    "benchmarks.kinetics400.splits: kinetics400 has one official split, give [1]"
                )
            used = (
                [benchmark.dataset]
                if isinstance(benchmark, WithinDataset)
                else [benchmark.source, benchmark.target]
            )
            for dataset in used:
                if dataset not in self.datasets:
                    raise ValueError(
                        f"benchmarks.{name} uses dataset {dataset!r}; "
                        f"datasets has {', '.join(self.datasets)}"
                    )
        if self.search is not None and self.search.benchmark not in self.benchmarks:
            raise ValueError(
                f"search.benchmark is {self.search.benchmark!r}; "
                f"benchmarks has {', '.join(self.benchmarks)}"
            )
        return self


class TrainSettings(Section):
    """What one training depends on; the workflow passes it as JSON (made by `experiments`)."""

    configuration: str
    run: str  # Run.path
    network: NetworkSettings
    clip: ClipSettings
    optimisation: OptimisationSettings
    loss: LossSettings
    compute: ComputeSettings
    frames: FramesSettings
    flow_bound: float
    initial_weights: WeightsSource | None


class EvaluateSettings(Section):
    """What one evaluation depends on beside its checkpoint."""

    configuration: str
    parts: tuple[Literal["test", "val"], ...] = ("test", "val")  # a search sees no test video
    test: TestSettings
    compute: ComputeSettings


SectionType = TypeVar("SectionType", bound=BaseModel)


def _unknown(key: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(key, allowed, n=1)
    hint = f", did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(allowed)}"
    return f"unknown key {key!r}{hint}"


def _first_problem(error: ValidationError) -> str:
    """One line for the first problem: where, what was found, what is allowed."""
    problem = error.errors()[0]
    # The kinds of a union appear in `loc` too: they are no keys of the file.
    where = ".".join(str(part) for part in problem["loc"] if part not in ("within", "cross"))
    message = problem["msg"].removeprefix("Value error, ")
    found = problem.get("input")
    if problem["type"] == "missing":
        message = "this key is required"
    elif problem["type"] != "value_error" and not isinstance(found, dict | list):
        message = f"{message}, found {found!r}"
    more = error.error_count() - 1
    return (f"{where}: {message}" if where else message) + (f" (and {more} more)" if more else "")


def validate(section: type[SectionType], values: Any, origin: str) -> SectionType:
    """Values as a typed section; raises UserError naming `origin`, key, value and what is allowed.

    >>> validate(TestSettings, {"clips": 0, "crops": 1, "average": "logit"}, "test")
    Traceback (most recent call last):
    rev2net.errors.UserError: test: clips: Input should be greater than or equal to 1, found 0
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{origin}: {_first_problem(error)}") from None


def parse_settings(section: type[SectionType], text: str) -> SectionType:
    """A stage's section from JSON text, or from a JSON or YAML file of that name."""
    if text.lstrip().startswith("{"):
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"--settings: not JSON ({error})") from None
        return validate(section, values, "--settings")
    return validate(section, _read_yaml(Path(text)), text)


def load(path: str | Path) -> Config:
    """A complete configuration file."""
    return validate(Config, _read_yaml(Path(path)), str(path))


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise UserError(f"{path}: not YAML (line {line})") from None


def dump(section: BaseModel) -> str:
    """Canonical JSON of a section: same settings, same text."""
    return json.dumps(section.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def digest(section: BaseModel) -> str:
    """Twelve hex digits that change whenever a setting changes."""
    return hashlib.sha256(dump(section).encode()).hexdigest()[:12]
