"""What a configuration has to fulfil as a whole: names that are defined, parts that go together."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, get_args

from rev2net.config.data import OFFICIAL_SPLITS, BenchmarkSettings, CrossDataset
from rev2net.config.methods import METHODS, Method
from rev2net.errors import did_you_mean
from rev2net.own_code import is_own
from rev2net.runs.folder import DATA
from rev2net.runs.identity import ADAPTATIONS, Initialisation

if TYPE_CHECKING:
    from rev2net.config.own_tables import TableSettings
    from rev2net.config.whole import Config

# Results that are no tables.
RESERVED_TABLES = ("claims", "fusion", "schedules", "search", "report")


def check(config: "Config") -> None:
    """Raise ValueError for the first thing that is wrong, naming its key."""
    if config.name == DATA:
        raise ValueError(f"name: {DATA!r} is taken: work/{DATA} holds what all share")
    for key, numbers in (("seeds", config.seeds), ("splits", config.splits)):
        refuse_repeated(key, numbers)
    gpus, processes = config.resources.gpus, config.compute.processes
    if gpus not in (0, processes):
        raise ValueError(
            f"resources.gpus is {gpus} and compute.processes {processes}; "
            "give both the same number (or 0 GPUs, to train on the CPU)"
        )
    _check_data(config)
    _check_methods(config)
    for name in config.recipes:
        _check_recipe_name(name, config)
    for name, benchmark in config.benchmarks.items():
        for dataset in benchmark.datasets:
            _need(dataset, config.datasets, f"benchmarks.{name}: dataset", "datasets")
        splits = benchmark.splits or config.splits
        _check_splits(f"benchmarks.{name}.splits", benchmark, splits, config)
    if config.within_dataset_tables.init == "kinetics":
        raise ValueError(
            "within_dataset_tables.init: found 'kinetics', which Table 3's runs have; "
            "allowed are scratch, imagenet"
        )
    _check_tables(config)
    _check_search(config)
    _check_schedules(config)


def refuse_repeated(where: str, values: Iterable[object]) -> None:
    """Raise ValueError for a value that stands twice."""
    for value, times in Counter(values).items():
        if times > 1:
            raise ValueError(f"{where}: {value} stands twice; each counts once")


def _need(word: str, known: Iterable[str], where: str, key: str) -> None:
    if word not in known:
        raise ValueError(f"{where} {word!r} is not configured; {key} has {', '.join(known)}")


def _need_recipe(stream: str, init: str, benchmark: str, where: str, config: "Config") -> None:
    if config.recipe_name(stream, init, benchmark) is None:
        raise ValueError(
            f"{where}: no recipe {stream!r} for {benchmark}; "
            f"recipes has {', '.join(config.recipes)}"
        )


def _check_data(config: "Config") -> None:
    """Where videos lie, and, where `mini` makes them, that nothing else is asked of them."""
    if config.mini is None:
        for dataset, settings in config.datasets.items():
            if not settings.root:
                raise ValueError(f"datasets.{dataset}.root: this key is required without `mini`")
        return
    if config.reproduces_paper:
        raise ValueError("reproduces_paper is true, but `mini` makes synthetic videos")
    for name, benchmark in config.benchmarks.items():
        class_set = benchmark.class_set if isinstance(benchmark, CrossDataset) else "small"
        if config.mini.classes == "small" != class_set:
            raise ValueError(
                f"benchmarks.{name}.class_set is {class_set!r}; "
                "mini.classes 'small' renders the set 'small' only"
            )
    for dataset, settings in config.datasets.items():
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


def _check_methods(config: "Config") -> None:
    """Classes of one's own are looked at when they are loaded."""
    labels: dict[str, str] = {}
    for name, method in config.all_methods.items():
        if (other := labels.setdefault(method.label, name)) != name:
            raise ValueError(
                f"methods.{name}.label: {method.label!r} is that of {other}; tables could not "
                "tell them apart"
            )
    for key, ours, own in (
        ("methods", METHODS, config.methods),
        ("adaptations", ADAPTATIONS, config.adaptations),
    ):
        for name in own:
            if name in ours:
                raise ValueError(f"{key}.{name}: this is one of ours; give another name")
    networks = sorted({method.network for method in METHODS.values()})
    for name, settings in config.methods.items():
        network, recipe = settings.network, Method.of(name, settings).recipe
        if not is_own(network) and network not in networks:
            raise ValueError(
                f"methods.{name}.network: {network!r} is no network of ours; "
                f"{did_you_mean(network, networks)}, or package.module:Class"
            )
        if not any(key.startswith(f"{recipe}.") for key in config.recipes):
            raise ValueError(
                f"methods.{name}: no recipe '{recipe}.<input>'; "
                f"recipes has {', '.join(config.recipes)}"
            )


