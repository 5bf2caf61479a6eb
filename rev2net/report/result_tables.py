"""The finished tables, measured beside the paper's."""

import pandas as pd

from rev2net.config import Config
from rev2net.paper.tables import TABLES, configured_tables, table_label
from rev2net.report.blocks import Result, Section
from rev2net.tables.render import layout_of


def tables_section(config: Config, frames: dict[str, pd.DataFrame]) -> Section:
    """Every finished table; of the others, what makes them."""
    configured, missing = configured_tables(config), []
    for name in sorted(TABLES, key=lambda name: name not in configured):
        if name not in configured:
            words = f"configuration “{config.name}” lacks its benchmarks."
            missing.append(f"{table_label(name)}: {words}")
        elif name not in frames:
            missing.append(f"{table_label(name)}: `snakemake results/{name}.csv` makes it.")
    blocks = [Result(layout_of(frame, config)) for frame in frames.values()]
    lead = "Top-1 accuracy in %. Left what was measured here, right what the paper reports."
    return Section("tables", "Tables", lead, blocks, missing)
