"""Train one run of a table.

Reads the split and the shard indexes, trains on a free GPU (or on the CPU where there is none) and
leaves checkpoint.pt, run.json and metrics.jsonl in the run's folder. An interrupted training
continues from its last saved state when the same command is given again; SIGTERM saves the state
and exits with code 75.

Snakemake gives the settings; `snakemake -p` prints its commands.
"""

import argparse
import sys

from rev2net.commands import add_run_arguments, dataset_paths, read_split_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser, "the run's folder; made if need be")


def run(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from rev2net.config import TrainSettings, parse_settings
    from rev2net.experiments import Run
    from rev2net.training.loop import INTERRUPTED, Interrupted, train

    settings = parse_settings(TrainSettings, args.settings)
    identity = asdict(Run.parse(settings.run))
    class_names = read_split_summary(args.split)["class_names"]
    try:
        train(settings, identity, args.split, dataset_paths(args.shards), class_names, args.folder)
    except Interrupted:
        print("terminated: state saved, the same command continues from it", file=sys.stderr)
        sys.exit(INTERRUPTED)
