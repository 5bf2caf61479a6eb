"""Say what is done in any video: classes with their probabilities, best first.

    rev2net predict clip.avi --run work/mini/runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0
    rev2net predict *.mp4 --checkpoint i3d.pt --json       # one JSON object a line and video
    rev2net predict holidays/ --run …                      # every video in a folder
    rev2net predict clip.mp4 --run … --annotate out.mp4    # the video with its classes drawn in

Videos are prepared as the run's training data were (resize, frame rate, flow) and scored by its
test protocol. Protocol and flow parameters come from the configuration: the file config.json that
the workflow leaves in work/<name>/, or --config. Without either, one centre crop of one clip from
the middle of the video is scored, on flow with OpenCV's parameters.

A video that cannot be read gets a line on standard error, the others are predicted, and the exit
code is 2.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rev2net.commands import refuse_overwriting
from rev2net.errors import MachineError, UserError
from rev2net.runs.folder import WorkFolder

if TYPE_CHECKING:
    import torch

    from rev2net.config import FlowSettings, TestSettings
    from rev2net.evaluation.video import VideoFile
    from rev2net.runs.checkpoint import TrainedRun

VIDEO_SUFFIXES = (".avi", ".mp4", ".mkv", ".webm", ".mov", ".mpg", ".mpeg", ".wmv", ".flv", ".m4v")
ANNOTATED_CLASSES = 3
ANNOTATED_SIDE = 240  # pixels of the short side at least, so that names can be read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net predict`."""
    parser.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="a file, or a folder of them"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", type=Path, metavar="FOLDER", help="a run's folder", dest="source")
    source.add_argument("--checkpoint", type=Path, metavar="FILE", dest="source")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the run's configuration")
    parser.add_argument("--clips", type=int, help="clips spread over the video")
    parser.add_argument("--crops", type=int, choices=(1, 3, 10), help="crops of each clip")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="classes shown (5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a video")
    parser.add_argument("--annotate", type=Path, metavar="OUT.mp4", help="write the video, marked")


def run(args: argparse.Namespace) -> None:
    """Print one block, or one JSON object, for each video."""
    import torch

    from rev2net.device import claim_device
    from rev2net.runs.checkpoint import load_trained

    if args.top < 1:
        raise UserError(f"--top: {args.top}; allowed: a whole number from 1")
    if args.annotate is not None and args.annotate.suffix.lower() != ".mp4":
        raise UserError(f"--annotate: {args.annotate}; allowed ending: .mp4")
    videos, refusals = _videos(args.videos)
    if args.annotate is not None:
        if len(videos) > 1:
            raise UserError(f"--annotate: takes one video; {len(videos)} given")
        refuse_overwriting(args.annotate, *videos)
    trained = load_trained(args.source)
    if trained.settings.run.method == "off":
        print(
            "rev2net predict: Sun-OFF's network alone; the tables add its TSN's scores, 2 : 1",
            file=sys.stderr,
        )
    test, flow = _protocol(args, trained)
    torch.set_num_threads(trained.settings.compute.threads)
    for refusal in refusals:
        print(f"rev2net predict: {refusal}", file=sys.stderr, flush=True)
    failed = len(refusals)
    with claim_device() as device:
        trained.network.to(device)
        for path in videos:
            try:
                _predict_one(args, path, trained, test, flow, device)
            except (UserError, MachineError) as error:
                print(f"rev2net predict: {error}", file=sys.stderr, flush=True)
                failed += 1
    if failed:
        sys.exit(2)


