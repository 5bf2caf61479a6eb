"""Claims as data: comparisons of table rows, with the side that the paper or its user takes.

Imports neither pandas nor torch, like `tables`, whose rows are compared.
"""

from dataclasses import dataclass
from typing import Literal

from rev2net.config import ClaimSettings, Config, TableRow
from rev2net.errors import UserError
from rev2net.paper.tables import Cell, cells, configured_tables
from rev2net.runs.identity import RGB_FLOW, RGB_RGBDIFF

TOLERANCE = 1.0  # points: a difference within them counts as none (fixed before any measurement)
OWN = "configuration"  # the source of a claim that is not the paper's


@dataclass(frozen=True)
class Claim:
    """A statement, which is tested on every pair of rows and every benchmark of a table.

    `better`: the first row of a pair is above the second. `equal`: they differ by no more than
    TOLERANCE points.
    """

    name: str
    statement: str
    source: str  # section of the paper, or OWN
    table: str
    kind: Literal["better", "equal"]
    pairs: tuple[tuple[TableRow, TableRow], ...]


def _row(method: str, input_: str = "rgb") -> TableRow:
    return TableRow(method=method, input=input_)


def _against(first: TableRow, *others: TableRow) -> tuple[tuple[TableRow, TableRow], ...]:
    return tuple((first, other) for other in others)


_REV2NET, _REV2NET_TWO = _row("rev2net"), _row("rev2net", RGB_FLOW)
_I3D, _I3D_TWO = _row("i3d"), _row("i3d", RGB_FLOW)
_NO_DDP, _NO_FLOW = _row("rev2net-noddp"), _row("rev2net-noflow")
_TWO_STREAM_METHODS = ("tsn", "tsm", "i3d")

# Where statements stand, on which table, and which side they take.
_Stand = tuple[str, str, Literal["better", "equal"]]
_ACROSS: _Stand = ("section 5.3", "table5", "better")
_WITHIN: _Stand = ("section 5.2", "table2", "better")
_ABLATION: _Stand = ("section 5.2, ablation", "table2", "better")
_PRETRAINED: _Stand = ("section 5.2", "table3", "better")
_ON_KINETICS: _Stand = ("section 5.2", "table4", "better")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "flow-transfers-worse",
        "Across datasets the network on RGB frames is better than the one on flow",
        "section 3",
        "table1",
        "better",
        tuple((_row(m), _row(m, "flow")) for m in _TWO_STREAM_METHODS),
    ),
    Claim(
        "two-streams-gain-nothing",
        "Across datasets two streams and the RGB stream alone differ by no more than a point",
        "section 3",
        "table1",
        "equal",
        tuple((_row(m, RGB_FLOW), _row(m)) for m in _TWO_STREAM_METHODS),
    ),
    Claim(
        "rev2net-beats-i3d-across",
        "Across datasets Rev2Net is better than I3D, its base, on the same RGB frames",
        *_ACROSS,
        _against(_REV2NET, _I3D),
    ),
    Claim(
        "rev2net-beats-all-across",
        "Across datasets Rev2Net on RGB is better than TSN, TSM and all two-stream models",
        *_ACROSS,
        _against(
            _REV2NET,
            *(_row("tsn"), _row("tsm")),
            *(_row(m, RGB_FLOW) for m in _TWO_STREAM_METHODS),
        ),
    ),
    Claim(
        "rev2net-beats-all-imagenet",
        "Not pre-trained on videos, Rev2Net is better than the others with the same input",
        *_WITHIN,
        (
            *_against(_REV2NET, _row("tsn"), _row("actionflownet"), _I3D),
            *_against(_REV2NET, _row("off", RGB_RGBDIFF)),
            *_against(_REV2NET_TWO, _row("tsn", RGB_FLOW), _I3D_TWO, _row("off", RGB_FLOW)),
        ),
    ),
    Claim(
        "frame-decoder-helps",
        "Without the frame decoder Rev2Net is worse",
        *_ABLATION,
        _against(_REV2NET, _row("rev2net-noframe")),
    ),
    Claim(
        "flow-decoder-helps",
        "Without the flow decoder Rev2Net is worse",
        *_ABLATION,
        _against(_REV2NET, _NO_FLOW),
    ),
    Claim(
        "discrepancy-penalty-helps",
        "Without the decoding discrepancy penalty Rev2Net is worse",
        *_ABLATION,
        _against(_REV2NET, _NO_DDP),
    ),
    Claim(
        "no-penalty-below-frame-decoder",
        "Without the penalty, two decoders are worse than the frame decoder alone",
        *_ABLATION,
        _against(_NO_FLOW, _NO_DDP),
    ),
    Claim(
        "flow-stream-helps-rev2net",
        "Within a dataset a second stream, I3D on flow, brings Rev2Net additional benefit",
        *_WITHIN,
        _against(_REV2NET_TWO, _REV2NET),
    ),
    Claim(
        "rev2net-beats-all-kinetics-init",
        "Pre-trained on Kinetics, Rev2Net is better than the others with the same input",
        *_PRETRAINED,
        (*_against(_REV2NET, _row("tsm"), _row("stm"), _I3D), *_against(_REV2NET_TWO, _I3D_TWO)),
    ),
    Claim(
        "rev2net-beats-all-on-kinetics",
        "On Kinetics Rev2Net is better than the others with the same input",
        *_ON_KINETICS,
        (*_against(_REV2NET, _I3D, _row("tsm")), *_against(_REV2NET_TWO, _I3D_TWO)),
    ),
    Claim(
        "discrepancy-penalty-helps-on-kinetics",
        "On Kinetics the decoding discrepancy penalty improves Rev2Net",
        "Table 4",
        "table4",
        "better",
        (
            *_against(_REV2NET, _NO_DDP),
            *_against(_REV2NET_TWO, _row("rev2net-noddp", RGB_FLOW)),
        ),
    ),
)


