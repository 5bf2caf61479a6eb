"""Render a tidy table as Markdown and LaTeX, laid out like the paper's.

Rows are model and input, columns the benchmarks: first what was measured, with its 95 %
interval, then, of the paper's tables, its values in columns of their own, so that the two cannot be
confused.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from rev2net.config import Config, CrossDataset
from rev2net.experiments import INPUT_LABELS, parent
from rev2net.paper.tables import Table, benchmark_label, cells, find_table, table_label

NO_VALUE = "–"


@dataclass(frozen=True)
class Number:
    """A number of the grid: what stands large, what stands small beside it, best of its column."""

    text: str
    detail: str = ""
    best: bool = False


@dataclass(frozen=True)
class Layout:
    """A table as it is printed, before the choice of a markup."""

    table: str  # table5
    caption: str
    benchmarks: list[str]  # column heads, of the measured and of the paper's columns
    # Model, input, measured, paper; the last is empty in a table that the paper does not have.
    rows: list[tuple[str, str, list[Number], list[Number]]]
    notes: list[str]

    @property
    def title(self) -> str:
        return f"{table_label(self.table)}. {self.caption}"

    @property
    def is_papers(self) -> bool:
        """Whether the paper's numbers stand beside those that were measured."""
        return any(paper for *_, paper in self.rows)


def markdown(frame: pd.DataFrame, config: Config) -> str:
    """The table as GitHub Markdown, its columns aligned for the terminal."""
    layout = layout_of(frame, config)
    heads = ["Model", "Input", *layout.benchmarks]
    if layout.is_papers:
        heads += [f"paper {benchmark}" for benchmark in layout.benchmarks]
    lines = [[_markdown_text(head) for head in heads]]
    for model, input_, measured, paper in layout.rows:
        numbers = [_markdown_number(number) for number in (*measured, *paper)]
        lines.append([_markdown_text(model), _markdown_text(input_), *numbers])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width if i < 2 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines.insert(1, rule)
    table = [
        "| " + " | ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in row) + " |"
        for row in (enumerate(zip(line, widths, strict=True)) for line in lines)
    ]
    notes = [f"- {_markdown_text(note)}" for note in layout.notes]
    return "\n".join([f"**{_markdown_text(layout.title)}**", "", *table, "", *notes, ""])


def latex(frame: pd.DataFrame, config: Config) -> str:
    r"""The table as a LaTeX float; it takes `\usepackage{booktabs}` and nothing else."""
    layout = layout_of(frame, config)
    count = len(layout.benchmarks)
    heads = " & ".join(map(_latex_text, layout.benchmarks))
    above = rf" & & \multicolumn{{{count}}}{{c}}{{Measured}}"
    rules = rf"\cmidrule(lr){{3-{2 + count}}}"
    if layout.is_papers:
        above += rf" & \multicolumn{{{count}}}{{c}}{{Paper}}"
        rules += rf" \cmidrule(lr){{{3 + count}-{2 + 2 * count}}}"
        heads += f" & {heads}"
    body = []
    for model, input_, measured, paper in layout.rows:
        numbers = [_latex_number(number) for number in (*measured, *paper)]
        body.append(" & ".join([_latex_text(model), _latex_text(input_), *numbers]) + r" \\")
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex_text(layout.caption)}}}",
            rf"\label{{tab:{layout.table}}}",
            rf"\begin{{tabular}}{{ll{'r' * (1 + layout.is_papers) * count}}}",
            r"\toprule",
            rf"{above} \\",
            rules,
            rf"Model & Input & {heads} \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\smallskip{{\footnotesize {_latex_text(note)}\par}}" for note in layout.notes),
            r"\end{table}",
            "",
        ]
    )


