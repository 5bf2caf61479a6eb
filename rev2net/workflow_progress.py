"""What Snakemake shows of a run: a line a job, and on a terminal, below them, what runs now.

Snakemake's own handler writes two to three lines when a job starts and ends, and when one fails all
its files and settings. `show` puts another in its place for the records of jobs; every other record
still goes to Snakemake's. The log file that Snakemake names at the end has its own words, all of
them.
"""

import logging
import os
import re
import shutil
import statistics
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rev2net.apply.watching import Watched, duration
from rev2net.runs.folder import RunFolder

SECONDS_BETWEEN_LOOKS = 1.0
SHOWN_AT_ONCE = 8  # jobs below the lines
WORTH_SAYING = 60.0  # seconds that are left at least
METRICS = RunFolder(Path()).metrics.name
# What Snakemake says of itself, beside what its records of jobs and resources say.
PREAMBLE = ("Select jobs", "Using shell", "Conda env", "Singularity", "Assuming unrestricted")
OUR_STATUS = re.compile(r"returned non-zero exit status [12]\.")  # a line in the job's log says why


def show(logger: logging.Logger, settings: Any, quick: Collection[str] = ()) -> None:
    """Show a run's jobs this way, unless the command asks for another.

    `settings` are Snakemake's of its output; `quick` names the rules that take about a second.
    Dry runs, `--verbose`, `--printshellcmds`, `--quiet rules` and loggers of one's own keep theirs.
    """
    quiet = {str(what).rpartition(".")[2].lower() for what in settings.quiet or ()}
    other = settings.dryrun or settings.verbose or settings.printshellcmds
    if other or quiet & {"all", "rules", "progress"}:
        return
    for handler in list(logger.handlers):
        if handler.name == "DefaultStreamHandler" and isinstance(handler, logging.StreamHandler):
            logger.removeHandler(handler)
            logger.addHandler(JobLines(handler, quick))


