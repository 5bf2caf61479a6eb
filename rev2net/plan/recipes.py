"""The recipes of a configuration as a Markdown table, each beside what its authors publish."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rev2net import experiments
from rev2net.config import METHODS, Config, CrossDataset, Recipe
from rev2net.datasets.sizes import SIZES
from rev2net.experiments import INPUT_LABELS, method_of
from rev2net.models.spec import input_spec
from rev2net.paper.published import ALL, PARTIAL, TOLERANCE, Published, published_recipe
from rev2net.paper.tables import default_tables
from rev2net.plan.facts import benchmark_facts
from rev2net.plan.jobs import needed_jobs
from rev2net.runs.identity import Run

COLUMNS = (
    *("method", "start", "list", "batch", "rate", "epochs", "rate drops at", "steps", "crops"),
    *("dropout", "batch norm", "test", "source", "what differs"),
)


def recipe_table(config: Config, root: Path) -> str:
    """A row for each method, input, start and benchmark that the configured tables train.

    Ablations are Rev2Net's row; steps are those of the first split.
    """
    jobs = needed_jobs(default_tables(config), config)
    rows: dict[tuple[str, ...], Run] = {}
    for run in sorted(jobs.trainings, key=partial(_order, config=config)):
        stream = f"{method_of(run, config).recipe}.{run.input}"
        rows.setdefault((stream, run.init, run.benchmark), run)
    lines = [COLUMNS, tuple("---" for _ in COLUMNS)]
    lines += [_row(stream, run, config, root) for (stream, *_), run in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _order(run: Run, config: Config) -> tuple[object, ...]:
    methods = [method.recipe for method in config.all_methods.values()]
    return (
        methods.index(method_of(run, config).recipe),
        list(INPUT_LABELS).index(run.input),
        run.init,
        list(config.benchmarks).index(run.benchmark),
        run,
    )


def _recipe_label(run: Run, config: Config) -> str:
    recipe = method_of(run, config).recipe
    method = config.method(recipe)
    return recipe if method is None else method.label


def _row(stream: str, run: Run, config: Config, root: Path) -> tuple[str, ...]:
    recipe = experiments.recipe_of(run, config)
    optimisation = recipe.optimisation
    videos = benchmark_facts(run.benchmark, run.split, config, root).train
    steps = optimisation.in_steps(videos).num_steps
    epochs = optimisation.epochs or steps * optimisation.batch / videos
    published = published_recipe(stream, run.init, _published_list(run, config))
    source, differs = "ours", "-"
    if method_of(run, config).recipe in METHODS:
        differs = "no recipe is published for this start"
    if published is not None:
        source = published[0].source
        differs = "; ".join(_differences(recipe, epochs, *published, run, config)) or "-"
    batch = str(optimisation.batch)
    if optimisation.accumulate > 1:
        batch += f" ({optimisation.batch // optimisation.accumulate} at a time)"
    label = f"{_recipe_label(run, config)} {INPUT_LABELS[run.input]}"
    return (
        label,
        run.init,
        f"{run.benchmark} ({videos:,})",
        batch,
        f"{optimisation.learning_rate:g}",
        f"{epochs:.4g}",
        _drop_words(recipe),
        f"{steps:,}",
        _numbers(recipe.clip.scales),
        f"{_dropout(recipe):g}",
        _batchnorm(recipe),
        _test(recipe, run, config),
        source,
        differs,
    )


def _published_list(run: Run, config: Config) -> str:
    """The published list that a run trains on: its dataset's format; across datasets none."""
    benchmark = config.benchmarks[run.benchmark]
    if isinstance(benchmark, CrossDataset):
        return ""
    return config.datasets[benchmark.dataset].format


def _differences(
    recipe: Recipe, epochs: float, published: Published, where: str, run: Run, config: Config
) -> Iterator[str]:
    """What is not as published, what is published for another list, and what is ours."""
    optimisation = recipe.optimisation
    published = published.in_epochs(SIZES[where].lists["train"][0])
    of_a_list = (published.batch, published.rate, published.epochs)
    if where != _published_list(run, config) and any(value is not None for value in of_a_list):
        yield f"published for {where}"
    pairs = (
        ("batch", optimisation.batch, published.batch),
        ("rate", optimisation.learning_rate, published.rate),
        ("crops", recipe.clip.scales, published.scales),
        ("dropout", _dropout(recipe), published.dropout),
        ("batch norm", _batchnorm(recipe), published.batchnorm),
        ("test", _test(recipe, run, config), published.test),
    )
    for name, ours, theirs in pairs:
        if theirs is not None and ours != theirs:
            yield f"{name}: {_numbers(theirs) if isinstance(theirs, tuple) else theirs} published"
    if published.epochs is not None and not _close(epochs, published.epochs):
        yield f"epochs: {published.epochs:.0f} published"
    drops = optimisation.milestones
    if published.drops is not None and not (
        len(drops) == len(published.drops)
        and all(_close(one, other) for one, other in zip(drops, published.drops, strict=True))
    ):
        yield f"rate drops: {_numbers(published.drops)} published"
    if published.ours:
        yield f"ours: {published.ours}"
    if isinstance(config.benchmarks[run.benchmark], CrossDataset):
        yield f"adaptation: {run.adapt}"


def _close(ours: float, theirs: float) -> bool:
    """Epochs as rounded in the configuration."""
    return abs(ours - theirs) <= max(0.5, TOLERANCE * theirs)


def _drop_words(recipe: Recipe) -> str:
    optimisation = recipe.optimisation
    if optimisation.schedule == "cosine":
        return f"cosine, {optimisation.cycles} times" if optimisation.cycles > 1 else "cosine"
    words = _numbers(optimisation.milestones)
    if optimisation.restarts:
        words += f"; full again at {_numbers(optimisation.restarts)}"
    return words


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _dropout(recipe: Recipe) -> float:
    return float(recipe.network.options.get("dropout", 0.0))


def _batchnorm(recipe: Recipe) -> str:
    if recipe.optimisation.freeze_batchnorm:
        return "frozen"
    return PARTIAL if recipe.network.options.get("partial_bn") else ALL


def _test(recipe: Recipe, run: Run, config: Config) -> str:
    test, network = recipe.test, method_of(run, config).network
    unit = input_spec(network, run.input).time_axis
    crops = f"{test.crops} crop{'s' * (test.crops > 1)} of {test.size}"
    if test.whole_video:
        return f"all frames, {crops}"
    length = test.length or recipe.clip.length
    return f"{test.clips} x {length} {unit}, {crops}"
