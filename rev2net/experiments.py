"""The rows of the paper's tables, the runs they need, and the identity of a run.

The one place that knows which trainings a table takes; the workflow, the command line and the
tables all ask here. Imports neither pandas nor torch: Snakemake reads it for every job.
"""

import difflib
import re
from dataclasses import dataclass, replace
from typing import get_args

from rev2net.config import (
    Adaptation,
    BenchmarkName,
    Config,
    CrossDataset,
    EvaluateSettings,
    FlowShardSettings,
    Initialisation,
    Recipe,
    TrainSettings,
    WithinDataset,
)
from rev2net.errors import UserError

# Raised when the output of a stage changes for the same input and settings: the code that the
# workflow calls through the shell is invisible to it (a changed number re-runs the stage).
STAGE_VERSIONS = {
    "mini": 1,
    "index": 1,
    "frames": 1,
    "flow": 1,
    "merge": 1,
    "splits": 1,
    "train": 1,
    "evaluate": 1,
    "fuse": 1,
    "table": 1,
}


@dataclass(frozen=True)
class Method:
    """A compared system: the paper's name for it, whose recipe it uses, and what it goes without.

    The method's name is also its builder's in `rev2net.models`.
    """

    label: str
    recipe: str  # recipes are named "<recipe>.<input>" in the configuration
    without: tuple[str, ...] = ()  # loss terms whose weight is 0


DISCREPANCY = ("feature_discrepancy", "latent_discrepancy")

METHODS: dict[str, Method] = {
    "tsn": Method("TSN", "tsn"),
    "tsm": Method("TSM", "tsm"),
    "i3d": Method("I3D", "i3d"),
    "rev2net": Method("Rev2Net", "rev2net"),
    "rev2net-noframe": Method("Rev2Net w/o frame dec.", "rev2net", ("frames", *DISCREPANCY)),
    "rev2net-noflow": Method("Rev2Net w/o flow dec.", "rev2net", ("flow", *DISCREPANCY)),
    "rev2net-noddp": Method("Rev2Net w/o DDP", "rev2net", DISCREPANCY),
}

# Weights of RGB and flow scores in a two-stream row, as each method publishes them
# (TSN 1:1.5; I3D adds logits; where a paper says nothing: equal).
FUSION_WEIGHTS: dict[str, tuple[float, float]] = {
    method: (1.0, 1.5) if method == "tsn" else (1.0, 1.0) for method in METHODS
}

TWO_STREAM = "rgb+flow"
INPUT_LABELS = {"rgb": "RGB", "flow": "Flow", TWO_STREAM: "RGB + Flow"}

_RUN_PATH = re.compile(
    r"(?P<benchmark>[a-z0-9-]+)/(?P<method>[a-z0-9-]+)/"
    r"(?P<input>[a-z+]+)\.(?P<init>[a-z]+)\.(?P<adapt>[a-z]+)/split(?P<split>\d+)\.seed(?P<seed>\d+)"
)


@dataclass(frozen=True, order=True)
class Run:
    """One training (or, with input `rgb+flow`, one fusion of two), named by its path.

    >>> Run("hmdb-ucf", "i3d", "rgb", "scratch", "mkmmd", 1, 0).path
    'hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0'
    """

    benchmark: str
    method: str
    input: str
    init: str
    adapt: str
    split: int
    seed: int

    @property
    def path(self) -> str:
        return (
            f"{self.benchmark}/{self.method}/{self.input}.{self.init}.{self.adapt}/"
            f"split{self.split}.seed{self.seed}"
        )

    @classmethod
    def parse(cls, path: str) -> "Run":
        """The run of a path; raises UserError naming the word that is not in the vocabulary."""
        match = _RUN_PATH.fullmatch(path.strip("/"))
        if match is None:
            raise UserError(
                f"run {path!r} is not <benchmark>/<method>/<input>.<init>.<adapt>/"
                "split<k>.seed<s>, for example hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0"
            )
        words = match.groupdict()
        for key, allowed in (
            ("benchmark", get_args(BenchmarkName)),
            ("method", tuple(METHODS)),
            ("input", tuple(INPUT_LABELS)),
            ("init", get_args(Initialisation)),
            ("adapt", get_args(Adaptation)),
        ):
            if words[key] not in allowed:
                raise UserError(
                    f"run {path!r}: {key} {words[key]!r} is none of {', '.join(allowed)}"
                )
        return cls(
            words["benchmark"],
            words["method"],
            words["input"],
            words["init"],
            words["adapt"],
            int(words["split"]),
            int(words["seed"]),
        )

    @property
    def streams(self) -> tuple["Run", ...]:
        """The trainings behind this run: itself, or the two that a two-stream run fuses.

        Rev2Net's second stream is an I3D on flow (the paper's "R + F", PROTOCOLS section 1).
        """
        if self.input != TWO_STREAM:
            return (self,)
        flow_method = "i3d" if self.method.startswith("rev2net") else self.method
        return (replace(self, input="rgb"), replace(self, method=flow_method, input="flow"))

    @property
    def scores_folder(self) -> str:
        """Where the run's scores lie, relative to `work/<name>`."""
        return f"{'fused' if self.input == TWO_STREAM else 'runs'}/{self.path}"


@dataclass(frozen=True)
class Cell:
    """One number of a table."""

    table: str
    row: str
    method: str
    input: str
    init: str
    adapt: str
    benchmark: str
    paper: float | None  # percent; None where the paper has none


