"""Scores of videos: the views of a test protocol through a network, averaged.

Shapes: V videos, N views, C classes, D pooled features.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rev2net.clips.dataset import ClipShape, Entry, Sample, Shards, TestClips
from rev2net.clips.loader import attended, load, shared
from rev2net.clips.transforms import to_batch, to_input
from rev2net.config import ComputeSettings, TestSettings
from rev2net.models.network import VideoNetwork
from rev2net.progress import with_progress


@dataclass(frozen=True)
class Prediction:
    """What a network says of some videos, in their order."""

    scores: np.ndarray  # (V, C) float32, averaged over views
    features: np.ndarray  # (V, D) float32, likewise


def predict(
    network: VideoNetwork,
    entries: Sequence[Entry],
    shards: Shards,
    shape: ClipShape,
    test: TestSettings,
    compute: ComputeSettings,
    device: torch.device,
    *,
    progress: bool = True,
) -> Prediction:
    """Score videos by a test protocol; `progress` says how far it is.

    Crops of `test.size` pixels enter the network as they are; images smaller than that are cropped
    to their short side and resized to it.
    """
    clips = TestClips(entries, shards, shape, test.clips, test.crops, test.size, test.whole_video)
    network.eval()
    videos: list[int] = []
    scores, features = [], []
    loader = load(clips, compute.loader_workers, batch_size=None, collate_fn=shared)
    with attended(loader):
        each = with_progress(loader, len(entries), "scored", began=False) if progress else loader
        for views in _batched(each, 1 if test.whole_video else test.batch):
            video, samples = zip(*views, strict=True)
            logits, pooled = _forward(network, samples, test.size, device)
            scores.append(logits.softmax(1) if test.average == "probability" else logits)
            features.append(pooled)
            videos.extend(video)
    return Prediction(
        _mean_by_video(videos, torch.cat(scores)), _mean_by_video(videos, torch.cat(features))
    )


def protocol_in_words(test: TestSettings) -> str:
    """The protocol in words: "10 clips of 25 x 3 crops"."""
    clips = "whole video" if test.whole_video else f"{test.clips} clip{'s' * (test.clips > 1)}"
    length = f" of {test.length}" if test.length is not None and not test.whole_video else ""
    return f"{clips}{length} x {test.crops} crop{'s' * (test.crops > 1)}"


def _batched(videos: Iterable[list[Sample]], batch: int) -> Iterator[list[tuple[int, Sample]]]:
    """All views as (number of the video, view), in batches that may cross videos."""
    pending: list[tuple[int, Sample]] = []
    for number, views in enumerate(videos):
        pending.extend((number, view) for view in views)
        while len(pending) >= batch:
            yield pending[:batch]
            pending = pending[batch:]
    if pending:
        yield pending


@torch.inference_mode()
def _forward(
    network: VideoNetwork, views: Sequence[Sample], size: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (N, C) and pooled features (N, D) of some views, on the CPU in float32."""
    kind = network.input_spec.kind
    crops, flips = [view.crops[kind] for view in views], [view.flip for view in views]
    values = to_batch(crops, flips, size, device, kind)
    outputs = network.forward_train(to_input(values, network.input_spec), decode_first=0)
    logits, features = outputs["logits"], outputs["features"]
    assert isinstance(logits, torch.Tensor)
    assert isinstance(features, torch.Tensor)
    return logits.float().cpu(), features.float().cpu()


def _mean_by_video(videos: Sequence[int], values_ND: torch.Tensor) -> np.ndarray:
    """Average the rows of each video: (N, D) to (V, D)."""
    number = torch.tensor(videos)
    total = torch.zeros(int(number.max()) + 1, values_ND.shape[1], dtype=torch.float64)
    total.index_add_(0, number, values_ND.double())
    return (total / number.bincount()[:, None]).float().numpy()
