"""The coarse-to-fine search of loss weights and learning rates, on validation videos only.

`search:` in the configuration names, for each method, the values of a coarse grid and the factors
of a fine grid around the best coarse run; Snakemake trains every point:

    snakemake --cores all results/search.csv

Its two steps, which Snakemake calls:

    rev2net stage search point OUT.json --settings JSON --fine flow frames --coarse scores-val.h5 …
        writes the settings of a point's training; of a fine one, flow and frames are factors of
        what the best coarse point had
    rev2net stage search collect --config config.json --root work/mini --out search.csv
        one row a run, best first, the choice marked; and search.yaml beside it, the choice as parts
        of recipes

Nothing changes silently: a configuration runs with the choice when it says so, by the line
`recipes_from: results/mini/search.yaml`. What was found on hmdb51 from fresh weights is for
`rev2net.rgb.scratch.hmdb51` and, since HMDB51 is its source, `rev2net.rgb.scratch.hmdb-ucf`; a
choice that rests on the target's labels is for nothing.
"""

import argparse
from pathlib import Path

from rev2net.commands import add_result_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    point = steps.add_parser("point", help="write the training settings of one point")
    point.add_argument("output", type=Path, metavar="OUT.json")
    point.add_argument("--settings", required=True, help="of a training: JSON, or a file of it")
    point.add_argument(
        "--fine", nargs="*", default=[], metavar="KEY", help="settings that are factors"
    )
    point.add_argument(
        "--coarse", nargs="*", default=[], type=Path, metavar="SCORES", help="that these multiply"
    )
    collect = steps.add_parser("collect", help="write one row a run, the choice marked and as YAML")
    add_result_arguments(collect)


def run(args: argparse.Namespace) -> None:
    from rev2net.config import Config, TrainSettings, dump, parse_settings
    from rev2net.digests import write_text
    from rev2net.search import multiplied, search_settings
    from rev2net.tables.searched import best_values, collect, recipes_found

    if args.step == "point":
        settings = parse_settings(TrainSettings, args.settings)
        if args.fine:
            settings = multiplied(settings, best_values(args.coarse, args.fine))
        write_text(args.output, dump(settings) + "\n")
        return
    config = parse_settings(Config, args.settings)
    frame = collect(config, args.root)
    write_text(args.out.with_suffix(".yaml"), recipes_found(frame, config))
    write_text(args.out, frame.to_csv(index=False, lineterminator="\n"))
    for row in frame[frame["chosen"]].to_dict("records"):
        keys = search_settings(config).spaces[row["space"]].coarse
        values = ", ".join(f"{key} {row[key]:g}" for key in keys)
        print(
            f"{row['space']} on {row['benchmark']}: {values} ({row['top1_val']:.1f} % of "
            f"{row['videos']} validation videos, {row['trials']} trials)"
        )
