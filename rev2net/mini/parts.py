"""What is drawn: people, animals and equipment as rounded solids and wires in three dimensions.

Colours are names of materials ("skin", "shirt", "metal"); a world's palette turns them into RGB.
"""

from dataclasses import dataclass, field

import numpy as np

from rev2net.mini.skeleton import Array, Body, Pose, joints, reach, xyz


@dataclass(frozen=True)
class Part:
    """The convex hull of N balls, or a wire through N points, over time."""

    material: str
    points: Array  # (T, N, 3) in body heights; T is 1 where nothing moves
    radii: Array  # (N,) of a hull; (1,) half the width of a wire
    is_wire: bool
    nearer: float  # moves the part towards the camera in the drawing order, body heights


@dataclass(frozen=True)
class Act:
    """What one actor does: figure and equipment over time."""

    parts: list[Part]
    followed: Array  # (T, 3) or (3,): what the camera looks at
    flying: list[Part] = field(default_factory=list)  # may leave the picture
    shadow: float = 0.2  # half its width on the ground, body heights; 0 for none


def hull(material: str, balls: list[tuple[Array, float]], nearer: float = 0.0) -> Part:
    """The hull of balls given as (centre (T, 3) or (3,), radius)."""
    points = _over_time([centre for centre, _ in balls])
    return Part(material, points, np.array([radius for _, radius in balls]), False, nearer)


def wire(material: str, points: list[Array], half_width: float, nearer: float = 0.0) -> Part:
    """A line through points (T, 3) or (3,)."""
    return Part(material, _over_time(points), np.array([half_width]), True, nearer)


def _over_time(points: list[Array]) -> Array:
    """(T, 3) and (3,) points as one (T, N, 3) array."""
    stacked = np.stack(np.broadcast_arrays(*points), axis=-2)
    return stacked if stacked.ndim == 3 else stacked[None]


def circle(centre: Array, radius: float, count: int = 24) -> list[Array]:
    """Points of a closed circle in the x-y plane around centre (T, 3)."""
    angles = np.linspace(0, 2 * np.pi, count + 1)
    return [centre + radius * xyz(np.cos(a), np.sin(a)) for a in angles]


_LIMBS = ("shoulder", "elbow", "hand", "hip", "knee", "ankle", "toe")


def person(body: Body, pose: Pose) -> list[Part]:
    """A dressed figure."""
    found, b = joints(body, pose), body.build
    parts = []
    for side in ("left", "right"):
        at = {joint: found[f"{side}_{joint}"] for joint in _LIMBS}
        parts += [
            hull("trousers", [(at["hip"], 0.052 * b), (at["knee"], 0.038 * b)]),
            hull("shin", [(at["knee"], 0.037 * b), (at["ankle"], 0.026 * b)]),
            hull("shoe", [(at["ankle"] - xyz(0, 0.012), 0.026), (at["toe"], 0.019)]),
            hull("shirt", [(at["shoulder"], 0.038 * b), (at["elbow"], 0.031 * b)]),
            hull("forearm", [(at["elbow"], 0.028 * b), (at["hand"], 0.022 * b)]),
            hull("skin", [(at["hand"], 0.029)]),
        ]
    waist = found["hips"] * 0.75 + found["chest"] * 0.25
    parts += [
        hull("trousers", [(found["left_hip"], 0.055 * b), (found["right_hip"], 0.055 * b)]),
        hull(
            "shirt",
            [
                (found["left_shoulder"], 0.045 * b),
                (found["right_shoulder"], 0.045 * b),
                (waist + xyz(0, 0, 0.045), 0.055 * b),
                (waist - xyz(0, 0, 0.045), 0.055 * b),
            ],
        ),
        hull("skin", [(found["chest"], 0.035), (found["head"], 0.045)]),
        hull("hair", [(found["head"] + xyz(-0.014, 0.016), body.head)], nearer=0.02),
        hull("skin", [(found["head"] + xyz(0.016, -0.014), body.head * 0.9)], nearer=0.03),
    ]
    return parts


def bicycle(place: Array, turn: Array) -> list[Part]:
    """A bicycle whose bottom bracket stands above `place` (T, 3); `turn` (T,) of the crank."""
    rear, front = place + xyz(-0.29, 0.19), place + xyz(0.33, 0.19)
    bracket, saddle, bar = place + xyz(0, 0.17), place + xyz(-0.1, 0.49), place + xyz(0.27, 0.56)
    neck = place + xyz(0.23, 0.47)
    crank = 0.095 * xyz(np.cos(turn), np.sin(turn))
    parts = []
    for hub in (rear, front):
        parts.append(wire("tyre", circle(hub, 0.18), 0.014, -0.05))
        spin = turn * 2.2
        for spoke in range(3):
            angle = spin + spoke * np.pi / 3
            across = 0.17 * xyz(np.cos(angle), np.sin(angle))
            parts.append(wire("metal", [hub - across, hub + across], 0.004, -0.05))
    parts += [
        wire("frame", [rear, bracket, neck, saddle * 0.85 + bracket * 0.15, bracket], 0.013, -0.02),
        wire("frame", [rear, saddle * 0.85 + bracket * 0.15, saddle], 0.011, -0.02),
        wire("frame", [front, neck, bar], 0.012, -0.02),
        wire("metal", [bracket - crank, bracket + crank], 0.01),
        wire("tyre", [saddle + xyz(-0.06, 0.01), saddle + xyz(0.06, 0.01)], 0.018),
    ]
    return parts


