"""Tables and claims that a configuration names itself, from its own datasets and methods."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from rev2net.cli import main
from rev2net.config import Config, dump
from rev2net.errors import UserError
from rev2net.needs import scores_needed
from rev2net.paper.claims import claims
from rev2net.paper.tables import (
    benchmark_label,
    cells,
    configured_tables,
    default_tables,
    table_runs,
)
from rev2net.tables.build import build
from rev2net.tables.render import layout_of
from tests.work_folder import CONFIG, Work, own_config

NOTE = "every video of 'home' stands for itself; as its lists = columns, all | none, name no source"


@pytest.fixture
def own() -> Config:
    return own_config()


@pytest.fixture
def filled(own: Config, tmp_path: Path) -> Work:
    """Scores of 40 videos in 20 groups: I3D is right on half, My I3D on all, two streams on 30."""
    work = Work(tmp_path / "work" / "own", own)
    right = {("i3d", "rgb"): 20, ("my-i3d", "rgb"): 40, ("i3d", "rgb+flow"): 30}
    for run in table_runs("transfer", own):
        count = right[run.method, run.input]
        ranks = [1] * count + [2] * (40 - count)
        work.add(run, [0, 1] * 20, ranks, class_map="", notes=NOTE)
    return work


def stage(name: str, *words: str, config: Config, work: Work) -> int:
    return main(["stage", name, "--settings", dump(config), "--root", str(work.root), *words])


def test_a_table_of_ones_own_is_made_like_the_papers(
    filled: Work, own: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "transfer.csv"
    assert stage("table", "transfer", "--out", str(out), config=own, work=filled) == 0
    text = capsys.readouterr().out
    assert text == out.with_suffix(".md").read_text(encoding="utf-8")
    title, _, head, _, *rows = text.splitlines()
    assert title == (
        "**Table “transfer”. From home to away; top-1 accuracy in %, configuration “own”**"
    )
    assert [cell.strip() for cell in head.strip("|").split("|")] == [
        *("Model", "Input", "A_B & C", "home→away"),
    ]
    assert [row.split("|")[1].strip() for row in rows[:3]] == ["I3D", "My I3D", "I3D"]
    assert f"- Data of A_B & C, home→away: {NOTE}.".replace("|", r"\|") in text
    assert "; classes that away and home name alike." in text
    assert "paper" not in text
    latex = out.with_suffix(".tex").read_text(encoding="utf-8")
    assert r"Model & Input & A\_B \& C & home$\rightarrow$away \\" in latex
    assert r"\begin{tabular}{llrr}" in latex
    assert "Data of A\\_B \\& C, home$\\rightarrow$away: every video of" in latex
    frame = pd.read_csv(out)
    assert frame["paper"].isna().all()
    assert frame["delta"].isna().all()
    mine = (frame["metric"] == "top1") & (frame["row"] == "My I3D")
    assert frame.loc[mine, "measured"].tolist() == [100, 100]


def test_claims_of_ones_own_are_tested_like_the_papers(
    filled: Work, own: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "claims.csv"
    assert stage("claims", "--out", str(out), config=own, work=filled) == 0
    assert "mine-is-better, abroad: My I3D RGB against I3D RGB, +50.0" in capsys.readouterr().out
    frame = pd.read_csv(out)
    assert frame["verdict"].tolist() == ["holds", "holds"]
    assert frame["difference"].tolist() == [50, 50]
    assert frame["paper_difference"].isna().all()
    assert set(frame["source"]) == {"configuration"}
    assert not frame["claim"].str.contains("contradiction").any()


def test_two_benchmarks_of_one_label_stay_two_columns(filled: Work, own: Config) -> None:
    back = own.benchmarks["abroad"].model_copy(update={"label": "A_B & C"})
    alike = own.model_copy(update={"benchmarks": {**own.benchmarks, "abroad": back}})
    frame = build("transfer", own, filled.root)
    layout = layout_of(frame, alike)
    assert layout.benchmarks == ["A_B & C", "A_B & C"]
    assert [len(measured) for _, _, measured, _ in layout.rows] == [2, 2, 2]


def test_the_example_in_the_docs_is_one() -> None:
    text = (Path(__file__).parents[2] / "docs/formats.md").read_text(encoding="utf-8")
    example = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    config = own_config(**example)
    assert claims(config)[0].name == "mine-is-better"
    assert [cell.row for cell in cells("transfer", config)] == [
        *("I3D", "My I3D (mkmmd)", "I3D", "My I3D (source only)"),
    ]


def test_rows_that_differ_by_start_alone_are_told_apart(own: Config) -> None:
    rows = [cell.row for cell in cells("starts", own)]
    assert rows == ["I3D (scratch)", "I3D (imagenet)", "My I3D"]


def test_two_rows_of_adaptation_are_told_apart() -> None:
    table = {
        "title": "t",
        "benchmarks": ["abroad"],
        "rows": ["i3d.rgb.scratch.mkmmd", "i3d.rgb.scratch.dann", "i3d.rgb", "my-i3d.rgb"],
    }
    chosen = own_config(tables={"adaptations": table}, claims={})
    assert [cell.row for cell in cells("adaptations", chosen)] == [
        *("I3D (mkmmd)", "I3D (dann)", "I3D (source only)", "My I3D"),
    ]


def test_a_cell_is_explained_by_its_start(
    own: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = Work(tmp_path, own)
    for init in ("scratch", "imagenet"):
        words = ("--init", init, "--explain", "starts", "i3d", "rgb", "home")
        assert stage("table", *words, config=own, work=work) == 0
        assert f"I3D ({init}), RGB, home" in capsys.readouterr().out


def test_own_tables_stand_behind_the_papers(own: Config) -> None:
    assert configured_tables(own) == ["transfer", "starts"]
    both = CONFIG.model_copy(
        update={
            "methods": own.methods,
            "tables": own_config(
                tables={"mine": {"title": "t", "benchmarks": ["home"], "rows": ["my-i3d.rgb"]}},
                claims={},
            ).tables,
        }
    )
    assert configured_tables(both)[-2:] == ["table5", "mine"]
    needed = scores_needed("fusion", own)
    assert {(run.method, run.input) for run, _ in needed} == {("i3d", "rgb"), ("i3d", "flow")}


def test_claims_need_what_they_compare_and_no_other_row(own: Config) -> None:
    needed = {run for run, part in scores_needed("claims", own) if part == "test"}
    pairs = {row.name for one in own.claims.values() for pair in one.pairs for row in pair}
    assert {f"{run.method}.{run.input}" for run in needed} == pairs
    every = {run for table in configured_tables(own) for run in table_runs(table, own)}
    assert needed < every
    assert scores_needed("claims", own.model_copy(update={"claims": {}})) == []


def test_a_configuration_without_a_table_says_so() -> None:
    nothing = own_config(tables={}, claims={})
    assert configured_tables(nothing) == []
    for ask in (default_tables, lambda config: scores_needed("claims", config)):
        with pytest.raises(UserError, match=r"configuration 'own' has no table: its `tables` is"):
            ask(nothing)


def test_a_paper_table_takes_its_datasets_and_its_direction() -> None:
    turned = CONFIG.benchmarks | {"hmdb-ucf": CONFIG.benchmarks["ucf-hmdb"]}
    wrong = CONFIG.model_copy(update={"benchmarks": turned})
    assert configured_tables(wrong) == ["table2", "table3", "table4"]
    line = (
        r"^table5 needs source hmdb51 and target ucf101 \(formats\) in benchmarks\.hmdb-ucf, "
        r"which has ucf101 to hmdb51; the tables of configuration 'mini' are table2, table3, "
    )
    with pytest.raises(UserError, match=line):
        cells("table5", wrong)
    # Their labels are the paper's where their data is.
    assert benchmark_label("ucf-hmdb", wrong) == "UCF→HMDB"
    assert benchmark_label("hmdb-ucf", wrong) == "ucf101→hmdb51 (hmdb-ucf)"


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (
            {"rows": ["i3d.rgb", "i3d.rgb.scratch"]},
            "tables.mine.rows: i3d.rgb.scratch.none stands twice",
        ),
        ({"adapt": "dann"}, "tables.mine: i3d.rgb adapts to a target, and benchmark 'home' has"),
        ({"rows": ["yours.rgb"]}, "tables.mine: method 'yours' is none of tsn, "),
        ({"benchmarks": ["home", "home"]}, "tables.mine.benchmarks: home stands twice"),
        ({"benchmarks": ["away"]}, "tables.mine.benchmarks: 'away' is not configured"),
    ],
)
def test_a_table_that_cannot_be_is_one_line(tables: dict[str, Any], words: str) -> None:
    table = {"title": "t", "benchmarks": ["home"], "rows": ["i3d.rgb"]} | tables
    with pytest.raises(UserError) as caught:
        own_config(tables={"mine": table}, claims={})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_methods_of_one_label_are_refused() -> None:
    alike = {"my-i3d": {"network": "i3d", "recipe": "i3d", "label": "I3D"}}
    with pytest.raises(UserError, match=r"methods\.my-i3d\.label: 'I3D' is that of i3d"):
        own_config(methods=alike)
