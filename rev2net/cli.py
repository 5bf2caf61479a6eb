"""The `rev2net` command: finds the subcommand, imports only its module, turns errors into one line.

Each subcommand is a module of `rev2net.commands` (of a stage, `stage_<name>`) with
`add_arguments(parser)`, which declares its arguments, and `run(args)`; its docstring is what
`rev2net <command> --help` teaches. Exit codes: 0 success, 1 a failure of
the program or of the machine, 2 bad usage or input.
"""

import argparse
import importlib
import io
import sys
from collections.abc import Sequence

from rev2net import __version__
from rev2net.errors import MachineError, UserError, where_to_stand
from rev2net.files import machine_trouble

COMMANDS: dict[str, str] = {  # for people
    "new": "write a configuration for your own videos, to be read and run",
    "flow": "write TV-L1 flow of any videos as images, arrays, .flo files or shards",
    "features": "write features of any videos by a trained network, a row a window",
    "predict": "say what is done in any video, with probabilities",
    "zeroshot": "test a network as it is on a dataset of other classes, through a class map",
    "visualize": "draw frames beside their flow",
    "inspect": "print what a dataset, video, shard, ledger, checkpoint or other file holds",
    "metrics": "print the accuracies of a scores file, of each class too",
    "fuse": "add the scores of several streams with weights",
    "table": "write one table, or explain one of its numbers",
    "watch": "show how far trainings are, live",
    "export": "write a run as safetensors, configuration and model card",
    "models": "print what every network takes and costs, at its published input",
    "plan": "estimate what a configuration will cost: jobs, hours, disk and memory",
    "bench": "measure this machine's speed at one stage beside a named baseline",
    "stage": "run one stage of the pipeline as the workflow does (`rev2net stage --help`)",
}
STAGES: dict[str, str] = {  # in the order in which data flows
    "mini": "write the synthetic benchmark in the on-disk formats of UCF101, HMDB51 and Kinetics",
    "download": "fetch a dataset's archives from its own site",
    "extract": "unpack a dataset's archives into its folder and check it against the lists",
    "index": "list a dataset's videos with class, group and official splits",
    "frames": "decode one shard of videos into an HDF5 shard of JPEG frames",
    "flow": "compute TV-L1 flow for one shard of videos into an HDF5 shard",
    "merge": "join shard indexes and ledgers of a dataset into one index file and one ledger",
    "splits": "turn a benchmark's protocol into per-video splits, with checks",
    "weights": "download a checkpoint that trainings start from",
    "train": "train one run",
    "evaluate": "score the test videos of one run",
    "fuse": COMMANDS["fuse"],
    "table": COMMANDS["table"],
    "search": "the steps of the coarse-to-fine search on validation videos",
    "schedules": "write how long cross-dataset trainings need to be, on held-out source videos",
    "sweep": "write how two-stream rows depend on the weight of flow, on validation videos",
    "claims": "test the claims on the stored scores",
    "report": "write one HTML page with tables, claims, figures and provenance",
}
# What a plain installation lacks, and the extra that brings it (pyproject.toml).
_EXTRAS = {
    **dict.fromkeys(("torch", "safetensors", "pandas"), "train"),
    **dict.fromkeys(("matplotlib", "sklearn", "threadpoolctl", "jinja2"), "report"),
    **dict.fromkeys(("snakemake", "scipy", "rarfile"), "workflow"),
}


def module_name(name: str, stage: bool) -> str:
    """The module of `rev2net.commands` behind a command or a stage."""
    if not stage or name in ("fuse", "table"):  # for people too
        return name
    return "stage_shards" if name in ("frames", "flow") else f"stage_{name}"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command and its arguments; a stage's name alone stands for `stage` and the name.

    Only the module of the command that is named is imported, so that help stays quick.
    """
    words = list(arguments)
    named = next((word for word in words if not word.startswith("-")), None)
    stage = named == "stage" or (named in STAGES and named not in COMMANDS)
    if named == "stage":
        words.remove("stage")
        named = next((word for word in words if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(
        prog="rev2net stage" if stage else "rev2net",
        description="The stages of the pipeline, as the workflow calls them."
        if stage
        else "Videos to flow, features and predictions; and from raw videos to the tables of "
        "Rev2Net, through Snakemake, in the project's folder "
        "(`snakemake --cores all results/table5.csv`).",
    )
    parser.add_argument("--version", action="version", version=f"rev2net {__version__}")
    subparsers = parser.add_subparsers(
        dest="command", metavar="STAGE" if stage else "COMMAND", required=True
    )
    for name, summary in (STAGES if stage else COMMANDS).items():
        if name != named:
            subparsers.add_parser(name, help=summary)
            continue
        module = importlib.import_module(f"rev2net.commands.{module_name(name, stage)}")
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser.parse_args(words)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may be no text: of such a byte, its number is printed.
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = parse(arguments)
    try:
        args.run(args)
    except UserError as error:
        # A loader's worker hands its error on with its traceback in front.
        line = str(error).rpartition("rev2net.errors.UserError: ")[2].strip()
        print(f"rev2net {args.command}: {line}{where_to_stand(line)}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        line = f"needs the package {error.name}: pip install 'rev2net[{extra}]'"
        print(f"rev2net {args.command}: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"rev2net {args.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except (MachineError, MemoryError, OSError, RuntimeError) as error:
        trouble = machine_trouble(error)
        if trouble is None:
            raise
        print(f"rev2net {args.command}: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
