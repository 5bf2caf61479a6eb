"""The source distribution is whole: installed elsewhere, it plans the workflow that it holds."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from pathlib import Path

import pytest
import yaml

import rev2net

ROOT = Path(__file__).resolve().parents[1]


def run(*words: str | Path, folder: Path) -> str:
    """What a command prints; nothing of this checkout is on its path."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, built from a copy: what an earlier build left here would get into it."""
    folder = tmp_path_factory.mktemp("sdist")
    made = {".git", *(ROOT / ".gitignore").read_text().replace("/", "").split()}
    made |= set((ROOT / ".dockerignore").read_text().split())

    def ignore(where: str, names: list[str]) -> set[str]:
        top = {name for name in names if name in made and Path(where) == ROOT}
        return top | {name for name in names if name.endswith((".egg-info", "__pycache__"))}

    shutil.copytree(ROOT, folder / "source", ignore=ignore, symlinks=True)
    build = "from setuptools import build_meta; build_meta.build_sdist('..')"
    run(sys.executable, "-c", build, folder=folder / "source")
    (archive,) = folder.glob("*.tar.gz")
    assert archive.name == f"rev2net-{rev2net.__version__}.tar.gz"
    return archive


def test_it_holds_what_git_tracks(sdist: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the project is no git checkout")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    tracked = set(run("git", "ls-files", folder=ROOT).split("\n")) - {""}
    present = {name for name in tracked if (ROOT / name).exists()}
    assert present - held == set()


def test_installed_elsewhere_it_plans_the_demo(sdist: Path, tmp_path: Path) -> None:
    """In a fresh environment, which sees the libraries of this one but not this checkout."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = (path for path in tmp_path.iterdir() if path.is_dir())
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv/bin/python"
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # A path from a .pth file comes last, and the .pth files there (editable installs) do not count.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index")
    run(*pip, "--no-deps", "--no-build-isolation", project, folder=tmp_path)
    shutil.rmtree(project / "rev2net")  # what runs is what was installed
    where = run(python, "-c", "import rev2net; print(rev2net.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(site)
    told = run(tmp_path / "venv/bin/rev2net", "--version", folder=tmp_path)
    assert told.strip() == f"rev2net {rev2net.__version__}"
    for file in ("report/page.html.j2", "datasets/data/ucf101_hmdb51.csv", "py.typed"):
        assert (site / "rev2net" / file).is_file()
    words = ("results/table5.csv", "-n", "--quiet", "rules", "host")
    planned = run(python, "-m", "snakemake", *words, folder=project)
    assert re.search(r"^train_run +14$", planned, flags=re.MULTILINE)


def test_the_version_stands_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert re.search(r"^## \[Unreleased\]$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_hooks_before_a_commit_are_the_commands_of_make_lint() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    commands = [re.sub(r"^\t(\$\(BIN\)/|\$\(RUN\) )", "", line) for line in recipe[1].splitlines()]
    (hooks,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in hooks["hooks"]] == commands


def test_hosted_ci_runs_what_everybody_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    (python,) = (step["with"] for step in job["steps"] if "python-version" in step.get("with", {}))
    assert python["python-version"] == "3.11"
