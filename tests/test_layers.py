"""The layers of docs/architecture.md: each package imports only what it may."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "rev2net"

# What a package may import of ours (beside errors, files, processes, config, itself), and of heavy
# libraries.
OURS = {
    "experiments": set(),
    "paper": {"experiments"},
    "search": {"experiments"},
    "schedules": {"experiments"},
    "provenance": set(),
    "device": set(),
    "datasets": {"fetch"},
    "video": set(),
    "flow": set(),
    "mini": {"video"},
    "shards": {"video.images", "flow.quantize"},
    "clips": {"shards", "datasets", "video.images", "flow.quantize"},
    "models": {"fetch"},
    "losses": set(),
    "runs": {"experiments", "paper", "clips", "models"},
    "training": {
        *("clips", "models", "losses", "runs", "device", "experiments", "provenance"),
        *("evaluation.metrics", "evaluation.predict"),
    },
    "evaluation": {"clips", "models", "runs", "video", "flow"},
    "figures": set(),
    "plan": {
        *("experiments", "paper", "search", "schedules"),
        *("mini", "models", "video", "flow", "bench"),
    },
    "tables": {
        *("experiments", "paper", "search", "schedules", "provenance", "runs.scores"),
        *("evaluation.metrics", "evaluation.statistics", "evaluation.fusion"),
    },
    "report": {
        *("tables", "experiments", "paper", "figures", "provenance", "evaluation.metrics"),
        *("runs.record", "runs.scores", "runs.features", "runs.examples"),
    },
}
NUMPY_ONLY = {"evaluation.metrics", "evaluation.fusion", "evaluation.statistics"}
WITHOUT_TORCH = {"runs.record", "runs.scores", "runs.features", "runs.examples"}
HEAVY = {"torch", "pandas", "cv2", "numba", "h5py", "matplotlib", "ffmpeg", "snakemake", "triton"}
LIBRARIES = {
    "errors": set(),
    "files": set(),
    "processes": set(),
    "digests": set(),
    "fetch": set(),
    "config": set(),
    "experiments": set(),
    "paper": set(),
    "search": set(),
    "schedules": set(),
    "provenance": set(),
    "device": {"torch"},
    "datasets": {"pandas"},
    "video": {"cv2", "ffmpeg"},
    "flow": {"cv2", "numba", "torch", "triton"},
    "mini": {"cv2", "ffmpeg"},
    "shards": {"h5py"},
    "clips": {"torch"},
    "models": {"torch"},
    "losses": {"torch"},
    "runs": {"torch", "h5py"},
    "training": {"torch"},
    "evaluation": {"torch", "cv2"},
    "figures": {"cv2", "matplotlib"},
    "plan": {"torch", "cv2"},
    "tables": {"pandas"},
    "report": {"pandas"},
}


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


def files() -> list[tuple[str, str, Path]]:
    """(package, dotted module, path) of every file below a layer."""
    rows = []
    for path in sorted(ROOT.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        package = module.split(".")[0]
        if package in LIBRARIES:
            rows.append((package, module, path))
    return rows


def test_every_package_has_a_layer() -> None:
    packages = {path.name.removesuffix(".py") for path in ROOT.iterdir() if path.suffix == ".py"}
    packages |= {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    free = {"__init__", "cli", "commands", "inspection", "bench"}  # compose everything
    assert packages - free == set(LIBRARIES)


@pytest.mark.parametrize(("package", "module", "path"), files(), ids=lambda value: str(value)[-40:])
def test_imports_stay_within_the_layer(package: str, module: str, path: Path) -> None:
    names = imports(path)
    ours = {name.removeprefix("rev2net.") for name in names if name.startswith("rev2net.")}
    allowed = OURS.get(package, set()) | {package, "__version__"}
    allowed |= {"errors", "files", "processes", "config", "digests"}
    for name in ours:
        parts = name.split(".")
        prefixes = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        # Parents of an allowed module appear through `from rev2net.video import images`.
        below = any(a.startswith(f"{name}.") for a in allowed)
        assert prefixes & allowed or below, f"{module} imports rev2net.{name}"
    heavy = {name.split(".")[0] for name in names} & HEAVY
    libraries = set() if module in NUMPY_ONLY else LIBRARIES[package]
    if module in WITHOUT_TORCH:
        libraries = libraries - {"torch"}
    assert heavy <= libraries, f"{module} imports {', '.join(heavy - libraries)}"
