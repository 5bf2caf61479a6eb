"""Map-style datasets over shards: training clips drawn at random, test clips placed evenly.

A worker decodes and crops uint8 images, no more; what is arithmetic on pixels runs batched on the
training device (`transforms`). A sample depends on (seed, draw) only, so the number of workers and
an interruption change nothing.
"""

import csv
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from rev2net.clips import sampling
from rev2net.clips.sampling import Augmentation, Crop
from rev2net.config import FramesSettings
from rev2net.digests import check_text
from rev2net.errors import UserError
from rev2net.shards.layout import required_attributes
from rev2net.shards.reader import ShardIndex
from rev2net.video.images import ImageBytes, ImageDecoder, split_components

ShardIndexes = dict[tuple[str, str], Path]  # by dataset and kind


@dataclass(frozen=True)
class Entry:
    """One row of a split; `label` is -1 where the split gives none."""

    video_id: str
    dataset: str
    label: int
    group: str


def read_split(path: Path, parts: Sequence[str]) -> dict[str, list[Entry]]:
    """The rows of a split file, by part, in the file's order."""
    check_text(path)
    rows: dict[str, list[Entry]] = {part: [] for part in parts}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["part"] in rows:
                    label = int(row["label"]) if row["label"] else -1
                    entry = Entry(row["video_id"], row["dataset"], label, row["group"])
                    rows[row["part"]].append(entry)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except (KeyError, ValueError) as error:
        raise UserError(f"{path}: not a split file ({error}); see docs/formats.md") from None
    return rows


@dataclass(frozen=True)
class ClipShape:
    """What a clip holds: which kinds of images, how many, and how they are placed in time."""

    kinds: tuple[str, ...]  # "rgb", "flow", or both (an RGB clip with the flow of its frames)
    segments: bool  # snippets spread over the video, or consecutive frames
    length: int  # frames, or segments
    stride: int = 1
    images: int = 1  # stored images a segment


@dataclass
class Sample:
    """Crops of one clip, (T, h, w, C) uint8 a kind, and how they are to be mirrored."""

    crops: dict[str, Tensor]
    flip: bool
    label: int


class Shards:
    """The shard indexes of the datasets a run reads, by dataset and kind."""

    def __init__(self, indexes: dict[tuple[str, str], ShardIndex]) -> None:
        self.indexes = indexes

    @classmethod
    def open(
        cls,
        indexes: ShardIndexes,
        kinds: Iterable[str],
        frames: FramesSettings,
        flow_bound: float,
    ) -> "Shards":
        """The indexes of some kinds, of every dataset; refuses shards made by other rules."""
        required = {kind: required_attributes(kind, frames, flow_bound) for kind in kinds}
        return cls(
            {
                (dataset, kind): ShardIndex(path, required[kind])
                for (dataset, kind), path in indexes.items()
                if kind in required
            }
        )

    def index(self, entry: Entry, kind: str) -> ShardIndex:
        try:
            return self.indexes[entry.dataset, kind]
        except KeyError:
            given = ", ".join(sorted(dataset for dataset, of in self.indexes if of == kind))
            raise UserError(
                f"--{kind}: none for dataset {entry.dataset!r}, which the split uses; "
                f"given: {given or 'none'}"
            ) from None

    def encoded(self, entry: Entry, kind: str, indices: Sequence[int]) -> Iterable[ImageBytes]:
        """Images of a video, as stored."""
        return self.index(entry, kind).iter_images(entry.video_id, indices)

    def read(self, entry: Entry, kind: str, indices: Sequence[int]) -> np.ndarray:
        """Decoded images (T, H, W, C) uint8 of a video: RGB, or flow bytes x and y.

        There is no flow from the last frame to a next one: the last flow is taken for it.
        """
        video = self.index(entry, kind).video(entry.video_id)
        return self.read_crop(entry, kind, indices, Crop(0, 0, video.height, video.width))

    def read_crop(self, entry: Entry, kind: str, indices: Sequence[int], crop: Crop) -> np.ndarray:
        """The part (T, h, w, C) uint8 of images that a crop shows, unmirrored; else as `read`.

        No pixel outside it is copied. The components of a flow lie apart in memory, as they are
        stored and as networks take them.
        """
        video = self.index(entry, kind).video(entry.video_id)
        if kind == "flow":
            indices = [index - (index == video.num_images) for index in indices]
        ascending = sorted(set(indices))
        if ascending != indices:  # a short video, looped: decode no image twice
            images = self.read_crop(entry, kind, ascending, crop)
            return images[[bisect_left(ascending, index) for index in indices]]
        shape = crop.height, crop.width
        if kind == "rgb":
            decoder = ImageDecoder(video.height, video.width)
            decoded = decoder.image
            images = np.empty((len(indices), *shape, 3), np.uint8)
        else:
            decoder = ImageDecoder(2 * video.height, video.width, grey=True)
            decoded = split_components(decoder.image)
            images = np.empty((len(indices), 2, *shape), np.uint8).transpose(0, 2, 3, 1)
        part = _part(decoded, crop)
        try:
            for place, data in zip(images, self.encoded(entry, kind, indices), strict=True):
                decoder.decode(data)
                place[:] = part
        except ValueError as error:  # in a shard with checksums, these say it first
            raise UserError(
                f"{entry.dataset}, {entry.video_id}: a damaged {kind} image ({error}); delete the "
                f"{kind} shards of {entry.dataset} and their index, and give the same command again"
            ) from None
        return images


