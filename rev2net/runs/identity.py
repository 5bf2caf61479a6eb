"""What a run is: the words that name it, its path, and the trainings whose scores it adds.

Imports nothing of ours but the errors: the configuration takes its words from here.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from rev2net.errors import UserError

Input = Literal["rgb", "flow", "rgbdiff"]  # of one training
Initialisation = Literal["scratch", "imagenet", "kinetics"]
ADAPTATIONS = ("none", "mkmmd", "dann")  # ours
Adaptation = str  # one of them, or a name of the configuration

RGB_FLOW, RGB_RGBDIFF = "rgb+flow", "rgb+rgbdiff"
FUSED_INPUTS = (RGB_FLOW, RGB_RGBDIFF)

# Weight of an RGB-like and of a flow stream in a fused row, as each method publishes them
# (TSN 1:1.5; I3D adds logits; where a paper says nothing: equal).
TSN_FUSION = {"rgb": 1.0, "rgbdiff": 1.0, "flow": 1.5}
WITHOUT_FLOW = ("rev2net", "rev2net-noframe", "rev2net-noflow", "rev2net-noddp")
OFF_OVER_TSN = 2.0  # Sun-OFF adds its network's scores to those of the TSN that it stands on, 2:1

# A run's path and how its words look; `Run.parse` says which of them there are.
_PATH = "{benchmark}/{method}/{input}.{init}.{adapt}/split{split}.seed{seed}"
_WORDS = {
    **dict.fromkeys(("benchmark", "method"), "[a-z0-9-]+"),  # names of the configuration
    **dict.fromkeys(("input", "init"), "[a-z+]+"),
    "adapt": "[a-z][a-z0-9]*",  # a name of the configuration too
    **dict.fromkeys(("split", "seed"), r"\d+"),
}


def _pattern(**words: str) -> str:
    """The regular expression of a path whose words look so."""
    return _PATH.replace(".", r"\.").format(**{**_WORDS, **words})


# For the workflow's wildcards: paths of trainings, and of fused rows.
TRAINING_PATTERN = _pattern(input="[a-z]+")
FUSED_PATTERN = _pattern(input=r"[a-z]+\+[a-z]+")
_NAMED = re.compile(_pattern(**{name: f"(?P<{name}>{word})" for name, word in _WORDS.items()}))


@dataclass(frozen=True, order=True)
class Run:
    """One training (or, with input `rgb+flow`, one fusion of several), named by its path.

    >>> Run("hmdb-ucf", "i3d", "rgb", "scratch", "mkmmd", 1, 0).path
    'hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0'
    """

    benchmark: str
    method: str
    input: str
    init: str
    adapt: str
    split: int
    seed: int

    @property
    def path(self) -> str:
        return _PATH.format(**vars(self))

    @classmethod
    def parse(cls, path: str) -> "Run":
        """The run of a path; raises UserError naming the word that is not in the vocabulary.

        Benchmarks, methods and adaptations are names, which `experiments.check_run` knows.
        """
        match = _NAMED.fullmatch(path.strip("/"))
        if match is None:
            raise UserError(
                f"run {path!r} is not <benchmark>/<method>/<input>.<init>.<adapt>/"
                "split<k>.seed<s>, for example hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0"
            )
        words: dict[str, Any] = match.groupdict()
        for key, allowed in (
            ("input", (*get_args(Input), *FUSED_INPUTS)),
            ("init", get_args(Initialisation)),
        ):
            if words[key] not in allowed:
                raise UserError(
                    f"run {path!r}: {key} {words[key]!r} is none of {', '.join(allowed)}"
                )
        return cls(**words | {"split": int(words["split"]), "seed": int(words["seed"])})

    @property
    def is_fused(self) -> bool:
        """Whether the run adds the scores of others, and trains nothing."""
        return self.input in FUSED_INPUTS

    @property
    def streams(self) -> "tuple[tuple[Run, float], ...]":
        """The trainings behind this run with the weights of their scores; a training's is itself.

        Rev2Net's second stream is an I3D on flow (the paper's "R + F", PROTOCOLS section 1). Each
        input of Sun-OFF is two networks: its own, and the TSN that it was trained on. Methods of a
        configuration's own add their own streams, all of weight 1, whatever network they name.
        """
        if not self.is_fused:
            return ((self, 1.0),)
        found: list[tuple[Run, float]] = []
        for input_ in self.input.split("+"):
            stream = replace(self, input=input_)
            if self.method == "off":
                weight = TSN_FUSION[input_]
                found.append((stream, OFF_OVER_TSN * weight))
                found.append((replace(stream, method="tsn"), weight))
            elif self.method == "tsn":
                found.append((stream, TSN_FUSION[input_]))
            elif input_ == "flow" and self.method in WITHOUT_FLOW:
                found.append((replace(stream, method="i3d"), 1.0))
            else:
                found.append((stream, 1.0))
        return tuple(found)
