"""What a report is made of: sections of prose, tables of numbers and galleries of pictures.

Plain data; `page.html.j2` turns it into HTML and escapes all text.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from rev2net.digests import check_text
from rev2net.figures.learning import Pen
from rev2net.figures.style import Format, data_uri
from rev2net.runs.record import StoredRun, first_by_benchmark
from rev2net.tables.render import Layout


@dataclass(frozen=True)
class Prose:
    """Paragraphs, or the items of a list."""

    lines: Sequence[str]
    as_list: bool = False
    kind: Literal["prose"] = "prose"


@dataclass(frozen=True)
class Result:
    """A table; where the paper has it, its numbers stand beside those that were measured."""

    layout: Layout
    kind: Literal["result"] = "result"


@dataclass(frozen=True)
class Grid:
    """A table of texts; the first `words` columns are set left, numbers right.

    A row that is one text heads the rows below it. `last_word`: the last column is words too.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str] | str]
    words: int = 1
    last_word: bool = False
    folded: bool = False  # shown when asked for
    kind: Literal["grid"] = "grid"


@dataclass(frozen=True)
class Picture:
    """An image with what it shows, in words for those who cannot see it."""

    uri: str
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures that belong together, as many beside each other as fit."""

    title: str
    pictures: Sequence[Picture]
    legend: Mapping[str, Pen] = field(default_factory=dict)
    wide: bool = False
    printed: int = 4  # beside each other on paper
    kind: Literal["gallery"] = "gallery"


Block = Prose | Result | Grid | Gallery


@dataclass(frozen=True)
class Section:
    """One chapter; `missing` says, a line each, what is left out and what would make it."""

    id: str
    title: str
    lead: str = ""
    blocks: Sequence[Block] = ()
    missing: Sequence[str] = ()


def section(id: str, title: str, lead: str, blocks: Sequence[Block], made: str) -> Section:
    """A chapter of blocks; where there are none, of the line that says what makes them."""
    return Section(id, title, lead, blocks) if blocks else Section(id, title, missing=[made])


def galleries(
    stored: Sequence[StoredRun],
    draw: Callable[[list[StoredRun]], Iterable[Picture]],
    wide: bool = False,
    printed: int = 4,
) -> list[Block]:
    """What is drawn of the first split and seed of every row, a gallery a benchmark."""
    return [
        Gallery(runs[0].place, pictures, wide=wide, printed=printed)
        for runs in first_by_benchmark(stored).values()
        if (pictures := list(draw(runs)))
    ]


def read_rows(path: Path) -> pd.DataFrame | None:
    """A CSV of ours, None where there is none; raises UserError where it was damaged."""
    if not path.exists():
        return None
    check_text(path)
    return pd.read_csv(path)


def picture(content: bytes, alt: str, caption: str = "", kind: Format = "svg") -> Picture:
    """A drawn figure as part of a page."""
    return Picture(data_uri(content, kind), alt, caption)


def signed(value: float) -> str:
    """A difference as text.

    >>> signed(1.25), signed(-3)
    ('+1.2', '−3.0')
    """
    return number(value) if value != value else f"{value:+.1f}".replace("-", "−")


def number(value: Any, decimals: int = 1) -> str:
    """A number as text; "–" for none.

    >>> number(12.345), number(float("nan"))
    ('12.3', '–')
    """
    if value is None or value != value:
        return "–"
    return f"{value:.{decimals}f}"