def layout_of(frame: pd.DataFrame, config: Config) -> Layout:
    """What is printed: the paper's accuracy of each cell, and what has to be known beside it."""
    name = str(frame["table"].iloc[0])
    table = find_table(name, config)
    named = frame.assign(
        input=frame["input"].map(lambda name: INPUT_LABELS.get(name, name)),
    )
    top1 = named[named["metric"] == "top1"]
    in_domain = named[(named["metric"] == "top1_in_domain") & named["measured"].notna()]
    benchmarks = list(dict.fromkeys(top1["benchmark"]))
    heads = {benchmark: benchmark_label(benchmark, config) for benchmark in benchmarks}
    best = {
        (benchmark, column): _best(group[column])
        for benchmark, group in top1.groupby("benchmark")
        for column in ("measured", "paper")
    }
    rows = []
    for (model, input_), group in top1.groupby(["row", "input"], sort=False):
        of_benchmark = group.set_index("benchmark")
        measured, paper = [], []
        for benchmark in benchmarks:
            cell = of_benchmark.loc[benchmark] if benchmark in of_benchmark.index else None
            measured.append(_number(cell, "measured", best[benchmark, "measured"]))
            if table.is_papers:
                paper.append(_number(cell, "paper", best[benchmark, "paper"]))
        rows.append((str(model), str(input_), measured, paper))
    caption = f"{table.title}; top-1 accuracy in %, configuration “{config.name}”"
    top1, in_domain = (
        part.assign(benchmark=part["benchmark"].map(heads)) for part in (top1, in_domain)
    )
    notes = _notes(table, top1, in_domain, config)
    return Layout(name, caption, list(heads.values()), rows, notes)


def _best(column: "pd.Series[float]") -> float:
    """The highest as printed; NaN, which nothing equals, where no row is below it."""
    values = {rounded(value) for value in column.dropna()}
    return max(values) if len(values) > 1 else float("nan")


def _number(cell: "pd.Series[float] | None", column: str, best: float) -> Number:
    if cell is None or pd.isna(cell[column]):
        return Number(NO_VALUE)
    value = rounded(cell[column])
    detail = ""
    if column == "measured":
        spread = "" if pd.isna(cell["std"]) else f"±{rounded(cell['std']):.1f} "
        low, high = cell["ci_low"], cell["ci_high"]
        detail = spread + ("" if pd.isna(low) else f"[{rounded(low):.1f}, {rounded(high):.1f}]")
    return Number(f"{value:.1f}", detail.strip(), value == best)


def rounded(percent: float) -> float:
    """One decimal, halves up: with 80 videos many accuracies end in 25 or 75."""
    return float(Decimal(str(percent)).quantize(Decimal("0.1"), ROUND_HALF_UP))


def _notes(table: Table, top1: pd.DataFrame, in_domain: pd.DataFrame, config: Config) -> list[str]:
    """The lines below a table, the one that keeps a reader from a wrong conclusion first."""
    notes = []
    if config.mini is not None:
        notes.append(
            f"Measured on the synthetic mini benchmark (configuration “{config.name}”): these "
            "figures exercise the software and are not comparable with the paper's."
        )
    elif table.is_papers and not config.reproduces_paper:
        notes.append(
            f"Configuration “{config.name}” does not reproduce the paper's data and training: "
            "these figures are not comparable with the paper's."
        )
    averaged: dict[str, list[str]] = {}
    for row in top1.drop_duplicates("benchmark").to_dict("records"):
        words = f"{counted(row['splits'], 'split')} and {counted(row['seeds'], 'seed')}"
        averaged.setdefault(words, []).append(row["benchmark"])
    means = [f"{words} ({', '.join(of)})" for words, of in averaged.items()]
    if len(averaged) == 1:
        means = list(averaged)
    notes.append(
        f"Measured: mean over {'; '.join(means)}, "
        + ("± standard deviation over seeds, " if top1["seeds"].max() > 1 else "")
        + "[95 % bootstrap interval over "
        + _drawn(top1["seeds"])
        + "]. Bold: the highest of its column, which need not be a significant difference."
    )
    notes.append(_training(table, top1, config))
    elsewhere = _on_other_videos(table, config)
    if elsewhere and config.reproduces_paper:
        notes.append(
            f"Here Kinetics is tested on its validation list; the paper's numbers of {elsewhere} "
            "are of the test list: no difference is given."
        )
    done = top1[top1["measured"].notna()]
    if len(done):
        counts = done[["benchmark", "videos_evaluated", "videos_expected"]].drop_duplicates()
        texts = [f"{name} {found} of {expected}" for name, found, expected in counts.to_numpy()]
        notes.append(f"Videos evaluated of expected: {', '.join(texts)}.")
    if len(in_domain):
        heads = ", ".join(in_domain["benchmark"].unique())
        rows = [
            f"{row} {input_} {', '.join(f'{rounded(value):.1f}' for value in group['measured'])}"
            for (row, input_), group in in_domain.groupby(["row", "input"], sort=False)
        ]
        notes.append(f"In-domain, on held-out videos of the source ({heads}): {'; '.join(rows)}.")
    for protocol, group in done.groupby("protocol", sort=False):
        names = (group["row"] + " " + group["input"]).unique()
        notes.append(f"Protocol of {', '.join(names)}: {protocol}.")
    told = done.assign(told=done["provenance"].map(_told))
    for said, group in told[told["told"] != ""].groupby("told", sort=False):
        notes.append(f"Data of {', '.join(group['benchmark'].unique())}: {said}.")
    empty = top1[top1["measured"].isna()]
    if len(empty):
        notes.append(
            f"{counted(len(empty), 'cell')} without a finished run; the reasons stand in the CSV's "
            "provenance column."
        )
    return notes


