"""README: every command in it works.

Commands are found and judged by rules, so that a new one cannot escape: what is quick runs as it
stands, in a folder with a clip and a finished run; Snakemake and make say what they would do;
what measures this machine, or needs what is not here, is parsed. A command that no rule knows
fails.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rev2net import experiments
from rev2net.cli import COMMANDS, STAGES, main, parse
from rev2net.config import dump
from rev2net.mini.encode import encode
from rev2net.runs.checkpoint import build_network, save_trained
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from rev2net.runs.scores import Scores, write_scores
from tests.own_videos import link_project, write_folder
from tests.small_dataset import MINI

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
PROGRAMS = ("rev2net", "snakemake", "make", "git", "source")
MEASURES = ("bench", "plan")  # a minute and more of this machine
CLASSES = ["climb", "golf", "kick", "punch", "shoot", "throw"]


def typed() -> list[str]:
    """The lines of the blocks without a language, `&&` parted, their comments gone."""
    lines = [line for kind, text in BLOCKS if kind == "" for line in text.splitlines()]
    parts = [part for line in lines for part in re.sub(r"\s+#.*", "", line).split("&&")]
    return [part.strip() for part in parts if part.strip()]


def named() -> list[str]:
    """What prose and tables set as `program words`."""
    inline = re.findall(r"`([^`\n]+)`", PROSE)
    return list(dict.fromkeys(text for text in inline if text.split()[0] in PROGRAMS))


def test_commands_are_found() -> None:
    assert len(typed()) > 20
    assert {"make demo", "git clone <this repository> rev2net"} <= set(typed())
    assert {"rev2net stage mini", "snakemake --unlock", "make test"} <= set(named())
    assert {kind for kind, _ in BLOCKS} <= {"", "python", "mermaid"}  # no block escapes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as README leaves it: a clip and videos beside it, and the run that it names."""
    folder = link_project(tmp_path_factory.mktemp("readme"))
    for name in ("home", "away"):
        write_folder(folder / "videos" / name, ["jump", "run"])
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 256, (48, 64 + 18, 3)).astype(np.uint8)
    encode(np.stack([scene[:, t : t + 64] for t in range(18)]), 25, folder / "clip.avi", "ucf101")
    run = Run("hmdb-ucf", "rev2net", "rgb", "scratch", "mkmmd", 1, 0)
    work = folder / "work" / "mini"
    settings = experiments.train_settings(run, MINI)
    network = build_network(settings, len(CLASSES)).eval()
    save_trained(WorkFolder(work).run(run).path, network, settings, CLASSES, "0" * 64)
    (work / "config.json").write_text(dump(MINI))
    write_scores(
        folder / "scores-test.h5",
        Scores(
            scores=rng.normal(size=(12, 6)).astype(np.float32),
            video_id=[f"v{n}" for n in range(12)],
            label=np.arange(12) % 6,
            group=[f"g{n}" for n in range(12)],
            class_names=CLASSES,
            **vars(run),
            part="test",
            configuration="mini",
            protocol="1 clip",
            space="logit",
            videos_expected=12,
            checkpoint="0" * 64,
            split_digest="0" * 64,
            class_map="",
            settings="",
            commit="v0",
        ),
    )
    return folder


def run(*words: str, where: Path = ROOT) -> str:
    """The output of a program that has to succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=where, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        timeout=540,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def own(folder: Path) -> Path:
    """The same after README's `rev2net new`: its configuration is there."""
    (command,) = (line for line in typed() if line.startswith("rev2net new"))
    with contextlib.chdir(folder):
        assert main(shlex.split(command)[1:]) == 0
    return folder


@pytest.mark.parametrize("command", typed())
def test_what_a_reader_types_works(
    command: str, folder: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *words = shlex.split(command.replace("<this repository>", shlex.quote(str(ROOT))))
    if program == "rev2net":
        words = ["clip.avi" if word == "PATH" else word for word in words]
        if words[0] == "new":
            assert (own / words[1]).is_file()  # more of it: docs/your-data.md
        elif words[0] in MEASURES:
            arguments = parse(words)
            assert (own / getattr(arguments, "config", "config.yaml")).is_file()
        else:
            monkeypatch.chdir(folder)
            threads = torch.get_num_threads()
            assert main(words) == 0
            torch.set_num_threads(threads)
    elif program == "snakemake":
        # Where the words before a target would take it for one of theirs, nothing is planned.
        target = next(word for word in words if word.startswith("results/"))
        shown = run("snakemake", *words, "-n", where=own)
        assert re.search(r"^(publish_table|publish_result) +1$", shown, flags=re.MULTILINE), target
    elif program == "make":
        assert run("make", "-n", *words)
    elif program == "git":
        if not (ROOT / ".git").exists():
            pytest.skip("this copy of the project is no git checkout")
        run("git", *words, where=tmp_path)
        assert (tmp_path / words[-1] / "Makefile").is_file()
    elif program == "cd":
        assert f"git clone <this repository> {words[0]}" in typed()
    elif program == "source":
        # What the Makefile's first rule makes.
        assert re.search(rf"-m venv {words[0].split('/')[0]}\b", run("make", "-Bn", "demo"))
    else:
        pytest.fail(f"README: {command}: no rule here says how to try it")


@pytest.mark.parametrize("text", named())
def test_what_prose_names_exists(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *words = shlex.split(text.replace("<command>", "flow"))
    if program == "rev2net":
        count = 2 if words[0] == "stage" else 1
        assert words[count - 1] in (STAGES if count == 2 else COMMANDS)
        with contextlib.suppress(SystemExit):
            parse([*words[:count], "--help"])
        shown = capsys.readouterr().out
        assert f"usage: rev2net {' '.join(words[:count])}" in shown
        for option in (word for word in words[1:] if word.startswith("--")):
            assert option in shown
    elif program == "make":
        run("make", "-n", *words)
    elif program == "snakemake":
        run("snakemake", *words, "--directory", str(tmp_path))
    else:
        pytest.fail(f"README: `{text}`: no rule here says how to try it")


def test_its_python_runs_as_it_stands(folder: Path) -> None:
    (code,) = (text for kind, text in BLOCKS if kind == "python")
    check = "assert logits.shape == (1, 101) and flow.shape == (*grey[0].shape, 2)"
    run(sys.executable, "-c", f"{code}\n{check}", where=folder)


def test_the_first_screen_says_what_why_and_for_whom() -> None:
    screen = "\n".join(README.splitlines()[:25])
    for words in ("What Rev2Net does", "Why it matters", "Can I use it on my data?", "make demo"):
        assert words in screen
