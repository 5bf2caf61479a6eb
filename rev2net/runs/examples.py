"""Example files: what the decoders of one run make of held-out clips, with how well they do.

Pictures are of a few clips, measures of many. Shapes: N clips shown, M moments of each, T frames of
a clip, H x W pixels. The errors are of whole clips.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rev2net import digests

MOVES = 0.05 * 255  # grey levels from the clip's mean frame, from which on a pixel moves
REVERSED = 0.3  # rank correlation from which on frames are called reversed; -0.3: copied
AS_LIKE = 1e-6  # of two cosines: the frames are equally like
FAST = 1.0  # pixels per frame, of a clip's mean flow, from which on it is a fast one
MOVING_SHARE = 0.01  # of its pixels, from which on a clip moves


@dataclass(frozen=True)
class Examples:
    """Some clips of a run; `images` and `errors` hold what its decoders give, by name.

    `images` always has "clip" (N, M, H, W, 3) uint8; a flow decoder adds "stored_flow" and
    "predicted_flow" (N, M, H, W, 2) float16, x then y, pixels per frame; a frame decoder
    "reversed_clip", "reconstruction" and "foreground", as the clip, "mask" (N, M, H, W) uint8, of
    which 255 is all foreground, and "background" and "mean_frame" (N, H, W, 3) uint8, one picture
    a clip. `errors` (N,): "flow_epe" and "still_epe", the end-point error in
    pixels per frame of the prediction and of no motion at all; "l1", "psnr" of the reconstruction
    and "mean_frame_l1", "mean_frame_psnr" of the clip's mean frame, in grey levels of 255 and dB;
    "median_frame_l1"; each L1 over the pixels that move, "moving_…"; "moving_share" of the pixels
    that move, in [0, 1]; "reversal", `reversal_correlation`. Where nothing moves the last are nan.

    `measures`: "clips" decoded, and the means over all of them of the errors ("psnr" apart); but
    "reversal" is the median over the "moving_clips", "reversal_mean" their mean. A decoder that
    brightens every clip alike gets +0.87 where a clip darkens and -0.87 elsewhere: the median may
    be either, the mean shows that it knows nothing of the clip.
    """

    run: str = ""
    video_id: list[str] = field(default_factory=list)
    class_name: list[str] = field(default_factory=list)
    moment: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # (M,)
    images: dict[str, NDArray[Any]] = field(default_factory=dict)
    errors: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.video_id)

    def one(self, number: int) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
        """The images and the errors of one clip, without the axis N."""
        images = {name: array[number] for name, array in self.images.items()}
        return images, {name: float(array[number]) for name, array in self.errors.items()}


def moments(length: int, shown: int) -> NDArray[np.int64]:
    """Positions (at most `shown`,) spread evenly over a clip, the same from both of its ends.

    >>> moments(8, 4).tolist()
    [0, 2, 5, 7]
    """
    first = np.round(np.linspace(0, length - 1, min(shown, length)))[: (shown + 1) // 2]
    return np.unique(np.concatenate([first, length - 1 - first])).astype(np.int64)


def end_point_error(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Mean length of the difference of two flows (..., 2), pixels per frame."""
    return float(np.linalg.norm(np.float64(first) - second, axis=-1).mean())


