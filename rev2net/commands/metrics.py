"""Print the accuracies of a scores file, in percent.

top1 and top5 weigh videos alike, mean_class weighs classes alike (TSN's metric); top5 is 100 by
definition where there are at most five classes. --json prints one object with the keys top1,
top5, mean_class and num_videos; without videos the accuracies are null.

    rev2net metrics work/mini/runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0/scores-test.h5
"""

import argparse
import json
import math


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net metrics`."""
    parser.add_argument("scores", metavar="SCORES.h5", help="written by evaluate or fuse")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Print the accuracies."""
    from rev2net.evaluation.metrics import mean_class, top1, topk
    from rev2net.runs.scores import read_scores

    stored = read_scores(args.scores)
    accuracies = {
        "top1": top1(stored.scores, stored.label),
        "top5": topk(stored.scores, stored.label, 5),
        "mean_class": mean_class(stored.scores, stored.label),
    }
    if args.json:
        known = {name: None if math.isnan(value) else value for name, value in accuracies.items()}
        print(json.dumps({**known, "num_videos": len(stored)}))
        return
    for name, value in accuracies.items():
        print(f"{name:<11} {value:6.2f} %")
    print(f"{'num_videos':<11} {len(stored):6d} of {stored.videos_expected} expected")
