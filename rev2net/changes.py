"""What changed since finished work was made: settings and starts of runs, videos of a folder.

Said before it happens, or goes unnoticed.

Imports neither pandas nor torch: Snakemake reads it whenever it starts.
"""

import contextlib
import csv
import functools
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from rev2net.config import Config, DatasetSettings, dump, validate
from rev2net.datasets.listing import video_files
from rev2net.digests import file_digest
from rev2net.errors import UserError
from rev2net.experiments import (
    benchmark_datasets,
    data_folder,
    initial_weights,
    parent,
    run_kinds,
    shard_folder,
    split_settings,
    train_settings,
)
from rev2net.files import VIDEO_SUFFIXES
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run

NAMED = 4  # changed keys


def warning(config: Config, work: WorkFolder) -> str | None:
    """A line where finished runs of a configuration will be trained again, else None.

    Compared is what a run says it was trained with, and the data that the configuration which
    `work` keeps had it read.
    """
    try:
        text = work.config.read_text(encoding="utf-8")
        values = json.loads(text)
    except (OSError, ValueError):  # none so far, or the workflow writes another
        return None
    keys = list(_changed_keys(values, json.loads(dump(config))))
    if not keys:
        return None
    before = None
    with contextlib.suppress(UserError):  # of a version that had other keys
        before = validate(Config, values, str(work.config))
    finished = dict(_finished(work))

    @functools.cache
    def is_retrained(run: Run) -> bool:
        with contextlib.suppress(UserError):  # where this configuration lacks it, it stays
            settings = train_settings(run, config)
            start = parent(run, config)
            return (
                (run in finished and not settings.same_numbers(finished[run]))
                or (before is not None and _data(run, before) != _data(run, config))
                or (start is not None and is_retrained(start))
            )
        return False

    number = sum(map(is_retrained, finished))
    if not number:
        return None
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return (
        f"{work.config} has other settings ({', '.join(keys[:NAMED])}{more}): {number} of "
        f"{len(finished)} finished runs will be trained again when they are asked for, in place of "
        "what is there; another `name` keeps them"
    )


def changed_folders(config: Config, work: WorkFolder) -> Iterator[str]:
    """A line for each dataset of format `folders` whose videos are not those of its index.

    Without an index or the folder there is nothing to compare, and nothing is said.
    """
    for dataset, settings in config.datasets.items():
        index = data_folder(work, dataset, config).index
        if settings.format != "folders" or not index.is_file() or not os.path.isdir(settings.root):
            continue
        with contextlib.suppress(UserError, OSError, KeyError, csv.Error):  # others say so
            new, gone = _new_and_gone(settings, index)
            if new or gone:
                yield (
                    f"datasets.{dataset}: {settings.root} has {new} video files that its index "
                    f"does not list, and lacks {gone} that it lists; to list them anew, add "
                    "-R index_dataset to the command"
                )


def replaced_weights(config: Config, work: WorkFolder) -> Iterator[str]:
    """A line for each checkpoint that is not the file that finished runs started from.

    Where a sha256 is given, a download is held to it, and another one is another setting.
    """
    digest_of = functools.cache(file_digest)
    started: dict[Path, list[str]] = {}
    for run, record in _records(work):
        # Where this configuration lacks the run, or the record is none of this version's.
        with contextlib.suppress(UserError, KeyError, TypeError):
            source, before = initial_weights(run, config), record["settings"]["initial_weights"]
            if source is None or source.sha256 is not None or parent(run, config) is not None:
                continue
            if before["file"] == source.file:  # another one is another setting
                digests = started.setdefault(Path(source.file), [])
                digests.append(record["initial_weights_digest"])
    for file, digests in started.items():
        if not file.is_file():
            continue
        if others := sum(digest != digest_of(file) for digest in digests):
            yield (
                f"initial_weights: {file} is not the file that {others} of {len(digests)} finished "
                "runs started from; to train them from it, add -R train_run to the command, or "
                "give another `name`"
            )


def _new_and_gone(settings: DatasetSettings, index: Path) -> tuple[int, int]:
    """How many videos in class folders an index does not list, and how many it lists are gone."""
    with open(index, newline="", encoding="utf-8", errors="surrogateescape") as file:
        reader = csv.DictReader(file)
        listed = {row["path"] for row in reader}
    depth = (
        3 if "split1" in (reader.fieldnames or ()) else 2
    )  # <side>/<class>/<video>, or <class>/<video>
    root = Path(settings.root)
    there = {
        path
        for path in video_files(root, root / settings.videos, VIDEO_SUFFIXES)
        if len(PurePath(os.path.relpath(path, settings.videos)).parts) >= depth
    }
    return len(there - listed), len(listed - there)


def _changed_keys(before: Any, now: Any, place: str = "") -> Iterator[str]:
    """Dotted names of what is not the same."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            name = f"{place}.{key}" if place else key
            yield from _changed_keys(before.get(key), now.get(key), name)
    elif before != now:
        yield place


def _finished(work: WorkFolder) -> Iterator[tuple[Run, Any]]:
    """The finished runs in a folder, with the settings that each was trained with."""
    for run, record in _records(work):
        with contextlib.suppress(KeyError):
            yield run, record["settings"]


def _records(work: WorkFolder) -> Iterator[tuple[Run, Any]]:
    """The finished runs in a folder, with what each says of itself."""
    for path in sorted(work.path.glob("runs/*/*/*/*")):
        with contextlib.suppress(UserError, OSError, ValueError):  # unfinished, or none of ours
            run = Run.parse(path.relative_to(work.path / "runs").as_posix())
            yield run, json.loads(work.run(run).record.read_bytes())


def _data(run: Run, config: Config) -> object:
    """What decides which videos a run reads, and their images."""
    try:
        folders = [
            shard_folder(WorkFolder.of(config.name), dataset, kind, config)
            for dataset in benchmark_datasets(run.benchmark, config)
            for kind in run_kinds(run, config)
        ]
        return folders, split_settings(run.benchmark, config)
    except UserError:
        return None
