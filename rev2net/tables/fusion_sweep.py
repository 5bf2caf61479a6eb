"""How a two-stream row's accuracy depends on the weight of its flow, on validation videos only.

A figure beside the tables: the rows themselves fuse with the published weights, whatever is best
here, and no test video is read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rev2net.config import Config
from rev2net.evaluation.fusion import fuse
from rev2net.evaluation.metrics import top1
from rev2net.paper.tables import Cell, cells, default_tables
from rev2net.runs.identity import RGB_FLOW, Run
from rev2net.runs.scores import Scores
from rev2net.tables.build import StoredScores

WEIGHTS = tuple(round(0.25 * step, 2) for step in range(17))  # of flow over RGB: 0 to 4
COLUMNS = [
    *("table", "row", "method", "init", "adapt", "benchmark", "flow_weight", "published"),
    *("top1_val", "videos", "configuration"),
]


def sweep(config: Config, root: str | Path) -> pd.DataFrame:
    """Accuracy (percent, mean over runs) of every two-stream row at every weight of its flow.

    Rows without validation videos or finished runs are left out; each is listed once, under the
    first table that has it.
    """
    reader = StoredScores(root, config)
    two_streams: dict[tuple[Run, ...], Cell] = {}
    for table in default_tables(config):
        for cell in cells(table, config):
            if cell.input == RGB_FLOW:
                two_streams.setdefault(cell.runs, cell)
    rows = [row for cell in two_streams.values() for row in _cell_rows(cell, config, reader)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _cell_rows(cell: Cell, config: Config, reader: StoredScores) -> Iterator[dict[str, object]]:
    streams = []
    for run in cell.runs:
        stored, reason = reader.read([stream for stream, _ in run.streams], "val")
        if reason:
            return
        streams.append((run, stored))
    for weight in WEIGHTS:
        accuracy = [_accuracy(run, stored, weight) for run, stored in streams]
        yield {
            **{key: getattr(cell, key) for key in COLUMNS[:6]},
            "flow_weight": weight,
            "published": weight == _flow_weight(cell.runs[0]),
            "top1_val": round(float(np.mean(accuracy)), 2),
            "videos": len(streams[0][1][0]),
            "configuration": config.name,
        }


def _flow_weight(run: Run) -> float:
    """What the flow streams of a row weigh together, the others together being 1."""
    flow, others = (
        sum(weight for stream, weight in run.streams if (stream.input == "flow") is of_flow)
        for of_flow in (True, False)
    )
    return flow / others


def _accuracy(run: Run, stored: list[Scores], flow_weight: float) -> float:
    """Top-1 in percent with the flow streams at another weight than the published one.

    Raises UserError where the streams cannot be fused.
    """
    factor = flow_weight / _flow_weight(run)
    weights = [weight * (factor if s.input == "flow" else 1.0) for s, weight in run.streams]
    fused = fuse(stored, weights, [stream.path for stream, _ in run.streams])
    return top1(fused.scores, fused.label)
