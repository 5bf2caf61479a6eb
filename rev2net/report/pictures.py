"""The sections of the report that are made of figures."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rev2net.config import Config, CrossDataset
from rev2net.experiments import INPUT_LABELS, METHODS
from rev2net.figures.confusion import confusion_matrix, count_confusions, most_confused
from rev2net.figures.decoded_clips import clip_sheet
from rev2net.figures.embedding import neighbour_share, scatter, tsne
from rev2net.figures.learning import (
    Pen,
    accuracy_curves,
    common_limits,
    learning_curves,
    loss_terms,
    smooth,
)
from rev2net.figures.style import INPUT_COLORS
from rev2net.figures.transfer import Transfer, transfer_gap
from rev2net.figures.trials import accuracy_limits, fusion_panel, setting_panel, surface_panel
from rev2net.paper.tables import BENCHMARK_LABELS, Cell
from rev2net.report.blocks import Block, Gallery, Grid, Picture, Section, number, picture
from rev2net.report.decoders import SHARES, decoder_measures, share_pictures
from rev2net.report.words import read_table
from rev2net.runs.examples import read_examples
from rev2net.runs.features import read_features
from rev2net.runs.record import StoredRun, by_benchmark, first_of_each, label, same_row
from rev2net.runs.scores import read_scores
from rev2net.tables.build import measure_cells
from rev2net.tables.measure import IN_DOMAIN, TOP1
from rev2net.tables.stored import StoredScores
from rev2net.tables.trials import WEIGHTS

POINTS = 600  # of a t-SNE, which takes 3 s for them
EMBEDDED = ("i3d", "rev2net")  # methods whose features are shown
CLIPS = 2  # decoded clips shown of Rev2Net, a benchmark; of its ablations one
BEST_TRIALS = 5  # of a search, listed
SEARCHED = (*WEIGHTS, "learning_rate")


def transfer_section(config: Config, root: Path, stored: Sequence[StoredRun]) -> Section:
    """In-domain against cross-dataset accuracy of every network that is finished.

    Measured as the tables do, whether or not a table has the row: the streams of a two-stream row
    are networks of their own.
    """
    title = "What transfers: RGB against flow"
    lead = (
        "The full bar is the accuracy on the target dataset with its 95 % interval, its pale rest "
        "reaches the accuracy on held-out videos of the source; beside it the difference in "
        "points."
    )
    reader = StoredScores(root, config)
    pictures = []
    shown: set[str] = set()
    for name, runs in by_benchmark(first_of_each(stored)).items():
        if isinstance(config.benchmarks[name], CrossDataset):  # type: ignore[index]
            found = _transfers(runs, config, reader)
            shown |= {row.input for row in found}
            if found:
                alt = "; ".join(
                    f"{row.label} {row.input} {row.in_domain:.1f} % in the source, "
                    f"{row.across:.1f} % in the target"
                    for row in found
                )
                pictures.append(picture(transfer_gap(BENCHMARK_LABELS[name], found), alt))
    if not pictures:
        made = ["Transfer gap: `snakemake results/table1.csv results/table5.csv` measures it."]
        return Section("transfer", title, missing=made)
    colors = {kind: Pen(INPUT_LABELS[kind], INPUT_COLORS[kind]) for kind in sorted(shown)[::-1]}
    return Section("transfer", title, lead, [Gallery("", pictures, colors, wide=True, printed=2)])


def learning_section(stored: Sequence[StoredRun]) -> Section:
    """Accuracy over the steps, a panel a benchmark; every loss term, a panel a row."""
    title = "Learning curves"
    lead = (
        "Of the first split and seed. First the accuracy on the clips that were trained on, as "
        "running mean. Then each loss term before weighing; faint as logged, strong as running "
        "mean. Its axis is logarithmic, near 0 linear. Panels of a benchmark share it. "
        f"{SHARES}"
    )
    accuracies: list[Picture] = []
    blocks: list[Block] = []
    for benchmark, runs in by_benchmark(first_of_each(stored)).items():
        logs = [(one, log) for one in runs if "step" in (log := one.log())]
        curves = {
            label(one.run, runs): (log["step"], log["top1"]) for one, log in logs if "top1" in log
        }
        if curves:
            name = BENCHMARK_LABELS[benchmark]
            ends = ", ".join(f"{row} {smooth(top1)[-1]:.0f} %" for row, (_, top1) in curves.items())
            alt = f"Accuracy on the training clips of {name}; at the end {ends}"
            accuracies.append(picture(accuracy_curves(name, curves), alt))
        limits = common_limits([log for _, log in logs])
        pictures = []
        for one, log in logs:
            name = label(one.run, runs)
            ends = ", ".join(f"{term} {log[term][-1]:.3g}" for term in loss_terms(log))
            alt = f"Loss terms of {name} over {log['step'][-1]:.0f} steps; at the end {ends}"
            pictures.append(picture(learning_curves(name, log, limits), alt))
        pictures += share_pictures(runs)
        terms = loss_terms(set().union(*(log for _, log in logs)))
        if pictures:
            blocks.append(Gallery(BENCHMARK_LABELS[benchmark], pictures, terms, printed=5))
    if accuracies:
        blocks.insert(0, Gallery("Accuracy in training", accuracies, printed=5))
    missing = [] if blocks else ["Learning curves: every training writes its metrics.jsonl."]
    return Section("learning", title, lead if blocks else "", blocks, missing)


def confusion_section(stored: Sequence[StoredRun]) -> Section:
    """A confusion matrix for every row on RGB, all splits and seeds together."""
    title = "Confusion matrices"
    lead = "RGB rows; percent of a true class, over all finished splits and seeds of the row."
    blocks: list[Block] = []
    for benchmark, runs in by_benchmark(first_of_each(stored)).items():
        pictures = []
        for one in runs:
            if one.run.input != "rgb":
                continue
            files = [other.folder.scores("test") for other in same_row(stored, one.run)]
            scores = [read_scores(path) for path in files if path.exists()]
            if not any(map(len, scores)):
                continue
            names = scores[0].class_names
            count_CC = count_confusions(
                np.concatenate([found.label for found in scores]),
                np.concatenate([found.scores.argmax(axis=1) for found in scores]),
                len(names),
            )
            name = label(one.run, runs)
            confused = most_confused(count_CC, names, 2)
            pairs = ", ".join(f"{a} → {b} {share:.0f} %" for a, b, share in confused)
            worst = f"Most confused: {pairs or 'nothing'}"
            alt = f"Confusion matrix of {name} on {BENCHMARK_LABELS[benchmark]}. {worst}"
            pictures.append(picture(confusion_matrix(name, count_CC, names), alt, f"{worst}."))
        if pictures:
            blocks.append(Gallery(BENCHMARK_LABELS[benchmark], pictures, printed=5))
    missing = [] if blocks else ["Confusion matrices: `rev2net evaluate` writes the scores."]
    return Section("confusion", title, lead if blocks else "", blocks, missing)


def features_section(config: Config, stored: Sequence[StoredRun]) -> Section:
    """t-SNE of the features of I3D and Rev2Net across datasets, by domain and by class."""
    title = "Features by domain and by class"
    lead = (
        "t-SNE of the pooled features of held-out videos of both datasets (first split and seed). "
        "Distances between clusters mean nothing; the shares of nearest neighbours are measured "
        "in the feature space itself: as many of the own domain as chance gives is full mixing."
    )
    blocks: list[Block] = []
    for benchmark, runs in by_benchmark(first_of_each(stored)).items():
        if not isinstance(config.benchmarks[benchmark], CrossDataset):  # type: ignore[index]
            continue
        shown = [
            one
            for one in runs
            if one.run.method in EMBEDDED
            and one.run.input == "rgb"
            and one.folder.features.exists()
        ]
        pictures = [drawn for one in shown for drawn in _embedding(one, label(one.run, runs))]
        if pictures:
            blocks.append(Gallery(BENCHMARK_LABELS[benchmark], pictures, wide=True))
    missing = [
        "Features: cross-dataset runs of I3D and Rev2Net; `snakemake results/table5.csv` trains "
        "and evaluates them."
    ]
    return Section("features", title, lead if blocks else "", blocks, [] if blocks else missing)


def decoded_section(stored: Sequence[StoredRun]) -> Section:
    """What the decoders make of a few held-out clips."""
    title = "Predicted flow and reversed frames"
    lead = (
        "The middle clip of the first test video of the first classes. Errors are of the whole "
        "clip: the flow's end-point error in pixels per frame, beside that of predicting that all "
        "stands still; the reconstruction's beside that of the clip's mean frame, a guess that "
        "needs no understanding of time. The decoders exist for training only."
    )
    blocks: list[Block] = []
    for benchmark, runs in by_benchmark(first_of_each(stored)).items():
        pictures = [
            drawn
            for one in runs
            for drawn in _decoded(one, label(one.run, runs), CLIPS if _whole(one) else 1)
        ]
        if pictures:
            blocks.append(Gallery(BENCHMARK_LABELS[benchmark], pictures, wide=True, printed=5))
    blocks += decoder_measures(first_of_each(stored))
    missing = ["Decoded clips: `rev2net evaluate` writes examples.h5 for networks with decoders."]
    return Section("decoded", title, lead if blocks else "", blocks, [] if blocks else missing)


def search_section(results: Path) -> Section:
    """The search of the loss weights and the sweep of fusion weights, both on validation."""
    blocks: list[Block] = []
    missing = []
    search, sweep = read_table(results / "search.csv"), read_table(results / "fusion.csv")
    if search is not None:
        blocks += _search(search)
    else:
        missing.append("Search of the loss weights: `snakemake results/search.csv` makes it.")
    if sweep is not None:
        blocks += _sweep(sweep)
    else:
        missing.append("Fusion weights: `snakemake results/fusion.csv` makes them.")
    lead = "Measured on held-out training videos only; nothing here has seen a test video."
    return Section("search", "Weights", lead if blocks else "", blocks, missing)


def _transfers(runs: Sequence[StoredRun], config: Config, reader: StoredScores) -> list[Transfer]:
    """The networks of one benchmark that have both accuracies, each model's together."""
    chosen = []
    for run in (one.run for one in runs):
        words = label(run, runs).removeprefix(f"{METHODS[run.method].label} ")
        row = f"{METHODS[run.method].label} {words.removeprefix(INPUT_LABELS[run.input])}".strip()
        chosen.append(
            Cell("", row, run.method, run.input, run.init, run.adapt, run.benchmark, None)
        )
    rows = measure_cells(chosen, config, reader)
    measured = rows[rows["measured"].notna()]
    across = measured[measured["metric"] == TOP1.name]
    inside = measured[measured["metric"] == IN_DOMAIN.name][["row", "input", "measured"]]
    both = across.merge(inside, on=["row", "input"], suffixes=("", "_inside"))
    columns = ["row", "input", "measured_inside", "measured", "ci_low", "ci_high"]
    found = [Transfer(*values) for values in both[columns].itertuples(index=False)]
    order = list(both["row"])
    return sorted(found, key=lambda row: order.index(row.label))