# (method, input, the paper's HMDB->UCF, UCF->HMDB)
_Row = tuple[str, str, float, float]
_TABLE1: list[_Row] = [
    ("tsn", "rgb", 58.5, 40.1),
    ("tsn", "flow", 33.2, 23.0),
    ("tsn", TWO_STREAM, 60.9, 40.3),
    ("tsm", "rgb", 58.9, 41.2),
    ("tsm", "flow", 35.1, 24.0),
    ("tsm", TWO_STREAM, 61.2, 41.5),
    ("i3d", "rgb", 56.4, 41.0),
    ("i3d", "flow", 45.0, 31.1),
    ("i3d", TWO_STREAM, 57.9, 41.5),
]
_TABLE5: list[_Row] = [
    *(row for row in _TABLE1 if row[1] == "rgb"),
    *(row for row in _TABLE1 if row[1] == TWO_STREAM),
    ("rev2net", "rgb", 63.1, 46.8),
]
TABLES: dict[str, list[_Row]] = {"table1": _TABLE1, "table5": _TABLE5}
TITLES: dict[str, str] = {
    "table1": "Cross-dataset accuracy of two-stream networks",
    "table5": "Cross-dataset accuracy of Rev2Net and the compared networks",
}


def cells(table: str, config: Config) -> list[Cell]:
    """The cells of a table under a configuration, row by row."""
    if table not in TABLES:
        near = difflib.get_close_matches(table, TABLES, n=1)
        hint = f", did you mean {near[0]!r}?" if near else f"; tables: {', '.join(TABLES)}"
        raise UserError(f"unknown table {table!r}{hint}")
    chosen = config.cross_dataset_tables
    adaptations = [chosen.adapt, *(["none"] if chosen.source_only else [])]
    found = []
    for method, input_, *paper in TABLES[table]:
        for adapt in dict.fromkeys(adaptations):
            for benchmark, value in zip(("hmdb-ucf", "ucf-hmdb"), paper, strict=True):
                # The paper's rows are adapted ones; a source-only row stands beside, without.
                published = value if adapt == chosen.adapt else None
                label = METHODS[method].label
                row = label if adapt == chosen.adapt else f"{label} (source only)"
                found.append(
                    Cell(table, row, method, input_, chosen.init, adapt, benchmark, published)
                )
    return found


def cell_runs(cell: Cell, config: Config) -> list[Run]:
    """The runs that a cell averages: every split and seed of the configuration.

    `official-split1` is a protocol of the first split, whatever other benchmarks average over.
    """
    benchmark = config.benchmarks.get(cell.benchmark)  # type: ignore[call-overload]
    first_only = isinstance(benchmark, CrossDataset) and benchmark.protocol == "official-split1"
    return [
        Run(cell.benchmark, cell.method, cell.input, cell.init, cell.adapt, split, seed)
        for split in ((1,) if first_only else config.splits)
        for seed in config.seeds
    ]


def table_runs(table: str, config: Config) -> list[Run]:
    """All runs of a table's cells, two-stream ones included."""
    return sorted({run for cell in cells(table, config) for run in cell_runs(cell, config)})


def benchmark_datasets(benchmark: str, config: Config) -> list[str]:
    """The datasets a benchmark reads: source before target."""
    settings = config.benchmarks.get(benchmark)  # type: ignore[call-overload]
    if settings is None:
        raise UserError(
            f"benchmark {benchmark!r} is not in configuration {config.name!r}; "
            f"it has {', '.join(config.benchmarks)}"
        )
    if isinstance(settings, WithinDataset):
        return [settings.dataset]
    assert isinstance(settings, CrossDataset)
    return [settings.source, settings.target]


def _recipe(run: Run, config: Config) -> Recipe:
    """The run's recipe; Rev2Net's ablations share Rev2Net's, less what they go without."""
    method = METHODS[run.method]
    name = f"{method.recipe}.{run.input}"
    if name not in config.recipes:
        raise UserError(
            f"configuration {config.name!r} has no recipe {name!r}; "
            f"it has {', '.join(config.recipes)}"
        )
    recipe = config.recipes[name]
    loss = recipe.loss.model_copy(update=dict.fromkeys(method.without, 0.0))
    return recipe.model_copy(update={"loss": loss})


def train_settings(run: Run, config: Config) -> TrainSettings:
    """Everything one training depends on, and nothing else (its test protocol, for one)."""
    recipe = _recipe(run, config)
    weights = f"{run.init}.{METHODS[run.method].recipe}.{run.input}"
    return TrainSettings(
        configuration=config.name,
        run=run.path,
        network=recipe.network,
        clip=recipe.clip,
        optimisation=recipe.optimisation,
        loss=recipe.loss,
        compute=config.compute,
        frames=config.frames,
        flow_bound=config.flow.bound,
        initial_weights=config.initial_weights.get(weights),
    )


def evaluate_settings(run: Run, config: Config) -> EvaluateSettings:
    """Everything one evaluation depends on beside its checkpoint."""
    return EvaluateSettings(
        configuration=config.name, test=_recipe(run, config).test, compute=config.compute
    )


def flow_shard_settings(config: Config) -> FlowShardSettings:
    """What a flow shard depends on."""
    return FlowShardSettings(frames=config.frames, **config.flow.model_dump())
