"""Write one table, of the paper or one's own, as CSV, and beside it as Markdown and LaTeX.

Reads the scores files below --root (`work/<name>`), nothing else: no GPU, no torch, seconds. The
CSV is tidy, one row a cell and metric (docs/formats.md); the Markdown, also printed, and the
LaTeX are laid out like the paper's table. A cell without finished runs stays empty and its
`provenance` says what is missing.

    rev2net table table5                                    # of config.yaml, to results/mini/
    rev2net table table5 --config configs/paper.yaml
    rev2net table --explain table5 rev2net rgb hmdb-ucf     # where one number comes from
    rev2net table --explain transfer i3d rgb home-away --root work/mine
"""

import argparse
from pathlib import Path

from rev2net.commands import existing_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", help="table5, for example")
    parser.add_argument(
        "cell", nargs="*", metavar="METHOD INPUT BENCHMARK", help="of the cell, with --explain"
    )
    parser.add_argument(
        "--config",
        "--settings",
        dest="settings",
        help="the configuration: JSON text, or a YAML or JSON file (the one that --root holds, "
        "else config.yaml)",
    )
    parser.add_argument("--root", help="folder of runs/ and fused/ (work/<name>)")
    parser.add_argument(
        "--out", metavar="OUT.csv", help="file to write (results/<name>/<table>.csv)"
    )
    parser.add_argument(
        "--explain", action="store_true", help="print where one cell comes from; writes nothing"
    )
    parser.add_argument("--init", help="which of a method's rows to explain, by its start")
    parser.add_argument("--adapt", help="likewise, by its adaptation")


def run(args: argparse.Namespace) -> None:
    from rev2net.config import Config, TableRow, parse_settings
    from rev2net.digests import write_text
    from rev2net.errors import UserError
    from rev2net.runs.folder import WorkFolder
    from rev2net.tables.build import build
    from rev2net.tables.explain import explain, find_cell
    from rev2net.tables.render import latex, markdown

    made_with = WorkFolder(Path(args.root)).config if args.root else Path("config.yaml")
    config = parse_settings(Config, args.settings or str(made_with))
    root = existing_root(Path(args.root or WorkFolder.of(config.name).path))
    if args.explain:
        if len(args.cell) != 3:
            words = " ".join(args.cell) or "nothing"
            raise UserError(f"--explain takes TABLE METHOD INPUT BENCHMARK; {words} given")
        method, input_, benchmark = args.cell
        row = TableRow.model_construct(
            method=method, input=input_, init=args.init, adapt=args.adapt
        )
        cell = find_cell(args.table, row, benchmark, config)
        print(explain(cell, config, root), end="")
        return
    if args.cell:
        raise UserError(f"{' '.join(args.cell)}: a cell is given with --explain only")
    out = Path(args.out or f"results/{config.name}/{args.table}.csv")
    if out.suffix != ".csv":
        raise UserError(f"--out {args.out}: a name that ends in .csv expected")
    frame = build(args.table, config, root)
    text = markdown(frame, config)
    write_text(out.with_suffix(".md"), text)
    write_text(out.with_suffix(".tex"), latex(frame, config))
    write_text(out, frame.to_csv(index=False, lineterminator="\n"))
    print(text, end="")
