"""What every section of the configuration is: closed and immutable; and how one is read and named.

An unknown key is an error with the nearest known one; every problem is one line that says where it
is, what was found and what is allowed.
"""

import difflib
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rev2net.errors import UserError

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A closed, immutable part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(_unknown(str(key), list(cls.model_fields)))
        return values

    @model_validator(mode="before")
    @classmethod
    def _no_words_for_numbers(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key, value in values.items():
                found = _booleans(value)
                if found and not _admits_booleans(cls.model_fields[key].annotation):
                    raise ValueError(
                        f"{key}: found {str(found[0]).lower()}, expected another kind of value "
                        "(YAML reads yes, no, on and off as true and false)"
                    )
        return values


def _booleans(value: Any) -> list[bool]:
    """Booleans in a value, and in lists and mappings in it that are no sections."""
    if isinstance(value, list | tuple):
        return [found for entry in value for found in _booleans(entry)]
    if isinstance(value, dict):
        return [found for entry in value.values() for found in _booleans(entry)]
    return [value] if isinstance(value, bool) else []


def _admits_booleans(annotation: Any) -> bool:
    """Whether a type, or one that it is made of, is bool, anything, or a section of its own."""
    if annotation is bool or annotation is Any:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(map(_admits_booleans, get_args(annotation)))


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

    >>> from rev2net.config import TestSettings
    >>> values = {"clips": 0, "crops": 1, "size": 32, "average": "logit"}
    >>> validate(TestSettings, values, "test")
    Traceback (most recent call last):
    rev2net.errors.UserError: test: clips: Input should be greater than or equal to 1, found 0
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{origin}: {_first_problem(error)}") from None
    except RecursionError:
        raise UserError(f"{origin}: nested too deeply, or a value that holds itself") from None


def parse_settings(section: type[SectionType], text: str) -> SectionType:
    """A stage's section from JSON text, or from a JSON or YAML file of that name."""
    if text.lstrip().startswith("{"):
        try:
            values = json.loads(text, object_pairs_hook=_distinct)
        except ValueError as error:
            raise UserError(f"--settings: not JSON ({error})") from None
        return validate(section, values, "--settings")
    return validate(section, read_yaml(Path(text)), text)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; raises ValueError where a key stands twice in it."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
        raise ValueError(f"key {twice!r} stands twice")
    return values


class _Loader(yaml.SafeLoader):
    """YAML in which a key stands once: of two, the first would silently count for nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; raises UserError, naming the line, where it is none."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8 (byte {error.start})") from None
    except yaml.constructor.ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UserError(f"{path}:{line}: {error.problem}") from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise UserError(f"{path}: not YAML (line {line})") from None


def dump(section: BaseModel) -> str:
    """Canonical JSON of a section: same settings, same text."""
    return json.dumps(section.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def dump_as_written(section: BaseModel) -> str:
    """JSON of a section whose keys stand as in its file: the order of tables, columns and rows."""
    return json.dumps(section.model_dump(mode="json"), separators=(",", ":"))


def digest(section: BaseModel) -> str:
    """Twelve hex digits that change whenever a setting changes."""
    return hashlib.sha256(dump(section).encode()).hexdigest()[:12]
