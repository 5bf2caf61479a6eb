"""A configuration of the tables and a work folder filled by hand with scores files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rev2net.config import Config, CrossDatasetTables, load, validate
from rev2net.experiments import scores_digest
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from rev2net.runs.scores import Scores, write_scores

CONFIG = load(Path(__file__).parents[1] / "config.yaml").model_copy(
    update={
        "name": "mini",
        "reproduces_paper": False,
        "seeds": (0, 1),
        "splits": (1,),
        "cross_dataset_tables": CrossDatasetTables(
            init="scratch", adapt="mkmmd", source_only=False
        ),
    }
)
I3D_RGB = Run("hmdb-ucf", "i3d", "rgb", "scratch", "mkmmd", 1, 0)


OWN: dict[str, Any] = {
    "name": "own",
    "seeds": [0, 1],
    "datasets": {
        "home": {"format": "folders", "root": "data/home", "shards": 1},
        "away": {"format": "folders", "root": "data/away", "shards": 1},
    },
    "benchmarks": {
        "home": {"dataset": "home", "protocol": "by-group"},
        "abroad": {"source": "home", "target": "away", "protocol": "all-videos"},
        "back": {"source": "away", "target": "home", "protocol": "all-videos", "label": "A_B & C"},
    },
    "methods": {"my-i3d": {"network": "i3d", "recipe": "i3d", "label": "My I3D"}},
    "initial_weights": {"imagenet.i3d.rgb": {"file": "weights/i3d.pt"}},
    "tables": {
        "transfer": {
            "title": "From home to away",
            "benchmarks": ["back", "abroad"],
            "rows": ["i3d.rgb", "my-i3d.rgb", "i3d.rgb+flow"],
            "adapt": "mkmmd",
        },
        "starts": {
            "title": "What a start is worth",
            "benchmarks": ["home"],
            "rows": ["i3d.rgb", "i3d.rgb.imagenet", "my-i3d.rgb"],
        },
    },
    "claims": {
        "mine-is-better": {
            "statement": "Mine is better than I3D",
            "table": "transfer",
            "pairs": [["my-i3d.rgb", "i3d.rgb"]],
        }
    },
}


def own_config(**changes: Any) -> Config:
    """A configuration of datasets, methods, tables and claims under names of one's own."""
    rest = yaml.safe_load((Path(__file__).parents[1] / "configs/smoke.yaml").read_text())
    for key in ("mini", "search", "schedules"):
        rest.pop(key)
    return validate(Config, {**rest, **OWN, **changes}, "own")


class Work:
    """`work/<name>` with the scores of some runs."""

    def __init__(self, root: Path, config: Config = CONFIG) -> None:
        self.root = root
        self.config = config

    def path(self, run: Run, part: str = "test") -> Path:
        return WorkFolder(self.root).run(run).scores(part)

    def add(
        self,
        run: Run,
        labels: list[int],
        ranks: list[int],
        part: str = "test",
        num_classes: int = 6,
        **changes: Any,
    ) -> Path:
        """Store a run whose video n has its true class at place `ranks[n]` (1 is right).

        Videos come in pairs of one source group: v0 and v1 in g0, v2 and v3 in g1, …
        """
        scores = Scores(
            scores=np.array(
                [
                    _scores(label, rank, num_classes)
                    for label, rank in zip(labels, ranks, strict=True)
                ]
            ).reshape(-1, num_classes),
            video_id=[f"v{row}" for row in range(len(labels))],
            label=np.array(labels, np.int64),
            group=[f"g{row // 2}" for row in range(len(labels))],
            class_names=[f"class {index}" for index in range(num_classes)],
            **vars(run),
            part=part,
            configuration=self.config.name,
            protocol="official-split1; 1 clip x 1 crop",
            space="logit",
            videos_expected=len(labels),
            checkpoint=",".join(f"{stream.seed}c" * 32 for stream, _ in run.streams),
            split_digest=f"{run.split}d" * 32,
            class_map="ucf101_hmdb51 small 0123456789ab",
            settings=scores_digest(run, self.config),
            commit="abc1234",
        )
        path = self.path(run, part)
        write_scores(path, replace(scores, **changes))
        return path


def _scores(label: int, rank: int, num_classes: int) -> list[float]:
    """Scores of which exactly rank - 1 lie above the true class's."""
    others = [index for index in range(num_classes) if index != label]
    order = [*others[: rank - 1], label, *others[rank - 1 :]]
    return [-float(order.index(index)) for index in range(num_classes)]
