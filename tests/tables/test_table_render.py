"""Markdown and LaTeX show what was measured, what the paper says, and never mix the two."""

import re
from dataclasses import replace
from typing import Any

import pytest

from rev2net.config import Config
from rev2net.experiments import METHODS
from rev2net.runs.identity import RGB_FLOW, Run
from rev2net.tables.build import build
from rev2net.tables.render import latex, layout_of, markdown

NOT_COMPARABLE = "not comparable with the paper's"


@pytest.fixture
def filled(work: Any, i3d_rgb: Run) -> Any:
    """Scores of TSN (right: 2 of 4) and I3D (3 of 4) on RGB, both directions, two seeds."""
    for seed in (0, 1):
        for benchmark in ("hmdb-ucf", "ucf-hmdb"):
            run = replace(i3d_rgb, benchmark=benchmark, seed=seed)
            work.add(replace(run, method="tsn"), [0, 1, 1, 2], [1, 1, 2, 2], videos_expected=6)
            work.add(run, [0, 1, 1, 2], [1, 1, 1, 2], videos_expected=6)
    return work


def grid(text: str) -> list[list[str]]:
    """The cells of a Markdown table, its rule left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def test_markdown_is_laid_out_like_the_papers_table(filled: Any, config: Config) -> None:
    rows = grid(markdown(build("table5", config, filled.root), config))
    assert rows[0] == [
        *("Model", "Input", "HMDB→UCF", "UCF→HMDB", "paper HMDB→UCF", "paper UCF→HMDB"),
    ]
    assert [row[:2] for row in rows[1:]] == [
        ["TSN", "RGB"],
        ["TSM", "RGB"],
        ["I3D", "RGB"],
        ["TSN", "RGB + Flow"],
        ["TSM", "RGB + Flow"],
        ["I3D", "RGB + Flow"],
        ["Rev2Net", "RGB"],
    ]


def test_measured_numbers_carry_spread_and_interval_and_the_best_is_bold(
    filled: Any, config: Config
) -> None:
    tsn, tsm, i3d, *_, rev2net = grid(markdown(build("table5", config, filled.root), config))[1:]
    assert tsn[2:] == ["50.0 ±0.0 [0.0, 100.0]"] * 2 + ["58.5", "40.1"]
    assert tsm[2:] == ["–", "–", "58.9", "41.2"]
    assert i3d[2:] == ["**75.0** ±0.0 [50.0, 100.0]"] * 2 + ["56.4", "41.0"]
    assert rev2net[2:] == ["–", "–", "**63.1**", "**46.8**"]


def test_equally_good_rows_are_all_bold(work: Any, config: Config, i3d_rgb: Run) -> None:
    for method in ("tsn", "i3d"):
        for seed in (0, 1):
            work.add(replace(i3d_rgb, method=method, seed=seed), [0, 1, 2], [1, 1, 2])
            work.add(replace(i3d_rgb, method="tsm", seed=seed), [0, 1, 2], [1, 2, 2])
    rows = grid(markdown(build("table5", config, work.root), config))[1:]
    assert [row[2].startswith("**66.7**") for row in rows] == [True, False, True, *[False] * 4]


def test_what_is_shown_is_rounded_once(work: Any, config: Config, i3d_rgb: Run) -> None:
    labels = [0] * 170
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), labels, [1] * 149 + [2] * 21)  # 87.647 %
    i3d = grid(markdown(build("table5", config, work.root), config))[3]
    assert i3d[2].startswith("87.6 ±0.0 ")


@pytest.mark.parametrize("methods", [["tsn", "tsm", "i3d"], ["i3d"]])
def test_where_all_tie_nothing_is_bold(
    methods: list[str], work: Any, config: Config, i3d_rgb: Run
) -> None:
    """One row alone is no winner either; the paper's own column keeps its mark."""
    for seed in (0, 1):
        for method in methods:
            work.add(replace(i3d_rgb, method=method, seed=seed), [0, 1, 2], [1, 2, 1])
    frame = build("table5", config, work.root)
    rows = grid(markdown(frame, config))[1:]
    assert sum(row[2].startswith("66.7") for row in rows) == len(methods)
    assert not any("**" in row[2] for row in rows)
    assert sum("**" in row[4] for row in rows) == 1
    layout = layout_of(frame, config)
    numbers = [number for *_, measured, paper in layout.rows for number in (*measured, *paper)]
    assert [number.text for number in numbers if number.best] == ["63.1", "46.8"]


def test_markdown_columns_stand_in_line_on_a_terminal(filled: Any, config: Config) -> None:
    text = markdown(build("table5", config, filled.root), config)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    bars = [[place for place, letter in enumerate(line) if letter == "|"] for line in lines]
    assert all(places == bars[0] for places in bars)


