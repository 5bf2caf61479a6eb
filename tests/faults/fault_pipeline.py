"""The smoke benchmark below a folder of its own, as a person runs it; no call can hang."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 900  # seconds; a command that takes longer hangs
AGAIN = "give the same command again"


@dataclass(frozen=True)
class Outcome:
    """What became of one command."""

    succeeded: bool
    text: str  # what the terminal showed

    @property
    def end(self) -> str:
        """What explains a failure, short enough to read."""
        return self.text[-4000:]

    @property
    def advice(self) -> list[str]:
        """The lines that say what a person must do."""
        lines = re.findall(rf"^\s*rev2net \w+: .*{AGAIN}.*$", self.text, re.MULTILINE)
        return list(dict.fromkeys(line.strip() for line in lines))


@dataclass(frozen=True)
class Pipeline:
    """Snakemake on `smoke.yaml` in `folder`, on the way to `targets`."""

    folder: Path
    targets: list[str]

    @classmethod
    def new(cls, folder: Path, targets: list[str], shards: int) -> "Pipeline":
        """An empty folder but for the smoke configuration, with `shards` a dataset and kind."""
        folder.mkdir(parents=True, exist_ok=True)
        configuration = yaml.safe_load((ROOT / "configs/smoke.yaml").read_text())
        for dataset in configuration["datasets"].values():
            dataset["shards"] = shards
            dataset["max_unusable_fraction"] = 0.0  # one lost video is said, not tolerated
        for recipe in configuration["recipes"].values():
            recipe["optimisation"] |= {"steps": 8, "checkpoint_every": 1}
        (folder / "smoke.yaml").write_text(yaml.safe_dump(configuration))
        return cls(folder, targets)

    def copy(self, folder: Path) -> "Pipeline":
        """The same once more with all that was made, modification times included."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Pipeline(folder, self.targets)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """The command of the README, in a process group of its own."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = ["snakemake", "--snakefile", ROOT / "Snakefile", "--directory", self.folder]
        command += [*self.targets, "--cores", "2", "--configfile", self.folder / "smoke.yaml"]
        with open(self.folder / "terminal.txt", "w") as terminal:
            return subprocess.Popen(
                [*map(str, command), *options],
                stdout=terminal,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=ROOT,
                env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )

    def wait(self, process: "subprocess.Popen[str]") -> Outcome:
        """The end of a started command; fails where it does not come."""
        try:
            code = process.wait(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Outcome(code == 0, (self.folder / "terminal.txt").read_text(errors="replace"))

    def run(self, *options: str) -> Outcome:
        """Give the command and wait; where Snakemake itself was killed before, unlock first."""
        outcome = self.wait(self.start(*options))
        if "--unlock" in outcome.text and "--unlock" not in options:
            assert self.run("--unlock").succeeded
            return self.run(*options)
        return outcome

    def results(self) -> dict[str, bytes]:
        """The content of the targets."""
        return {target: (self.folder / target).read_bytes() for target in self.targets}


def jobs(process: "subprocess.Popen[str]") -> list[tuple[psutil.Process, str]]:
    """The `rev2net` commands that run below a process, each with its stage."""
    found: list[tuple[psutil.Process, str]] = []
    try:
        below: list[Any] = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        return []
    for child in below:
        try:
            words = child.cmdline()
        except psutil.Error:
            continue
        for program, stage in itertools.pairwise(words):
            if program.endswith("bin/rev2net"):
                found.append((child, stage))
    return found
