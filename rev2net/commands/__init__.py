"""One module a subcommand: its arguments, and how it composes the packages below."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rev2net.errors import UserError

if TYPE_CHECKING:
    from rev2net.apply.subject import Subject
    from rev2net.config import DatasetSettings, TestSettings

T = TypeVar("T")


def add_run_arguments(parser: argparse.ArgumentParser, folder_help: str) -> None:
    """What training and evaluation take alike."""
    parser.add_argument("folder", type=Path, help=folder_help)
    parser.add_argument("--settings", required=True, help="JSON, or a JSON or YAML file")
    parser.add_argument("--split", required=True, type=Path, help="splits/<benchmark>/split<k>.csv")
    for kind in ("rgb", "flow"):
        parser.add_argument(
            f"--{kind}",
            action="append",
            default=[],
            type=of_dataset(Path),
            metavar="DATASET=INDEX",
            help=f"{kind}-<digest>.index of a dataset, where the run reads {kind}; once a dataset",
        )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="loader processes (compute.loader_workers)"
    )


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Which network is asked about videos."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--run", type=Path, metavar="FOLDER", dest="run_folder", help="a run's folder or checkpoint"
    )
    source.add_argument("--network", help="i3d, for example, with --weights")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="of that network")
    parser.add_argument("--input", default="rgb", choices=("rgb", "flow", "rgbdiff"))


def network_asked(
    args: argparse.Namespace, config: Path | None = None, class_names: tuple[str, ...] = ()
) -> "Subject":
    """The network that the arguments name; `config` of a run, `class_names` of weights."""
    from rev2net.apply.subject import of_run, of_weights

    if (args.network is None) != (args.weights is None):
        raise UserError("--network and --weights go together: --network i3d --weights FILE")
    if args.network is None:
        return of_run(args.run_folder, config)
    return of_weights(args.network, args.weights, args.input, class_names)


def add_classifier_arguments(parser: argparse.ArgumentParser) -> None:
    """Which network is asked for classes, and how its scores of a video are averaged."""
    add_network_arguments(parser)
    parser.add_argument(
        "--classes", type=Path, metavar="FILE", help="a class a line, for --weights"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the run's configuration")
    clips = parser.add_mutually_exclusive_group()
    clips.add_argument("--clips", type=int, help="clips spread over the video")
    clips.add_argument(
        "--whole-video", action="store_true", help="one clip of all frames, as I3D is tested"
    )
    parser.add_argument("--crops", type=int, choices=(1, 3, 10), help="crops of each clip")


def classifier_asked(args: argparse.Namespace) -> tuple["Subject", "TestSettings"]:
    """The network that the arguments name, and its test protocol with what they change of it."""
    from rev2net import config as configuration
    from rev2net.apply.predict import read_class_names
    from rev2net.config import TestSettings

    if args.classes is not None and args.network is None:
        raise UserError("--classes: a run has its own; it goes with --weights")
    names = read_class_names(args.classes) if args.classes is not None else ()
    subject = network_asked(args, args.config, names)
    if subject.words.startswith("Sun-OFF"):
        print(
            f"rev2net {args.command}: Sun-OFF's network alone; the tables add its TSN's scores, "
            "2 : 1",
            file=sys.stderr,
        )
    chosen: dict[str, Any] = {"crops": args.crops} if args.crops is not None else {}
    if args.clips is not None:
        chosen |= {"clips": args.clips, "whole_video": False}
    if args.whole_video:
        if subject.shape.segments:
            raise UserError("--whole-video: for 3D networks; this one takes segments (--clips)")
        # A shorter video is looped to the fewest frames that the network takes.
        chosen |= {"whole_video": True, "length": subject.network.input_spec.min_length}
    test = configuration.validate(
        TestSettings, {**subject.test.model_dump(), **chosen}, "arguments"
    )
    return subject, test


def of_dataset(kind: Callable[[str], T]) -> Callable[[str], tuple[str, T]]:
    """What reads a `DATASET=VALUE` word of a command line.

    >>> of_dataset(Path)("home=home/rgb.index")
    ('home', PosixPath('home/rgb.index'))
    """

    def read(word: str) -> tuple[str, T]:
        dataset, equals, value = word.partition("=")
        if not (dataset and equals and value):
            raise argparse.ArgumentTypeError(
                f"{word!r} is not DATASET=VALUE, for example home=home/rgb.index"
            )
        try:
            return dataset, kind(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{word!r}: {error}") from None

    return read


def shard_indexes(args: argparse.Namespace) -> dict[tuple[str, str], Path]:
    """The indexes that a training or an evaluation is given, by dataset and kind."""
    return {
        (dataset, kind): path for kind in ("rgb", "flow") for dataset, path in getattr(args, kind)
    }


def add_max_unusable(parser: argparse.ArgumentParser) -> None:
    """How many videos a stage lets go."""
    parser.add_argument(
        "--max-unusable",
        type=fraction,
        metavar="FRACTION",
        help="of the videos that may be absent or unreadable",
    )


def width_and_height(word: str, option: str) -> tuple[int, int]:
    """The two numbers of a word like 340x256, each large enough for flow."""
    from rev2net.flow.parameters import MIN_SIDE

    width, _, height = word.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or min(int(width), int(height)) < MIN_SIDE:
        raise UserError(f"{option}: {word!r}; allowed is WIDTHxHEIGHT, at least {MIN_SIDE} each")
    return int(width), int(height)


def fraction(word: str) -> float:
    """A number of a command line from 0 to 1."""
    value = float(word)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{word}; allowed is a fraction from 0 to 1")
    return value


def add_demands(parser: argparse.ArgumentParser) -> None:
    """What is demanded of a dataset's folder, and decides nothing of what is made of it."""
    parser.add_argument("--official", action="store_true", help="assert the published counts")
    add_max_unusable(parser)


def with_demands(settings: "DatasetSettings", args: argparse.Namespace) -> "DatasetSettings":
    """A dataset's settings with what the command line demands of its folder."""
    demands: dict[str, object] = {"official": settings.official or args.official}
    if args.max_unusable is not None:
        demands |= {"partial": False, "max_unusable_fraction": args.max_unusable}
    return settings.model_copy(update=demands)


def refuse_overwriting(output: Path, *sources: Path) -> None:
    """Raise UserError where an output is one of the files that it is made from, however named.

    And where it is a folder.
    """
    if output.is_dir():
        raise UserError(f"{output}: is a folder; give a file's name")
    for source in sources:
        existing = output.exists() and source.exists() and output.samefile(source)
        if existing or output.resolve() == source.resolve():
            raise UserError(f"{output}: is what it would be made from, {source}; give another name")


def add_result_arguments(parser: argparse.ArgumentParser, out: str | None = "OUT.csv") -> None:
    """What the commands take alike that make a result of stored runs."""
    parser.add_argument(
        "--config",
        "--settings",
        dest="settings",
        required=True,
        help="the configuration: JSON text, or a YAML or JSON file",
    )
    parser.add_argument("--root", required=True, type=Path, help="folder of the runs, work/<name>")
    if out is not None:
        parser.add_argument("--out", required=True, metavar=out, type=Path, help="file to write")


def existing_root(root: Path) -> Path:
    """A folder of runs; raises UserError for one that is not there, before anything is written."""
    if not root.is_dir():
        raise UserError(f"--root {root}: no such folder; work/<name> expected")
    return root
