"""The compared methods' recipes as their authors publish them, as data.

Read in the methods' own code, their READMEs and papers. What is not here is not published, as far
as we know. Imports neither pandas nor torch, like `paper`.
"""

from dataclasses import dataclass, replace
from typing import Any

NEAREST = "hmdb51"  # in size to the lists of the cross-dataset benchmarks
TOLERANCE = 0.01  # of epochs that were steps

ALL, PARTIAL = "all trained", "first trained"  # what of batch normalisation


@dataclass(frozen=True)
class Published:
    """One published recipe; None: not published."""

    source: str
    batch: int | None = None
    rate: float | None = None
    epochs: float | None = None
    drops: tuple[float, ...] | None = None  # epochs at which the rate drops tenfold, or cycles end
    steps: bool = False  # both are published in steps of `batch`
    scales: tuple[float, ...] | None = None  # crop sides over the short side
    dropout: float | None = None
    batchnorm: str | None = None
    test: str | None = None
    ours: str = ""  # what is ours for want of a published value

    def in_epochs(self, videos: int) -> "Published":
        """The same with its schedule in epochs of a list of so many videos."""
        if not self.steps or self.batch is None or self.epochs is None:
            return self
        epochs, *drops = (n * self.batch / videos for n in (self.epochs, *(self.drops or ())))
        return replace(self, epochs=epochs, drops=tuple(drops), steps=False)


def _steps(batch: int, length: float, *drops: float) -> dict[str, Any]:
    """A schedule in steps."""
    return {"batch": batch, "epochs": length, "drops": drops, "steps": True}


_WIDE, _NARROW = (1.0, 0.875, 0.75, 0.66), (1.0, 0.875, 0.75)
_TSN: dict[str, Any] = {"batchnorm": PARTIAL, "test": "1 x 25 segments, 10 crops of 224"}
_TSN_RGB: dict[str, Any] = {**_TSN, "rate": 0.001, "scales": _WIDE, "dropout": 0.8}
_TSN_FLOW: dict[str, Any] = {**_TSN, "rate": 0.005, "scales": _NARROW, "dropout": 0.7}
_TSN_PAPER = "Wang 2016, its Caffe solvers"
_TSM: dict[str, Any] = {"batchnorm": ALL, "dropout": 0.5, "epochs": 50, "drops": (20, 40)}
_TSM_TEST = "10 x 8 segments, 3 crops of 256"
_STM: dict[str, Any] = {"batchnorm": ALL, "test": _TSM_TEST}
_OFF: dict[str, Any] = {"rate": 0.02, "dropout": 0.8}
_OFF_SOURCE = "Sun 2018, its solver files"
_I3D: dict[str, Any] = {
    "scales": (0.875,),
    "dropout": 0.5,
    "batchnorm": ALL,
    "test": "all frames, 1 crop of 224",
}
_I3D_SMALL = "rate, batch, drops (the paper has up to 5,000 steps on 16 GPUs)"
_REV2NET = "everything: the paper gives none; I3D's"

# By stream, start and list. Recipes of a list stand for those of the others that have none.
PUBLISHED: dict[tuple[str, str, str], Published] = {
    ("tsn.rgb", "imagenet", "ucf101"): Published(
        _TSN_PAPER, **_TSN_RGB, **_steps(128, 3500, 1500, 3000)
    ),
    ("tsn.rgb", "imagenet", "hmdb51"): Published(
        _TSN_PAPER, **_TSN_RGB, **_steps(128, 2500, 1000, 2000)
    ),
    ("tsn.flow", "imagenet", "ucf101"): Published(
        _TSN_PAPER, **_TSN_FLOW, **_steps(128, 18000, 10000, 16000)
    ),
    ("tsn.flow", "imagenet", "hmdb51"): Published(
        _TSN_PAPER, **_TSN_FLOW, **_steps(128, 7000, 4000, 6000)
    ),
    ("tsn.rgbdiff", "imagenet", "ucf101"): Published(
        "the authors' PyTorch code",
        **{**_TSN_RGB, "scales": _NARROW, "batch": 128, "epochs": 180, "drops": (80, 160)},
    ),
    ("tsm.rgb", "imagenet", "kinetics400"): Published(
        "Lin 2019, its code", batch=128, rate=0.02, scales=_WIDE, test=_TSM_TEST, **_TSM
    ),
    ("tsm.rgb", "imagenet", "hmdb51"): Published(
        "Lin 2019, its code", rate=0.01, scales=_WIDE, test=_TSM_TEST, **_TSM, ours="batch"
    ),
    ("tsm.flow", "imagenet", "hmdb51"): Published(
        "Lin 2019, its code",
        scales=_NARROW,
        **_TSM,
        ours="batch, rate, test: RGB's (its flow is trained on Kinetics alone)",
    ),
    ("tsm.rgb", "kinetics", "ucf101"): Published(
        "Lin 2019, its code",
        batch=64,
        rate=0.001,
        epochs=25,
        drops=(10, 20),
        dropout=0.8,
        scales=_WIDE,
        batchnorm=PARTIAL,
        test=_TSM_TEST,
    ),
    ("stm.rgb", "imagenet", "kinetics400"): Published(
        "Jiang 2019", rate=0.01, epochs=50, drops=(30, 40, 45), **_STM, ours="batch, dropout, crops"
    ),
    ("stm.rgb", "kinetics", "ucf101"): Published(
        "Jiang 2019", rate=0.001, epochs=25, drops=(15,), **_STM, ours="batch, dropout, crops"
    ),
    ("off.rgb", "imagenet", "ucf101"): Published(
        _OFF_SOURCE, **_OFF, **_steps(128, 20000), scales=_WIDE, ours="crops in test"
    ),
    ("off.flow", "imagenet", "ucf101"): Published(
        _OFF_SOURCE, **_OFF, **_steps(128, 24000), ours="crops: TSN's"
    ),
    ("off.rgbdiff", "imagenet", "ucf101"): Published(
        _OFF_SOURCE, **_OFF, **_steps(128, 12000), ours="crops: TSN's"
    ),
    ("actionflownet.rgb", "scratch", "ucf101"): Published(
        "Ng 2018", ours="all but network and loss"
    ),
    ("i3d.rgb", "imagenet", "kinetics400"): Published(
        "the authors' README", rate=0.1, **_I3D, **_steps(384, 115e3, 97e3, 108e3)
    ),
    ("i3d.flow", "imagenet", "kinetics400"): Published(
        "the authors' README",
        rate=0.1,
        **_I3D,
        **_steps(384, 155e3, 97e3, 104.5e3, 140e3, 150e3),
    ),
    **{
        (f"i3d.{kind}", init, "ucf101"): Published("Carreira 2017", **_I3D, ours=_I3D_SMALL)
        for kind in ("rgb", "flow")
        for init in ("imagenet", "kinetics")
    },
    **{
        ("rev2net.rgb", init, dataset): Published("Rev2Net", ours=_REV2NET)
        for init, dataset in (
            ("imagenet", "ucf101"),
            ("kinetics", "ucf101"),
            ("imagenet", "kinetics400"),
        )
    },
}


def published_recipe(stream: str, init: str, dataset: str) -> tuple[Published, str] | None:
    """What is published for a stream and start, and on which list; None where nothing is.

    On the list itself, or else on that of HMDB51 or UCF101.
    """
    for name in (dataset, NEAREST, "ucf101"):
        if (found := PUBLISHED.get((stream, init, name))) is not None:
            return found, name
    return None
