"""The report: whole in one file, nothing broken in it, and plain about what is missing."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rev2net.cli import main
from rev2net.config import Config, dump, dump_as_written
from rev2net.experiments import shard_folder
from rev2net.paper.tables import CONTRADICTIONS, configured_tables, table_runs
from rev2net.report.blocks import Grid
from rev2net.report.page import render_report, with_code
from rev2net.report.paper_claims import claims_section
from rev2net.runs.examples import Examples, write_examples
from rev2net.runs.features import Features, write_features
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from tests.work_folder import CONFIG, Work, own_config

SECTIONS = [
    *("overview", "tables", "claims", "contradictions", "transfer", "learning", "confusion"),
    *("features", "decoded", "search", "data", "provenance"),
]
VOID = {"meta", "link", "img", "line", "br", "hr"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "<script>alert(1)</script> & 'broken'"


class Page(HTMLParser):
    """A parsed page: its elements with attributes, its visible text, and whether tags pair."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = {}  # by section
        self.unpaired: list[str] = []
        self._open: list[str] = []
        self._section = ""
        self.feed(html)
        self.close()
        self.unpaired += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag == "section":
            self._section = found["id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unpaired.append(tag)

    def handle_data(self, data: str) -> None:
        self.text[self._section] = self.text.get(self._section, "") + data

    def values(self, *names: str) -> Iterator[str]:
        for _, attributes in self.elements:
            yield from (attributes[name] for name in names if name in attributes)


def fill(work: Any, config: Config, tables: tuple[str, ...] = ("table1", "table5")) -> None:
    """Every run of some tables, as training, evaluation and fusion leave it."""
    rng = np.random.default_rng(0)
    runs = {run for table in tables for run in table_runs(table, config)}
    for run in sorted(runs):
        labels = [0, 1, 2, 3, 4, 5] * 2
        for part in ("test", "val"):
            ranks = [1 + int(rng.random() < 0.4) for _ in labels]
            work.add(run, labels, ranks, part=part)
        if "+" in run.input:
            continue
        folder = WorkFolder(work.root).run(run).path
        record = {
            "class_names": [f"class {k}" for k in range(6)],
            "commit": "abc1234",
            "device": "cpu",
            "parameters": 1_500_000,
            "seconds": 90.0,
            "schedule": {"steps": 20},
            "versions": {"torch": "2.13.0"},
        }
        (folder / "run.json").write_text(json.dumps(record))
        lines = [
            {"step": step, "classification": 2 / step, "domain": 0.1, "top1": 50.0}
            for step in (5, 10, 15, 20)
        ]
        if run.method == "rev2net":
            for entry in lines:
                entry |= {"flow_share_stem": 0.4, "flow_share_deep": 0.1 * entry["step"]}
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        parts = ["test"] * 12 + ["val"] * 12
        write_features(
            folder / "features.h5",
            Features(
                rng.normal(size=(24, 5)),
                [f"v{n}" for n in range(24)],
                np.tile(np.arange(6), 4),
                ["target" if p == "test" else "source" for p in parts],
                parts,
            ),
        )
        examples = Examples(run.path)
        if run.method == "rev2net":
            clip = rng.integers(0, 255, (1, 2, 8, 8, 3), np.uint8)
            flow = np.zeros((1, 2, 8, 8, 2), np.float16)
            images = {"clip": clip, "stored_flow": flow, "predicted_flow": flow}
            errors = {"flow_epe": np.array([0.25]), "still_epe": np.array([0.5])}
            measures = {"clips": 9.0, "flow_epe": 0.3, "still_epe": 0.6}
            measures |= {"reversal": -0.9, "reversal_mean": -0.8}
            shown = (["v0"], ["class 0"], np.array([0, 7]), images, errors)
            examples = Examples(run.path, *shown, measures)
        write_examples(folder / "examples.h5", examples)


def write_data(root: Path) -> None:
    """A ledger with a broken video whose message is no HTML, and a split."""
    ledger = shard_folder(WorkFolder(root), "ucf101", "rgb", CONFIG).ledger
    ledger.parent.mkdir(parents=True)
    head = ["video_id", "kind", "announced", "decoded", "status", "message"]
    rows = [["v0", "rgb", 20, 20, "ok", ""], ["v1", "rgb", "", 0, "broken", HOSTILE]]
    pd.DataFrame(rows, columns=head).to_csv(ledger, index=False)
    split = root / "splits" / "hmdb-ucf" / "split1.json"
    split.parent.mkdir(parents=True)
    parts = {"test": {"expected": 1234, "usable": 1230, "groups": 77}}
    names = [f"class {k}" for k in range(6)]
    split.write_text(
        json.dumps(
            {"split": 1, "protocol": "official-split1", "class_names": names, "parts": parts}
        )
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path, Path]:
    """A configuration with its finished cross-dataset runs, tables and claims."""
    config = CONFIG.model_copy(update={"seeds": (0,)})
    work = Work(tmp_path_factory.mktemp("tree") / "work" / "mini")
    results = work.root.parents[1] / "results" / "mini"
    fill(work, config)
    write_data(work.root)
    common = ["--settings", dump_as_written(config), "--root", str(work.root), "--out"]
    for table in ("table1", "table5"):
        assert main(["table", table, *common, str(results / f"{table}.csv")]) == 0
    assert main(["claims", *common, str(results / "claims.csv")]) == 0
    assert main(["sweep", *common, str(results / "fusion.csv")]) == 0
    return config, work.root, results


@pytest.fixture(scope="module")
def html(finished: tuple[Config, Path, Path]) -> str:
    return render_report(*finished)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_tags_pair_and_ids_are_unique(page: Page) -> None:
    assert page.unpaired == []
    assert [name for name, count in Counter(page.values("id")).items() if count > 1] == []


def test_the_page_needs_nothing_but_itself(page: Page, html: str) -> None:
    ids = set(page.values("id"))
    for reference in page.values("href", "src", "srcset", "action", "poster", "data"):
        inside = reference.startswith("#") and reference[1:] in ids
        assert inside or reference.startswith("data:"), reference[:80]
    assert not any(tag in ("script", "iframe", "object", "embed") for tag, _ in page.elements)
    outside_images = re.sub(r'src="data:[^"]*"', "", html)
    assert not re.search(r"https?://|url\(|@import", outside_images)


def test_every_image_says_what_it_shows(page: Page) -> None:
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) > 20
    assert all(len(attributes["alt"]) > 20 for attributes in images)


