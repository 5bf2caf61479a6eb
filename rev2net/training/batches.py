"""From split and shards to the batches of every step: which clips a rank reads, and its tensors."""

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor
from torch.utils.data import Sampler

from rev2net.clips.dataset import (
    DrawSampler,
    Entry,
    Sample,
    ShardIndexes,
    Shards,
    TrainingClips,
    read_split,
)
from rev2net.clips.loader import load, shared
from rev2net.clips.sampling import Augmentation
from rev2net.clips.transforms import to_batch, to_input
from rev2net.config import TrainSettings
from rev2net.errors import UserError
from rev2net.models.spec import InputSpec
from rev2net.runs.checkpoint import clip_shape
from rev2net.training import distributed
from rev2net.training.objective import Targets

UNIT_CLIPS = 32  # about, that the unit of flow is measured on

# What one step reads: for each part of its batch the labelled samples, and the target's.
Parts: TypeAlias = list[tuple[list[Sample], list[Sample]]]


@dataclass
class Batch:
    """What one forward pass takes: labelled clips first, then the target's."""

    x: Tensor  # in the layout of the network
    targets: Targets
    decode_first: int | None  # clips that the decoders see; None: all


class Batches:
    """The clips of a training, in the parts that this rank passes one after the other.

    A step's batch is cut into `optimisation.accumulate` parts, and each part into one slice a rank:
    what a part holds does not depend on the number of ranks.
    """

    def __init__(
        self,
        settings: TrainSettings,
        spec: InputSpec,
        split: Path,
        shard_indexes: ShardIndexes,
        device: torch.device,
    ) -> None:
        self.settings, self.spec, self.device = settings, spec, device
        self.adapts, self.seed = settings.run.adapt != "none", settings.run.seed
        parts = read_split(split, ("train", "target_unlabelled"))
        self.source = _required(parts["train"], split, "train")
        self.target = (
            _required(parts["target_unlabelled"], split, "target_unlabelled") if self.adapts else []
        )
        self.kinds = (spec.kind, *(["flow"] if settings.loss.flow > 0 else []))
        self.shards = Shards.open(shard_indexes, self.kinds, settings.frames, settings.flow_bound)
        self.flow_unit = self._mean_flow() if settings.loss.flow > 0 else None
        self.optimisation = settings.optimisation.in_steps(len(self.source))
        ranks, accumulate = distributed.size(), settings.optimisation.accumulate
        if settings.optimisation.batch % (ranks * accumulate):
            raise UserError(
                f"optimisation.batch is {settings.optimisation.batch}; with {ranks} processes "
                f"and accumulate {accumulate} it must be a multiple of {ranks * accumulate}"
            )

    def steps(self, first_step: int) -> Generator[Parts, None, None]:
        """The parts of each step from `first_step` on, to be read in `loader.attended`."""
        accumulate = self.settings.optimisation.accumulate
        kinds = self.kinds if self.settings.loss.decoders_on_target else self.kinds[:1]
        with contextlib.ExitStack() as loaders:
            source = self._loader(self.source, self.kinds, first_step, stream=0)
            loaders.enter_context(contextlib.closing(source))
            pairs: Iterator[tuple[list[Sample], list[Sample]]]
            if self.adapts:
                target = self._loader(self.target, kinds, first_step, stream=1)
                loaders.enter_context(contextlib.closing(target))
                pairs = zip(source, target, strict=True)
            else:
                pairs = ((batch, []) for batch in source)
            for first in pairs:
                yield [first, *(next(pairs) for _ in range(accumulate - 1))]

    def videos(self, step: int) -> list[str]:
        """The names of the videos that this rank reads for a step."""
        streams = ((self.source, 0), (self.target, 1)) if self.adapts else ((self.source, 0),)
        names = []
        for entries, stream in streams:
            sampler = self._sampler(entries, step, step + 1, stream)
            names += [entries[video].video_id for part in sampler for video, _ in part]
        return names

    def on_device(self, source: list[Sample], target: list[Sample]) -> Batch:
        """One part's samples as tensors."""
        loss = self.settings.loss
        values = self._values([*source, *target], self.spec.kind)
        decoded = [*source, *target] if loss.decoders_on_target else source
        # Laid out like the decoders' outputs.
        flow = None
        if self.flow_unit is not None:
            flow = self._values(decoded, "flow").contiguous()
            flow.mul_(self.settings.flow_bound / self.flow_unit)
        frames = None
        if loss.frames > 0:
            frames = values[: len(decoded)].contiguous().mul_(2.0).sub_(1.0)
        labels = torch.tensor([sample.label for sample in source], device=self.device)
        return Batch(
            to_input(values, self.spec, in_place=True),
            Targets(labels, flow, frames),
            None if loss.decoders_on_target else len(source),
        )

    def _mean_flow(self) -> float:
        """The mean absolute flow of some training clips, pixels per frame at the trained size.

        Flow targets are divided by it: in units of the bound they would average 0.03 to 0.06, and
        predicting flow would weigh as little beside the other terms. Raises UserError where
        nothing moves.
        """
        step = -(-len(self.source) // UNIT_CLIPS)
        videos = self.source[::step]
        clips = TrainingClips(
            videos,
            self.shards,
            clip_shape(self.spec, ("flow",), self.settings),
            self._augmentation(),
            2 * self.seed,
        )
        cpu = torch.device("cpu")  # the same unit on every machine and rank
        total = 0.0
        for number in range(len(videos)):
            sample = clips[number, number]
            values = to_batch([sample.crops["flow"]], [False], self.settings.clip.size, cpu, "flow")
            total += float(values.abs().mean())
        if total == 0:
            raise UserError(
                f"the flow of {len(videos)} training videos is zero everywhere: nothing moves, so "
                "flow teaches nothing; set loss.flow to 0, or check the videos and their flow"
            )
        return self.settings.flow_bound * total / len(videos)

    def _augmentation(self) -> Augmentation:
        clip = self.settings.clip
        return Augmentation(clip.scales, clip.distortion, clip.corners, clip.flip)

    def _values(self, samples: list[Sample], kind: str) -> Tensor:
        return to_batch(
            [sample.crops[kind] for sample in samples],
            [sample.flip for sample in samples],
            self.settings.clip.size,
            self.device,
            kind,
        )

    def _loader(
        self, entries: Sequence[Entry], kinds: tuple[str, ...], first_step: int, stream: int
    ) -> Generator[list[Sample], None, None]:
        seed = 2 * self.seed + stream
        shape = clip_shape(self.spec, kinds, self.settings)
        return load(
            TrainingClips(entries, self.shards, shape, self._augmentation(), seed),
            self._workers(),
            batch_sampler=self._sampler(entries, first_step, self.optimisation.num_steps, stream),
            collate_fn=shared,
            generator=torch.Generator().manual_seed(seed),
        )

    def _sampler(
        self, entries: Sequence[Entry], first_step: int, steps: int, stream: int
    ) -> "RankSampler":
        optimisation = self.settings.optimisation
        seed = 2 * self.seed + stream
        return RankSampler(
            DrawSampler(len(entries), optimisation.batch, first_step, steps, seed),
            optimisation.accumulate,
            distributed.rank(),
            distributed.size(),
        )

    def _workers(self) -> int:
        """Processes of one loader; with adaptation two loaders share them."""
        workers = self.settings.compute.loader_workers
        return (workers + 1) // 2 if self.adapts else workers


class RankSampler(Sampler[list[tuple[int, int]]]):
    """The parts of every batch that belong to one rank."""

    def __init__(self, batches: DrawSampler, accumulate: int, rank: int, ranks: int) -> None:
        self.batches, self.accumulate, self.rank, self.ranks = batches, accumulate, rank, ranks

    def __len__(self) -> int:
        return len(self.batches) * self.accumulate

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for batch in self.batches:
            size = len(batch) // (self.accumulate * self.ranks)
            for part in range(self.accumulate):
                start = (part * self.ranks + self.rank) * size
                yield batch[start : start + size]


def _required(entries: list[Entry], split: Path, part: str) -> list[Entry]:
    if not entries:
        raise UserError(f"{split}: no video of part {part!r}; a training needs at least one")
    return entries
