"""What the report says of Rev2Net's auxiliary tasks: what the decoders learnt, and who taught them.

Measures of held-out clips with a verdict in words, and the share of every term in the gradient.
"""

from collections.abc import Mapping, Sequence

from rev2net.figures.learning import share_curves, shared_terms
from rev2net.paper.tables import BENCHMARK_LABELS
from rev2net.report.blocks import Grid, Picture, Prose, number, picture
from rev2net.runs.examples import read_examples, verdict
from rev2net.runs.record import StoredRun, by_benchmark, label

SHARES = (
    'A panel of "gradients" shows where they go: each weighted term\'s gradient on 3b-5c (strong) '
    "and on the stem (faint), in percent of the classification's on the same batch."
)


def decoder_measures(stored: Sequence[StoredRun]) -> list[Grid | Prose]:
    """A row a run that decodes, and below all of them what that says of Rev2Net in words."""
    rows, words = [], []
    for benchmark, runs in by_benchmark(stored).items():
        for one in runs:
            path = one.folder.examples
            measures = read_examples(path).measures if path.exists() else {}
            if measures:
                place, name = BENCHMARK_LABELS[benchmark], label(one.run, runs)
                rows.append([place, name, *_cells(measures)])
                if one.run.method == "rev2net":  # its ablations have their numbers
                    words.append(f"{place}, {name}: {' '.join(verdict(measures))}")
    head = ["Benchmark", "Network", "Clips", "Flow: EPE", "no motion"]
    head += ["Moving pixels: L1", "mean frame", "median frame", "Reversal"]
    caption = "Held-out clips: errors in pixels per frame, and in grey levels of 255"
    return [Grid(caption, head, rows, words=2), Prose(words, as_list=True)] if rows else []


def share_pictures(runs: Sequence[StoredRun]) -> list[Picture]:
    """A panel a run whose log has gradient shares of auxiliary terms."""
    pictures = []
    for one in runs:
        log = one.log()
        found = shared_terms(log)
        if not set(found) - {"domain"}:
            continue
        name = label(one.run, runs)
        ranges = ", ".join(
            f"{term} {log[f'{term}_share_deep'].min():.2g} to {log[f'{term}_share_deep'].max():.2g}"
            for term in found
        )
        alt = f"Gradient shares of {name} on 3b-5c over the training, in percent: {ranges}"
        pictures.append(picture(share_curves(f"{name}: gradients", log), alt))
    return pictures


def _cells(measures: Mapping[str, float]) -> list[str]:
    keys = ("flow_epe", "still_epe")
    grey = ("moving_l1", "moving_mean_frame_l1", "moving_median_frame_l1")
    return [
        number(measures["clips"], 0),
        *(number(measures.get(key), 2) for key in keys),
        *(number(measures.get(key), 1) for key in grey),
        number(measures.get("reversal"), 2),
    ]
