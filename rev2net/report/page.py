"""The report: one self-contained HTML page about everything that a configuration has measured.

It reads stored files only. What is not there yet is left out, with a line that says what makes it.
The same files give the same page, byte for byte.
"""

import time
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from rev2net.config import Config
from rev2net.report.blocks import Section
from rev2net.report.pictures import (
    confusion_section,
    decoded_section,
    features_section,
    learning_section,
    search_section,
    transfer_section,
)
from rev2net.report.schedules import schedules_section
from rev2net.report.words import (
    claims_frame,
    claims_section,
    contradictions_section,
    data_section,
    overview,
    provenance_section,
    table_frames,
    tables_section,
)
from rev2net.runs.record import stored_trainings


def render_report(
    config: Config, root: Path, results: Path, say: Callable[[str], None] = print
) -> str:
    """The page as HTML; `say` is told the seconds that each section took.

    `root` is `work/<name>`, `results` is `results/<name>`. Raises UserError for a file that is
    there and cannot be read.
    """
    stored = stored_trainings(config, root)
    frames, claims = table_frames(config, results), claims_frame(results)
    parts: list[Callable[[], Section]] = [
        lambda: overview(config, stored, frames, claims),
        lambda: tables_section(config, frames),
        lambda: claims_section(config, claims),
        contradictions_section,
        lambda: transfer_section(config, root, stored),
        lambda: learning_section(stored),
        lambda: confusion_section(stored),
        lambda: features_section(config, stored),
        lambda: decoded_section(stored),
        lambda: search_section(results),
        *([lambda: schedules_section(results)] if config.schedules else []),
        lambda: data_section(config, root),
        lambda: provenance_section(config, stored),
    ]
    sections = []
    for part in parts:
        start = time.perf_counter()
        sections.append(part())
        say(f"{sections[-1].title}: {time.perf_counter() - start:.1f} s")
    environment = Environment(
        loader=PackageLoader("rev2net.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["with_code"] = with_code
    return environment.get_template("page.html.j2").render(
        name=config.name, warning=warning(config), sections=sections
    )


def with_code(text: str) -> Markup:
    """HTML of a text in which `backticks` mark what is typed.

    >>> str(with_code("`a < b` holds"))
    '<code>a &lt; b</code> holds'
    """
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part
        for index, part in enumerate(parts)
    )


def warning(config: Config) -> str:
    """What keeps a reader from taking these numbers for the paper's; empty where they are."""
    if config.mini is not None:
        return (
            "Synthetic mini benchmark: exercises the software, not comparable with the paper. "
            "The paper's own figures stand beside these for orientation only."
        )
    if not config.reproduces_paper:
        return (
            f"Configuration “{config.name}” does not reproduce the paper's data and training: "
            "not comparable with the paper."
        )
    return ""
