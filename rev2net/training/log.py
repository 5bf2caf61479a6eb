"""What a training says: JSON lines in a file, and a bar on a terminal or plain lines in a log."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rev2net.files import json_lines

PLAIN_LINE_SECONDS = 10.0


def ends_with_line(step: int, every: int, steps: int) -> bool:
    """Whether a step (counted from 0) of `steps` ends with a line: each `every`, and the last."""
    return (step + 1) % every == 0 or step + 1 == steps


class TrainingLog:
    """Means of the named values since the last line, written as JSON lines.

    A training that resumes at `first_step` keeps the lines up to there. At the end of every epoch
    (`epoch` steps, not always a whole number) it says how long was waited for data.
    """

    def __init__(self, path: Path, steps: int, first_step: int, every: int, epoch: float) -> None:
        self.steps, self.every = steps, every
        self.whole, self.part = Waiting(epoch, first_step), Waiting(epoch, first_step)
        _drop_lines_after(path, first_step)
        self.file = open(path, "a", encoding="utf-8")  # noqa: SIM115  (closed in close())
        self.bar = tqdm(
            total=steps, initial=first_step, unit="step", disable=not sys.stderr.isatty()
        )
        self.sums: dict[str, float] = {}
        self.count = 0
        self.last_print = time.monotonic()

    def step(self, step: int, values: dict[str, float], **fixed: Any) -> None:
        """Note one step (counted from 0); `fixed` values are written as they are."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        self.bar.update()
        for waiting in (self.whole, self.part):
            waiting.add(values["seconds"], values["data_seconds"])
        if self.part.steps >= self.every and self.part.ends_epoch():
            self._say(str(self.part))
            self.part = Waiting(self.part.epoch, step + 1)
        if not ends_with_line(step, self.every, self.steps):
            return
        means = {name: round(total / self.count, 6) for name, total in self.sums.items()}
        line = {"step": step + 1, "steps": self.steps, **fixed, **means}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        self.sums, self.count = {}, 0
        self.bar.set_postfix(loss=means["loss"], top1=means["top1"])
        now = time.monotonic()
        due = now - self.last_print >= PLAIN_LINE_SECONDS or step + 1 == self.steps
        if self.bar.disable and due:
            self.last_print = now
            terms = " ".join(f"{name} {value:.4g}" for name, value in means.items())
            print(f"step {step + 1}/{self.steps}: {terms}", flush=True)

    def _say(self, line: str) -> None:
        """A line that does not tear the bar."""
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()

    @property
    def data_wait_percent(self) -> float:
        """How much of the time since the training started, or resumed, was spent on waiting."""
        return round(self.whole.percent, 2)

    def state(self) -> dict[str, Any]:
        """What a resumed training needs to write the same next line."""
        return {"sums": self.sums, "count": self.count}

    def restore(self, state: dict[str, Any]) -> None:
        """Undo of `state`."""
        self.sums, self.count = dict(state["sums"]), int(state["count"])

    def close(self) -> None:
        self.bar.close()
        self.file.close()


@dataclass
class Waiting:
    """How much of some steps' time went by before their clips were there."""

    epoch: float  # steps
    first_step: int
    steps: int = 0
    seconds: float = 0.0
    data_seconds: float = 0.0

    def add(self, seconds: float, data_seconds: float) -> None:
        """Count a step: its time, and how much of it was waiting."""
        self.steps += 1
        self.seconds += seconds
        self.data_seconds += data_seconds

    @property
    def percent(self) -> float:
        return 100.0 * self.data_seconds / self.seconds if self.seconds else 0.0

    def ends_epoch(self) -> bool:
        """Whether an epoch ended in one of the steps."""
        return self._epochs_before(self.first_step + self.steps) > self._epochs_before(
            self.first_step
        )

    def _epochs_before(self, step: int) -> int:
        return int(step / self.epoch)

    def __str__(self) -> str:
        """For example "epoch 3: 0.412 s a step, 2.1 % of the time waiting for data"."""
        first = self._epochs_before(self.first_step) + 1
        last = self._epochs_before(self.first_step + self.steps)
        epochs = f"epoch {first}" if first == last else f"epochs {first}-{last}"
        each = self.seconds / self.steps
        return f"{epochs}: {each:.3g} s a step, {self.percent:.1f} % of the time waiting for data"


def _drop_lines_after(path: Path, first_step: int) -> None:
    """Lines written after the state that a training resumes from would stand twice."""
    if path.exists():
        kept = [line for line in json_lines(path, unfinished=True) if line["step"] <= first_step]
        path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