def l1(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two pictures, grey levels."""
    return float(np.abs(np.float64(first) - second).mean())


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures of 0..255, dB; infinite where they are equal."""
    mean_square = float(np.square(np.float64(first) - second).mean())
    return float("inf") if mean_square == 0 else 10 * np.log10(255**2 / mean_square)


def moving_pixels(clip_THWC: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels (T, H, W) differ from the clip's mean frame by more than noise and compression.

    The difference is the mean over channels of its size.
    """
    clip = clip_THWC.astype(np.float32)
    return np.asarray(np.abs(clip - clip.mean(0)).mean(-1) > MOVES)


def reversal_correlation(decoded_THWC: NDArray[Any], clip_THWC: NDArray[np.uint8]) -> float:
    """How far decoded frames go through the clip backwards: 1 reversed, 0 neither, -1 as it was.

    Each decoded frame is paired with the true frame that it resembles most (by the cosine of both
    less their clip's mean frame); what is returned is Spearman's rank correlation of those frames'
    numbers with the reversed order. 0 where all resemble one frame, or nothing changes at all.
    Source: paper/PROTOCOLS section 2, ours; the paper shows pictures only.
    """
    pair = [np.asarray(frames, np.float64) for frames in (decoded_THWC, clip_THWC)]
    decoded, true = [(one - one.mean(0)).reshape(len(one), -1) for one in pair]
    length, own = (np.linalg.norm(one, axis=1) for one in (true, decoded))
    cosine = decoded @ true.T / np.maximum(np.outer(own, length), 1e-9)
    # The first of those that are as like, which rounding would choose among otherwise.
    best = (cosine >= cosine.max(1, keepdims=True) - AS_LIKE).argmax(1)
    if len(set(best.tolist())) < 2:
        return 0.0
    ranks = _ranks(best)
    order = np.arange(len(best))[::-1]
    return float(np.corrcoef(ranks, order)[0, 1])


def _ranks(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count + 1) / 2)[place])


def summarise(errors: list[dict[str, float]]) -> dict[str, float]:
    """`Examples.measures` of the errors of many clips; empty for none."""
    if not errors:
        return {}
    columns = {name: np.array([one[name] for one in errors]) for name in errors[0]}
    found = {"clips": float(len(errors))}
    for name, values in columns.items():
        known = values[np.isfinite(values)]
        if not name.endswith("psnr") and len(known):
            found[name] = float(np.median(known) if name == "reversal" else known.mean())
    if "still_epe" in columns:
        fast = columns["still_epe"] >= FAST
        found["fast_clips"] = float(fast.sum())
        if fast.any():
            for name in ("flow_epe", "still_epe"):
                found[f"fast_{name}"] = float(columns[name][fast].mean())
    if "reversal" in columns:
        known = columns["reversal"][np.isfinite(columns["reversal"])]
        found["moving_clips"] = float(len(known))
        if len(known):
            found["reversal_mean"] = float(known.mean())
    return found


def verdict(measures: dict[str, float]) -> list[str]:
    """What the measures say was learnt: a sentence a decoder, and one for the frames' order."""
    found = []
    if "flow_epe" in measures and measures["still_epe"] > 0:
        ratio = measures["flow_epe"] / measures["still_epe"]
        word = "better than" if ratio < 1 else "no better than"
        fast = ""
        if "fast_flow_epe" in measures:
            of_fast = measures["fast_flow_epe"] / measures["fast_still_epe"]
            number = f"{measures['fast_clips']:.0f} of {measures['clips']:.0f}"
            fast = f" ({of_fast:.2f} in the {number} clips that move by a pixel and more)"
        found.append(
            f"Flow errs {ratio:.2f} times as much as no motion{fast}: {word} standing still."
        )
    if "moving_l1" in measures:
        ratio = measures["moving_l1"] / measures["moving_mean_frame_l1"]
        of_all = measures["l1"] / measures["mean_frame_l1"]
        word = "better than" if ratio < 1 else "no better than"
        found.append(
            f"Where pixels move, frames err {ratio:.2f} times as much as the clip's mean frame "
            f"({of_all:.2f} over all pixels): {word} not looking."
        )
    if "reversal_mean" in measures:
        median, mean = measures["reversal"], measures["reversal_mean"]
        word, limit = "neither reversed nor copied", ""
        if min(median, mean) >= REVERSED:
            word, limit = "reversed", ", which a change of brightness alone can do"
        elif max(median, mean) <= -REVERSED:
            word = "copied as it was"
        order = f"rank correlation {median:+.2f}, its mean {mean:+.2f}"
        found.append(f"Their order is {word} ({order}){limit}.")
    return found


def write_examples(path: Path, examples: Examples) -> None:
    """Write beside the final name and rename when whole; no clips make a file that says so."""
    with digests.write_hdf5(path) as file:
        file.attrs["run"] = examples.run
        file["moment"] = examples.moment
        for name, value in examples.measures.items():
            file.attrs[f"measure.{name}"] = value
        for name in ("video_id", "class_name"):
            values = getattr(examples, name)
            file.create_dataset(name, data=values, shape=len(values), dtype=h5py.string_dtype())
        for name, array in examples.images.items():
            file.create_dataset(f"images/{name}", data=array, compression="gzip", shuffle=True)
        for name, array in examples.errors.items():
            file[f"errors/{name}"] = array


def read_examples(path: Path) -> Examples:
    """Read an examples file whole; raises UserError naming it where it is absent or another."""
    with digests.read_hdf5(path, "an examples file") as file:
        return Examples(
            str(file.attrs["run"]),
            file["video_id"].asstr()[()].tolist(),
            file["class_name"].asstr()[()].tolist(),
            file["moment"][()],
            {name: file[f"images/{name}"][()] for name in file.get("images", ())},
            {name: file[f"errors/{name}"][()] for name in file.get("errors", ())},
            {
                name.removeprefix("measure."): float(value)
                for name, value in file.attrs.items()
                if name.startswith("measure.")
            },
        )
