"""Tables and claims that a configuration adds to the paper's, under its own names."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from rev2net.config.data import Name
from rev2net.config.section import Section
from rev2net.runs.identity import FUSED_INPUTS, Adaptation, Initialisation, Input

_INPUTS = (*get_args(Input), *FUSED_INPUTS)
_INITS = get_args(Initialisation)
_ROW = re.compile(
    r"(?P<method>[a-z0-9][a-z0-9-]*)\.(?P<input>[a-z+]+)(\.(?P<init>[a-z]+)(\.(?P<adapt>[a-z0-9]+))?)?"
)


class TableRow(Section):
    """A line of a table: method and input, and how it is trained where other lines are not so."""

    method: Name
    input: str
    init: Initialisation | None = None
    adapt: Adaptation | None = None

    @property
    def name(self) -> str:
        """As the configuration spells it."""
        words = (self.method, self.input, self.init, self.adapt)
        return ".".join(word for word in words if word is not None)


def _parse(value: Any) -> TableRow:
    """A row from "<method>.<input>[.<init>[.<adapt>]]", the words of a run's path.

    >>> _parse("i3d.rgb+flow.kinetics").init
    'kinetics'
    """
    if isinstance(value, TableRow):
        return value
    match = _ROW.fullmatch(str(value))
    if match is None:
        raise ValueError(
            f"{value!r} is no row: <method>.<input>, behind it where need be .<init> and .<adapt>, "
            "for example i3d.rgb+flow or i3d.rgb.kinetics.none"
        )
    words: dict[str, Any] = match.groupdict()
    for key, allowed in (("input", _INPUTS), ("init", (None, *_INITS))):
        if words[key] not in allowed:
            listed = ", ".join(str(word) for word in allowed if word)
            raise ValueError(f"{value!r}: {key} {words[key]!r} is none of {listed}")
    return TableRow(**words)


def _spelled(row: TableRow) -> str:
    return row.name


RowName = Annotated[
    TableRow,
    PlainValidator(_parse),
    PlainSerializer(_spelled, return_type=str),
    # Without the names of its groups, which JavaScript spells otherwise.
    WithJsonSchema({"type": "string", "pattern": re.sub(r"\?P<\w+>", "", f"^{_ROW.pattern}$")}),
]


class TableSettings(Section):
    """A table: its rows, each on every benchmark."""

    title: str
    benchmarks: Annotated[tuple[Name, ...], Field(min_length=1)]
    rows: Annotated[tuple[RowName, ...], Field(min_length=1)]
    init: Initialisation = "scratch"  # of every row that does not say its own
    adapt: Adaptation = "none"


class ClaimSettings(Section):
    """A statement on a table, tested on every pair of its rows and every benchmark.

    `better`: the first row of a pair is above the second. `equal`: they differ by a point at most.
    """

    statement: str
    table: Name
    kind: Literal["better", "equal"] = "better"
    pairs: Annotated[tuple[tuple[RowName, RowName], ...], Field(min_length=1)]
