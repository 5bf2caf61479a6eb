"""Train one run of a table.

Reads the split and the shard indexes, trains on a free GPU (or on the CPU where there is none) and
leaves checkpoint.pt, run.json and metrics.jsonl in the run's folder. An interrupted training
continues from its last saved state when the same command is given again; SIGTERM saves the state
and exits with code 75. In a job that the workflow submitted, so does the end of its --minutes: the
scheduler is then asked to start the job again.

With --measurements N the accuracy on the split's held-out source videos (part `val`) is measured N
times, evenly along the training, which changes no weight: held-out.jsonl has a line for each.

Snakemake gives the settings; `snakemake -p` prints its commands.
"""

import argparse
import sys

from rev2net.commands import add_run_arguments, shard_indexes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser, "the run's folder; made if need be")
    parser.add_argument("--minutes", type=int, help="of a submitted job; elsewhere without effect")
    parser.add_argument(
        "--measurements",
        type=int,
        default=0,
        metavar="N",
        help="of the held-out accuracy: 0 or more",
    )
    parser.add_argument(
        "--checkpoint-every",
        type=int,
        metavar="N",
        help="steps from saved state to saved state (optimisation.checkpoint_every)",
    )
    parser.add_argument(
        "--log-every", type=int, default=0, metavar="N", help="steps a line of metrics.jsonl"
    )


def run(args: argparse.Namespace) -> None:
    import time

    from rev2net.config import TrainSettings, parse_settings
    from rev2net.digests import read_json
    from rev2net.errors import refuse_below
    from rev2net.training.allotment import start_again, stopping_time
    from rev2net.training.loop import INTERRUPTED, Interrupted, train

    settings = parse_settings(TrainSettings, args.settings)
    class_names = read_json(args.split.with_suffix(".json"))["class_names"]
    refuse_below(args, measurements=0, log_every=0, workers=0, checkpoint_every=1)
    if args.workers is not None:
        compute = settings.compute.with_workers(args.workers)
        settings = settings.model_copy(update={"compute": compute})
    if args.checkpoint_every is not None:
        every = {"checkpoint_every": args.checkpoint_every}
        optimisation = settings.optimisation.model_copy(update=every)
        settings = settings.model_copy(update={"optimisation": optimisation})
    shards, stop_at = shard_indexes(args), stopping_time(args.minutes)
    try:
        options = (args.measurements, args.log_every)
        train(settings, args.split, shards, class_names, args.folder, stop_at, *options)
    except Interrupted:
        print("terminated: state saved, the same command continues from it", file=sys.stderr)
        if stop_at is not None and time.time() >= stop_at:
            start_again()
        sys.exit(INTERRUPTED)
