"""The coarse-to-fine search of loss weights and learning rates, on validation videos only.

`search:` in the configuration names, for each method, the values of a coarse grid and the factors
of a fine grid around the best coarse run; Snakemake trains every point:

    snakemake --cores all results/search.csv

Its two steps, which Snakemake calls:

    rev2net stage search point search/…/fine-1a2b3c4d --config config.json --root work/mini
        writes the point's training settings; those of a fine point depend on the coarse runs
    rev2net stage search collect --config config.json --root work/mini --out search.csv
        one row a run, best first, the choice marked; and search.yaml beside it, the choice as parts
        of recipes

Nothing changes silently: a configuration runs with the choice when it says so, by the line
`recipes_from: results/mini/search.yaml`. What was found on hmdb51 is for `rev2net.rgb.hmdb51` and,
since HMDB51 is its source, `rev2net.rgb.hmdb-ucf`; a choice that rests on the target's labels is
for nothing.
"""

import argparse

from rev2net.commands import add_result_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    point = steps.add_parser("point", help="write the training settings of one point")
    point.add_argument("path", metavar="POINT", help="the point's folder, relative to --root")
    collect = steps.add_parser("collect", help="write one row a run, the choice marked and as YAML")
    add_result_arguments(point, out=None)
    add_result_arguments(collect)


def run(args: argparse.Namespace) -> None:
    from rev2net.config import Config, dump, parse_settings
    from rev2net.digests import write_text
    from rev2net.runs.folder import WorkFolder
    from rev2net.search import find_point, point_settings, search_settings, space_of
    from rev2net.tables.searched import best_values, collect, recipes_found

    config = parse_settings(Config, args.settings)
    if args.step == "point":
        point = find_point(args.path, config)
        best = None
        if point.stage == "fine":
            best = best_values(config, args.root, space_of(point.run), point.run.benchmark)
        settings = point_settings(point, config, best)
        folder = WorkFolder(args.root).point(point.run.path, point.name)
        write_text(folder.settings, dump(settings) + "\n")
        return
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
