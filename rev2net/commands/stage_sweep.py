"""How each two-stream row depends on the weight of its flow stream, on validation videos only.

A figure beside the tables, whose rows fuse with the published weights whatever is best here. Reads
the validation scores below --root (`work/<name>`); rows without validation videos are left out.

    rev2net stage sweep --config config.yaml --root work/mini --out results/mini/fusion.csv
"""

import argparse

from rev2net.commands import add_result_arguments, existing_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_result_arguments(parser)


def run(args: argparse.Namespace) -> None:
    from rev2net.config import Config, parse_settings
    from rev2net.digests import write_text
    from rev2net.tables.fusion_sweep import sweep

    config = parse_settings(Config, args.settings)
    frame = sweep(config, existing_root(args.root))
    write_text(args.out, frame.to_csv(index=False, lineterminator="\n"))
    for (table, row, benchmark), group in frame.groupby(["table", "row", "benchmark"], sort=False):
        best = group.sort_values("top1_val", kind="stable", ascending=False).iloc[0]
        published = group[group["published"]].iloc[0]
        print(
            f"{table} {row} {benchmark}: published weight {published['flow_weight']:g} "
            f"{published['top1_val']:.1f} %, best {best['flow_weight']:g} {best['top1_val']:.1f} %"
        )