def _embedding(one: StoredRun, name: str) -> Iterator[Picture]:
    """One run's features by domain, then by class; evenly thinned where they are many."""
    stored = read_features(one.folder.features)
    if len(set(stored.dataset)) < 2 or len(stored.video_id) < 4:
        return
    names = one.record.get("class_names", [])
    step = -(-len(stored.video_id) // POINTS)
    chosen = slice(None, None, step)
    features, domain = stored.features[chosen], list(stored.dataset)[chosen]
    classes = [names[k] if k < len(names) else str(k) for k in stored.label[chosen]]
    points = tsne(features)
    for kind, group in (("domain", domain), ("class", classes)):
        share, chance = neighbour_share(features, group)
        text = f"{share:.0f} % of the 10 nearest neighbours are of the own {kind}"
        caption = f"{text}; by chance {chance:.0f} %."
        alt = f"t-SNE of the features of {name} by {kind}, {len(points)} videos. {caption}"
        yield picture(scatter(f"{name}, by {kind}", points, group), alt, caption)


def _whole(one: StoredRun) -> bool:
    return one.run.method == "rev2net"


def _decoded(one: StoredRun, name: str, clips: int) -> Iterator[Picture]:
    path = one.folder.examples
    if not path.exists():
        return
    examples = read_examples(path)
    for index in range(min(clips, len(examples))):
        images, errors = examples.one(index)
        title = f"{name}: {examples.class_name[index]}"
        measured = ", ".join(f"{key} {value:.2f}" for key, value in errors.items())
        alt = f"Decoded clip {examples.video_id[index]} of {name}; {measured}"
        sheet = clip_sheet(title, images, errors, "webp")
        yield picture(sheet, alt, examples.video_id[index], "webp")


def _search(frame: pd.DataFrame) -> Iterator[Block]:
    """A gallery a searched method, a panel a setting that was varied, and its best trials."""
    for space, found in frame.groupby("space", sort=False):
        trials = found.reset_index(drop=True)
        settings = [name for name in SEARCHED if trials[name].nunique() > 1]
        accuracy, limits = trials["top1_val"], accuracy_limits(trials["top1_val"])
        chosen = int(trials["chosen"].argmax())
        fine = trials["stage"] == "fine"
        title = _recipe_label(str(space))
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


def _sweep(frame: pd.DataFrame) -> list[Block]:
    """A panel a row, a line a benchmark."""
    pictures = []
    for (table, name), group in frame.groupby(["table", "row"], sort=False):
        curves = {
            BENCHMARK_LABELS[str(benchmark)]: (
                of_benchmark["flow_weight"].tolist(),
                of_benchmark["top1_val"].tolist(),
            )
            for benchmark, of_benchmark in group.groupby("benchmark", sort=False)
        }
        published = float(group.loc[group["published"], "flow_weight"].iloc[0])
        title = f"{name}, {str(table).replace('table', 'Table ')}"
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


def _recipe_label(space: str) -> str:
    method, input_ = space.split(".")
    return f"{METHODS[method].label} {INPUT_LABELS[input_]}"


def _words(name: str) -> str:
    return name.replace("_", " ")
