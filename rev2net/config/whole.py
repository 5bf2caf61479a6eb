"""A whole configuration file, and the parts of it that a training and an evaluation depend on."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from rev2net.config.checks import check, refuse_repeated
from rev2net.config.data import (
    BenchmarkSettings,
    DatasetSettings,
    FlowSettings,
    FramesSettings,
    MiniSettings,
    Name,
)
from rev2net.config.methods import METHODS, OWN_CODE, Method, MethodSettings
from rev2net.config.own_tables import ClaimSettings, TableSettings
from rev2net.config.recipe import (
    ClipSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    Recipe,
    TestSettings,
    WeightsSource,
)
from rev2net.config.section import Positive, Section, digest, read_yaml, validate
from rev2net.errors import UserError
from rev2net.runs.identity import ADAPTATIONS, Adaptation, Initialisation, Run


class CrossDatasetTables(Section):
    """Tables 1 and 5: the same initialisation and adaptation for every row."""

    init: Initialisation
    adapt: Adaptation
    source_only: bool  # also run every row without adaptation


class WithinDatasetTables(Section):
    """Tables 2 and 4, and the Kinetics runs that Table 3's start from."""

    init: Initialisation


_STREAM = r"[a-z0-9][a-z0-9-]*\.(rgb|flow|rgbdiff)"
StreamName = Annotated[str, Field(pattern=rf"^{_STREAM}$")]
PositiveFloat = Annotated[float, Field(gt=0)]
SearchedKey = Literal[
    "learning_rate", "share", "flow", "frames", "feature_discrepancy", "latent_discrepancy"
]


class SearchSpace(Section):
    """Values of one method's settings that are tried: a coarse grid, then a finer one."""

    coarse: Annotated[
        dict[SearchedKey, Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]],
        Field(min_length=1),
    ]
    fine: tuple[PositiveFloat, ...] = ()  # factors on the best of the coarse grid

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        for key, values in (*self.coarse.items(), ("fine", self.fine)):
            refuse_repeated(key, values)
        return self


class SearchSettings(Section):
    """The coarse-to-fine search on validation videos, held out of the training list by groups."""

    # Searched each for itself, so that no choice rests on labels of the dataset it is tested on.
    benchmarks: Annotated[tuple[Name, ...], Field(min_length=1)]
    split: Positive
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]  # each, a point
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    max_runs: Positive  # of all spaces, benchmarks and seeds together
    spaces: dict[StreamName, SearchSpace]

    @model_validator(mode="after")
    def _runs_are_bounded(self) -> Self:
        refuse_repeated("seeds", self.seeds)
        runs = (
            len(self.benchmarks)
            * len(self.seeds)
            * sum(
                math.prod(map(len, space.coarse.values())) + len(space.fine) ** len(space.coarse)
                for space in self.spaces.values()
            )
        )
        if runs > self.max_runs:
            raise ValueError(f"the spaces take {runs} runs; max_runs is {self.max_runs}")
        return self


class ScheduleSettings(Section):
    """How long cross-dataset trainings need to be, measured on source videos held out by groups."""

    streams: Annotated[tuple[StreamName, ...], Field(min_length=1)]
    benchmarks: Annotated[tuple[Name, ...], Field(min_length=1)]
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]  # of the source's training list
    points: Annotated[int, Field(ge=2)]  # measurements, evenly along the training

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        refuse_repeated("streams", self.streams)
        refuse_repeated("benchmarks", self.benchmarks)
        return self


class ScheduleLength(Section):
    """How long a recipe trains, and where its rate changes: as in `OptimisationSettings`."""

    epochs: float | None = None
    steps: int | None = None
    milestones: tuple[float, ...] = ()
    restarts: tuple[float, ...] = ()


class ComputeSettings(Section):
    """The machine's part; but for `loader_workers` it is part of the numbers."""

    threads: Positive  # of torch, for one training: sums depend on it, so not --cores
    loader_workers: Annotated[int, Field(ge=0)] = 0  # processes that decode clips beside it
    precision: Literal["float32", "bfloat16"]  # bfloat16: autocast, on GPUs only
    # Of one training: each has a share of the batch, a GPU, and threads and workers as above.
    processes: Positive = 1
    sync_batchnorm: bool = False  # statistics over the batches of all processes; GPUs only
    channels_last: bool = True  # layout of the activations
    compile: bool = False  # torch.compile
    # Deterministic kernels, and no choice of convolutions by timing. null: on the CPU, not on GPUs.
    deterministic: bool | None = None

    def with_workers(self, number: int) -> Self:
        """The same with so many loader processes."""
        return self.model_copy(update={"loader_workers": number})


