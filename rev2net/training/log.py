"""What a training says: JSON lines in a file, and a bar on a terminal or plain lines in a log."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

PLAIN_LINE_SECONDS = 10.0


class TrainingLog:
    """Means of the named values since the last line, written as JSON lines.

    A training that resumes at `first_step` keeps the lines up to there.
    """

    def __init__(self, path: Path, steps: int, first_step: int, every: int) -> None:
        self.steps, self.every = steps, every
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
        if (step + 1) % self.every and step + 1 != self.steps:
            return
        means = {name: round(total / self.count, 6) for name, total in self.sums.items()}
        line = {"step": step + 1, **fixed, **means}
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

    def state(self) -> dict[str, Any]:
        """What a resumed training needs to write the same next line."""
        return {"sums": self.sums, "count": self.count}

    def restore(self, state: dict[str, Any]) -> None:
        """Undo of `state`."""
        self.sums, self.count = dict(state["sums"]), int(state["count"])

    def close(self) -> None:
        self.bar.close()
        self.file.close()


def _drop_lines_after(path: Path, first_step: int) -> None:
    """Lines written after the state that a training resumes from would stand twice."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= first_step:
                kept.append(line)
        except (json.JSONDecodeError, KeyError, TypeError):
            break  # cut off in the middle of a write: nothing after it counts
    path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
