"""Settings of a short training of Rev2Net, a quarter as wide, from fresh weights."""

from rev2net.config import (
    ClipSettings,
    ComputeSettings,
    FramesSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    TrainSettings,
)
from rev2net.runs.identity import Run


def short_training(
    run: Run,
    clip: ClipSettings,
    loss: LossSettings,
    frames: FramesSettings,
    flow_bound: float,
    *,
    steps: int,
    learning_rate: float,
) -> TrainSettings:
    """Steps of 8 clips on one thread."""
    return TrainSettings(
        configuration="test",
        run=run,
        network_name=run.method,
        network=NetworkSettings(width=0.25, options={"dropout": 0.0}),
        clip=clip,
        optimisation=OptimisationSettings(
            optimiser="adamw",
            learning_rate=learning_rate,
            weight_decay=0.01,
            batch=8,
            steps=steps,
            schedule="cosine",
            warmup=0.1,
            clip_gradient=10,
        ),
        loss=loss,
        compute=ComputeSettings(threads=1, loader_workers=0, precision="float32"),
        frames=frames,
        flow_bound=flow_bound,
        initial_weights=None,
    )