def _videos(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """The files named, and those in the folders named, by name; and a line for other folders."""
    videos, refusals = [], []
    for path in paths:
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else [path]
        except OSError as error:
            refusals.append(f"{path}: {error.strerror}")
            continue
        if inside == [path]:
            videos.append(path)
            continue
        visible = [file for file in inside if not file.name.startswith(".")]
        found = [file for file in visible if file.suffix.lower() in VIDEO_SUFFIXES]
        if not found:
            refusals.append(f"{path}: a folder without videos ({', '.join(VIDEO_SUFFIXES)})")
        videos += found
    return videos, refusals


def _protocol(
    args: argparse.Namespace, trained: "TrainedRun"
) -> tuple["TestSettings", "FlowSettings"]:
    """How clips are placed and flow is computed: the configuration's, where there is one."""
    from rev2net import config as configuration
    from rev2net.config import TestSettings
    from rev2net.experiments import evaluate_settings
    from rev2net.flow.parameters import default_settings

    settings = trained.settings
    path = args.config or _configuration_beside(args.source)
    if path is not None:
        config = configuration.load(path)
        test = evaluate_settings(settings.run, config).test
        flow = config.flow.model_copy(update={"bound": settings.flow_bound})
    else:
        test = TestSettings(clips=1, crops=1, size=settings.clip.size, average="logit")
        flow = default_settings(settings.flow_bound)
    chosen: dict[str, Any] = {"crops": args.crops} if args.crops is not None else {}
    if args.clips is not None:
        chosen |= {"clips": args.clips, "whole_video": False}
    changed = {**test.model_dump(), **chosen}
    return configuration.validate(TestSettings, changed, "arguments"), flow


def _configuration_beside(source: Path) -> Path | None:
    """The configuration that the workflow keeps in work/<name>, of a run in work/<name>/runs."""
    for folder in source.resolve().parents:
        config = WorkFolder(folder.parent).config
        if folder.name == "runs" and config.is_file():
            return config
    return None


def _predict_one(
    args: argparse.Namespace,
    path: Path,
    trained: "TrainedRun",
    test: "TestSettings",
    flow: "FlowSettings",
    device: "torch.device",
) -> None:
    """Score one video, print its classes, and write the annotated one where asked for."""
    import json

    from rev2net.evaluation.predict import protocol_in_words
    from rev2net.evaluation.video import VideoFile

    kind = trained.network.input_spec.kind
    video = VideoFile(path, kind, trained.settings.frames, flow)
    if video.warning:
        print(f"rev2net predict: warning: {path}: {video.warning}", file=sys.stderr)
    probabilities = _probabilities(video, trained, test, device)
    ranked = sorted(zip(trained.class_names, probabilities, strict=True), key=lambda row: -row[1])
    best = ranked[: args.top]
    if args.json:
        classes = [{"class": name, "probability": round(p, 6)} for name, p in best]
        facts = {"frames": video.num_frames, "protocol": protocol_in_words(test)}
        print(json.dumps({"video": str(path), **facts, "classes": classes}), flush=True)
    else:
        print(f"{path}: {video.num_frames} frames, {protocol_in_words(test)}")
        for name, probability in best:
            print(f"  {100 * probability:5.1f} %  {name}", flush=True)
    if args.annotate is not None:
        _annotate(args.annotate, path, ranked[:ANNOTATED_CLASSES])


def _probabilities(
    video: "VideoFile", trained: "TrainedRun", test: "TestSettings", device: "torch.device"
) -> list[float]:
    """Of every class, by the test protocol of datasets."""
    import torch

    from rev2net.clips.dataset import Entry
    from rev2net.evaluation.predict import predict
    from rev2net.runs.checkpoint import clip_shape

    settings = trained.settings
    shape = clip_shape(trained.network.input_spec, (video.kind,), settings, test.length)
    compute = settings.compute.model_copy(update={"loader_workers": 0})
    entry = Entry(str(video.path), dataset="", label=-1, group="")
    prediction = predict(
        trained.network, [entry], video, shape, test, compute, device, progress=False
    )
    scores = torch.from_numpy(prediction.scores[0]).double()
    found: list[float] = (scores.softmax(0) if test.average == "logit" else scores).tolist()
    return found


def _annotate(output: Path, source: Path, classes: list[tuple[str, float]]) -> None:
    """The video as it was, a panel with the best classes over each frame."""
    import itertools

    from rev2net.figures.prediction import prediction_panel, with_panel
    from rev2net.files import atomic_path
    from rev2net.video import iter_frames
    from rev2net.video.probe import probe
    from rev2net.video.writing import write_mp4

    info = probe(source)
    short_side = max(ANNOTATED_SIDE, min(info.width, info.height))
    frames = iter_frames(source, short_side=short_side)
    first = next(frames)
    panel, top, left = prediction_panel(first.shape[:2], classes)
    marked = (with_panel(frame, panel, top, left) for frame in itertools.chain([first], frames))
    with atomic_path(output) as temporary:
        count = write_mp4(temporary, marked, info.fps)
    print(f"{output}: {count} frames", file=sys.stderr)
