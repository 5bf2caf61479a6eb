"""Which classes of two datasets are the same by their names, and which a person should look at."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_ENDINGS = ((r"(?<=..)ies$", "y"), (r"(?<=ss|.x|.z|ch|sh)es$", ""), (r"(?<=.[^su])s$", ""))
SHORTEST = 3  # letters of a name that another may hold by more than chance


@dataclass(frozen=True)
class SharedClasses:
    """The classes of a first and a second dataset, side by side."""

    pairs: list[tuple[str, str]]  # of the same words, in the order of the first
    near: list[tuple[str, str]]  # of the rest: one's words lie in the other's
    rest: tuple[list[str], list[str]]  # of each, all that are in no pair


def shared_classes(first: Collection[str], second: Collection[str]) -> SharedClasses:
    """Pair the classes whose names are the same words (`words`).

    A name of which a dataset has two that are the same is left to a person.
    """
    by_words, others = _by_words(first), _by_words(second)
    pairs = [(name, others[key]) for key, name in by_words.items() if key in others]
    rest = left_over(first, second, pairs)
    near = [
        (name, other)
        for name in rest[0]
        for other in rest[1]
        if _holds(words(name), words(other)) or _holds(words(other), words(name))
    ]
    return SharedClasses(pairs, near, rest)


def left_over(
    first: Iterable[str], second: Iterable[str], pairs: Collection[tuple[str, str]]
) -> tuple[list[str], list[str]]:
    """The classes of each dataset that are in no pair."""
    paired, also = {name for name, _ in pairs}, {name for _, name in pairs}
    return [n for n in first if n not in paired], [n for n in second if n not in also]


def words(name: str) -> str:
    """A name without capitals, `_`, `-`, blanks and plurals.

    >>> words("Pull_Ups") == words("PullUp") == words("pull-ups") == words("pullups")
    True
    >>> words("Punches"), words("golf swing"), words("grass")
    ('punch', 'golfswing', 'grass')
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return "".join(_singular(word) for word in re.split(r"[\W_]+", parted.casefold()))


def _singular(word: str) -> str:
    for ending, by in _ENDINGS:
        if re.search(ending, word):
            return re.sub(ending, by, word)
    return word


def _by_words(names: Iterable[str]) -> dict[str, str]:
    times = Counter(map(words, names))
    return {words(name): name for name in names if times[words(name)] == 1}


def _holds(outer: str, inner: str) -> bool:
    return len(inner) >= SHORTEST and inner in outer
