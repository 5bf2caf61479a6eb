"""Test a network as it is on a dataset that it was not trained on, through a map of classes.

    rev2net zeroshot videos/jhmdb --network i3d --weights i3d_rgb_kinetics400.pt \\
        --classes label_map.txt --class-map hmdb51_kinetics400 --class-set strict --whole-video
    rev2net zeroshot clips.csv --run work/mini/runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0

The dataset is a folder or a list as `rev2net new` takes them: <class>/<videos>, a CSV file with the
columns path, class and, where known, group, or UCF101, HMDB51 or Kinetics as published. Every video
of it that is there is predicted as `rev2net predict` does.

The map, shipped or a CSV file, says which of the network's classes are right of a class of the
dataset: any of them is, and the network chooses among all that it has. Without --class-map it is
classes that both name alike. Classes of the dataset that the map lacks are left out and counted.

Printed, and written by --csv, are top-1 and top-5 in percent, of each class and of all videos, with
95 % intervals by bootstrap over source groups; and what most of the wrong videos are taken for. A
video that cannot be read gets a line on standard error, counts as expected and not as evaluated,
and the exit code is 2.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rev2net.commands import add_classifier_arguments, classifier_asked, refuse_overwriting
from rev2net.errors import MachineError, UserError

if TYPE_CHECKING:
    from rev2net.apply.zeroshot import Accuracy, Tally
    from rev2net.datasets.listing import Video

ALL = "all"  # the last row
COLUMNS = ["class", "right", "videos_evaluated", "videos_expected", "groups"]
COLUMNS += ["top1", "top1_ci_low", "top1_ci_high", "top5", "top5_ci_low", "top5_ci_high"]
COLUMNS += ["taken_for"]


class Row(NamedTuple):
    """A class of the dataset, or all together."""

    name: str
    right: Collection[str]  # the network's classes
    expected: int  # videos
    found: "Tally"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder, or a list")
    add_classifier_arguments(parser)
    parser.add_argument(
        "--class-map", metavar="MAP", help="a shipped one, hmdb51_kinetics400, or a CSV file"
    )
    parser.add_argument("--class-set", metavar="SET", help="of the map (all of its pairs)")
    parser.add_argument("--csv", type=Path, metavar="OUT.csv", help="where the rows go too")


def run(args: argparse.Namespace) -> None:
    import torch

    from rev2net.apply.predict import predict_video
    from rev2net.apply.zeroshot import Answered, right_answers, tally
    from rev2net.datasets.recognising import list_videos, recognise
    from rev2net.device import claim_device
    from rev2net.evaluation.predict import protocol_in_words
    from rev2net.progress import note, with_progress

    if args.class_set is not None and args.class_map is None:
        raise UserError("--class-set: goes with --class-map")
    settings, listing, remarks = list_videos(recognise(args.dataset))
    for line in remarks + listing.warnings:
        print(f"rev2net zeroshot: warning: {args.dataset}: {line}", file=sys.stderr)
    root, there = Path(settings.root), [video for video in listing.videos if video.present]
    if not there:
        raise UserError(f"{args.dataset}: of {len(listing.videos)} listed videos none is there")
    if args.csv is not None:
        refuse_overwriting(args.csv, args.dataset, *(root / video.path for video in there))
    subject, test = classifier_asked(args)
    if not subject.class_names:
        raise UserError("--classes: needed with --weights: the names of the network's classes")
    classes = {video.class_name for video in there}
    right = right_answers(args.class_map, args.class_set, classes, subject.class_names)
    asked = [video for video in there if video.class_name in right]
    print(f"{subject.words}; {protocol_in_words(test)}")
    print(f"{args.dataset}: {_in_words(listing.videos, there, asked)}", flush=True)

    torch.set_num_threads(subject.threads)
    answered: list[Answered] = []
    with claim_device() as device:
        subject.network.to(device)
        for video in with_progress(asked, len(asked), "predicted"):
            try:
                ranked = predict_video(root / video.path, subject, test, device)[1]
            except (UserError, MachineError) as error:
                note(f"rev2net zeroshot: {error}")
                continue
            answered.append(Answered(video.class_name, video.group, [name for name, _ in ranked]))

    expected = Counter(video.class_name for video in asked)
    rows = []
    for name, answers in right.items():
        of_class = [one for one in answered if one.class_name == name]
        rows.append(Row(name, answers, expected[name], tally(of_class, right)))
    rows.append(Row(ALL, (), len(asked), tally(answered, right)))
    _show(rows)
    if args.csv is not None:
        _write(args.csv, rows)
    if len(answered) < len(asked):
        sys.exit(2)


def _in_words(listed: Sequence["Video"], there: Sequence["Video"], asked: Sequence["Video"]) -> str:
    """How many videos are meant, and which are left out."""
    chosen = Counter(video.class_name for video in asked)
    others = Counter(video.class_name for video in there) - chosen
    words = f"{len(asked)} videos, classes: {len(chosen)}"
    if others:
        names = ", ".join(sorted(others))
        words += f"; left out are {others.total()} of classes without a right answer ({names})"
    if len(there) < len(listed):
        words += f"; {len(listed) - len(there)} of {len(listed)} listed are not there"
    return words


def _show(rows: Sequence[Row]) -> None:
    from rev2net.printing import NOTHING, aligned

    def cells(accuracy: "Accuracy") -> list[str]:
        percent, low, high = (
            NOTHING if math.isnan(value) else f"{value:.1f}" for value in accuracy
        )
        return [percent, NOTHING if low == NOTHING else f"{low} to {high}"]

    head = ["class", "videos", "groups", "top-1", "95 %", "top-5", "95 %", "right", "taken for"]
    lines = []
    for name, answers, expected, found in rows:
        videos = f"{found.videos}" + f" of {expected}" * (found.videos < expected)
        accuracies = cells(found.top1) + cells(found.top5)
        lines.append([name, videos, found.groups, *accuracies, ", ".join(answers), found.taken_for])
    print(*aligned(lines, head), sep="\n")


def _write(path: Path, rows: Sequence[Row]) -> None:
    from rev2net.files import csv_text, write_text

    lines: list[Sequence[object]] = [COLUMNS]
    for name, answers, expected, found in rows:
        counts = [found.videos, expected, found.groups]
        values = ["" if math.isnan(x) else f"{x:.2f}" for x in (*found.top1, *found.top5)]
        lines.append([name, "; ".join(answers), *counts, *values, found.taken_for])
    write_text(path, csv_text(lines))
