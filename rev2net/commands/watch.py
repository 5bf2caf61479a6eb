"""Watch trainings: step, loss and its terms, accuracy, time left.

    rev2net watch work/mini                        # every run there, until all have ended
    rev2net watch work/mini/runs/hmdb-ucf/rev2net/rgb.scratch.mkmmd/split1.seed0
    rev2net watch work/mini --once                 # as it stands
    rev2net watch work/mini --tensorboard events   # and event files; needs tensorboard

Only files are read: watching changes nothing, and is possible during a training and after it.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="FOLDER", help="of a run, or runs")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between looks (2)")
    parser.add_argument("--once", action="store_true", help="look once; so without a terminal")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write event files there")


def run(args: argparse.Namespace) -> None:
    import shutil
    import sys
    import time

    from rev2net.apply.watching import EventFiles, find_runs, table
    from rev2net.errors import UserError

    if not args.every > 0:
        raise UserError(f"--every: {args.every}; allowed is a number of seconds above 0")
    events = EventFiles(args.tensorboard) if args.tensorboard else None
    runs = find_runs(args.runs)
    once = args.once or not sys.stdout.isatty()
    drawn = 0
    while True:
        for one in runs:
            fresh = one.read()
            if events is not None and fresh:
                events.add(one, fresh)
        size = shutil.get_terminal_size()
        text = table(runs, size.columns if sys.stdout.isatty() else 10_000)
        if drawn:
            print(f"\x1b[{drawn}A\x1b[J", end="")
        print(text, flush=True)
        if once or all(one.finished for one in runs):
            return
        drawn = len(text.splitlines())
        time.sleep(args.every)
