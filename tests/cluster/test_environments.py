"""Every way to install this project gives the same packages."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
INSTALL = re.compile(r"pip install .*--constraint envs/constraints\.txt --editable ")


def pins() -> dict[str, Version]:
    """The constraints file, whose every line is `name==version`."""
    lines = (ROOT / "envs/constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def direct_requirements() -> list[Requirement]:
    """What pyproject.toml asks for, extras included; those of a test platform's own excepted."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    chosen = ("train", "report", "workflow", "dev", "cluster")
    words = [*project["dependencies"], *(word for name in chosen for word in extras[name])]
    return [Requirement(word) for word in words if not word.startswith("rev2net[")]


def test_every_requirement_has_a_pin_that_satisfies_it() -> None:
    pinned = pins()
    for requirement in direct_requirements():
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} has no pin"
        assert requirement.specifier.contains(pinned[name]), f"{requirement} but {pinned[name]}"


def test_whatever_a_requirement_brings_with_it_is_pinned_too() -> None:
    """Walks what is installed here; a dependency with an exact version is its parent's to pin."""
    pinned, seen = pins(), set()
    waiting = direct_requirements()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        exact = any(part.operator in ("==", "===") for part in requirement.specifier)
        assert name in pinned or exact, f"{name} has no pin"
        if exact:
            continue
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # an environment without the extras
        for need in map(Requirement, needs):
            extras = requirement.extras or {""}
            if need.marker is None or any(need.marker.evaluate({"extra": one}) for one in extras):
                waiting.append(need)
    assert len(seen) > 40


def test_the_conda_environment_installs_by_the_constraints_and_pins_nothing_itself() -> None:
    assert len(list((ROOT / "envs").glob("*.yaml"))) == 1
    environment = yaml.safe_load((ROOT / "envs/environment.yaml").read_text())
    assert environment["dependencies"] == ["python=3.11", "pip"]
    assert INSTALL.search((ROOT / "envs/environment.post-deploy.sh").read_text())


def test_make_and_the_image_install_by_the_constraints() -> None:
    for file in ("Makefile", "Dockerfile"):
        assert INSTALL.search((ROOT / file).read_text()), file


def test_all_name_one_python_and_the_project_allows_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    image = re.search(r"^FROM python:(\d+\.\d+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert image
    assert image[1] == "3.11"
    assert Requirement(f"python{project['requires-python']}").specifier.contains(image[1])


def test_nothing_large_or_private_is_copied_into_the_image() -> None:
    """What git ignores (environments, work, results) and where datasets are put stays outside."""
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert {".venv", "work", "results", "data", "weights"} <= ignored