def claims(config: Config) -> list[Claim]:
    """The paper's claims on tables that a configuration can make, then its own.

    Raises UserError for one of its own whose table or whose rows there are not.
    """
    tables = configured_tables(config)
    papers = [claim for claim in CLAIMS if claim.table in tables]
    return [*papers, *(_own(name, claim, config) for name, claim in config.claims.items())]


def is_of_row(cell: Cell, row: TableRow) -> bool:
    """Whether a cell stands in a row; start and adaptation count where they are said."""
    return (
        (cell.method, cell.input) == (row.method, row.input)
        and row.init in (None, cell.init)
        and row.adapt in (None, cell.adapt)
    )


def compared(claim: Claim, config: Config) -> list[tuple[Cell, Cell]]:
    """The cells that a claim compares: each pair of its rows on each benchmark of its table."""
    found = []
    known = cells(claim.table, config)
    for pair in claim.pairs:
        # Of the paper's rows the adapted one is first: it is meant.
        first, second = ([cell for cell in known if is_of_row(cell, row)] for row in pair)
        for benchmark in dict.fromkeys(cell.benchmark for cell in known):
            one, other = (
                next(c for c in row if c.benchmark == benchmark) for row in (first, second)
            )
            found.append((one, other))
    return found


def _own(name: str, settings: ClaimSettings, config: Config) -> Claim:
    tables = configured_tables(config)
    if any(claim.name == name for claim in CLAIMS):
        raise UserError(f"claims.{name}: the paper has a claim of this name; give another one")
    if settings.table not in tables:
        raise UserError(
            f"claims.{name}.table: {settings.table!r} is none of {', '.join(tables) or 'none'}"
        )
    of_table = cells(settings.table, config)
    for first, second in settings.pairs:
        found = [_words(row, of_table, f"claims.{name}.pairs") for row in (first, second)]
        if found[0] == found[1]:
            raise UserError(f"claims.{name}.pairs: {first.name} is compared with itself")
    return Claim(name, settings.statement, OWN, settings.table, settings.kind, settings.pairs)


def _words(row: TableRow, of_table: list[Cell], where: str) -> str:
    """All words of the one row of a table that is meant."""
    spelled = {
        f"{cell.method}.{cell.input}.{cell.init}.{cell.adapt}": is_of_row(cell, row)
        for cell in of_table
    }
    found = [words for words, meant in spelled.items() if meant]
    if len(found) == 1:
        return found[0]
    table = of_table[0].table
    if not found:
        rows = ", ".join(spelled)
        raise UserError(f"{where}: {row.name} is no row of {table}; its rows are {rows}")
    raise UserError(f"{where}: {row.name} may be {' or '.join(found)} of {table}; say which")