def test_a_mini_table_says_that_it_is_no_reproduction(filled: Any, config: Config) -> None:
    frame = build("table5", config, filled.root)
    for text in (markdown(frame, config), latex(frame, config)):
        assert "synthetic mini benchmark" in text
        assert NOT_COMPARABLE in text
    real = config.model_copy(update={"mini": None})
    text = markdown(frame, real)
    assert NOT_COMPARABLE in text
    assert "synthetic" not in text
    paper = real.model_copy(update={"reproduces_paper": True})
    assert NOT_COMPARABLE not in markdown(frame, paper)


def test_notes_tell_configuration_coverage_protocol_and_empty_cells(
    filled: Any, config: Config
) -> None:
    frame = build("table5", config, filled.root)
    text = markdown(frame, config)
    assert "configuration “mini”" in text.splitlines()[0]
    assert "HMDB→UCF 4 of 6, UCF→HMDB 4 of 6" in text
    assert "1 split and 2 seeds" in text
    assert "Protocol of TSN RGB, I3D RGB: official-split1; 1 clip x 1 crop." in text
    assert "10 cells without a finished run" in text


def test_a_table_without_any_run_still_renders(work: Any, config: Config) -> None:
    frame = build("table1", config, work.root)
    assert "18 cells without a finished run" in markdown(frame, config)
    assert latex(frame, config).count("--") >= 18


def test_latex_rows_match_their_columns(filled: Any, config: Config) -> None:
    text = latex(build("table5", config, filled.root), config)
    (columns,) = re.findall(r"\\begin\{tabular\}\{(\w+)\}", text)
    assert columns == "llrrrr"
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 7
    for line in body:
        assert line.endswith(r" \\")
        assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
    assert body[2].startswith(
        r"I3D & RGB & \textbf{75.0} {\scriptsize $\pm$0.0 {[}50.0, 100.0{]}} & "
    )
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert text.count("$") % 2 == 0
    assert re.findall(r"\\(begin|end)\{(\w+)\}", text) == [
        ("begin", "table"),
        ("begin", "tabular"),
        ("end", "tabular"),
        ("end", "table"),
    ]
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(rf"\{rule}") == 1


def test_what_means_something_to_a_markup_is_escaped(
    work: Any, config: Config, i3d_rgb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = "A|B_c 50% & {x} #1 $y$ ~ ^ \\ <i> *"
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), [0, 1, 2], [1, 1, 1])
    monkeypatch.setitem(METHODS, "i3d", METHODS["i3d"].model_copy(update={"label": odd}))
    frame = build("table5", config, work.root)
    row = next(line for line in markdown(frame, config).splitlines() if r"A\|B" in line)
    assert r"| A\|B_c 50% & {x} #1 $y$ ~ ^ \\ \<i> \* |" in row
    assert (
        r"A\textbar{}B\_c 50\% \& \{x\} \#1 \$y\$ \textasciitilde{} \textasciicircum{} "
        r"\textbackslash{} \textless{}i\textgreater{} * & RGB & "
    ) in latex(frame, config)


def test_two_stream_rows_name_their_weights(work: Any, config: Config, i3d_rgb: Run) -> None:
    for seed in (0, 1):
        work.add(
            replace(i3d_rgb, input=RGB_FLOW, seed=seed),
            *([0, 1, 2], [1, 1, 1]),
            protocol="1 clip; fused 1 x i3d rgb + 1 x i3d flow",
        )
    text = markdown(build("table5", config, work.root), config)
    assert "Protocol of I3D RGB + Flow: 1 clip; fused 1 x i3d rgb + 1 x i3d flow." in text


def test_in_domain_accuracy_stands_below_the_table_and_never_in_it(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    for seed in (0, 1):
        run = replace(i3d_rgb, seed=seed)
        work.add(run, [0, 1, 1, 2], [1, 1, 1, 2])
        work.add(run, [0, 1, 1, 2], [0, 1, 1, 1], part="val")
    text = markdown(build("table5", config, work.root), config)
    assert "In-domain, on held-out videos of the source (HMDB→UCF): I3D RGB 75.0." in text
    assert not any("In-domain" in line for line in text.splitlines() if line.startswith("|"))


def test_a_paper_number_of_other_videos_is_shown_without_a_difference(
    work: Any, config: Config
) -> None:
    """The paper's I3D on Kinetics is of the test list, whose labels nobody has."""
    paper = config.model_copy(update={"mini": None, "reproduces_paper": True})
    for method in ("i3d", "tsm"):
        for seed in (0, 1):
            run = Run("kinetics400", method, "rgb", "scratch", "none", 1, seed)
            work.add(run, [0, 1, 1, 2], [1, 1, 1, 2])
    frame = build("table4", paper, work.root).query("metric == 'top1' and input == 'rgb'")
    deltas = frame.set_index("row")["delta"].to_dict()
    assert deltas["TSM"] == 2.5  # 75.0 - 72.5
    assert deltas["I3D"] != deltas["I3D"]
    text = markdown(frame, paper)
    assert "71.1" in text
    assert "the paper's numbers of I3D RGB and I3D RGB + Flow are of the test list" in text
    assert "test list" not in markdown(frame, config)
