"""Training state on disk: whole or absent, and refused in one line where it is damaged."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rev2net.errors import UserError
from rev2net.runs import checkpoint
from rev2net.training import prepare


def test_a_saved_state_comes_back(tmp_path: Path) -> None:
    state: dict[str, Any] = {"step": 3, "weights": {"a": torch.arange(5.0)}}
    checkpoint.save(state, tmp_path / "x.pt")
    found = checkpoint.load(tmp_path / "x.pt")
    assert found["step"] == 3
    assert torch.equal(found["weights"]["a"], state["weights"]["a"])
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


def test_a_failed_save_keeps_the_last_good_file(tmp_path: Path) -> None:
    checkpoint.save({"step": 1}, tmp_path / "x.pt")
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save({"step": 2, "bad": lambda: None}, tmp_path / "x.pt")
    assert checkpoint.load(tmp_path / "x.pt") == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "x.pt"
    checkpoint.save({"weights": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"x\.pt: not a readable checkpoint"):
        checkpoint.load(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such checkpoint"):
        checkpoint.load(tmp_path / "y.pt")


def test_random_states_are_restored() -> None:
    prepare.seed_everything(4)
    states = prepare.random_states()
    first = torch.rand(5)
    prepare.restore_random_states(states)
    assert torch.equal(first, torch.rand(5))