def test_sections_stand_in_order_and_are_linked(page: Page) -> None:
    found = [attributes["id"] for tag, attributes in page.elements if tag == "section"]
    assert found == SECTIONS
    links = [value for value in page.values("href") if value.startswith("#")]
    assert links == [f"#{name}" for name in SECTIONS]


def test_the_label_of_the_mini_benchmark_stands_before_everything(page: Page) -> None:
    assert "Synthetic mini benchmark: exercises the software" in page.text[""]


def test_tables_show_what_their_files_hold(page: Page, finished: tuple[Config, Path, Path]) -> None:
    frame = pd.read_csv(finished[2] / "table5.csv")
    top1 = frame[(frame["metric"] == "top1") & (frame["row"] == "Rev2Net")]
    assert len(top1) == 2
    for _, cell in top1.iterrows():
        assert f"{cell['measured'] + 1e-9:.1f}" in page.text["tables"]
        assert f"{cell['paper']:.1f}" in page.text["tables"]


def test_claims_and_contradictions_are_told(
    page: Page, finished: tuple[Config, Path, Path]
) -> None:
    frame = pd.read_csv(finished[2] / "claims.csv")
    for statement in frame.loc[frame["difference"].notna(), "statement"].unique():
        assert statement in page.text["claims"]
    assert "Evidence about the paper: none" in page.text["claims"]
    for text in CONTRADICTIONS:
        assert text in page.text["contradictions"]


def test_every_part_of_the_finished_tables_is_drawn(page: Page) -> None:
    alts = list(page.values("alt"))
    for words in (
        "TSN flow ",
        "Loss terms of I3D Flow over 20 steps",
        "Accuracy on the training clips of HMDB→UCF; at the end ",
        "Confusion matrix of TSM RGB on HMDB→UCF",
        "t-SNE of the features of I3D RGB by domain",
        "t-SNE of the features of Rev2Net RGB by class",
        "Decoded clip v0 of Rev2Net RGB; flow_epe 0.25",
        "Validation accuracy of TSN, Table 1 over the weight of flow",
    ):
        assert any(words in alt for alt in alts), words


def test_the_decoders_are_judged_in_words_and_their_gradients_drawn(page: Page) -> None:
    text = page.text["decoded"]
    assert "HMDB→UCF, Rev2Net RGB: Flow errs 0.50 times as much as no motion: better than" in text
    assert "Their order is copied as it was (rank correlation -0.90, its mean -0.80)." in text
    alt = "Gradient shares of Rev2Net RGB on 3b-5c over the training, in percent: flow 0.5 to 2"
    assert alt in page.values("alt")


