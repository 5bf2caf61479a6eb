"""What a trained network's decoders make of held-out clips: predicted flow, reversed frames.

Shapes: M moments shown of a clip's T frames, H x W pixels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rev2net.clips import sampling
from rev2net.clips.dataset import ClipShape, Entry, ShardIndexes, Shards
from rev2net.clips.transforms import to_batch, to_input
from rev2net.runs.checkpoint import TrainedRun, clip_shape
from rev2net.runs.examples import (
    MOVING_SHARE,
    Examples,
    end_point_error,
    l1,
    moments,
    moving_pixels,
    psnr,
    reversal_correlation,
    summarise,
)

SHOWN = 4  # moments of a clip
CLIPS = 4  # of which there are pictures
MEASURED = 64  # clips that the measures are of, about

Arrays = dict[str, NDArray[Any]]


def first_of_classes(entries: Sequence[Entry], clips: int = CLIPS) -> list[Entry]:
    """The first video of each of the first classes: a choice that no result can sway."""
    first: dict[int, Entry] = {}
    for entry in entries:
        first.setdefault(entry.label, entry)
    return [first[label] for label in sorted(first)[:clips]]


def spread(entries: Sequence[Entry], clips: int = MEASURED) -> list[Entry]:
    """At most `clips` videos, evenly over the list, which has classes one after the other."""
    places = np.linspace(0, len(entries) - 1, min(clips, len(entries))).round()
    return [entries[int(place)] for place in places]


@torch.inference_mode()
def decode_examples(
    trained: TrainedRun,
    entries: Sequence[Entry],
    shard_indexes: ShardIndexes,
    device: torch.device,
) -> Examples:
    """Decode the middle clip of videos, its centre crop, by the decoders that were trained.

    Pictures are of `first_of_classes`, measures of `spread`. Without decoders no clip is read.
    """
    network, settings = trained.network.to(device).eval(), trained.settings
    run, size = settings.run.path, settings.clip.size
    decoders = [term for term in ("flow", "frames") if getattr(settings.loss, term) > 0]
    if not decoders:
        return Examples(run)
    kinds = ("rgb", "flow") if "flow" in decoders else ("rgb",)
    shards = Shards.open(shard_indexes, kinds, settings.frames, settings.flow_bound)
    shape = clip_shape(network.input_spec, kinds, settings)
    images: list[Arrays] = []
    errors: list[dict[str, float]] = []
    measured = []
    shown = moments(shape.length, SHOWN)
    pictured = first_of_classes(entries)
    counted = spread(entries)
    for entry in [*pictured, *(entry for entry in counted if entry not in pictured)]:
        values = _clip(entry, shards, shape, size, device)
        outputs = network.forward_train(to_input(values["rgb"], network.input_spec))
        found: Arrays = {"clip": _levels(values["rgb"])[shown]}
        scores: dict[str, float] = {}
        if "flow" in decoders:
            assert trained.flow_unit is not None
            units = trained.flow_unit, settings.flow_bound
            flow, scores = _flow(outputs["flow"], values["flow"], *units)
            found |= {name: array[shown] for name, array in flow.items()}
        if "frames" in decoders:
            frames, stills, error = _frames(outputs, _levels(values["rgb"]))
            found |= {name: array[shown] for name, array in frames.items()} | stills
            scores |= error
        if entry in pictured:
            images.append(found)
            errors.append(scores)
        if entry in counted:
            measured.append(scores)
    return Examples(
        run,
        [entry.video_id for entry in pictured],
        [trained.class_names[entry.label] for entry in pictured],
        shown,
        {name: np.stack([one[name] for one in images]) for name in images[0]} if images else {},
        {name: np.array([one[name] for one in errors]) for name in errors[0]} if errors else {},
        summarise(measured),
    )


def _clip(
    entry: Entry, shards: Shards, shape: ClipShape, size: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """The values (1, C, T, H, W) of the middle clip by kind, each frame with its own flow."""
    num_images = shards.index(entry, "rgb").video(entry.video_id).num_images
    (start,) = sampling.even_starts(num_images, shape.length, shape.stride, 1)
    indices = sampling.dense(num_images, shape.length, shape.stride, start)
    values = {}
    for kind in shape.kinds:
        images = shards.read(entry, kind, indices)
        height, width = images.shape[1:3]
        crop = sampling.protocol_crops(height, width, size, 1)[0]
        part = images[:, crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
        crops = [torch.from_numpy(np.ascontiguousarray(part))]
        values[kind] = to_batch(crops, [False], size, device, kind)
    return values


def _flow(
    predicted: torch.Tensor | list[torch.Tensor], stored: torch.Tensor, unit: float, bound: float
) -> tuple[Arrays, dict[str, float]]:
    """Both flows (T, H, W, 2) in pixels per frame, and their end-point error."""
    assert isinstance(predicted, torch.Tensor)
    flows = [
        (scale * one[0].float()).permute(1, 2, 3, 0).cpu().numpy()
        for scale, one in ((bound, stored), (unit, predicted))
    ]
    errors = {
        "flow_epe": end_point_error(flows[1], flows[0]),
        "still_epe": end_point_error(np.zeros_like(flows[0]), flows[0]),
    }
    return {
        "stored_flow": flows[0].astype(np.float16),
        "predicted_flow": flows[1].astype(np.float16),
    }, errors


def _frames(
    outputs: dict[str, torch.Tensor | list[torch.Tensor]], clip: NDArray[np.uint8]
) -> tuple[Arrays, Arrays, dict[str, float]]:
    """Pictures of each moment, pictures of the whole clip, and the errors of the reconstruction.

    A decoder that composes no foreground and background gives the reconstruction alone.
    """
    reversed_clip = clip[::-1]
    mean_frame = np.rint(clip.mean(0, keepdims=True)).astype(np.uint8)
    colours = {
        name: _levels((value.float() + 1) / 2)
        for name, key in (
            ("reconstruction", "frames"),
            ("foreground", "foreground"),
            ("background", "background"),
        )
        if isinstance(value := outputs.get(key), torch.Tensor)
    }
    stills: Arrays = {"mean_frame": mean_frame[0]}
    if "background" in colours:
        stills["background"] = colours.pop("background")[0]
    moving: Arrays = {"reversed_clip": reversed_clip, **colours}
    if isinstance(mask := outputs.get("mask"), torch.Tensor):
        moving["mask"] = _levels(mask.float())[..., 0]
    decoded = colours["reconstruction"]
    median_frame = np.rint(np.median(clip, axis=0, keepdims=True)).astype(np.uint8)
    moves = moving_pixels(reversed_clip)
    errors = {"moving_share": float(moves.mean())}
    for prefix, guess in (
        ("", decoded),
        ("mean_frame_", mean_frame),
        ("median_frame_", median_frame),
    ):
        guess = np.broadcast_to(guess, clip.shape)
        errors[f"{prefix}l1"] = l1(guess, reversed_clip)
        errors[f"moving_{prefix}l1"] = (
            l1(guess[moves], reversed_clip[moves]) if moves.any() else float("nan")
        )
    errors |= {"psnr": psnr(decoded, reversed_clip), "mean_frame_psnr": psnr(mean_frame, clip)}
    frames = outputs["frames"]
    assert isinstance(frames, torch.Tensor)
    errors["reversal"] = (  # of the floats: rounding could make frames equal that are not
        reversal_correlation(frames[0].float().permute(1, 2, 3, 0).cpu().numpy(), clip)
        if errors["moving_share"] >= MOVING_SHARE
        else float("nan")
    )
    return moving, stills, errors


def _levels(value_1CTHW: torch.Tensor) -> NDArray[np.uint8]:
    """Values in [0, 1] as bytes (T, H, W, C)."""
    levels = (255 * value_1CTHW[0]).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 3, 0).cpu().numpy()
