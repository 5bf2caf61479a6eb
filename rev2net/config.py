"""The typed, closed configuration: every key has a type, an unknown key is an error with a hint.

A configuration file is complete in itself (`config.yaml`, `configs/*.yaml`). Each stage of the
pipeline gets only its own section, as JSON: `parse_settings(FlowShardSettings, text)`.
"""

import difflib
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

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


class DatasetSettings(Section):
    """Where a dataset lies and how it is cut into shards."""

    root: str  # folder as published; the next two are relative to it
    videos: str
    lists: str
    official: bool  # assert the published counts of the lists
    partial: bool  # an incomplete copy: missing videos are recorded, and never stop a run
    max_unusable_fraction: Fraction
    shards: Positive


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


class CrossDataset(Section):
    """Train on the source (and the unlabelled target), test on the target."""

    source: DatasetName
    target: DatasetName
    class_map: Literal["ucf101_hmdb51"]
    class_set: Literal["small", "full", "wide-14", "wide-16", "wide-20"]
    protocol: Literal["official-split1", "all-videos"]


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


class OptimisationSettings(Section):
    """Optimiser, schedule, batch."""

    optimiser: Literal["sgd", "adamw"]
    learning_rate: Annotated[float, Field(gt=0)]
    momentum: Fraction = 0.9
    weight_decay: Annotated[float, Field(ge=0)]
    batch: Positive  # labelled clips a step; a cross-dataset step has as many unlabelled ones
    steps: Positive
    schedule: Literal["cosine", "step"]
    milestones: tuple[Fraction, ...] = ()  # fractions of `steps` at which the rate drops tenfold
    warmup: Fraction = 0.0  # fraction of `steps` of linear warm-up
    clip_gradient: Annotated[float, Field(gt=0)] | None = None
    checkpoint_every: Positive = 100  # steps


class LossSettings(Section):
    """Weights of the loss terms beside the classification (Eq. 3) and of the adaptation."""

    flow: Annotated[float, Field(ge=0)] = 0.0
    frames: Annotated[float, Field(ge=0)] = 0.0
    feature_discrepancy: Annotated[float, Field(ge=0)] = 0.0
    latent_discrepancy: Annotated[float, Field(ge=0)] = 0.0
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


class WeightsSource(Section):
    """A published checkpoint: a local file and its digest."""

    file: str
    sha256: str | None = None
    partial: bool = False  # the network has more than the checkpoint: Rev2Net's decoders


class ComputeSettings(Section):
    """What of the machine is part of the numbers."""

    threads: Positive  # of torch, for one training: sums depend on it, so not --cores
    loader_workers: Annotated[int, Field(ge=0)]  # processes that decode clips beside it
    precision: Literal["float32", "bfloat16"]  # bfloat16: autocast, on GPUs only


class ResourceSettings(Section):
    """What a training asks of the scheduler."""

    gpus: Annotated[int, Field(ge=0)]
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
    compute: ComputeSettings
    resources: ResourceSettings
    recipes: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+\.(rgb|flow)$")], Recipe]
    initial_weights: dict[
        Annotated[str, Field(pattern=r"^(imagenet|kinetics)\.[a-z0-9]+\.(rgb|flow)$")],
        WeightsSource,
    ] = {}  # "<init>.<method>.<input>"

    @model_validator(mode="after")
    def _seeds_differ(self) -> "Config":
        if len(set(self.seeds)) < len(self.seeds) or len(set(self.splits)) < len(self.splits):
            raise ValueError("a seed or split stands twice; each counts once")
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
        for name, benchmark in self.benchmarks.items():
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
