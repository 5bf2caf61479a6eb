"""How large clips, networks and trainings may be: by what there is to train on, and on what."""

from collections.abc import Sequence
from dataclasses import dataclass

from rev2net.proposing.survey import Survey

EPOCHS = 40  # of training from nothing, where the machine allows them
MANY_VIDEOS = 5000  # to train on: more than that are worth the published size of frames
SHARD_VIDEOS = 200  # at most


@dataclass(frozen=True)
class Machine:
    """What trainings run on."""

    cores: int
    gpus: int
    memory_mb: int
    gpu_memory_mb: int | None = None  # of a card


@dataclass(frozen=True)
class Sizes:
    """Numbers of a configuration."""

    short_side: int  # of stored frames, pixels
    size: int  # of a crop, pixels
    fps: float | None
    bound: int  # of flow, pixels a frame
    length: int  # frames of a dense clip
    stride: int
    width: float  # of the networks
    learning_rate: float
    batch: int
    epochs: int
    test_clips: int
    frames_weight: float  # of redrawing the frames, whose errors grow with the picture
    threads: int
    workers: int
    precision: str
    gpus: int
    memory_mb: int
    minutes: int


def fitting(surveys: Sequence[Survey], training: Sequence[int], machine: Machine) -> Sizes:
    """Sizes for datasets of so many training videos each.

    Without a GPU the networks are a quarter as wide and a training is some 400 steps, so that two
    cores are done with a few hundred short videos in less than an hour.
    """
    most = max(training)
    on_gpu = machine.gpus > 0
    usual = (256 if most > MANY_VIDEOS else 128) if on_gpu else 72
    short_side = min(usual, *(survey.short_side for survey in surveys))
    size = max(32, int(0.9 * short_side) // 16 * 16)
    rates = [survey.fps for survey in surveys if survey.fps]
    # Motion of one action should not look faster in one dataset than in the other.
    fps = min(rates) if rates and max(rates) > 1.5 * min(rates) else None
    frames = min(survey.frames[0] * (fps / survey.fps if fps else 1) for survey in surveys)
    length = (32 if size > 128 and frames >= 32 else 16) if on_gpu else 8
    batch = 32 if on_gpu else 16
    while batch > max(2, min(training)):
        batch //= 2
    most_steps = 20_000 if on_gpu else 400 * max(1, machine.cores // 4)
    return Sizes(
        short_side=short_side,
        size=size,
        fps=fps,
        bound=max(8, round(20 * short_side / 256)),
        length=length,
        stride=max(1, min(4, int(frames) // length)),
        width=1.0 if on_gpu else 0.25,
        learning_rate=0.001 if on_gpu else 0.003,
        batch=batch,
        epochs=max(1, min(EPOCHS, most_steps * batch // most)),
        test_clips=5 if on_gpu else 2,
        frames_weight=500.0 if on_gpu else 240.0,
        threads=min(4, machine.cores) if on_gpu else max(1, min(4, machine.cores // 4)),
        workers=max(1, min(6, machine.cores - 2)) if on_gpu else 0,
        precision="bfloat16" if on_gpu else "float32",
        gpus=1 if on_gpu else 0,
        memory_mb=min(16000 if on_gpu else 2000, int(0.8 * machine.memory_mb)),
        minutes=240 if on_gpu else 60,
    )


def num_shards(videos: int, cores: int) -> int:
    """How many shards a dataset is cut into: one a core, where each has a few videos then."""
    return max(1, -(-videos // SHARD_VIDEOS), min(cores, videos // 16))