class ResourceSettings(Section):
    """What a training asks of the scheduler."""

    gpus: Annotated[int, Field(ge=0)]  # 0, or one for each of compute.processes
    memory_mb: Positive
    minutes: Positive
    gpu_memory_mb: Positive | None = None  # of a card; a plan is compared with it


class Config(Section):
    """A whole configuration file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    reproduces_paper: bool = False  # the paper's data and networks: its numbers stand beside ours
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    splits: Annotated[tuple[Positive, ...], Field(min_length=1)]
    mini: MiniSettings | None = None
    datasets: dict[Name, DatasetSettings]
    frames: FramesSettings
    flow: FlowSettings
    benchmarks: dict[Name, BenchmarkSettings]
    methods: dict[Name, MethodSettings] = Field(default_factory=dict)  # beside the paper's
    # Terms that make features of source and target alike, by the word of `adapt`: functions of two
    # batches of features (B, D).
    adaptations: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")],
        Annotated[str, Field(pattern=rf"^{OWN_CODE}$")],
    ] = Field(default_factory=dict)
    tables: dict[Name, TableSettings] = Field(default_factory=dict)  # beside the paper's
    claims: dict[Name, ClaimSettings] = Field(default_factory=dict)  # likewise
    # Of the paper's tables.
    cross_dataset_tables: CrossDatasetTables = CrossDatasetTables(
        init="scratch", adapt="mkmmd", source_only=False
    )
    within_dataset_tables: WithinDatasetTables = WithinDatasetTables(init="scratch")
    search: SearchSettings | None = None
    schedules: ScheduleSettings | None = None
    # Steps from line to line of metrics.jsonl; 0: some sixty lines a training. Retrains nothing.
    log_every: Annotated[int, Field(ge=0)] = 0
    compute: ComputeSettings
    resources: ResourceSettings
    # "<method>.<input>", behind it a start or a benchmark that has its own, or both (`recipe_name`)
    recipes: dict[Annotated[str, Field(pattern=rf"^{_STREAM}(\.[a-z0-9-]+){{0,2}}$")], Recipe]
    initial_weights: dict[
        Annotated[str, Field(pattern=rf"^(imagenet|kinetics)\.{_STREAM}$")],
        WeightsSource,
    ] = Field(default_factory=dict)  # "<init>.<method>.<input>"
    # Of recipes that a file of `recipes_from` made longer or shorter, their own length: what
    # `schedules` measures stays the same when its result is taken in.
    own_lengths: dict[str, ScheduleLength] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _recipes_from_files(cls, values: Any) -> Any:
        """Take in `recipes_from`: files of parts of recipes, such as a search writes.

        A recipe that the file names and the configuration lacks ("rev2net.rgb.scratch.hmdb51") is
        the one that was taken in its place ("rev2net.rgb") with these parts.
        """
        if not isinstance(values, dict) or "recipes_from" not in values:
            return values
        values = dict(values)
        paths = values.pop("recipes_from") or []
        recipes = dict(values.get("recipes") or {})
        lengths = dict(values.get("own_lengths") or {})
        for path in [paths] if isinstance(paths, str) else paths:
            if not Path(path).is_file():
                raise ValueError(
                    f"recipes_from: {path}: no such file; `snakemake results/search.csv` or "
                    "`results/schedules.csv` writes one, without this key"
                )
            for name, parts in (read_yaml(Path(path)) or {}).items():
                wide = next((wide for wide in _wider(name) if wide in recipes), None)
                if wide is None:
                    raise ValueError(
                        f"recipes_from: {path}: {name!r} is no recipe; "
                        f"recipes has {', '.join(recipes)}"
                    )
                base = recipes[wide]
                if wide in lengths:
                    lengths.setdefault(name, lengths[wide])
                if {"epochs", "steps"} & (parts.get("optimisation") or {}).keys():
                    own = base.get("optimisation", {})
                    keys = [key for key in ScheduleLength.model_fields if key in own]
                    lengths.setdefault(name, {key: own[key] for key in keys})
                recipes[name] = {
                    **base,
                    **{part: {**base.get(part, {}), **found} for part, found in parts.items()},
                }
        return {**values, "recipes": recipes, "own_lengths": lengths}

    @model_validator(mode="after")
    def _all_goes_together(self) -> Self:
        check(self)
        return self

    def method(self, name: str) -> Method | None:
        """A method of ours or of this configuration; None: there is none of that name."""
        own = self.methods.get(name)
        return METHODS.get(name) if own is None else Method.of(name, own)

    @property
    def all_methods(self) -> dict[str, Method]:
        """Ours, then those of this configuration."""
        return METHODS | {name: Method.of(name, own) for name, own in self.methods.items()}

    @property
    def all_adaptations(self) -> tuple[str, ...]:
        """The words that may stand for `adapt`."""
        return (*ADAPTATIONS, *self.adaptations)

    def recipe_name(self, stream: str, init: str, benchmark: str) -> str | None:
        """The most particular recipe of a stream ("tsm.rgb"): of start and benchmark, of the
        benchmark, of the start, of the stream; None where there is none.
        """
        names = (f".{init}.{benchmark}", f".{benchmark}", f".{init}", "")
        return next((stream + name for name in names if stream + name in self.recipes), None)


def _wider(name: str) -> list[str]:
    """A recipe's name and those that stand in for it, as `Config.recipe_name` looks for them.

    >>> _wider("tsm.rgb.imagenet.hmdb-ucf")[1:]
    ['tsm.rgb.hmdb-ucf', 'tsm.rgb.imagenet', 'tsm.rgb']
    """
    words = name.split(".")
    stream = ".".join(words[:2])
    return [name, *(f"{stream}.{word}" for word in reversed(words[2:])), stream]


def _as_run(value: Any) -> Run:
    return value if isinstance(value, Run) else Run.parse(str(value))


def _path(run: Run) -> str:
    return run.path


class TrainSettings(Section):
    """What one training depends on; the workflow passes it as JSON (made by `experiments`)."""

    configuration: str
    run: Annotated[Run, PlainValidator(_as_run), PlainSerializer(_path, return_type=str)]
    network_name: str  # one of ours, or "package.module:Class"
    network: NetworkSettings
    clip: ClipSettings
    optimisation: OptimisationSettings
    loss: LossSettings
    compute: ComputeSettings
    frames: FramesSettings
    flow_bound: float
    initial_weights: WeightsSource | None
    adaptation: str | None = None  # "package.module:function", where `adapt` is one's own word
    own_code: dict[str, str] = Field(default_factory=dict)  # of one's own: the files' digests

    @property
    def of_numbers(self) -> "TrainSettings":
        """The same with what changes no number at its default: of these a training is known."""
        usual = OptimisationSettings.model_fields["checkpoint_every"].default
        optimisation = self.optimisation.model_copy(update={"checkpoint_every": usual})
        compute = self.compute.with_workers(0)
        return self.model_copy(update={"optimisation": optimisation, "compute": compute})

    def same_numbers(self, stored: Any) -> bool:
        """Whether the settings that a run's record has give what these give."""
        try:
            return validate(TrainSettings, stored, "run.json").of_numbers == self.of_numbers
        except UserError:  # of a version that had other keys
            return False


class EvaluateSettings(Section):
    """What one evaluation depends on beside its checkpoint."""

    configuration: str
    parts: tuple[Literal["test", "val"], ...] = ("test", "val")  # a search sees no test video
    test: TestSettings
    compute: ComputeSettings

    @property
    def of_numbers(self) -> "EvaluateSettings":
        """The same with what changes no number at its default: of these scores are known."""
        return self.model_copy(update={"compute": self.compute.with_workers(0)})


def run_digest(train: TrainSettings, evaluate: EvaluateSettings) -> str:
    """Digits that change whenever a run would be trained or scored otherwise."""
    return f"{digest(train.of_numbers)}.{digest(evaluate.of_numbers)}"


def load(path: str | Path) -> Config:
    """A complete configuration file."""
    return validate(Config, read_yaml(Path(path)), str(path))
