"""Print the accuracies of a scores file, in percent.

top1 and top5 weigh videos alike, mean_class weighs classes alike (TSN's metric); top5 is 100 by
definition where there are at most five classes. --json prints one object with the keys top1,
top5, mean_class and num_videos; without videos the accuracies are null.

--per-class prints a line a class: videos, accuracy, and the class that most of its wrong videos are
taken for; --csv writes the same lines to a file.

    rev2net metrics work/mini/runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0/scores-test.h5
"""

import argparse
import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rev2net.runs.scores import Scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scores", metavar="SCORES.h5", help="written by evaluate or fuse")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--per-class", action="store_true", help="a line a class")
    parser.add_argument("--csv", metavar="OUT.csv", help="where the lines of --per-class go too")


def _print_classes(stored: "Scores", out: str | None) -> None:
    """A line a class on the screen, and in a file where one is named."""
    import csv
    import io
    from pathlib import Path

    from rev2net.evaluation.metrics import per_class
    from rev2net.files import write_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "videos", "accuracy", "confused_with", "confusions"])
    width = max(map(len, stored.class_names))
    results = per_class(stored.scores, stored.label)
    for name, found in zip(stored.class_names, results, strict=True):
        other = "" if found.confused_with is None else stored.class_names[found.confused_with]
        writer.writerow([name, found.videos, round(found.accuracy, 4), other, found.confusions])
        worst = f"  {found.confusions} taken for {other}" if other else ""
        print(f"{name:<{width}} {found.videos:5d} videos {found.accuracy:6.2f} %{worst}")
    if out is not None:
        write_text(Path(out), text.getvalue())


def run(args: argparse.Namespace) -> None:
    from rev2net.evaluation.metrics import mean_class, top1, topk
    from rev2net.runs.scores import read_scores

    stored = read_scores(args.scores)
    accuracies = {
        "top1": top1(stored.scores, stored.label),
        "top5": topk(stored.scores, stored.label, 5),
        "mean_class": mean_class(stored.scores, stored.label),
    }
    if args.per_class or args.csv:
        _print_classes(stored, args.csv)
        return
    if args.json:
        known = {name: None if math.isnan(value) else value for name, value in accuracies.items()}
        print(json.dumps({**known, "num_videos": len(stored)}))
        return
    for name, value in accuracies.items():
        print(f"{name:<11} {value:6.2f} %")
    print(f"{'num_videos':<11} {len(stored):6d} of {stored.videos_expected} expected")
