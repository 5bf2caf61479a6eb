"""What every section of the configuration is: closed and immutable; and how one is read and named.

An unknown key is an error with the nearest known one; every problem is one line that says where it
is, what was found and what is allowed.
"""

import difflib
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rev2net.errors import UserError

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A closed, immutable part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(_unknown(str(key), list(cls.model_fields)))
        return values


SectionType = TypeVar("SectionType", bound=BaseModel)


def _unknown(key: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(key, allowed, n=1)
    hint = f", did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(allowed)}"
    return f"unknown key {key!r}{hint}"


def _first_problem(error: ValidationError) -> str:
    """One line for the first problem: where, what was found, what is allowed."""
    problem = error.errors()[0]
    # The kinds of a union appear in `loc` too: they are no keys of the file.
    where = ".".join(str(part) for part in problem["loc"] if part not in ("within", "cross"))
    message = problem["msg"].removeprefix("Value error, ")
    found = problem.get("input")
    if problem["type"] == "missing":
        message = "this key is required"
    elif problem["type"] != "value_error" and not isinstance(found, dict | list):
        message = f"{message}, found {found!r}"
    more = error.error_count() - 1
    return (f"{where}: {message}" if where else message) + (f" (and {more} more)" if more else "")


def validate(section: type[SectionType], values: Any, origin: str) -> SectionType:
    """Values as a typed section; raises UserError naming `origin`, key, value and what is allowed.

    >>> validate(TestSettings, {"clips": 0, "crops": 1, "average": "logit"}, "test")
    Traceback (most recent call last):
    rev2net.errors.UserError: test: clips: Input should be greater than or equal to 1, found 0
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{origin}: {_first_problem(error)}") from None


def parse_settings(section: type[SectionType], text: str) -> SectionType:
    """A stage's section from JSON text, or from a JSON or YAML file of that name."""
    if text.lstrip().startswith("{"):
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"--settings: not JSON ({error})") from None
        return validate(section, values, "--settings")
    return validate(section, read_yaml(Path(text)), text)


def read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise UserError(f"{path}: not YAML (line {line})") from None


def dump(section: BaseModel) -> str:
    """Canonical JSON of a section: same settings, same text."""
    return json.dumps(section.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def digest(section: BaseModel) -> str:
    """Twelve hex digits that change whenever a setting changes."""
    return hashlib.sha256(dump(section).encode()).hexdigest()[:12]