def _on_other_videos(table: Table, config: Config) -> str:
    """The rows whose number in the paper is not of the videos that are tested here."""
    methods = config.all_methods
    rows = [row for row in table.rows if row.on_other_videos]
    return " and ".join(f"{methods[row.method].label} {INPUT_LABELS[row.input]}" for row in rows)


def _told(provenance: str) -> str:
    """What the makers of a cell's split have to say of it; it stands last in its provenance."""
    return provenance.partition(";notes=")[2]


def _drawn(seeds: "pd.Series[int]") -> str:
    """What the intervals count as luck."""
    alone = "source groups, for these trained networks"
    if seeds.max() == 1:
        return alone
    words = "seeds and source groups"
    return words if seeds.min() > 1 else f"{words}; with one seed {alone}"


def _training(table: Table, top1: pd.DataFrame, config: Config) -> str:
    """How the rows were trained, and that nothing was selected."""
    starts = [
        f"{init} ({', '.join(group['row'].unique())})" if top1["init"].nunique() > 1 else str(init)
        for init, group in top1.groupby("init", sort=False)
    ]
    words = f"Training: initialisation {'; '.join(starts)}"
    if set(top1["adapt"]) != {"none"}:
        words += f"; adaptation {', '.join(top1['adapt'].unique())}"
    if sets := {
        _classes(benchmark)
        for name in table.benchmarks
        if isinstance(benchmark := config.benchmarks[name], CrossDataset)
    }:
        words += f"; classes {', '.join(sorted(sets))}"
    if _starts_from_ours(str(top1["table"].iloc[0]), config):
        words += "; all seeds start from the Kinetics runs that there are"
    return f"{words}. The last checkpoint of a fixed schedule: none is selected."


def _starts_from_ours(table: str, config: Config) -> bool:
    """Whether rows pre-trained on Kinetics start from runs of the configuration."""
    return any(
        parent(stream, config) is not None
        for cell in cells(table, config)
        if cell.init == "kinetics"
        for run in cell.runs
        for stream, _ in run.streams
    )


def _classes(benchmark: CrossDataset) -> str:
    """Which classes a source and a target share."""
    if benchmark.class_map is None:
        return f"that {' and '.join(sorted(benchmark.datasets))} name alike"
    return f"{benchmark.class_set or 'all'} of {benchmark.class_map}"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "seed"), counted(3, "seed")
    ('1 seed', '3 seeds')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _markdown_number(number: Number) -> str:
    text = f"**{number.text}**" if number.best else number.text
    return f"{text} {number.detail}".strip()


def _markdown_text(text: str) -> str:
    return re.sub(r"([\\`*|<])", r"\\\1", text)


def _latex_number(number: Number) -> str:
    text = rf"\textbf{{{number.text}}}" if number.best else _latex_text(number.text)
    return rf"{text} {{\scriptsize {_latex_text(number.detail)}}}" if number.detail else text


_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: rf"\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # else taken for the option of a preceding line break
    "]": "{]}",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "–": "--",
    "“": "``",
    "”": "''",
}


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
