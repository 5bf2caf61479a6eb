"""What the decoders make of held-out clips, in pictures, in measures, and in words."""

from collections.abc import Iterator, Mapping, Sequence

from rev2net.figures.decoded_clips import clip_sheet
from rev2net.report.blocks import (
    Block,
    Grid,
    Picture,
    Prose,
    Section,
    galleries,
    number,
    picture,
    section,
)
from rev2net.runs.examples import read_examples, verdict
from rev2net.runs.record import StoredRun, first_by_benchmark, label

CLIPS = 2  # decoded clips shown of Rev2Net, a benchmark; of its ablations one


def decoded_section(stored: Sequence[StoredRun]) -> Section:
    """A few decoded clips of each network with decoders; below, what those of many come to."""
    return section(
        "decoded",
        "Predicted flow and reversed frames",
        "The middle clip of the first test video of the first classes. Errors are of the whole "
        "clip: the flow's end-point error in pixels per frame, beside that of predicting that all "
        "stands still; the reconstruction's beside that of the clip's mean frame, a guess that "
        "needs no understanding of time. The decoders exist for training only.",
        [*galleries(stored, _clips, wide=True, printed=5), *_measures(stored)],
        "Decoded clips: `rev2net stage evaluate` writes examples.h5 for networks with decoders.",
    )


def _clips(runs: list[StoredRun]) -> Iterator[Picture]:
    for one in runs:
        path = one.folder.examples
        if not path.exists():
            continue
        examples, row = read_examples(path), label(one, runs)
        clips = CLIPS if one.method.network == "rev2net" else 1
        for index in range(min(clips, len(examples))):
            images, errors = examples.one(index)
            measured = ", ".join(f"{key} {value:.2f}" for key, value in errors.items())
            alt = f"Decoded clip {examples.video_id[index]} of {row}; {measured}"
            sheet = clip_sheet(f"{row}: {examples.class_name[index]}", images, errors, "webp")
            yield picture(sheet, alt, examples.video_id[index], "webp")


def _measures(stored: Sequence[StoredRun]) -> list[Block]:
    """A row a run that decodes, and below all of them what that says of Rev2Net in words."""
    rows, words = [], []
    for runs in first_by_benchmark(stored).values():
        for one in runs:
            path = one.folder.examples
            measures = read_examples(path).measures if path.exists() else {}
            if measures:
                place, name = one.place, label(one, runs)
                rows.append([place, name, *_cells(measures)])
                if one.method.network == "rev2net":  # its ablations have their numbers
                    words.append(f"{place}, {name}: {' '.join(verdict(measures))}")
    head = ["Benchmark", "Network", "Clips", "Flow: EPE", "no motion"]
    head += ["All pixels: L1", "mean frame", "Moving pixels: L1", "mean frame", "median frame"]
    head += ["Reversal: median", "mean"]
    caption = "Held-out clips: errors in pixels per frame, and in grey levels of 255"
    return [Grid(caption, head, rows, words=2), Prose(words, as_list=True)] if rows else []


def _cells(measures: Mapping[str, float]) -> list[str]:
    grey = ("l1", "mean_frame_l1", "moving_l1", "moving_mean_frame_l1", "moving_median_frame_l1")
    return [
        number(measures["clips"], 0),
        *(number(measures.get(key), 2) for key in ("flow_epe", "still_epe")),
        *(number(measures.get(key), 1) for key in grey),
        *(number(measures.get(key), 2) for key in ("reversal", "reversal_mean")),
    ]
