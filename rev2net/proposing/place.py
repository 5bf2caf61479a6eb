"""What a proposal is for: names and folders of the datasets, the project around it, the machine."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from rev2net.config.section import read_yaml
from rev2net.errors import UserError
from rev2net.processes import num_cores
from rev2net.proposing.fitting import Machine

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
ALLOWED = "allowed are a-z, 0-9 and -, for example my-videos"


@dataclass(frozen=True)
class Place:
    """Where a proposal will lie, as its own text and the commands after it say it."""

    name: str  # of the configuration
    file: str  # from the project's folder, in which Snakemake runs, or absolute
    class_map: str  # likewise
    schema: str  # from the file's own folder, or a URL


def named_folders(texts: Sequence[str], project: Path) -> dict[str, Path]:
    """Datasets by name, each where Snakemake will find it, from "NAME=DIR".

    Raises UserError for more than two, and for names that are none or stand twice.
    """
    if len(texts) > 2:
        raise UserError(f"--dataset: {len(texts)} datasets; allowed are one or two")
    folders: dict[str, Path] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        if not equals or not folder:
            raise UserError(f"--dataset {text}: expected NAME=DIR, for example home=videos/home")
        if not NAME.fullmatch(name):
            raise UserError(f"--dataset {text}: name {name!r}; {ALLOWED}")
        if name in folders:
            raise UserError(f"--dataset {text}: name {name!r} stands twice")
        folders[name] = _from(project, Path(folder).expanduser())
    return folders


def project_folder() -> Path:
    """The folder of the Snakefile: this one, or else that which the package lies in.

    Raises UserError where it is neither.
    """
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (folder / "Snakefile").is_file():
            return folder
    raise UserError(
        f"{Path.cwd()}: no Snakefile here; give the command in the project's folder, where the "
        "workflow will run"
    )


def place_of(out: Path, project: Path) -> Place:
    """Where a configuration lies; raises UserError for a name that it cannot have."""
    if out.suffix not in (".yaml", ".yml") or not NAME.fullmatch(out.stem):
        raise UserError(f"{out}: {ALLOWED}, and .yaml behind them")
    for path in (project / "config.yaml", *sorted((project / "configs").glob("*.yaml"))):
        if path.resolve() == out.resolve() or read_yaml(path)["name"] == out.stem:
            raise UserError(f"{out}: {path} has the name {out.stem!r} already; give another one")
    file = _from(project, out)
    schema = project / "configs" / "schema.json"
    inside = out.resolve().is_relative_to(project.resolve())
    return Place(
        name=out.stem,
        file=str(file),
        class_map=str(file.with_suffix(".classes.csv")),
        schema=os.path.relpath(schema, out.parent) if inside else schema.resolve().as_uri(),
    )


def machine(cores: int | None, gpus: int | None) -> Machine:
    """This machine, or one with other cores and GPUs."""
    found = torch.cuda.device_count()
    card = torch.cuda.get_device_properties(0).total_memory >> 20 if found else None
    return Machine(
        cores=num_cores() if cores is None else cores,
        gpus=found if gpus is None else gpus,
        memory_mb=psutil.virtual_memory().total >> 20,
        gpu_memory_mb=card,
    )


def _from(project: Path, path: Path) -> Path:
    """A path that means the same in the project's folder; raises UserError where it is no text."""
    found = path if project == Path.cwd() else path.absolute()
    if not str(found).isprintable():
        raise UserError(f"{str(found)!r}: a configuration cannot hold this name; give another one")
    return found
