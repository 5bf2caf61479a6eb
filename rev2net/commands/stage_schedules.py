"""Say how long cross-dataset trainings need to be, from accuracies on held-out source videos.

`schedules:` in the configuration names streams and benchmarks; Snakemake trains each at its
recipe's own length, with source groups held out, and measures as it goes:

    snakemake --cores all results/schedules.csv

Writes one row a measurement, the choice marked, and schedules.yaml beside it: the recipes that are
to be shorter. The choice is the shortest length after which no measurement is better by more than
one standard error, the same rule for every stream; else a recipe keeps its length.

Nothing changes silently: a configuration runs with the choice when it says so, by the line
`recipes_from: results/mini/schedules.yaml`.
"""

import argparse

from rev2net.commands import add_result_arguments, existing_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_result_arguments(parser)


def run(args: argparse.Namespace) -> None:
    from rev2net.config import Config, parse_settings
    from rev2net.digests import write_text
    from rev2net.schedules import measured_runs
    from rev2net.tables.lengths import collect, of_run, recipes_shortened

    config = parse_settings(Config, args.settings)
    frame = collect(config, existing_root(args.root))
    write_text(args.out.with_suffix(".yaml"), recipes_shortened(frame, config))
    write_text(args.out, frame.to_csv(index=False, lineterminator="\n"))
    for run in measured_runs(config):
        rows = of_run(frame, run)
        chosen, last = rows[rows["chosen"]].iloc[0], rows.iloc[-1]
        print(
            f"{run.method}.{run.input} on {run.benchmark}: {chosen['epoch']:g} of "
            f"{last['epoch']:g} epochs ({chosen['top1_val']:.1f} %, at the end "
            f"{last['top1_val']:.1f} % of {last['videos']} held-out source videos)"
        )