def horse(place: Array, phase: Array, pitch: Array) -> list[Part]:
    """A galloping horse above `place` (T, 3); `phase` (T,) in strides, `pitch` (T,) rocks it."""

    def at(x: float, y: float, z: float = 0.0) -> Array:
        return place + xyz(x * np.cos(pitch), y + x * np.sin(pitch), z)

    parts = [
        hull("horse", [(at(-0.30, 0.72), 0.125), (at(0, 0.70), 0.12), (at(0.27, 0.73), 0.125)]),
        hull("horse", [(at(0.30, 0.80), 0.09), (at(0.53, 1.08), 0.052)]),
        hull("horse", [(at(0.53, 1.10), 0.055), (at(0.69, 0.99), 0.034)]),
        wire("mane", [at(0.24, 0.92), at(0.38, 1.06), at(0.48, 1.17)], 0.024, 0.01),
        wire("mane", [at(-0.40, 0.77), at(-0.52, 0.68), at(-0.56, 0.46)], 0.024, 0.01),
    ]
    for x, offset, bend in ((0.27, 0.0, 1.0), (-0.32, 0.45, -1.0)):
        for z, lag in ((0.07, 0.0), (-0.07, 0.12)):
            beat = 2 * np.pi * (phase + offset + lag)
            top = at(x, 0.68, z)
            hoof = place + xyz(
                x + 0.05 * bend + 0.26 * np.cos(beat), 0.03 + 0.2 * np.maximum(0, np.sin(beat)), z
            )
            knee, end = reach(top, hoof, 0.32, 0.36, (bend, 0.0, 0.0))
            parts += [
                hull("horse", [(top, 0.07), (knee, 0.034)]),
                hull("horse", [(knee, 0.032), (end, 0.022)]),
                hull("mane", [(end, 0.028)]),
            ]
    return parts


def dog(place: Array, phase: Array) -> list[Part]:
    """A trotting dog above `place` (T, 3); `phase` (T,) in strides."""
    parts = [
        hull("dog", [(place + xyz(-0.12, 0.21), 0.052), (place + xyz(0.12, 0.22), 0.06)]),
        hull("dog", [(place + xyz(0.13, 0.25), 0.04), (place + xyz(0.2, 0.34), 0.045)]),
        hull("dog", [(place + xyz(0.21, 0.33), 0.035), (place + xyz(0.29, 0.3), 0.02)]),
        wire("dog", [place + xyz(-0.15, 0.24), place + xyz(-0.25, 0.35)], 0.013),
    ]
    for x, offset in ((0.12, 0.0), (-0.12, 0.5)):
        for z, lag in ((0.04, 0.0), (-0.04, 0.5)):
            beat = 2 * np.pi * (phase + offset + lag)
            paw = place + xyz(x + 0.07 * np.cos(beat), 0.02 + 0.04 * np.maximum(0, np.sin(beat)), z)
            parts.append(hull("dog", [(place + xyz(x, 0.2, z), 0.03), (paw, 0.018)]))
    return parts


def ball(material: str, centre: Array, radius: float) -> Part:
    """A ball at centre (T, 3)."""
    return hull(material, [(centre, radius)], nearer=0.02)


def hoop(place: Array) -> list[Part]:
    """A low basketball hoop on a post that stands at place (3,)."""
    rim = place + xyz(-0.16, 1.12)
    return [
        wire("metal", [place + xyz(0.06, 0.0), place + xyz(0.06, 1.2)], 0.022, nearer=-0.3),
        hull("string", [(place + xyz(0, 1.04), 0.05), (place + xyz(0, 1.40), 0.05)], nearer=-0.2),
        wire("basketball", [rim + xyz(-0.09, 0), rim + xyz(0.14, 0)], 0.014, nearer=-0.1),
        wire("string", [rim + xyz(-0.08, 0), rim + xyz(-0.04, -0.13), rim + xyz(0.06, 0)], 0.005),
    ]


def flagstick(place: Array) -> list[Part]:
    """The flag of a golf hole at place (3,)."""
    corners = [place + xyz(0, y, z) for y, z in ((1.0, 0.02), (0.82, 0.02), (0.91, 0.2))]
    return [
        wire("string", [place, place + xyz(0, 1.02)], 0.014, nearer=-0.3),
        hull("flag", [(corner, 0.015) for corner in corners], nearer=-0.3),
    ]
