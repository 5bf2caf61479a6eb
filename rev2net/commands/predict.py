"""Say what is done in any video: classes with their probabilities, best first.

    rev2net predict clip.avi --run work/mini/runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0
    rev2net predict *.mp4 --run i3d.pt --json              # one JSON object a line and video
    rev2net predict holidays/ --run …                      # every video in or below a folder
    rev2net predict clip.mp4 --run … --annotate out.mp4    # the video with its classes drawn in
    rev2net predict film.mp4 --run … --windows times.csv   # when what is done, in a long video
    rev2net predict clip.mp4 --network i3d --weights i3d.pt --classes kinetics-400_val.csv

Videos are prepared as the run's training data were (resize, frame rate, flow) and scored by its
test protocol. Protocol and flow parameters come from the configuration: the file config.json that
the workflow leaves in work/<name>/, or --config. Without either, and for --network, one centre crop
of one clip from the middle of the video is scored, on flow with OpenCV's parameters; --whole-video
scores all frames as one clip, as I3D's authors do.

A network names one of its own classes whatever the video shows: the first line says what it is and
what it was trained on. A video that cannot be read gets a line on standard error, the others are
predicted, and the exit code is 2.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.commands import add_classifier_arguments, classifier_asked, refuse_overwriting
from rev2net.errors import MachineError, UserError, refuse_below

if TYPE_CHECKING:
    import torch

    from rev2net.apply.subject import Subject
    from rev2net.config import TestSettings

ANNOTATED_CLASSES = 3
ANNOTATED_SIDE = 240  # pixels of the short side at least, so that names can be read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="a file, a folder, or a list (.txt)"
    )
    add_classifier_arguments(parser)
    parser.add_argument("--top", type=int, default=5, metavar="N", help="classes shown (5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a video")
    parser.add_argument("--annotate", type=Path, metavar="OUT.mp4", help="write the video, marked")
    parser.add_argument("--windows", type=Path, metavar="OUT.csv", help="write classes by time")
    parser.add_argument("--stride", type=float, help="seconds between windows (a clip's length)")


def run(args: argparse.Namespace) -> None:
    import torch

    from rev2net.device import claim_device

    refuse_below(args, top=1)
    if args.stride is not None and not args.stride > 0:
        raise UserError(f"--stride: {args.stride}; allowed is a number of seconds above 0")
    if args.annotate is not None and args.annotate.suffix.lower() != ".mp4":
        raise UserError(f"--annotate: {args.annotate}; allowed ending: .mp4")
    videos, refusals = _videos(args.videos)
    if args.annotate is not None and len(videos) > 1:
        raise UserError(f"--annotate: takes one video; {len(videos)} given")
    for output in (args.annotate, args.windows):
        if output is not None:
            refuse_overwriting(output, *videos)
    subject, test = classifier_asked(args)
    torch.set_num_threads(subject.threads)
    for refusal in refusals:
        print(f"rev2net predict: {refusal}", file=sys.stderr, flush=True)
    if not args.json:
        print(subject.words)
    with claim_device() as device:
        subject.network.to(device)
        if args.windows is not None:
            failed = _by_time(args, videos, subject, device)
        else:
            failed = _each(videos, lambda path: _whole(args, path, subject, test, device))
    if failed or refusals:
        sys.exit(2)


def _each(videos: list[Path], predict: Callable[[Path], None]) -> int:
    """Predict each video; how many could not be read to their end, each told in a line."""
    failed = 0
    for path in videos:
        try:
            predict(path)
        except (UserError, MachineError) as error:
            print(f"rev2net predict: {error}", file=sys.stderr, flush=True)
            failed += 1
    return failed


def _videos(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """The videos that paths stand for; and a line for each path that stands for none."""
    from rev2net.apply.inputs import named

    videos, refusals = [], []
    for path in paths:
        try:
            videos += [video for video, _ in named(path)]
        except UserError as error:
            refusals.append(str(error))
    return videos, refusals


def _whole(
    args: argparse.Namespace,
    path: Path,
    subject: "Subject",
    test: "TestSettings",
    device: "torch.device",
) -> None:
    """Score one video, print its classes, write the annotated one."""
    import json

    from rev2net.apply.predict import predict_video
    from rev2net.evaluation.predict import protocol_in_words

    video, ranked = predict_video(path, subject, test, device)
    if video.warning:
        print(f"rev2net predict: warning: {path}: {video.warning}", file=sys.stderr)
    best = ranked[: args.top]
    if args.json:
        classes = [{"class": name, "probability": round(p, 6)} for name, p in best]
        facts = {"frames": video.num_frames, "protocol": protocol_in_words(test)}
        line = {"video": str(path), "network": subject.words, **facts, "classes": classes}
        print(json.dumps(line), flush=True)
    else:
        print(f"{path}: {video.num_frames} frames, {protocol_in_words(test)}")
        for name, probability in best:
            print(f"  {100 * probability:5.1f} %  {name}", flush=True)
    if args.annotate is not None:
        _annotate(args.annotate, path, ranked[:ANNOTATED_CLASSES])


def _by_time(
    args: argparse.Namespace, videos: list[Path], subject: "Subject", device: "torch.device"
) -> int:
    """Write the classes of every window; how many videos could not be read to their end."""
    import csv

    from rev2net.apply.predict import moments, ranked
    from rev2net.apply.windows import Windows
    from rev2net.files import atomic_path
    from rev2net.video import probe

    window = subject.shape.length * subject.shape.stride * subject.shape.images
    with (
        atomic_path(args.windows) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video", "start", "end", "rank", "class", "probability"])

        def write_windows(path: Path) -> None:
            rate = subject.frames.fps or probe(path).fps
            stride = max(1, round(args.stride * rate)) if args.stride else window
            count = 0
            for moment in moments(path, Windows(subject, window, stride, device)):
                times = [f"{moment.start:.3f}", f"{moment.end:.3f}"]
                best = ranked(subject, moment.probabilities)[: args.top]
                for rank, (name, p) in enumerate(best, 1):
                    writer.writerow([path, *times, rank, name, f"{p:.6f}"])
                count += 1
            print(f"{path}: {count} window{'s' * (count != 1)}", flush=True)

        failed = _each(videos, write_windows)
    print(f"{args.windows}: written", file=sys.stderr)
    return failed


def _annotate(output: Path, source: Path, classes: list[tuple[str, float]]) -> None:
    """The video as it was, a panel with the best classes over each frame."""
    import itertools

    from rev2net.figures.prediction import prediction_panel, with_panel
    from rev2net.files import atomic_path
    from rev2net.video import iter_frames, probe
    from rev2net.video.writing import write_mp4

    info = probe(source)
    short_side = max(ANNOTATED_SIDE, min(info.width, info.height))
    frames = iter_frames(source, short_side=short_side)
    first = next(frames)
    panel = prediction_panel(first.shape[:2], classes)
    marked = (with_panel(frame, panel) for frame in itertools.chain([first], frames))
    with atomic_path(output) as temporary:
        count = write_mp4(temporary, marked, info.fps)
    print(f"{output}: {count} frames", file=sys.stderr)
