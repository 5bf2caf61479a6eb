"""Stored scores as tables take them: read once, checked against each other, stacked by split."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rev2net.config import Config
from rev2net.errors import UserError
from rev2net.experiments import scores_digest
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from rev2net.runs.scores import Scores, disagreement, read_checkpoint, read_scores


@dataclass(frozen=True)
class SplitScores:
    """The scores of one split by all seeds, videos in one order."""

    scores_SNC: NDArray[np.float32]
    label_N: NDArray[np.int64]
    group_N: list[str]
    coverage: float  # videos scored of those expected


class StoredScores:
    """Reads scores files and checks that those of one benchmark and split belong together."""

    # What all rows of a split share, so that no two of them are measured on different videos.
    SHARED = ("configuration", "split_digest", "class_map", "videos_expected")

    def __init__(self, root: str | Path, config: Config) -> None:
        self._root = Path(root)
        self._config = config
        self._first: dict[tuple[str, int, str], tuple[Path, Scores]] = {}

    def read(self, runs: list[Run], part: str) -> tuple[list[Scores], str]:
        """The scores of all runs; or why they cannot be measured."""
        missing = [path for run in runs if not (path := self._path(run, part)).exists()]
        if missing:
            name = missing[0].relative_to(self._root)
            return [], f"missing {len(missing)} of {len(runs)} scores files, first {name}"
        stored = [self._read_one(run, part) for run in runs]
        return stored, "" if all(map(len, stored)) else "no usable video"

    def has_any(self, runs: list[Run], part: str) -> bool:
        return any(self._path(run, part).exists() for run in runs)

    def _path(self, run: Run, part: str) -> Path:
        return WorkFolder(self._root).run(run).scores(part)

    def _read_one(self, run: Run, part: str) -> Scores:
        path = self._path(run, part)
        scores = read_scores(path)
        expected = {**vars(run), "part": part, "configuration": self._config.name}
        for key, value in expected.items():
            found = getattr(scores, key)
            if found != value:
                raise UserError(f"{path}: {key} is {found!r}, {value!r} expected there")
        if scores.settings != scores_digest(run, self._config):
            raise UserError(
                f"{path}: made with other settings than configuration {self._config.name!r} has "
                "now; make it again with snakemake"
            )
        self._check_streams(run, part, path, scores)
        first_path, first = self._first.setdefault((run.benchmark, run.split, part), (path, scores))
        difference = disagreement(first, scores, self.SHARED)
        if difference:
            raise UserError(f"{first_path} and {path} do not belong together: {difference}")
        return scores

    def _check_streams(self, run: Run, part: str, path: Path, scores: Scores) -> None:
        """Refuse fused scores of streams that have been made again since."""
        if len(run.streams) == 1:
            return
        for (stream, _), used in zip(run.streams, scores.checkpoint.split(","), strict=True):
            beside = self._path(stream, part)
            if beside.exists() and read_checkpoint(beside) != used:
                raise UserError(
                    f"{path}: fused of another version of {beside}; make it again with snakemake"
                )


def by_split(stored: list[Scores]) -> list[SplitScores]:
    """Stack the seeds of each split, videos in the order of their names."""
    found = []
    for index in distinct(scores.split for scores in stored):
        seeds = [scores for scores in stored if scores.split == index]
        orders = [np.argsort(np.array(scores.video_id)) for scores in seeds]
        pairs = zip(seeds, orders, strict=True)
        first, order = seeds[0], orders[0]
        found.append(
            SplitScores(
                scores_SNC=np.stack([scores.scores[rows] for scores, rows in pairs]),
                label_N=first.label[order],
                group_N=[first.group[row] for row in order],
                coverage=len(first) / first.videos_expected,
            )
        )
    return found


T = TypeVar("T", bound=Hashable)


def distinct(values: Iterable[T]) -> list[T]:
    """The values without repetitions, in order of first appearance."""
    return list(dict.fromkeys(values))