def test_the_first_section_says_who_wins_and_the_claims_why_they_are_undecided(
    page: Page, finished: tuple[Config, Path, Path]
) -> None:
    frame = pd.read_csv(finished[2] / "claims.csv")
    rivals = frame["first"].eq("Rev2Net RGB") & frame["difference"].notna()
    assert frame.loc[rivals, "verdict"].str.startswith("undecided").all()  # of one seed
    assert (
        f"Rev2Net against the other networks: all {rivals.sum()} undecided."
        in (page.text["overview"])
    )
    assert "on 6 source groups and 1 seed" in page.text["overview"]
    undecided = frame[frame["verdict"].str.startswith("undecided")]
    equal = undecided["kind"] == "equal"
    assert page.text["claims"].count("20 groups needed") == equal.sum() > 0
    assert page.text["claims"].count("interval holds 0") == (~equal).sum() > 0


def test_beside_each_claim_stands_what_could_be_detected(
    finished: tuple[Config, Path, Path],
) -> None:
    config, _, results = finished
    frame = pd.read_csv(results / "claims.csv").query("verdict != 'contradiction'")
    (grid,) = claims_section(config, frame.assign(detectable=7.25)).blocks
    assert isinstance(grid, Grid)
    place = grid.head.index("Detectable")
    assert {row[place] for row in grid.rows if not isinstance(row, str)} == {"7.2"}


def test_flow_has_its_bars_where_no_table_has_its_row(
    finished: tuple[Config, Path, Path], tmp_path: Path
) -> None:
    """Table 5 has flow in two-stream rows only; the networks are there all the same."""
    config, root, results = finished
    for file in ("table5.csv", "claims.csv"):
        (tmp_path / file).write_text((results / file).read_text())
    found = Page(render_report(config, root, tmp_path))
    alt = next(text for text in found.values("alt") if text.startswith("TSN rgb "))
    frame = pd.read_csv(results / "table1.csv").set_index(["row", "input", "benchmark", "metric"])
    values: dict[Any, float] = frame["measured"].to_dict()
    for row, kind in (("TSN", "flow"), ("I3D", "flow"), ("TSM", "rgb")):
        inside = values[row, kind, "hmdb-ucf", "top1_in_domain"]
        across = values[row, kind, "hmdb-ucf", "top1"]
        assert f"{row} {kind} {inside:.1f} % in the source, {across:.1f} % in the target" in alt
    assert "orange" not in found.text["transfer"]  # a legend shows the colours that there are


def test_data_and_provenance_are_summed_up(page: Page) -> None:
    assert "1,234" in page.text["data"]
    assert HOSTILE in page.text["data"]  # as text: test_the_page_needs_nothing... saw no script
    for words in ("abc1234", "torch 2.13.0", "hmdb-ucf/rev2net/rgb.scratch.mkmmd/split1.seed0"):
        assert words in page.text["provenance"]


def test_what_is_missing_is_named_with_what_makes_it(page: Page, tmp_path: Path) -> None:
    assert "Table 2: snakemake results/table2.csv makes it" in page.text["tables"]
    assert "snakemake results/search.csv" in page.text["search"]
    (tmp_path / "root").mkdir()
    empty = Page(render_report(CONFIG, tmp_path / "root", tmp_path))
    assert [a["id"] for tag, a in empty.elements if tag == "section"] == SECTIONS
    for name in configured_tables(CONFIG):
        assert f"results/{name}.csv makes it" in empty.text["tables"]
    for section in set(SECTIONS) - {"overview", "contradictions"}:
        assert "Left out: " in empty.text[section], section
    assert "Trainings finished: 0 of" in empty.text["overview"]


@pytest.mark.slow
def test_the_same_files_give_the_same_page(
    html: str, finished: tuple[Config, Path, Path], tmp_path: Path
) -> None:
    config, root, results = finished
    script = "import sys; from rev2net.cli import main; sys.exit(main(sys.argv[1:]))"
    out = tmp_path / "report.html"
    command = ["report", str(out), "--settings", dump_as_written(config)]
    command += ["--root", str(root), "--results", str(results)]
    # Another process with another order of its sets.
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", script, *command], check=True, env=environment)
    assert out.read_text(encoding="utf-8") == html


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no chromium on PATH to look at the page with")
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(html: str, width: int, tmp_path: Path) -> None:
    # In a frame: the browser's own window has a least width.
    ask = "document.title = 'wide ' + this.contentDocument.documentElement.scrollWidth"
    frame = f'<iframe width="{width}" height="900" onload="{ask}" srcdoc="{escape(html)}">'
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><title></title><body>{frame}</iframe>", encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path}", page.as_uri()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = re.search(r"<title>wide (\d+)</title>", done.stdout)
    assert found is not None
    assert int(found[1]) <= width


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no chromium on PATH to print the page with")
def test_the_page_prints_on_few_sheets(html: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"]
    command += [f"--user-data-dir={tmp_path}", f"--print-to-pdf={tmp_path / 'page.pdf'}"]
    subprocess.run([*command, (tmp_path / "page.html").as_uri()], check=True, timeout=120)
    pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes()))
    assert 1 <= pages <= 8  # two tables of five; all of them take 12


