"""The exceptions that mean "a person can mend this": shown as one line."""

from difflib import get_close_matches
from pathlib import Path


class UserError(Exception):
    """Bad usage or bad input: exit code 2.

    The message is a single line that names the file or key, the value found and what is allowed.
    Everything else that is raised is a programming error and keeps its traceback, except:
    """


class MachineError(Exception):
    """The machine's trouble and not the input's (no memory, a killed process): exit code 1.

    The message is a single line, as of UserError. The same command may well succeed later, or
    elsewhere; nothing is written down about the input.
    """


def refuse_below(options: object, **least: int) -> None:
    """Raise UserError for an option, by its name among a command's, that is less than it has to be.

    >>> from types import SimpleNamespace
    >>> refuse_below(SimpleNamespace(num_clips=0), num_clips=1)
    Traceback (most recent call last):
    rev2net.errors.UserError: --num-clips: 0; allowed is a whole number from 1
    """
    for option, minimum in least.items():
        value = getattr(options, option)
        if value is not None and value < minimum:
            name = option.replace("_", "-")
            raise UserError(f"--{name}: {value}; allowed is a whole number from {minimum}")


def did_you_mean(word: str, known: list[str]) -> str:
    """What to say about an unknown word: the nearest known one, and all of them."""
    nearest = get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{hint}allowed: {', '.join(known)}"


def where_to_stand(line: str) -> str:
    """A hint to add to an error that begins with a path of the project, typed outside of it.

    Empty inside the project, for paths that do not look like its own, and where this package is
    installed without its project.
    """
    project = Path(__file__).resolve().parents[1]
    named = Path(line.partition(":")[0].rpartition(" ")[2])  # "--root work/mini: no such folder"
    if (
        not (project / "Snakefile").exists()
        or Path("Snakefile").exists()
        or named.is_absolute()
        or named.exists()
        or named.parts[:1] not in {("config.yaml",), ("configs",), ("work",), ("results",)}
    ):
        return ""
    return f"; you stand in {Path.cwd()}, the project's paths start in {project}: cd there"
