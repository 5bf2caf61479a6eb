"""A jointed figure in three dimensions: limb lengths, and the joints that follow from a pose.

Axes: x forward, y up, z to the figure's left. Lengths are in body heights (a standing adult is
about 1), angles in radians. Positions are (T, 3) over time, or (3,) where nothing moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Body:
    """Proportions of one actor."""

    thigh: float = 0.245
    shin: float = 0.235
    ankle: float = 0.04  # height of the ankle above the sole
    trunk: float = 0.29  # hips to shoulder line
    neck: float = 0.135  # shoulder line to the middle of the head
    head: float = 0.075  # radius
    upper_arm: float = 0.17
    forearm: float = 0.18  # to the middle of the palm
    shoulder: float = 0.105  # half of the shoulders' width
    hip: float = 0.06  # half of the hips' width
    build: float = 1.0  # scales the thickness of limbs and trunk

    @property
    def leg(self) -> float:
        return self.thigh + self.shin

    @property
    def arm(self) -> float:
        return self.upper_arm + self.forearm

    @property
    def standing(self) -> float:
        """Height of the hips of a figure that stands upright."""
        return self.leg + self.ankle


@dataclass(frozen=True)
class Pose:
    """Where trunk, hands and ankles are; elbows and knees follow (see `joints`).

    `elbows` and `knees` say to which side the left limb bends; the right one is its mirror image.
    """

    hips: Array
    lean: Array | float  # of the trunk, forward from upright
    hands: tuple[Array, Array]  # left, right
    ankles: tuple[Array, Array]  # left, right
    twist: Array | float = 0.0  # of the shoulders; positive brings the left one forward
    nod: Array | float | None = None  # of the head against the trunk; None: it looks ahead
    elbows: tuple[float, float, float] = (-0.5, -1.0, 0.6)
    knees: tuple[float, float, float] = (1.0, 0.0, 0.1)


def xyz(x: ArrayLike, y: ArrayLike, z: ArrayLike = 0.0) -> Array:
    """Positions (..., 3) from coordinates that broadcast against each other."""
    return np.stack(np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (x, y, z))), -1)


def unit(vectors: Array) -> Array:
    """Vectors scaled to length 1; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-9)


def reach(
    root: Array, target: Array, upper: float, lower: float, bend: Sequence[float]
) -> tuple[Array, Array]:
    """Middle and end joint (..., 3) of a two-bone limb that reaches from `root` for `target`.

    The limb stays in the plane of root, target and `bend`; a target out of reach is approached as
    far as the straight limb allows.
    """
    way = target - root
    distance = np.linalg.norm(way, axis=-1, keepdims=True)
    length = np.clip(distance, abs(upper - lower) + 1e-3, (upper + lower) * 0.999)
    along = way / np.maximum(distance, 1e-9)
    hint = np.asarray(bend, dtype=np.float64)
    across = unit(hint - (along * hint).sum(axis=-1, keepdims=True) * along)
    cosine = np.clip((upper**2 + length**2 - lower**2) / (2 * upper * length), -1.0, 1.0)
    middle = root + upper * (cosine * along + np.sqrt(1 - cosine**2) * across)
    return middle, root + length * along


def shoulders(body: Body, hips: Array, lean: Array | float) -> Array:
    """The middle of the shoulder line."""
    return hips + body.trunk * xyz(np.sin(lean), np.cos(lean))


def joints(body: Body, pose: Pose) -> dict[str, Array]:
    """All joints of a pose: hips, chest, head and, with `left_` and `right_`, the limbs'."""
    chest = shoulders(body, pose.hips, pose.lean)
    gaze = pose.lean + (-0.4 * pose.lean if pose.nod is None else pose.nod)
    found = {
        "hips": pose.hips,
        "chest": chest,
        "head": chest + body.neck * xyz(np.sin(gaze), np.cos(gaze)),
    }
    across = xyz(np.sin(pose.twist), 0.0, np.cos(pose.twist))
    for index, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
        shoulder = chest + sign * body.shoulder * across
        hip = pose.hips + xyz(0.0, 0.0, sign * body.hip)
        bends = np.array((pose.elbows, pose.knees)) * (1.0, 1.0, sign)
        elbow, hand = reach(shoulder, pose.hands[index], body.upper_arm, body.forearm, bends[0])
        knee, ankle = reach(hip, pose.ankles[index], body.thigh, body.shin, bends[1])
        shin = unit(ankle - knee)
        forward = np.cross(xyz(0.0, 0.0, 1.0), shin)  # the foot at a right angle to the shin
        found |= {
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": elbow,
            f"{side}_hand": hand,
            f"{side}_hip": hip,
            f"{side}_knee": knee,
            f"{side}_ankle": ankle,
            f"{side}_toe": ankle + 0.085 * unit(forward + 0.25 * shin),
        }
    return found
