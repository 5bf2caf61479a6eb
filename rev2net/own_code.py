"""Code of one's own, "package.module:name": its file, found without running it, and what it names.

It is importable from the folder where one works, which comes before what Python finds elsewhere.
Imports nothing heavy: Snakemake asks for the digest of a file for every job.
"""

import contextlib
import hashlib
import importlib
import itertools
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from rev2net.errors import UserError, did_you_mean


def is_own(name: str) -> bool:
    """Whether a network's name is that of a class of one's own."""
    return ":" in name


def source_file(reference: str) -> Path:
    """The file of the module that a reference names; raises UserError where there is none."""
    module, here = reference.partition(":")[0], os.getcwd()
    folders, spec = [here, *sys.path], None
    # Level by level: `importlib.util.find_spec` would import the packages above.
    for name in itertools.accumulate(module.split("."), "{}.{}".format):
        spec = PathFinder.find_spec(name, folders)
        if spec is None and "." not in name:  # of a package installed in editable mode
            found = (finder.find_spec(name, None) for finder in sys.meta_path)
            spec = next(filter(None, found), None)
        folders = list(spec.submodule_search_locations or ()) if spec else []
    if spec is None or not spec.has_location or spec.origin is None:
        raise UserError(
            f"{reference}: no module {module!r}; it has to be importable from the folder where one "
            f"works, {here}"
        )
    return Path(spec.origin)


def source_digest(reference: str) -> str:
    """Twelve hex digits that change whenever the file of a module does; of this file alone."""
    return hashlib.sha256(source_file(reference).read_bytes()).hexdigest()[:12]


@contextlib.contextmanager
def named_by(key: str) -> Iterator[None]:
    """Put the key of the configuration that names some code before what is wrong with it."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{key}: {error}") from error


def edited(digests: Mapping[str, str]) -> Path | None:
    """The first file that is no longer as its digest, by reference, says; None: all are."""
    for reference, digest in digests.items():
        if source_digest(reference) != digest:
            return source_file(reference)
    return None


def load(reference: str) -> Any:
    """Import a module and return what the reference names in it.

    Raises UserError for a module that is not there, raises on import, or lacks the name.
    """
    path = source_file(reference)
    module, _, name = reference.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    try:
        found = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{reference}: {path}{_line(path, error)} raises {type(error).__name__} on import: "
            f"{said}"
        ) from error
    if not hasattr(found, name):
        defined = [n for n, v in vars(found).items() if getattr(v, "__module__", None) == module]
        raise UserError(f"{reference}: {path} has no {name!r}; {did_you_mean(name, defined)}")
    return getattr(found, name)


def _line(path: Path, error: BaseException) -> str:
    """ ":12", the last line of a file on the way to an error; empty where none is."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f":{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f":{lines[-1]}" if lines else ""
