"""Time every table, the claims and the fusion sweep at the size of a configuration's real tests.

Fills a temporary folder with random scores for every run of every table, as many videos, classes
and source groups as the datasets' test lists have, and times each command's work in this process.
The accuracies mean nothing; the times are those of a finished reproduction.

    python -m rev2net.bench.table_time                          # configs/paper.yaml
    python -m rev2net.bench.table_time --config config.yaml
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from rev2net.config import Config, load
from rev2net.experiments import scores_digest
from rev2net.paper import tables as paper
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from rev2net.runs.scores import Scores, write_scores
from rev2net.tables.build import build
from rev2net.tables.fusion_sweep import sweep
from rev2net.tables.verdicts import measure_claims

# Videos, classes and source groups of the test lists: split 1 of UCF101 and HMDB51, Kinetics' val,
# and the 12-class targets.
SIZES = {
    "ucf101": (3783, 101, 707),
    "hmdb51": (1530, 51, 900),
    "kinetics400": (19906, 400, 19906),
    "hmdb-ucf": (571, 12, 105),
    "ucf-hmdb": (360, 12, 250),
}


def store(run: Run, config: Config, root: Path, part: str) -> None:
    """Random scores of one run; cross-dataset benchmarks hold as many videos out as they test."""
    videos, classes, groups = SIZES[run.benchmark]
    held_out = part == "test" or "-" in run.benchmark
    count = videos if held_out else 0
    random = np.random.default_rng(run.split)
    label = random.integers(classes, size=count)
    scores = np.random.default_rng(abs(hash(run.path))).normal(size=(count, classes))
    scores[np.arange(count), label] += 1.5
    path = WorkFolder(root).run(run).scores(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_scores(
        path,
        Scores(
            scores=scores.astype(np.float32),
            video_id=[f"video{number:06d}" for number in range(count)],
            label=label,
            group=[f"group{number % groups}" for number in range(count)],
            class_names=[f"class {number}" for number in range(classes)],
            **vars(run),
            part=part,
            configuration=config.name,
            protocol="random",
            space="logit",
            videos_expected=count,
            checkpoint=",".join("0" * 64 for _ in run.streams),
            split_digest="0" * 64,
            class_map="",
            settings=scores_digest(run, config),
            commit="0",
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", default="configs/paper.yaml")
    config = load(parser.parse_args().config)
    tables = paper.configured_tables(config)
    runs = {run for table in tables for run in paper.table_runs(table, config)}
    runs |= {stream for run in runs for stream, _ in run.streams}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for run in sorted(runs):
            for part in ("test", "val"):
                store(run, config, root, part)
        print(f"{len(runs)} runs, fused ones included, of configuration {config.name}")
        work: dict[str, Callable[[], object]] = {
            table: partial(build, table, config, root) for table in tables
        }
        work["claims"] = lambda: measure_claims(config, root)
        work["fusion sweep"] = lambda: sweep(config, root)
        total = 0.0
        for name, task in work.items():
            begun = time.perf_counter()
            task()
            seconds = time.perf_counter() - begun
            total += seconds
            print(f"{name:<13} {seconds:6.2f} s")
        print(f"{'together':<13} {total:6.2f} s")


if __name__ == "__main__":
    main()
