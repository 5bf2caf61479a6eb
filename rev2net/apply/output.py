"""An output folder: made with one set of options, filled video by video, taken up after a kill.

`settings.json` says what the folder was made with, `ledger.csv` what became of each video. Results
appear whole or not at all: what is there is done.
"""

import contextlib
import csv
import json
import multiprocessing
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from rev2net.apply.inputs import Video
from rev2net.errors import MachineError, UserError
from rev2net.files import csv_text, leftovers, short_name, write_text
from rev2net.processes import end_with_parent
from rev2net.progress import note, with_progress

# Names of files may be no text.
_TEXT: dict[str, Any] = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
STATUSES = ("ok", "short", "broken")


@dataclass(frozen=True)
class Outcome:
    """What became of one video: a row of the ledger."""

    video: str
    status: str  # ok, short (fewer frames than announced: those are used), broken (no result)
    frames: int  # decoded
    results: int  # flows, or windows
    message: str


COLUMNS = tuple(field.name for field in fields(Outcome))
Work = Callable[[Video], Outcome]


class OutputFolder:
    """A folder that results of one kind go to."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Make the folder, or take it up; raises UserError where it was made with others."""
        self.folder = folder
        record = folder / "settings.json"
        wanted = json.loads(json.dumps(dict(settings)))
        if folder.exists() and not folder.is_dir():
            raise UserError(f"--out {folder}: a file of that name is there; give a folder")
        if record.exists():
            found = _read_settings(record)
            for name in (*wanted, *found):
                one, other = found.get(name), wanted.get(name)
                if one != other:
                    raise UserError(
                        f"--out {folder}: holds results made with {name} {one}; asked for is "
                        f"{other}; give another folder"
                    )
        elif folder.is_dir() and any(folder.iterdir()):
            raise UserError(
                f"--out {folder}: holds other files (no settings.json); give a new folder"
            )
        write_text(record, json.dumps(wanted, indent=2) + "\n")
        self._ledger = folder / "ledger.csv"

    def run(
        self,
        videos: Sequence[Video],
        done: Callable[[Video], bool],
        work: Work,
        jobs: int,
        what: str,
    ) -> Counter[str]:
        """Do the work of every video that is not done, in so many processes; count what became.

        Progress goes to standard error. Raises MachineError where the machine fails twice at a
        video, or a process is killed; what is finished stays.
        """
        rows = self._read()
        waiting = [video for video in videos if not (video.name in rows and done(video))]
        skipped = len(videos) - len(waiting)
        if skipped:
            print(f"{what}: {skipped} of {len(videos)} videos are done already", file=sys.stderr)
        # The longest first, so that no process ends long after the others.
        waiting.sort(key=_size, reverse=True)
        with open(self._ledger, "a", **_TEXT) as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(COLUMNS)
            outcomes = _outcomes(waiting, work, jobs)
            for outcome in with_progress(outcomes, len(waiting), what, began=False):
                writer.writerow(astuple(outcome))
                file.flush()
                rows[outcome.video] = outcome
                if outcome.status != "ok":
                    note(f"{outcome.status}: {outcome.video}: {outcome.message}")
        self._write(rows)
        return Counter(rows[video.name].status for video in videos)

    def _read(self) -> dict[str, Outcome]:
        """The rows so far, the last of each video; a line cut off by a kill is left out."""
        rows: dict[str, Outcome] = {}
        if self._ledger.exists():
            with open(self._ledger, **_TEXT) as file:
                for row in csv.reader(file):
                    if len(row) == len(COLUMNS) and row[2].isdigit() and row[3].isdigit():
                        rows[row[0]] = Outcome(row[0], row[1], int(row[2]), int(row[3]), row[4])
            self._write(rows)
        return rows

    def _write(self, rows: Mapping[str, Outcome]) -> None:
        table = [COLUMNS, *(astuple(rows[name]) for name in sorted(rows))]
        write_text(self._ledger, csv_text(table))


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `target` when the block ends without an exception.

    What a killed process left behind is removed by the next one that fills the same target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = f".{short_name(target.name, 200)}."
    for leftover in leftovers(target.parent, stem):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = target.with_name(f"{stem}{os.getpid()}.part")
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(target, ignore_errors=True)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _outcomes(videos: Sequence[Video], work: Work, jobs: int) -> Iterator[Outcome]:
    """The outcomes as they come, by this process alone or by several of its own."""
    if jobs == 1 or len(videos) < 2:
        yield from (_twice(work, video) for video in videos)
        return
    spawn = multiprocessing.get_context("spawn")  # nothing of this process's threads is copied
    count = min(jobs, len(videos))
    with ProcessPoolExecutor(count, spawn, end_with_parent, (os.getpid(),)) as pool:
        try:
            for future in as_completed([pool.submit(_twice, work, video) for video in videos]):
                yield future.result()
        except BrokenProcessPool:
            raise MachineError(
                "a process ended before its video was done (killed, or out of memory?); what is "
                "finished stays: give the same command again, with fewer --jobs"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _twice(work: Work, video: Video) -> Outcome:
    """The work, once more where the machine failed."""
    try:
        return work(video)
    except MachineError as error:
        note(f"once more: {error}")
        return work(video)


def _size(video: Video) -> int:
    """Bytes of the file; 0 where there is none."""
    try:
        return video.path.stat().st_size
    except (OSError, ValueError):
        return 0


def _read_settings(record: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        return dict(found)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{record}: not readable ({error}); give another folder") from None


def summary(counts: Counter[str]) -> str:
    """Counts in words: "3 videos: 2 ok, 0 short, 1 broken"."""
    each = ", ".join(f"{counts[status]} {status}" for status in STATUSES)
    return f"{counts.total()} video{'s' * (counts.total() != 1)}: {each}"
