"""How far trainings are, from the lines that they write: a table, and TensorBoard's event files.

Only files are read, so that watching changes nothing of a training, running or finished.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rev2net.errors import UserError
from rev2net.files import json_lines
from rev2net.printing import aligned
from rev2net.runs.folder import RunFolder

# What a training writes: as it runs, and when it has ended.
LOGS = (RunFolder(Path()).unfinished_metrics.name, RunFolder(Path()).metrics.name)
# Of a line of metrics.jsonl, what is no term of the loss.
_OTHERS = ("step", "steps", "lr", "loss", "top1", "seconds", "data_seconds")
_OF_GRADIENTS = ("_share_", "gradient_norm")


@dataclass
class Watched:
    """One run's lines so far."""

    name: str
    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False

    def read(self) -> list[dict[str, Any]]:
        """Take in what was written since, and return that; a half-written line waits."""
        files = RunFolder(self.folder)
        self.finished = files.record.is_file()
        path = files.metrics if self.finished else files.unfinished_metrics
        try:
            found = json_lines(path, unfinished=True)
        except OSError:
            return []
        if len(found) < len(self.lines):  # the training went back to its last state
            self.lines = []
        fresh = found[len(self.lines) :]
        self.lines = found
        return fresh

    @property
    def seconds_a_step(self) -> float:
        """The mean of the last lines, of which there has to be one."""
        recent = self.lines[-5:]
        return sum(line.get("seconds", 0.0) for line in recent) / len(recent)

    @property
    def seconds_left(self) -> float:
        """What the steps that are still to be done will take."""
        last = self.lines[-1]
        return self.seconds_a_step * (int(last.get("steps", last["step"])) - int(last["step"]))

    def row(self) -> list[str]:
        """The run as a row of the table."""
        if not self.lines:
            return [self.name, "-", "", "", "", "", "not begun"]
        last = self.lines[-1]
        step, steps = int(last["step"]), int(last.get("steps", last["step"]))
        terms = [
            f"{name} {value:.3g}"
            for name, value in last.items()
            if name not in _OTHERS and not any(word in name for word in _OF_GRADIENTS)
        ]
        left = "done" if self.finished else duration(self.seconds_left)
        a_step = f"{self.seconds_a_step:.3g} s"
        values = [f"{last['loss']:.3g}", f"{last['top1']:.1f} %", a_step, left]
        return [self.name, f"{step}/{steps}", *values, ", ".join(terms)]


HEADER = ["run", "step", "loss", "top-1", "a step", "left", "terms"]


def find_runs(paths: Sequence[Path]) -> list[Watched]:
    """The runs that are folders named, or lie below them; raises UserError where there is none."""
    found = []
    for path in paths:
        if not path.is_dir():
            raise UserError(f"{path}: no such folder; a run's, or one with runs below, expected")
        folders = sorted({file.parent for name in LOGS for file in path.rglob(name)})
        if not folders:
            raise UserError(f"{path}: no training has written here yet (no last.jsonl)")
        found += [
            Watched(folder.relative_to(path).as_posix() if folder != path else str(path), folder)
            for folder in folders
        ]
    return found


def table(runs: Sequence[Watched], width: int) -> str:
    """The runs as text, a line each, cut at the width of the terminal."""
    lines = aligned([HEADER, *(run.row() for run in runs)])
    return "\n".join(line[:width] for line in lines)


class EventFiles:
    """TensorBoard's event files, a folder a run, below one folder."""

    def __init__(self, folder: Path) -> None:
        """Raises UserError where the optional package is not installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UserError(
                "--tensorboard: needs the package tensorboard (pip install tensorboard)"
            ) from None
        self._writer = SummaryWriter
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def add(self, run: Watched, lines: Sequence[dict[str, Any]]) -> None:
        """Write the values of some lines of a run's log."""
        if run.name not in self._writers:
            place = self._folder / run.name.strip("/")
            self._writers[run.name] = self._writer(str(place), purge_step=0)
        for line in lines:
            for name, value in line.items():
                if name not in ("step", "steps"):
                    self._writers[run.name].add_scalar(name, value, line["step"])
        self._writers[run.name].flush()


def duration(seconds: float) -> str:
    """For example "1 h 05 min", "3 min", "40 s".

    >>> duration(3900), duration(200), duration(40)
    ('1 h 05 min', '3 min', '40 s')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
