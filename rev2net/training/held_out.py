"""Accuracy on the videos held out of a training list, measured as the training goes.

It leaves no trace: the same training without it gives the same weights.
"""

import copy
from pathlib import Path
from typing import Any

import torch

from rev2net.clips.dataset import Shards, read_split
from rev2net.config import TestSettings, TrainSettings
from rev2net.errors import UserError
from rev2net.evaluation.metrics import hits
from rev2net.evaluation.predict import predict
from rev2net.models.network import VideoNetwork
from rev2net.runs.checkpoint import clip_shape
from rev2net.training.prepare import random_states, restore_random_states


class HeldOut:
    """The `val` part of a split, and what a network said of it so far.

    Each video has one view: a clip as in training, in its middle, the centre crop. `points`
    measurements lie evenly along `steps`, the last one at the end. Raises UserError for a split
    without such videos.
    """

    def __init__(
        self,
        settings: TrainSettings,
        split: Path,
        shards: Shards,
        steps: int,
        epoch: float,
        points: int,
        device: torch.device,
    ) -> None:
        self.settings, self.shards, self.epoch, self.device = settings, shards, epoch, device
        self.entries = read_split(split, ("val",))["val"]
        if not self.entries:
            raise UserError(f"{split}: no video of part 'val' to measure the accuracy on")
        self.steps = {max(1, round(point * steps / points)) for point in range(1, points + 1)}
        optimisation = settings.optimisation
        self.test = TestSettings(
            clips=1,
            crops=1,
            size=settings.clip.size,
            average="logit",
            batch=optimisation.batch // optimisation.accumulate,  # what a step has room for
        )
        self.lines: list[dict[str, Any]] = []  # a measurement each; saved with the training's state

    def measure(self, step: int, network: VideoNetwork) -> None:
        """Add the accuracy after so many steps, of a network that stays as it is."""
        states = random_states()
        spec = network.input_spec
        prediction = predict(
            copy.deepcopy(network),  # in evaluation, with no way back to forget
            self.entries,
            self.shards,
            clip_shape(spec, (spec.kind,), self.settings),
            self.test,
            self.settings.compute,
            self.device,
            progress=False,
        )
        restore_random_states(states)
        hits_V = hits(prediction.scores, [entry.label for entry in self.entries])
        groups: dict[str, list[int]] = {}  # videos that are right, and all
        for entry, hit in zip(self.entries, hits_V.tolist(), strict=True):
            right, videos = groups.get(entry.group, (0, 0))
            groups[entry.group] = [right + hit, videos + 1]
        self.lines.append(
            {
                "step": step,
                "epoch": round(step / self.epoch, 3),
                "top1": round(100.0 * float(hits_V.mean()), 4),
                "videos": len(self.entries),
                "groups": groups,
            }
        )
        print(f"step {step}: top1 {self.lines[-1]['top1']:.1f} % of held-out videos", flush=True)
