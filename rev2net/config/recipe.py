"""A recipe: everything that makes one method on one input, from network to test protocol."""

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rev2net.config.section import Fraction, Positive, Section


class NetworkSettings(Section):
    """The network: its width (1 is the published one) and its builder's options."""

    width: Annotated[float, Field(gt=0)]
    options: dict[str, bool | int | float | str] = Field(default_factory=dict)


class ClipSettings(Section):
    """How a training sample is cut from a video."""

    length: Positive  # frames of a dense clip (3D networks), or segments (2D networks)
    stride: Positive = 1  # frames from one to the next of a dense clip
    size: Positive  # pixels; square
    scales: Annotated[
        tuple[Fraction, ...], Field(min_length=1)
    ]  # scale jitter: crop side as a fraction of the short side
    distortion: Annotated[int, Field(ge=0)] = 0  # steps by which its width and height may differ
    corners: bool = False  # crop at a corner or the centre, not anywhere
    flip: bool


class RateMultipliers(Section):
    """Factors on the learning rate of some layers, as published fine-tuning recipes have them.

    They multiply: the bias of the head has `head * biases`.
    """

    first_convolution: Annotated[float, Field(gt=0)] = 1.0  # TSN and TSM on flow: 5
    head: Annotated[float, Field(gt=0)] = 1.0  # the classifier; TSM's fine-tuning: 5
    biases: Annotated[float, Field(gt=0)] = 1.0  # of convolutions and classifiers; TSN, TSM: 2
    decoders: Annotated[float, Field(gt=0)] = 1.0  # Rev2Net's, which no checkpoint has


class OptimisationSettings(Section):
    """Optimiser, schedule, batch."""

    optimiser: Literal["sgd", "adamw"]
    learning_rate: Annotated[float, Field(gt=0)]
    momentum: Fraction = 0.9
    weight_decay: Annotated[float, Field(ge=0)]
    batch: Positive  # labelled clips a step; a cross-dataset step has as many unlabelled ones
    accumulate: Positive = 1  # parts that pass one after the other and add up to the batch
    # How long: passes through the labelled list, or steps; one of the two.
    epochs: Annotated[float, Field(gt=0)] | None = None
    steps: Positive | None = None
    schedule: Literal["cosine", "step"]
    cycles: Positive = 1  # of the cosine: how often it begins at the full rate
    # In the unit of the length, of a schedule of steps: the rate drops tenfold, or is full again.
    milestones: tuple[Annotated[float, Field(ge=1)], ...] = ()
    restarts: tuple[Annotated[float, Field(ge=1)], ...] = ()
    warmup: Fraction = 0.0  # fraction of the whole in which the rate rises linearly
    clip_gradient: Annotated[float, Field(gt=0)] | None = None
    checkpoint_every: Positive = 100  # steps; another number retrains nothing
    multipliers: RateMultipliers = RateMultipliers()
    freeze_batchnorm: bool = False  # statistics, scale and shift stay (not the decoders')
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None  # decay of averaged weights, if kept

    @model_validator(mode="after")
    def _one_length_holds_the_schedule(self) -> "OptimisationSettings":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                f"epochs is {self.epochs} and steps {self.steps}; give one of the two"
                if self.steps
                else "epochs or steps: one of the two is required"
            )
        unit, length = ("epochs", self.epochs) if self.epochs else ("steps", self.steps)
        for key in ("milestones", "restarts"):
            values: tuple[float, ...] = getattr(self, key)
            if values and self.schedule != "step":
                raise ValueError(f"{key} with schedule {self.schedule!r}; they are for 'step'")
            for before, value in itertools.pairwise((0.0, *values)):
                if not before < value < (length or 0):
                    raise ValueError(
                        f"{key} has {value:g}; allowed are rising numbers of {unit} below "
                        f"{length:g}, where the training ends"
                    )
        return self

    def in_steps(self, videos: int) -> "OptimisationSettings":
        """The same in steps, for a training list of so many labelled videos.

        >>> common = {"optimiser": "sgd", "learning_rate": 0.1, "weight_decay": 0, "batch": 128}
        >>> hmdb51 = OptimisationSettings(
        ...     **common, schedule="step", epochs=90, milestones=(36, 72)
        ... ).in_steps(3570)
        >>> hmdb51.steps, hmdb51.milestones
        (2510, (1004.0625, 2008.125))
        """
        if self.epochs is None:
            return self
        epoch = videos / self.batch
        return self.model_copy(
            update={
                "epochs": None,
                "steps": max(1, round(self.epochs * epoch)),
                "milestones": tuple(epoch * milestone for milestone in self.milestones),
                "restarts": tuple(epoch * restart for restart in self.restarts),
            }
        )

    @property
    def num_steps(self) -> int:
        """The length of a schedule in steps (`in_steps`)."""
        assert self.steps is not None, "a schedule in epochs has no steps before its list is known"
        return self.steps

    @model_validator(mode="after")
    def _batch_divides(self) -> "OptimisationSettings":
        if self.batch % self.accumulate:
            raise ValueError(
                f"batch is {self.batch}, accumulate {self.accumulate}; the batch must be a "
                "multiple of it"
            )
        return self


