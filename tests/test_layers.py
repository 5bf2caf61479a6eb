"""The layers of docs/architecture.md: each package imports only what its row of the table names."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rev2net"
PAGE = (ROOT / "docs" / "architecture.md").read_text()


class Row(NamedTuple):
    """What a package or module may import; None where that is everything."""

    ours: frozenset[str] | None
    heavy: frozenset[str] | None


def quoted(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"`([\w.]+)`", text))


def read_table(page: str) -> dict[str, Row]:
    """The rows of the layers' table by the packages and modules they are for."""
    table = page.split("| package | may import of ours | heavy libraries |\n|---|---|---|\n")[1]
    rows: dict[str, Row] = {}
    for line in table.split("\n\n")[0].splitlines():
        names, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        assert all(cell.startswith(("-", "`", "everything")) for cell in cells), line
        ours, heavy = (None if cell.startswith("everything") else quoted(cell) for cell in cells)
        for name in quoted(names):
            assert name not in rows, f"two rows for {name}"
            rows[name] = Row(ours, heavy)
    return rows


ROWS = read_table(PAGE)
COMMON = quoted(next(line for line in PAGE.splitlines() if line.startswith("Everything may ")))
HEAVY = frozenset().union(*(row.heavy or () for row in ROWS.values())) | {"snakemake"}


def home(module: str, names: frozenset[str] = frozenset(ROWS)) -> str:
    """The longest of `names` that is the module or holds it; empty where none does."""
    parts = module.split(".")
    prefixes = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((prefix for prefix in prefixes if prefix in names), "")


def imports(path: Path) -> set[str]:
    """Every module a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules() -> dict[str, Path]:
    """Every file of the package by its dotted name below it: `flow`, `flow.tvl1`, …"""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del found[""]
    return found


MODULES = modules()


def test_every_package_has_a_layer_and_every_name_in_the_table_exists() -> None:
    assert {module.split(".")[0] for module in MODULES} == {name.split(".")[0] for name in ROWS}
    named = {*ROWS, *COMMON}.union(*(row.ours or () for row in ROWS.values()))
    assert named <= MODULES.keys()


@pytest.mark.parametrize("module", MODULES)
def test_imports_stay_within_the_layer(module: str) -> None:
    row = ROWS[home(module)]
    names = imports(MODULES[module])
    if row.ours is not None:
        allowed = row.ours | COMMON | {home(module), "__version__"}
        ours = {name.removeprefix("rev2net.") for name in names if name.startswith("rev2net.")}
        for name in ours:
            # Parents of an allowed module appear through `from rev2net.video import images`.
            parent = any(entry.startswith(f"{name}.") for entry in allowed)
            entry = home(name, allowed)
            assert parent or (entry and len(entry) >= len(home(name))), (
                f"{module} imports rev2net.{name}"
            )
    if row.heavy is not None:
        heavy = {name.split(".")[0] for name in names} & HEAVY
        assert heavy <= row.heavy, f"{module} imports {', '.join(heavy - row.heavy)}"


def test_tests_lie_in_the_folder_of_their_package() -> None:
    whole = {"cluster", "faults", "stress"}  # what the workflow does, beside the files in tests/
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders - whole <= {module for module in MODULES if "." not in module}
