"""What was tried on validation videos: the search of loss weights, the sweep of fusion weights."""

import itertools
from collections.abc import Iterator

import pandas as pd

from rev2net.config import Config
from rev2net.experiments import INPUT_LABELS
from rev2net.figures.sensitivity import accuracy_limits, fusion_panel, setting_panel, surface_panel
from rev2net.paper.tables import benchmark_label, table_label
from rev2net.report.blocks import Block, Gallery, Grid, Section, number, picture
from rev2net.tables.searched import WEIGHTS

BEST_TRIALS = 5  # of a search, listed
SEARCHED = (*WEIGHTS, "learning_rate")


def weights_section(
    config: Config, search: pd.DataFrame | None, sweep: pd.DataFrame | None
) -> Section:
    """Loss weights and fusion weights, both on validation videos."""
    blocks: list[Block] = []
    missing = []
    if search is not None:
        blocks += _search(search, config)
    elif config.search is not None:
        missing.append("Search of the loss weights: `snakemake results/search.csv` makes it.")
    if sweep is not None:
        blocks += _sweep(sweep, config)
    else:
        missing.append("Fusion weights: `snakemake results/fusion.csv` makes them.")
    lead = (
        "The search is measured on held-out training videos alone. The weight of flow is swept on "
        "the source's official test list, and no row of a table uses what is found."
    )
    return Section("search", "Weights", lead if blocks else "", blocks, missing)


def _search(frame: pd.DataFrame, config: Config) -> Iterator[Block]:
    """A gallery a searched method and benchmark, a panel a setting that was varied; best trials."""
    for (space, benchmark), found in frame.groupby(["space", "benchmark"], sort=False):
        trials = found.reset_index(drop=True)
        settings = [name for name in SEARCHED if trials[name].nunique() > 1]
        accuracy, limits = trials["top1_val"], accuracy_limits(trials["top1_val"])
        chosen = int(trials["chosen"].argmax())
        fine = trials["stage"] == "fine"
        method, input_ = str(space).split(".")
        place = benchmark_label(str(benchmark), config)
        title = f"{config.all_methods[method].label} {INPUT_LABELS[input_]} on {place}"
        pictures = [
            picture(
                surface_panel(
                    (_words(x), _words(y)), trials[x], trials[y], accuracy, chosen, limits
                ),
                f"Validation accuracy of {title} over {_words(x)} and {_words(y)}",
            )
            for x, y in itertools.combinations(settings, 2)
        ]
        pictures += [
            picture(
                setting_panel(_words(name), trials[name], accuracy, fine, chosen, limits),
                f"Validation accuracy of {title} over {_words(name)}; "
                f"chosen {trials[name][chosen]:g}",
            )
            for name in settings
        ]
        yield Gallery(f"{title}: {len(trials)} trials", pictures)
        rows = [
            [str(row["stage"]), *(f"{row[name]:g}" for name in settings), number(row["top1_val"]),
             f"[{number(row['ci_low'])}, {number(row['ci_high'])}]", number(row["loss_val"], 3)]
            for _, row in trials.head(BEST_TRIALS).iterrows()
        ]  # fmt: skip
        head = ["Grid", *map(_words, settings), "top-1, %", "95 % interval", "cross-entropy"]
        caption = "The chosen trial" + (" and those next to it." if len(rows) > 1 else ".")
        yield Grid(caption, head, rows)


def _sweep(frame: pd.DataFrame, config: Config) -> list[Block]:
    """A panel a row, a line a benchmark."""
    pictures = []
    for (table, name), group in frame.groupby(["table", "row"], sort=False):
        curves = {
            benchmark_label(str(benchmark), config): (
                of_benchmark["flow_weight"].tolist(),
                of_benchmark["top1_val"].tolist(),
            )
            for benchmark, of_benchmark in group.groupby("benchmark", sort=False)
        }
        published = float(group.loc[group["published"], "flow_weight"].iloc[0])
        title = f"{name}, {table_label(str(table))}"
        best = "; ".join(
            f"{benchmark} best {max(values):.1f} % at {weights[values.index(max(values))]:g}"
            for benchmark, (weights, values) in curves.items()
        )
        alt = f"Validation accuracy of {title} over the weight of flow. {best}"
        caption = f"{best}; published {published:g}."
        pictures.append(picture(fusion_panel(title, curves, published), alt, caption))
    title = (
        "Weight of the flow stream, RGB's being 1 (grey line: as published, and as in the tables)"
    )
    return [Gallery(title, pictures)] if pictures else []


def _words(name: str) -> str:
    return name.replace("_", " ")
