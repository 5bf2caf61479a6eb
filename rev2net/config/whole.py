"""A whole configuration file, and the parts of it that a training and an evaluation depend on."""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from rev2net.config.data import (
    OFFICIAL_SPLITS,
    BenchmarkSettings,
    CrossDataset,
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
from rev2net.errors import did_you_mean
from rev2net.own_code import is_own
from rev2net.runs.folder import DATA
from rev2net.runs.identity import ADAPTATIONS, Adaptation, Initialisation, Run

# Results that are no tables.
RESERVED_TABLES = ("claims", "fusion", "schedules", "search", "report")


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
    "learning_rate", "flow", "frames", "feature_discrepancy", "latent_discrepancy"
]


class SearchSpace(Section):
    """Values of one method's settings that are tried: a coarse grid, then a finer one."""

    coarse: Annotated[
        dict[SearchedKey, Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]],
        Field(min_length=1),
    ]
    fine: tuple[PositiveFloat, ...] = ()  # factors on the best of the coarse grid

    @model_validator(mode="after")
    def _values_differ(self) -> "SearchSpace":
        for values in (*self.coarse.values(), self.fine):
            if len(set(values)) < len(values):
                raise ValueError(f"a value stands twice in {list(values)}")
        return self


class SearchSettings(Section):
    """The coarse-to-fine search on validation videos, held out of the training list by groups."""

    # Searched each for itself, so that no choice rests on labels of the dataset it is tested on.
    benchmarks: Annotated[tuple[Name, ...], Field(min_length=1)]
    split: Positive
    seed: Annotated[int, Field(ge=0)]
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]
    max_runs: Positive  # of all spaces and benchmarks together
    spaces: dict[StreamName, SearchSpace]

    @model_validator(mode="after")
    def _runs_are_bounded(self) -> "SearchSettings":
        runs = len(self.benchmarks) * sum(
            math.prod(map(len, space.coarse.values())) + len(space.fine) ** len(space.coarse)
            for space in self.spaces.values()
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
    def _values_differ(self) -> "ScheduleSettings":
        for values in (self.streams, self.benchmarks):
            if len(set(values)) < len(values):
                raise ValueError(f"a name stands twice in {', '.join(values)}")
        return self


class ScheduleLength(Section):
    """How long a recipe trains, and where its rate changes: as in `OptimisationSettings`."""

    epochs: float | None = None
    steps: int | None = None
    milestones: tuple[float, ...] = ()
    restarts: tuple[float, ...] = ()


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
    # Deterministic kernels, and no choice of convolutions by timing. null: on the CPU, not on GPUs.
    deterministic: bool | None = None


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

        A recipe that the file names and the configuration lacks ("rev2net.rgb.hmdb51") is the one
        that was taken in its place ("rev2net.rgb") with these parts.
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
                base = next((recipes[wide] for wide in _wider(name) if wide in recipes), None)
                if base is None:
                    raise ValueError(
                        f"recipes_from: {path}: {name!r} is no recipe; "
                        f"recipes has {', '.join(recipes)}"
                    )
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
    def _work_data_is_of_all(self) -> "Config":
        if self.name == DATA:
            raise ValueError(f"name: {DATA!r} is taken: work/{DATA} holds what all share")
        return self

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
            if settings.root:
                raise ValueError(
                    f"datasets.{dataset}.root is {settings.root!r}, but `mini` makes it where all "
                    "data lies; give no root"
                )
            if settings.format != dataset:
                raise ValueError(
                    f"datasets.{dataset}.format is {settings.format!r}; `mini` makes datasets that "
                    "are named like their format"
                )
        return self

    @model_validator(mode="after")
    def _datasets_lie_somewhere(self) -> "Config":
        for dataset, settings in self.datasets.items():
            if self.mini is None and not settings.root:
                raise ValueError(f"datasets.{dataset}.root: this key is required without `mini`")
        return self

    @model_validator(mode="after")
    def _tables_tell_methods_apart(self) -> "Config":
        labels: dict[str, str] = {}
        for name, method in self.all_methods.items():
            if (other := labels.setdefault(method.label, name)) != name:
                raise ValueError(
                    f"methods.{name}.label: {method.label!r} is that of {other}; tables could not "
                    "tell them apart"
                )
        return self

    @model_validator(mode="after")
    def _names_are_defined(self) -> "Config":
        self._check_methods()
        for name in self.adaptations:
            if name in ADAPTATIONS:
                raise ValueError(f"adaptations.{name}: this is one of ours; give another name")
        for name in self.recipes:
            self._check_recipe_name(name)
        for name, benchmark in self.benchmarks.items():
            for dataset in benchmark.datasets:
                if dataset not in self.datasets:
                    raise ValueError(
                        f"benchmarks.{name} uses dataset {dataset!r}; "
                        f"datasets has {', '.join(self.datasets)}"
                    )
            self._check_splits(f"benchmarks.{name}.splits", name, benchmark.splits or self.splits)
        if self.within_dataset_tables.init == "kinetics":
            raise ValueError(
                "within_dataset_tables.init: found 'kinetics', which Table 3's runs have; "
                "allowed are scratch, imagenet"
            )
        self._check_tables()
        self._check_search()
        self._check_schedules()
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

    def _check_methods(self) -> None:
        """Classes of one's own are looked at when they are loaded."""
        networks = sorted({method.network for method in METHODS.values()})
        for name, method in self.methods.items():
            if name in METHODS:
                raise ValueError(f"methods.{name}: this is a method of ours; give another name")
            if not is_own(method.network) and method.network not in networks:
                raise ValueError(
                    f"methods.{name}.network: {method.network!r} is no network of ours; "
                    f"{did_you_mean(method.network, networks)}, or package.module:Class"
                )
            recipe = Method.of(name, method).recipe
            if not any(key.startswith(f"{recipe}.") for key in self.recipes):
                raise ValueError(
                    f"methods.{name}: no recipe '{recipe}.<input>'; "
                    f"recipes has {', '.join(self.recipes)}"
                )

    def _check_recipe_name(self, name: str) -> None:
        """Behind "<method>.<input>" stand a start, a benchmark, or both in this order."""
        starts, benchmarks = get_args(Initialisation), tuple(self.benchmarks)
        words = name.split(".")[2:]
        kinds = [starts, benchmarks] if len(words) == 2 else [(*starts, *benchmarks)]
        for word, allowed in zip(words, kinds, strict=False):
            if word not in allowed:
                raise ValueError(f"recipes.{name}: {word!r} is none of {', '.join(allowed)}")

    def _check_tables(self) -> None:
        words = (self.cross_dataset_tables.adapt, *(table.adapt for table in self.tables.values()))
        rows = [
            (f"tables.{name}", row) for name, table in self.tables.items() for row in table.rows
        ]
        for name, claim in self.claims.items():
            rows += [(f"claims.{name}", row) for pair in claim.pairs for row in pair]
        for word in (*words, *(row.adapt for _, row in rows if row.adapt)):
            if word not in self.all_adaptations:
                raise ValueError(f"adapt {word!r} is none of {', '.join(self.all_adaptations)}")
        for where, row in rows:
            if self.method(row.method) is None:
                raise ValueError(
                    f"{where}: method {row.method!r} is none of {', '.join(self.all_methods)}"
                )
        for name, table in self.tables.items():
            if name in RESERVED_TABLES or re.fullmatch(r"table\d+", name):
                raise ValueError(f"tables.{name}: this name is taken; give another one")
            for benchmark in table.benchmarks:
                if benchmark not in self.benchmarks:
                    raise ValueError(
                        f"tables.{name}.benchmarks: {benchmark!r} is not configured; "
                        f"benchmarks has {', '.join(self.benchmarks)}"
                    )
            spelled = {
                (row.method, row.input, row.init or table.init, row.adapt or table.adapt)
                for row in table.rows
            }
            if len(spelled) < len(table.rows):
                raise ValueError(f"tables.{name}.rows: a row stands twice")
            if len(set(table.benchmarks)) < len(table.benchmarks):
                raise ValueError(f"tables.{name}.benchmarks: a benchmark stands twice")
            within = [
                benchmark
                for benchmark in table.benchmarks
                if not isinstance(self.benchmarks[benchmark], CrossDataset)
            ]
            adapted = [row.name for row in table.rows if (row.adapt or table.adapt) != "none"]
            if within and adapted:
                raise ValueError(
                    f"tables.{name}: {adapted[0]} adapts to a target, and benchmark {within[0]!r} "
                    "has none; give adapt none, or a benchmark from a source to a target"
                )

    def _check_splits(self, where: str, name: str, splits: tuple[int, ...]) -> None:
        """Refuse splits that the official lists of a benchmark's datasets do not have."""
        benchmark = self.benchmarks[name]
        if benchmark.protocol != "official":  # official-split1 is the first, others divide
            return
        for dataset in benchmark.datasets:
            official = OFFICIAL_SPLITS.get(self.datasets[dataset].format, max(splits))
            if max(splits) > official:
                allowed = ", ".join(str(split + 1) for split in range(official))
                raise ValueError(f"{where}: {max(splits)}, but {dataset} has split {allowed} only")

    def _check_search(self) -> None:
        search = self.search
        if search is None:
            return
        for name in search.benchmarks:
            if name not in self.benchmarks:
                raise ValueError(
                    f"search.benchmarks: {name!r} is not configured; "
                    f"benchmarks has {', '.join(self.benchmarks)}"
                )
            self._check_splits("search.split", name, (search.split,))
        for space in search.spaces:
            for name in search.benchmarks:
                if self.recipe_name(space, self.within_dataset_tables.init, name) is None:
                    raise ValueError(
                        f"search.spaces: no recipe {space!r} for {name}; "
                        f"recipes has {', '.join(self.recipes)}"
                    )

    def _check_schedules(self) -> None:
        schedules = self.schedules
        if schedules is None:
            return
        init = self.cross_dataset_tables.init
        for name in schedules.benchmarks:
            if not isinstance(self.benchmarks.get(name), CrossDataset):
                across = [n for n, b in self.benchmarks.items() if isinstance(b, CrossDataset)]
                raise ValueError(
                    f"schedules.benchmarks: {name!r} is no configured pair of datasets; "
                    f"benchmarks has {', '.join(across) or 'none'}"
                )
            for stream in schedules.streams:
                if self.recipe_name(stream, init, name) is None:
                    raise ValueError(
                        f"schedules.streams: no recipe {stream!r} for {name}; "
                        f"recipes has {', '.join(self.recipes)}"
                    )
                method = self.method(stream.partition(".")[0])
                if method is not None and method.network == "off":
                    raise ValueError(
                        f"schedules.streams: {stream!r} starts from a TSN that was trained on the "
                        "videos held out here"
                    )


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


class EvaluateSettings(Section):
    """What one evaluation depends on beside its checkpoint."""

    configuration: str
    parts: tuple[Literal["test", "val"], ...] = ("test", "val")  # a search sees no test video
    test: TestSettings
    compute: ComputeSettings


def run_digest(train: TrainSettings, evaluate: EvaluateSettings) -> str:
    """Digits that change whenever a run would be trained or scored otherwise."""
    return f"{digest(train)}.{digest(evaluate)}"


def load(path: str | Path) -> Config:
    """A complete configuration file."""
    return validate(Config, read_yaml(Path(path)), str(path))
