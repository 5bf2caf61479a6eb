"""The part of the report on what was tried on validation videos."""

import pandas as pd

from rev2net.config import Config
from rev2net.report.blocks import Gallery, Grid
from rev2net.report.searched_weights import weights_section


def trial(benchmark: str, flow: float, top1: float, chosen: bool) -> dict[str, object]:
    weights = {"share": 0.1, "frames": 15.0, "feature_discrepancy": 0.01, "latent_discrepancy": 0.0}
    return {
        "space": "rev2net.rgb",
        "benchmark": benchmark,
        "stage": "coarse",
        "flow": flow,
        **weights,
        "learning_rate": 0.004,
        "top1_val": top1,
        "ci_low": top1 - 1,
        "ci_high": top1 + 1,
        "loss_val": 0.5,
        "chosen": chosen,
    }


def test_each_searched_benchmark_has_its_own_trials_and_choice(config: Config) -> None:
    rows = [
        trial("hmdb51", 1.0, 40.0, True),
        trial("hmdb51", 2.0, 30.0, False),
        trial("ucf101", 10.0, 85.0, True),
        trial("ucf101", 20.0, 80.0, False),
    ]
    blocks = weights_section(config, pd.DataFrame(rows), None).blocks
    galleries = [block for block in blocks if isinstance(block, Gallery)]
    grids = [block for block in blocks if isinstance(block, Grid)]
    titles = ["Rev2Net RGB on HMDB51: 2 trials", "Rev2Net RGB on UCF101: 2 trials"]
    assert [gallery.title for gallery in galleries] == titles
    assert [grid.rows[0][1] for grid in grids] == ["1", "10"]
