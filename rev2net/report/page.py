"""The report: one self-contained HTML page about everything that a configuration has measured.

It reads stored files only. What is not there yet is left out, with a line that says what makes it.
The same files give the same page, byte for byte.
"""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from rev2net.config import Config
from rev2net.paper.tables import configured_tables, has_tables_of_the_paper
from rev2net.report.blocks import read_rows
from rev2net.report.confusions import confusion_section
from rev2net.report.curves import learning_section
from rev2net.report.decoded import decoded_section
from rev2net.report.ledgers import data_section
from rev2net.report.neighbours import features_section
from rev2net.report.overview import overview, tables_section
from rev2net.report.paper_claims import claims_section, contradictions_section
from rev2net.report.schedules import schedules_section
from rev2net.report.searched_weights import weights_section
from rev2net.report.trainings import provenance_section
from rev2net.report.transfers import transfer_section
from rev2net.runs.record import stored_trainings
from rev2net.tables.verdicts import CONTRADICTION


def render_report(config: Config, root: Path, results: Path) -> str:
    """The page as HTML, its sections in the order of a reader's questions.

    `root` is `work/<name>`, `results` is `results/<name>`. Raises UserError for a file that is
    there and cannot be read.
    """
    stored = stored_trainings(config, root)
    tables = {name: read_rows(results / f"{name}.csv") for name in configured_tables(config)}
    frames = {name: frame for name, frame in tables.items() if frame is not None}
    claims = read_rows(results / "claims.csv")
    if claims is not None:  # the paper's contradictions are no measurement
        claims = claims[claims["verdict"] != CONTRADICTION]
    search, sweep = read_rows(results / "search.csv"), read_rows(results / "fusion.csv")
    sections = [
        overview(config, stored, frames, claims),
        tables_section(config, frames),
        claims_section(config, claims),
        *([contradictions_section()] if has_tables_of_the_paper(config) else []),
        transfer_section(config, root, stored),
        learning_section(stored),
        confusion_section(stored),
        features_section(config, stored),
        decoded_section(stored),
        weights_section(config, search, sweep),
        *([schedules_section(config, results)] if config.schedules else []),
        data_section(config, root),
        provenance_section(config, stored),
    ]
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
    """What keeps a reader from taking these numbers for the paper's; empty where none does."""
    beside_the_papers = has_tables_of_the_paper(config)
    if config.mini is not None:
        words = "Synthetic mini benchmark: exercises the software, not comparable with the paper."
        if beside_the_papers:
            words += " The paper's own figures stand beside these for orientation only."
        return words
    if beside_the_papers and not config.reproduces_paper:
        return (
            f"Configuration “{config.name}” does not reproduce the paper's data and training: "
            "not comparable with the paper."
        )
    return ""
