"""An adaptation term of one's own: a function of features to a scalar, or refused in one line."""

from pathlib import Path

import pytest
import torch

from rev2net.errors import UserError
from rev2net.losses.own import load_adaptation


def test_a_function_is_loaded_by_its_name(own_folder: Path) -> None:
    coral = load_adaptation("mine:coral", 2)
    source = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])  # covariance [[2, 0], [0, 0]]
    target = torch.tensor([[0.0, 3.0], [0.0, 3.0]])  # none
    assert coral(source, target).item() == pytest.approx(2.0**2 / (4 * 2**2))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("term = 3", "not a callable|is not callable"),
        ("def term(source): return source.mean()", "too many positional arguments; needed: a func"),
        ("def term(s, t): return (s - t).square()", r"gives shape \(4, 6\); needed: .*shape \(\)"),
        ("def term(s, t): return 0.5", r"gives 0\.5; needed: a tensor"),
        ("def term(s, t): return (s - t).detach().sum()", "no gradient with respect to the feat"),
        (
            "import torch\ndef term(s, t): return torch.ones((), requires_grad=True) * 2",
            "no gradient with respect to the features",
        ),
    ],
)
def test_what_is_no_such_function_is_refused(own_folder: Path, source: str, expected: str) -> None:
    (own_folder / "terms.py").write_text(source + "\n")
    with pytest.raises(UserError, match=f"^terms:term: .*({expected})") as raised:
        load_adaptation("terms:term", 6)
    assert "\n" not in str(raised.value)
