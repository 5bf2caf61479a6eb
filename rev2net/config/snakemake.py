"""What Snakemake's own words leave out of a configuration file that it cannot read: its line.

Snakemake reads the files of --configfile before the Snakefile; a profile is read before them, so
the profiles call `check_command` there.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rev2net.config.section import read_yaml
from rev2net.errors import UserError

TARGET_FIRST = "a target stands before --configfile, which takes every word that follows it"


def check_command(words: Sequence[str]) -> None:
    """Exit with one line where a file of --configfile among a command's words is no configuration.

    Reads only; what is legible is left to Snakemake.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="*", action="extend", default=[])
    files = parser.parse_known_args(list(words))[0].configfile
    for place, name in enumerate(files):
        try:
            check_file(Path(name))
        except UserError as error:
            sys.exit(f"snakemake: {error}" + (f"; {TARGET_FIRST}" if place else ""))


def check_file(path: Path) -> None:
    """Raise UserError for a file that is neither JSON nor YAML, with its line, or holds no keys."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        values = read_yaml(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: keys with values expected, as in config.yaml")
