"""Write the report: one HTML page with tables, claims, figures and provenance.

    rev2net stage report results/mini/report.html --settings work/mini/config.json \\
        --root work/mini --results results/mini

Reads stored files only: the tables and claims below --results, runs, splits and ledgers below
--root; no GPU, no torch. The page needs no network and no other file. Parts whose files are not
there yet are left out, and the page says what makes them.
"""

import argparse
from pathlib import Path

from rev2net.commands import add_result_arguments, existing_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT.html", type=Path, help="file to write")
    add_result_arguments(parser, out=None)
    parser.add_argument("--results", required=True, type=Path, help="results/<name>")


def run(args: argparse.Namespace) -> None:
    from rev2net.config import Config, parse_settings
    from rev2net.errors import UserError
    from rev2net.files import write_text
    from rev2net.report.page import render_report

    if args.out.suffix != ".html":
        raise UserError(f"{args.out}: a name that ends in .html expected")
    config, root = parse_settings(Config, args.settings), existing_root(args.root)
    page = render_report(config, root, args.results)
    write_text(args.out, page)
    print(f"{args.out}: {len(page) / 1e6:.1f} MB")
