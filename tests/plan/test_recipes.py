"""The table of recipes: the reproduction follows what is published, and docs show it as it is."""

from pathlib import Path

import pytest

from rev2net.cli import main
from rev2net.config import Config, load
from rev2net.plan.recipes import COLUMNS, recipe_table

ROOT = Path(__file__).resolve().parents[2]


def rows(config: Config, root: Path) -> list[dict[str, str]]:
    lines = recipe_table(config, root).splitlines()[2:]
    return [dict(zip(COLUMNS, line.strip("| ").split(" | "), strict=True)) for line in lines]


@pytest.fixture
def paper() -> Config:
    return load(ROOT / "configs/paper.yaml")


def test_docs_have_the_table_that_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where no split has been made yet
    assert main(["plan", "--config", str(ROOT / "configs/paper.yaml"), "--recipes"]) == 0
    shown = (ROOT / "docs/recipes.md").read_text()
    assert shown[shown.index("| method |") :] == capsys.readouterr().out


def test_no_recipe_of_the_reproduction_departs_from_a_published_value(
    paper: Config, tmp_path: Path
) -> None:
    found = rows(paper, tmp_path)
    methods = {"TSN", "TSM", "STM", "Sun-OFF", "ActionFlowNet", "I3D", "Rev2Net"}
    assert {row["method"].split(" ")[0] for row in found} == methods
    for row in found:
        assert " published;" not in f"{row['what differs']};", row
        assert row["source"] != "ours"


def test_a_value_that_is_not_the_published_one_is_named(paper: Config, tmp_path: Path) -> None:
    recipe = paper.recipes["tsn.rgb"]
    optimisation = recipe.optimisation.model_copy(update={"epochs": 400.0, "batch": 64})
    clip = recipe.clip.model_copy(update={"scales": (1.0,)})
    own = recipe.model_copy(update={"optimisation": optimisation, "clip": clip})
    changed = paper.model_copy(update={"recipes": {**paper.recipes, "tsn.rgb": own}})
    (row,) = [
        row
        for row in rows(changed, tmp_path)
        if (row["method"], row["list"]) == ("TSN RGB", "hmdb51 (3,570)")
    ]
    assert row["what differs"] == (
        "batch: 128 published; crops: 1, 0.875, 0.75, 0.66 published; epochs: 90 published"
    )
