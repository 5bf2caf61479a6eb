"""Test claims on the stored scores: does what the paper or the configuration says hold here?

Reads the scores files below --root (`work/<name>`) and writes a CSV, one row a comparison: the
measured difference in points of top-1 accuracy beside the paper's, its Holm-corrected interval,
the p-value, what could have been found, and a verdict: holds, fails, undecided, or not measured
where runs are missing (docs/formats.md). The paper's contradictions with itself are listed at the
end.

    rev2net stage claims --config config.yaml --root work/mini --out results/mini/claims.csv
"""

import argparse

from rev2net.commands import add_result_arguments, existing_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_result_arguments(parser)


def run(args: argparse.Namespace) -> None:
    import pandas as pd

    from rev2net.config import Config, parse_settings
    from rev2net.digests import write_text
    from rev2net.paper.tables import has_tables_of_the_paper
    from rev2net.tables.verdicts import CONTRADICTION, NOT_MEASURED, evidence, measure_claims

    config = parse_settings(Config, args.settings)
    frame = measure_claims(config, existing_root(args.root))
    write_text(args.out, frame.to_csv(index=False, lineterminator="\n"))
    if has_tables_of_the_paper(config):
        print(f"evidence about the paper: {evidence(config)}")
    for row in frame[frame["verdict"] != CONTRADICTION].to_dict("records"):
        words = "{verdict:<20} {claim}, {benchmark}: {first} against {second}"
        if row["verdict"] != NOT_MEASURED:
            words += ", {difference:+.1f} [{ci_low:+.1f}, {ci_high:+.1f}]"
        if not pd.isna(row["detectable"]):
            words += ", {detectable:.1f} could be found"
        if not pd.isna(row["paper_difference"]):
            words += " (paper {paper_difference:+.1f})"
        print(words.format_map(row))