@dataclass
class Job:
    """One that runs."""

    what: str  # the message of its rule
    rule: str
    logs: Sequence[str]
    training: Watched | None
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it was started, or submitted."""
        return time.monotonic() - self.began

    def state(self) -> str:
        """Of a training that has written a line, its step and loss."""
        if self.training is None or not self.training.lines:
            return ""
        last = self.training.lines[-1]
        return f"step {last['step']}/{last['steps']}, loss {last['loss']:.3g}"

    def expected(self) -> float | None:
        """Seconds in all, by the steps that a training still has to do."""
        if self.training is None or not self.training.lines:
            return None
        return self.seconds + self.training.seconds_left

    def error(self) -> str:
        """What its logs end with, or the line in which our commands say what is wrong."""
        last = "no word in its log"
        for log in self.logs:
            try:
                lines = Path(log).read_text(encoding="utf-8", errors="replace").split("\n")
            except OSError:
                continue
            for line in filter(None, map(str.strip, lines)):
                last = line
                if re.match(r"rev2net [\w-]+: ", line):
                    return line
        return last


class JobLines(logging.Handler):
    """Writes to the stream of Snakemake's own handler, `default`."""

    def __init__(self, default: "logging.StreamHandler[Any]", quick: Collection[str]) -> None:
        super().__init__()
        self.default = default
        self.filters = default.filters
        self.terminal = default.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.quick = quick
        self.running: dict[int, Job] = {}
        self.taken: dict[str, list[float]] = {}  # seconds of the jobs that ended, by rule
        self.numbers: dict[str, int] = {}  # of the run's jobs, by rule
        self.drawn = 0  # lines below the last one
        self.ended = threading.Event()
        if self.terminal:
            threading.Thread(target=self._look_again, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write what a record says, above what runs now."""
        try:
            self._erase()
            getattr(self, f"_{getattr(record, 'event', None)}", self._other)(record)
            self._draw()
        except Exception:  # as every handler does: what is shown stops no run
            self.handleError(record)

    def close(self) -> None:
        """Take away what is below the lines, and leave the stream to Snakemake's handler."""
        self.ended.set()
        self.acquire()
        try:
            self._erase()
            self.running.clear()
        finally:
            self.release()
        self.default.close()
        super().close()

    # One for each of Snakemake's events that is shown in other words; some are not shown.

    def _run_info(self, record: logging.LogRecord) -> None:
        self.numbers = {
            rule: number for rule, number in vars(record)["stats"].items() if rule != "total"
        }
        self.default.emit(record)

    def _job_info(self, record: logging.LogRecord) -> None:
        said = vars(record)
        folders = [Path(file).parent for file in said["output"] if Path(file).name == METRICS]
        message = said["rule_msg"] or said["rule_name"]
        what = message.partition(": ")[0]  # without its files
        training = Watched(what, folders[0]) if folders else None
        self.running[said["jobid"]] = Job(what, said["rule_name"], said["log"], training)
        if not self.terminal:
            self._write(f"{time.strftime('%H:%M:%S')} begins: {message}")

    def _job_finished(self, record: logging.LogRecord) -> None:
        at_once = len(self.running)
        job = self.running.pop(vars(record)["job_id"])
        if job.training is not None:
            job.training.read()
        self.taken.setdefault(job.rule, []).append(job.seconds)
        state = ", ".join(filter(None, (duration(job.seconds), job.state().partition(", ")[2])))
        line = f"{self._done()}: {job.what}: {state}"
        if not self.terminal:
            line = f"{time.strftime('%H:%M:%S')} {line}{self._left(at_once)}"
        self._write(line)

    def _job_error(self, record: logging.LogRecord) -> None:
        said = vars(record)
        job = self.running.pop(said["jobid"], None)
        job = job or Job(said["rule_name"], said["rule_name"], said["log"], None)
        line = f"FAILED: {job.what}\n  {job.error()}"
        self._write(line + "".join(f"\n  log: {log}" for log in said["log"]), record)

    def _group_error(self, record: logging.LogRecord) -> None:
        logs = "".join(f"\n  log: {log}" for log in vars(record)["aux_logs"])
        self._write(f"FAILED: a group of {len(vars(record)['job_error_info'])} jobs{logs}", record)

    def _error(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if "CalledProcessError" not in said:
            self.default.emit(record)
        elif not OUR_STATUS.search(said):  # the command, with all its settings, says no more
            ending = said.strip().rpartition("' ")[2]
            self._write(f"a job's command {ending}", record)

    def _nothing(self, record: logging.LogRecord) -> None:
        """The record is not shown."""

    _group_info = _job_started = _progress = _resources_info = _shellcmd = _nothing

    def _other(self, record: logging.LogRecord) -> None:
        if not (record.levelno == logging.INFO and record.getMessage().startswith(PREAMBLE)):
            self.default.emit(record)

    # What is below the lines.

    def _look_again(self) -> None:
        while not self.ended.wait(SECONDS_BETWEEN_LOOKS):
            self.acquire()
            try:
                for job in self.running.values():
                    if job.training is not None:
                        job.training.read()
                self._erase()
                self._draw()
            finally:
                self.release()

    def _draw(self) -> None:
        if not (self.terminal and self.running):
            return
        columns, rows = shutil.get_terminal_size()
        jobs = sorted(self.running.values(), key=lambda job: job.began)
        shown = jobs[: max(1, min(SHOWN_AT_ONCE, rows - 3))]
        lines = [f"{self._done()} jobs done{self._left(len(jobs))}"]
        lines += [
            "  ".join(("", f"{duration(job.seconds):>10}", *filter(None, (job.state(), job.what))))
            for job in shown
        ]
        if len(jobs) > len(shown):
            lines.append(f"{'':14}and {len(jobs) - len(shown)} more")
        self.default.stream.write("".join(line[: columns - 1] + "\n" for line in lines))
        self.default.stream.flush()
        self.drawn = len(lines)

    def _erase(self) -> None:
        if self.drawn:
            self.default.stream.write(f"\x1b[{self.drawn}A\x1b[J")
            self.drawn = 0

    def _write(self, line: str, error: logging.LogRecord | None = None) -> None:
        decorate = getattr(self.default, "decorate", None)
        self.default.stream.write(decorate(error, line) if error and decorate else line)
        self.default.stream.write("\n")
        self.default.stream.flush()

    def _done(self) -> str:
        done, total = sum(map(len, self.taken.values())), sum(self.numbers.values())
        return f"{done:{len(str(total))}} of {total}"

    def _left(self, at_once: int) -> str:
        """For example ", about 3 min left": the jobs of a rule take as long as those before.

        `at_once` jobs run at a time. "At least" while a rule that is not quick has not begun.
        """
        seconds, unknown = 0.0, False
        for rule, number in self.numbers.items():
            running = [job for job in self.running.values() if job.rule == rule]
            waiting = number - len(self.taken.get(rule, ())) - len(running)
            expected = [job.expected() for job in running]
            known = self.taken.get(rule) or [one for one in expected if one is not None]
            if not known:
                unknown |= waiting + len(running) > 0 and rule not in self.quick
                continue
            mean = statistics.mean(known)
            seconds += max(waiting, 0) * mean
            for job, one in zip(running, expected, strict=True):
                seconds += max((one or mean) - job.seconds, 0.0)
        seconds /= at_once
        if not seconds or (unknown and seconds < WORTH_SAYING):
            return ""
        return f", {'at least' if unknown else 'about'} {duration(seconds)} left"