def _check_recipe_name(name: str, config: "Config") -> None:
    """Behind "<method>.<input>" stand a start, a benchmark, or both in this order."""
    starts, benchmarks = get_args(Initialisation), tuple(config.benchmarks)
    words = name.split(".")[2:]
    kinds = [starts, benchmarks] if len(words) == 2 else [(*starts, *benchmarks)]
    for word, allowed in zip(words, kinds, strict=False):
        if word not in allowed:
            raise ValueError(f"recipes.{name}: {word!r} is none of {', '.join(allowed)}")


def _check_splits(
    where: str, benchmark: BenchmarkSettings, splits: tuple[int, ...], config: "Config"
) -> None:
    """Refuse splits that the official lists of a benchmark's datasets do not have."""
    if benchmark.protocol != "official":  # official-split1 is the first, others divide
        return
    for dataset in benchmark.datasets:
        official = OFFICIAL_SPLITS.get(config.datasets[dataset].format, max(splits))
        if max(splits) > official:
            allowed = ", ".join(str(split + 1) for split in range(official))
            raise ValueError(f"{where}: {max(splits)}, but {dataset} has split {allowed} only")


def _check_tables(config: "Config") -> None:
    rows = [(f"tables.{name}", row) for name, table in config.tables.items() for row in table.rows]
    for name, claim in config.claims.items():
        rows += [(f"claims.{name}", row) for pair in claim.pairs for row in pair]
    adapts = [config.cross_dataset_tables.adapt, *(t.adapt for t in config.tables.values())]
    for word in (*adapts, *(row.adapt for _, row in rows if row.adapt)):
        if word not in config.all_adaptations:
            raise ValueError(f"adapt {word!r} is none of {', '.join(config.all_adaptations)}")
    for where, row in rows:
        if row.method not in config.all_methods:
            raise ValueError(
                f"{where}: method {row.method!r} is none of {', '.join(config.all_methods)}"
            )
    for name, table in config.tables.items():
        if name in RESERVED_TABLES or re.fullmatch(r"table\d+", name):
            raise ValueError(f"tables.{name}: this name is taken; give another one")
        _check_table(f"tables.{name}", table, config)


def _check_table(where: str, table: "TableSettings", config: "Config") -> None:
    for benchmark in table.benchmarks:
        _need(benchmark, config.benchmarks, f"{where}.benchmarks:", "benchmarks")
    refuse_repeated(f"{where}.benchmarks", table.benchmarks)
    spelled = [
        ".".join((row.method, row.input, row.init or table.init, row.adapt or table.adapt))
        for row in table.rows
    ]
    refuse_repeated(f"{where}.rows", spelled)
    adapted = [row.name for row in table.rows if (row.adapt or table.adapt) != "none"]
    for benchmark in table.benchmarks:
        if adapted and not isinstance(config.benchmarks[benchmark], CrossDataset):
            raise ValueError(
                f"{where}: {adapted[0]} adapts to a target, and benchmark {benchmark!r} "
                "has none; give adapt none, or a benchmark from a source to a target"
            )


def _check_search(config: "Config") -> None:
    search = config.search
    if search is None:
        return
    for name in search.benchmarks:
        _need(name, config.benchmarks, "search.benchmarks:", "benchmarks")
        _check_splits("search.split", config.benchmarks[name], (search.split,), config)
        for space in search.spaces:
            init = config.within_dataset_tables.init
            _need_recipe(space, init, name, "search.spaces", config)


def _check_schedules(config: "Config") -> None:
    schedules = config.schedules
    if schedules is None:
        return
    across = [n for n, one in config.benchmarks.items() if isinstance(one, CrossDataset)]
    for name in schedules.benchmarks:
        if name not in across:
            raise ValueError(
                f"schedules.benchmarks: {name!r} is no configured pair of datasets; "
                f"benchmarks has {', '.join(across) or 'none'}"
            )
        for stream in schedules.streams:
            init = config.cross_dataset_tables.init
            _need_recipe(stream, init, name, "schedules.streams", config)
            method = config.method(stream.partition(".")[0])
            if method is not None and method.network == "off":
                raise ValueError(
                    f"schedules.streams: {stream!r} starts from a TSN that was trained on the "
                    "videos held out here"
                )
