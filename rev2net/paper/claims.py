"""The paper's claims as data: comparisons of table rows, with the side that the paper takes.

Imports neither pandas nor torch, like `paper`, whose rows are compared.
"""

from dataclasses import dataclass
from typing import Literal

from rev2net.paper.tables import TABLES
from rev2net.runs.identity import RGB_FLOW, RGB_RGBDIFF

TOLERANCE = 1.0  # points: a difference within them counts as none (fixed before any measurement)

RowKey = tuple[str, str]  # method, input


@dataclass(frozen=True)
class Claim:
    """A statement of the paper; it is tested on every pair of rows and every benchmark of a table.

    `better`: the first row of a pair is above the second. `equal`: they differ by no more than
    TOLERANCE points.
    """

    name: str
    statement: str
    source: str  # section of the paper
    table: str
    kind: Literal["better", "equal"]
    pairs: tuple[tuple[RowKey, RowKey], ...]


def _against(first: RowKey, *others: RowKey) -> tuple[tuple[RowKey, RowKey], ...]:
    return tuple((first, other) for other in others)


_REV2NET, _REV2NET_TWO = ("rev2net", "rgb"), ("rev2net", RGB_FLOW)
_I3D, _I3D_TWO = ("i3d", "rgb"), ("i3d", RGB_FLOW)
_NO_DDP = ("rev2net-noddp", "rgb")
_TWO_STREAM_METHODS = ("tsn", "tsm", "i3d")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "flow-transfers-worse",
        "Across datasets the network on RGB frames is better than the one on flow",
        "section 3",
        "table1",
        "better",
        tuple(((m, "rgb"), (m, "flow")) for m in _TWO_STREAM_METHODS),
    ),
    Claim(
        "two-streams-gain-nothing",
        "Across datasets two streams and the RGB stream alone differ by no more than a point",
        "section 3",
        "table1",
        "equal",
        tuple(((m, RGB_FLOW), (m, "rgb")) for m in _TWO_STREAM_METHODS),
    ),
    Claim(
        "rev2net-beats-i3d-across",
        "Across datasets Rev2Net is better than I3D, its base, on the same RGB frames",
        "section 5.3",
        "table5",
        "better",
        _against(_REV2NET, _I3D),
    ),
    Claim(
        "rev2net-beats-all-across",
        "Across datasets Rev2Net on RGB is better than TSN, TSM and all two-stream models",
        "section 5.3",
        "table5",
        "better",
        _against(
            _REV2NET,
            *(("tsn", "rgb"), ("tsm", "rgb")),
            *((m, RGB_FLOW) for m in _TWO_STREAM_METHODS),
        ),
    ),
    Claim(
        "rev2net-beats-all-imagenet",
        "Not pre-trained on videos, Rev2Net is better than the others with the same input",
        "section 5.2",
        "table2",
        "better",
        (
            *_against(_REV2NET, ("tsn", "rgb"), ("actionflownet", "rgb"), _I3D),
            *_against(_REV2NET, ("off", RGB_RGBDIFF)),
            *_against(_REV2NET_TWO, ("tsn", RGB_FLOW), _I3D_TWO, ("off", RGB_FLOW)),
        ),
    ),
    Claim(
        "frame-decoder-helps",
        "Without the frame decoder Rev2Net is worse",
        "section 5.2, ablation",
        "table2",
        "better",
        _against(_REV2NET, ("rev2net-noframe", "rgb")),
    ),
    Claim(
        "flow-decoder-helps",
        "Without the flow decoder Rev2Net is worse",
        "section 5.2, ablation",
        "table2",
        "better",
        _against(_REV2NET, ("rev2net-noflow", "rgb")),
    ),
    Claim(
        "discrepancy-penalty-helps",
        "Without the decoding discrepancy penalty Rev2Net is worse",
        "section 5.2, ablation",
        "table2",
        "better",
        _against(_REV2NET, _NO_DDP),
    ),
    Claim(
        "no-penalty-below-frame-decoder",
        "Without the penalty, two decoders are worse than the frame decoder alone",
        "section 5.2, ablation",
        "table2",
        "better",
        _against(("rev2net-noflow", "rgb"), _NO_DDP),
    ),
    Claim(
        "flow-stream-helps-rev2net",
        "Within a dataset a second stream, I3D on flow, brings Rev2Net additional benefit",
        "section 5.2",
        "table2",
        "better",
        _against(_REV2NET_TWO, _REV2NET),
    ),
    Claim(
        "rev2net-beats-all-kinetics-init",
        "Pre-trained on Kinetics, Rev2Net is better than the others with the same input",
        "section 5.2",
        "table3",
        "better",
        (
            *_against(_REV2NET, ("tsm", "rgb"), ("stm", "rgb"), _I3D),
            *_against(_REV2NET_TWO, _I3D_TWO),
        ),
    ),
    Claim(
        "rev2net-beats-all-on-kinetics",
        "On Kinetics Rev2Net is better than the others with the same input",
        "section 5.2",
        "table4",
        "better",
        (*_against(_REV2NET, _I3D, ("tsm", "rgb")), *_against(_REV2NET_TWO, _I3D_TWO)),
    ),
    Claim(
        "discrepancy-penalty-helps-on-kinetics",
        "On Kinetics the decoding discrepancy penalty improves Rev2Net",
        "Table 4",
        "table4",
        "better",
        (
            *_against(_REV2NET, _NO_DDP),
            *_against(_REV2NET_TWO, ("rev2net-noddp", RGB_FLOW)),
        ),
    ),
)


def paper_difference(claim: Claim, pair: tuple[RowKey, RowKey], benchmark: str) -> float | None:
    """First minus second in the paper's own table, in points; None where it has no number."""
    table = TABLES[claim.table]
    column = table.benchmarks.index(benchmark)
    published = {(row.method, row.input): row.accuracy[column] for row in table.rows}
    first, second = (published[key] for key in pair)
    return None if first is None or second is None else round(first - second, 1)