class LossSettings(Section):
    """Weights of the loss terms beside the classification (Eq. 3) and of the adaptation."""

    flow: Annotated[float, Field(ge=0)] = 0.0
    flow_norm: Literal["l1", "l2", "epe", "charbonnier"] = "epe"  # epe: end-point error
    # A pixel counts 1 + focus * its motion: |flow| in units of the mean flow, and the distance of a
    # frame from the clip's mean frame. Most pixels stand still and would decide alone.
    flow_focus: Annotated[float, Field(ge=0)] = 0.0
    frames: Annotated[float, Field(ge=0)] = 0.0
    frames_norm: Literal["l1", "l2"] = "l2"
    frames_focus: Annotated[float, Field(ge=0)] = 0.0
    feature_discrepancy: Annotated[float, Field(ge=0)] = 0.0
    latent_discrepancy: Annotated[float, Field(ge=0)] = 0.0
    # Rev2Net: the norm of each task's gradient where it enters the encoder, over that of what
    # classification and adaptation send back there; null: as the weights happen to make it.
    share: Annotated[float, Field(ge=0)] | None = 0.05
    mask: Annotated[float, Field(ge=0)] = 0.0  # penalty on the foreground mask; VGAN has 0.1
    domain: Annotated[float, Field(ge=0)] = 1.0  # of adapt mkmmd (DAN: 1)
    domain_ramp: Fraction = 0.0  # of the steps, in which that weight rises linearly from 0
    dann: Annotated[float, Field(ge=0)] = 0.1  # of adapt dann, which has a ramp of its own
    decoders_on_target: bool = False


class TestSettings(Section):
    """The test protocol: what is averaged into a video's scores."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    clips: Positive  # evenly placed
    crops: Literal[1, 3, 10]  # centre; three from corner to corner; corners and centre, flipped too
    size: Positive  # pixels; square crop of the stored frames
    length: Positive | None = None  # frames or segments of a clip, where not as in training
    whole_video: bool = False  # one clip of all frames, or of each `stride`th as in training
    average: Literal["logit", "probability"]
    batch: Positive = 32


class Recipe(Section):
    """Everything that makes one method on one input."""

    network: NetworkSettings
    clip: ClipSettings
    optimisation: OptimisationSettings
    loss: LossSettings = LossSettings()
    test: TestSettings


Address = Annotated[str, Field(pattern=r"^https?://[^/]+/.*[^/]$")]


class WeightsSource(Section):
    """A checkpoint to start from: a file that is there, or where to download it to, and from."""

    file: str
    url: Address | None = None
    mirror: Address | None = None  # of the same file, where `url` does not answer
    # hexadecimal; its first 8 digits are enough (torchvision writes them into file names)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")] | None = None
    partial: bool = False  # the network has more than the checkpoint: Rev2Net's decoders

    @model_validator(mode="after")
    def _downloads_are_checked(self) -> "WeightsSource":
        if self.url is not None and self.sha256 is None:
            raise ValueError(f"url {self.url} without sha256: what is downloaded has to be checked")
        if self.mirror is not None and self.url is None:
            raise ValueError(f"mirror {self.mirror} without url")
        return self
