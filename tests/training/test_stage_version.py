"""What a training computes changes only together with `STAGE_VERSIONS["train"]`.

Finished runs are known by settings and that version alone: with neither changed they would stand
in tables beside runs of another network or loss.
"""

import json
from pathlib import Path

import pytest

from rev2net import experiments
from rev2net.experiments import STAGE_VERSIONS
from rev2net.files import json_lines
from rev2net.runs.folder import RunFolder
from rev2net.runs.identity import Run
from rev2net.training.loop import train
from tests.small_dataset import BOUND, SmallData
from tests.training.test_every_method import SMOKE

# The second step of a training by each recipe at a rate that moves nothing: terms of fresh weights,
# and their shares in the gradient, which the first step settles. Processors differ in last digits.
FIRST_STEPS = Path(__file__).with_name("first_steps.json")
METHODS = ("tsn", "tsm", "stm", "i3d", "actionflownet", "rev2net")
HOW_TO = (
    "a training computes something else than before: raise STAGE_VERSIONS['train'] in "
    "rev2net/experiments.py, then write down the new figures and that version in"
)


def first_step(data: SmallData, method: str, folder: Path) -> dict[str, float]:
    run = Run("ucf-hmdb", method, "rgb", "scratch", "mkmmd", 1, 0)
    chosen = experiments.train_settings(run, SMOKE)
    still = {"steps": 2, "epochs": None, "warmup": 0, "learning_rate": 1e-12}
    optimisation = chosen.optimisation.model_copy(update=still)
    chosen = chosen.model_copy(update={"optimisation": optimisation, "flow_bound": BOUND})
    train(chosen, data.split, data.indexes, ["right", "down"], folder)
    *_, line = json_lines(RunFolder(folder).metrics)
    left_out = {"step", "steps", "lr", "top1", "seconds", "data_seconds"}
    return {name: float(f"{value:.4g}") for name, value in line.items() if name not in left_out}


@pytest.mark.parametrize("method", METHODS)
def test_a_first_step_is_the_one_of_this_version(
    small_data: SmallData, tmp_path: Path, method: str
) -> None:
    known = json.loads(FIRST_STEPS.read_text())
    found = first_step(small_data, method, tmp_path)
    assert known["version"] == STAGE_VERSIONS["train"], f"{HOW_TO} {FIRST_STEPS}"
    assert found == pytest.approx(known[method], rel=0.03), f"{HOW_TO} {FIRST_STEPS}: {found}"