def _part(images: np.ndarray, crop: Crop) -> np.ndarray:
    """A view of the part of images (..., H, W, C) that a crop shows."""
    rows = slice(crop.top, crop.top + crop.height)
    return images[..., rows, crop.left : crop.left + crop.width, :]


class TrainingClips(Dataset[Sample]):
    """Random clips of videos; an item is asked for as (video, draw), draw counting all samples."""

    def __init__(
        self,
        entries: Sequence[Entry],
        shards: Shards,
        shape: ClipShape,
        augmentation: Augmentation,
        seed: int,
    ) -> None:
        self.entries, self.shards, self.shape = entries, shards, shape
        self.augmentation, self.seed = augmentation, seed

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        video, draw = key
        entry, shape = self.entries[video], self.shape
        rng = Random(f"{self.seed}/{draw}")
        stored = self.shards.index(entry, shape.kinds[0]).video(entry.video_id)
        num_images = stored.num_images
        if shape.segments:
            indices = sampling.segments(num_images, shape.length, shape.images, rng)
        else:
            start = sampling.random_start(num_images, shape.length, shape.stride, rng)
            indices = sampling.dense(num_images, shape.length, shape.stride, start)
        crop = sampling.random_crop(stored.height, stored.width, self.augmentation, rng)
        crops = {}
        for kind in shape.kinds:
            images = self.shards.read_crop(entry, kind, indices, crop)
            crops[kind] = torch.from_numpy(images)
        return Sample(crops, crop.flip, entry.label)


class DrawSampler(Sampler[list[tuple[int, int]]]):
    """Batches of (video, draw): every epoch a new permutation, known from the seed and the step.

    Resuming needs nothing but the number of the next step.
    """

    def __init__(self, videos: int, batch: int, first_step: int, steps: int, seed: int) -> None:
        self.videos, self.batch, self.seed = videos, batch, seed
        self.first_step, self.steps = first_step, steps

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, order = -1, np.empty(0, dtype=np.int64)
        for step in range(self.first_step, self.steps):
            batch = []
            for draw in range(step * self.batch, (step + 1) * self.batch):
                if draw // self.videos != epoch:
                    epoch = draw // self.videos
                    order = np.random.default_rng((self.seed, 1, epoch)).permutation(self.videos)
                batch.append((int(order[draw % self.videos]), draw))
            yield batch


class TestClips(Dataset[list[Sample]]):
    """The views of a video that a test protocol averages, clip by clip, crop by crop."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    def __init__(
        self,
        entries: Sequence[Entry],
        shards: Shards,
        shape: ClipShape,
        clips: int,
        crops: int,
        size: int,
        whole_video: bool = False,
    ) -> None:
        if whole_video and shape.segments:
            raise UserError("test.whole_video is for dense clips (3D networks), not for segments")
        self.entries, self.shards, self.shape = entries, shards, shape
        self.clips, self.crops, self.size, self.whole_video = clips, crops, size, whole_video

    def __len__(self) -> int:
        return len(self.entries)

    def _indices(self, num_images: int) -> list[list[int]]:
        shape = self.shape
        if self.whole_video:
            length = max(len(range(0, num_images, shape.stride)), shape.length)
            return [sampling.dense(num_images, length, shape.stride, 0)]
        if shape.segments:
            return [
                sampling.segments(
                    num_images, shape.length, shape.images, None, (clip + 0.5) / self.clips
                )
                for clip in range(self.clips)
            ]
        starts = sampling.even_starts(num_images, shape.length, shape.stride, self.clips)
        return [sampling.dense(num_images, shape.length, shape.stride, s) for s in starts]

    def __getitem__(self, video: int) -> list[Sample]:
        entry, kind = self.entries[video], self.shape.kinds[0]
        num_images = self.shards.index(entry, kind).video(entry.video_id).num_images
        views = []
        for indices in self._indices(num_images):
            images = self.shards.read(entry, kind, indices)
            height, width = images.shape[1:3]
            for crop in sampling.protocol_crops(height, width, self.size, self.crops):
                part = _part(images, crop).copy(order="K")  # views of one array cannot be shared
                views.append(Sample({kind: torch.from_numpy(part)}, crop.flip, entry.label))
        return views