def test_a_damaged_file_is_named(
    finished: tuple[Config, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config, root, results = finished
    path = WorkFolder(root).run(Run("hmdb-ucf", "tsn", "rgb", "scratch", "mkmmd", 1, 0)).record
    before = path.read_text()
    try:
        path.write_text("{")
        command = ["report", str(results / "report.html"), "--settings", dump_as_written(config)]
        assert main([*command, "--root", str(root), "--results", str(results)]) == 2
    finally:
        path.write_text(before)
    assert f"{path}: not JSON" in capsys.readouterr().err
    assert not (results / "report.html").exists()


@pytest.mark.parametrize(
    ("out", "root", "words"),
    [("report.pdf", ".", "ends in .html"), ("report.html", "nowhere", "no such folder")],
)
def test_wrong_arguments_take_one_line(
    out: str, root: str, words: str, finished: tuple[Config, Path, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command = ["report", out, "--settings", dump(finished[0]), "--root", root, "--results", "."]
    assert main(command) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_typed_words_are_marked_and_escaped() -> None:
    assert str(with_code("run `a < b` <now>")) == "run <code>a &lt; b</code> &lt;now&gt;"


def test_the_report_needs_no_torch(finished: tuple[Config, Path, Path], tmp_path: Path) -> None:
    config = finished[0]
    script = (
        "import sys; from rev2net.cli import main; "
        "sys.exit(main(sys.argv[1:]) or 'torch' in sys.modules)"
    )
    out = tmp_path / "report.html"
    command = [str(out), "--settings", dump_as_written(config), "--root", str(tmp_path)]
    command += ["--results", str(tmp_path)]
    subprocess.run([sys.executable, "-c", script, "report", *command], check=True, timeout=120)
    assert out.stat().st_size > 5000


@pytest.fixture(scope="module")
def own_page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The report of a configuration of datasets, methods, tables and claims of one's own."""
    config = own_config(seeds=[0])
    work = Work(tmp_path_factory.mktemp("own") / "work" / "own", config)
    results = work.root.parents[1] / "results" / "own"
    fill(work, config, ("transfer", "starts"))
    common = ["--settings", dump_as_written(config), "--root", str(work.root), "--out"]
    for table in ("transfer", "starts"):
        assert main(["stage", "table", table, *common, str(results / f"{table}.csv")]) == 0
    assert main(["stage", "claims", *common, str(results / "claims.csv")]) == 0
    return Page(render_report(config, work.root, results))


def test_a_report_of_ones_own_tables_does_not_speak_of_the_paper(own_page: Page) -> None:
    found = [attributes["id"] for tag, attributes in own_page.elements if tag == "section"]
    assert found == [name for name in SECTIONS if name != "contradictions"]
    for section in ("overview", "tables", "claims"):
        assert "paper" not in own_page.text[section].lower(), section


def test_ones_own_names_and_labels_stand_everywhere(own_page: Page) -> None:
    text = own_page.text
    assert (
        "Nothing is decided: the one claim of the configuration is undecided." in (text["overview"])
    )
    assert "Table “transfer”, A_B & C: " in text["overview"]
    assert "Table “transfer”. From home to away" in text["tables"]
    assert "I3D (imagenet)" in text["tables"]
    assert "Mine is better than I3D (Table “transfer”): 2 undecided" in text["claims"]
    assert "My I3D RGB − I3D RGB" in text["claims"]
    alts = list(own_page.values("alt"))
    for words in (
        "Accuracy on the training clips of A_B & C; at the end I3D RGB",
        "Confusion matrix of My I3D RGB on home→away",
        "t-SNE of the features of My I3D RGB by domain",
        "My I3D rgb ",
        "Loss terms of I3D RGB (imagenet)",
    ):
        assert any(words in alt for alt in alts), words


def test_an_own_configuration_without_results_says_what_makes_them(tmp_path: Path) -> None:
    config = own_config(claims={})
    (tmp_path / "claims.csv").write_text("claim,source,verdict\n")
    page = Page(render_report(config, tmp_path, tmp_path))
    assert "Table “starts”: snakemake results/starts.csv makes it" in page.text["tables"]
    assert "the configuration has none; its key claims names them" in page.text["claims"]
    assert "snakemake results/transfer.csv measures it" in page.text["transfer"]
    assert "snakemake results/starts.csv, for example" in page.text["provenance"]
    assert "results/search.csv" not in page.text["search"]
