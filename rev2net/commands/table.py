"""Write one table of the paper as CSV, and beside it as Markdown and LaTeX.

Reads the scores files below --root (`work/<name>`), nothing else: no GPU, no torch, seconds. The
CSV is tidy, one row a cell and metric (docs/formats.md); the Markdown, also printed, and the
LaTeX are laid out like the paper's table. A cell without finished runs stays empty and its
`provenance` says what is missing.

    rev2net table table5 --settings config.yaml --root work/mini --out results/mini/table5.csv
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net table`."""
    parser.add_argument("table", help="table5, for example")
    parser.add_argument(
        "--settings", required=True, help="the configuration: JSON text, or a YAML or JSON file"
    )
    parser.add_argument("--root", required=True, help="folder of runs/ and fused/")
    parser.add_argument("--out", required=True, metavar="OUT.csv", help="file to write")


def run(args: argparse.Namespace) -> None:
    """Write the three files and print the Markdown."""
    from rev2net.config import Config, parse_settings
    from rev2net.errors import UserError
    from rev2net.files import write_text
    from rev2net.tables.build import build
    from rev2net.tables.render import latex, markdown

    out = Path(args.out)
    if out.suffix != ".csv":
        raise UserError(f"--out {args.out}: a name that ends in .csv expected")
    config = parse_settings(Config, args.settings)
    frame = build(args.table, config, args.root)
    text = markdown(frame, config)
    write_text(out.with_suffix(".md"), text)
    write_text(out.with_suffix(".tex"), latex(frame, config))
    write_text(out, frame.to_csv(index=False, lineterminator="\n"))
    print(text, end="")
