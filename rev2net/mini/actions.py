"""The actions: each turns a phase into poses and moving equipment.

An action is `action(body, phase, rng) -> Act`. Phase runs in cycles for repeated actions and from
0 to 1 for single ones; `rng` varies what differs between two performances of the same action.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rev2net.mini.parts import (
    Act,
    Part,
    ball,
    bicycle,
    circle,
    dog,
    horse,
    hull,
    person,
    stick,
    wire,
)
from rev2net.mini.skeleton import Array, Body, Pose, joints, shoulders, xyz

Performance = Callable[[Body, Array, np.random.Generator], Act]


@dataclass(frozen=True)
class Action:
    """How an action is performed and filmed.

    cycle: frames of one cycle (or of the whole single action) at 25 frames per second;
    turned: the side usually filmed, radians the figure is turned from profile towards the camera;
    repeats: whether phase wraps; speed: body heights travelled in one cycle.
    """

    perform: Performance
    cycle: float
    turned: float = 0.0
    repeats: bool = True
    speed: float = 0.0


def swing(phase: Array, low: float, high: float) -> Array:
    """Smoothly from low (phase 0) to high (phase 0.5) and back."""
    return low + (high - low) * 0.5 * (1 - np.cos(2 * np.pi * phase))


def keyed(phase: Array, times: list[float], values: list[float]) -> Array:
    """Values eased between key times; held before the first and after the last."""
    index = np.clip(np.searchsorted(times, phase, side="right") - 1, 0, len(times) - 2)
    start, end = np.take(times, index), np.take(times, index + 1)
    part = np.clip((phase - start) / (end - start), 0.0, 1.0)
    ease = part * part * (3 - 2 * part)
    return np.take(values, index) * (1 - ease) + np.take(values, index + 1) * ease


def _pose(
    hips: Array,
    lean: Array,
    hands: tuple[Array, Array],
    ankles: tuple[Array, Array],
    **extra: object,
) -> Pose:
    zero = np.zeros(len(hips))
    lean = zero + lean
    return Pose(
        hips,
        lean,
        hands,
        ankles,
        **({"twist": zero, "nod": -0.4 * lean} | extra),  # type: ignore[arg-type]
    )


def _stance(
    body: Body, phase: Array, front: float, back: float, wide: float
) -> tuple[Array, Array]:
    """Ankles on the ground, the left one in front."""
    zero = np.zeros_like(phase)
    return xyz(front + zero, body.ankle, wide), xyz(-back + zero, body.ankle, -wide)


def _flight(phase: Array, start: Array, release: float, dx: float, dy: float, dz: float) -> Array:
    """A ball that leaves `start` (T, 3) at phase `release`; drops by gravity after."""
    gone = np.maximum(0.0, phase - release)
    origin = start[np.argmin(np.abs(phase - release))] if (phase >= release).any() else start
    fly = origin + xyz(dx * gone, dy * gone - 4.0 * gone**2, dz * gone)
    return np.where((phase < release)[:, None], start, fly)


def golf(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    top, finish = rng.uniform(2.3, 2.8), rng.uniform(2.2, 2.9)
    angle = keyed(phase, [0.05, 0.42, 0.5, 0.6, 0.85], [0, -top, -top, 0.0, finish])
    wrist = keyed(phase, [0.05, 0.4, 0.52, 0.6, 0.85], [0, -1.5, -1.6, 0.0, 1.3])
    lean = 0.42 - 0.25 * np.clip(angle / 2.5, 0, 1)
    hips = xyz(-0.05, body.standing - 0.045, 0.05 * np.sin(angle / 2))
    chest = shoulders(body, hips, lean)
    down = np.array([0.5, -0.87, 0.0])
    side = np.array([0.0, 0.0, 1.0])

    def on_arc(turn: Array) -> Array:
        return np.cos(turn)[:, None] * down + np.sin(turn)[:, None] * side

    grip = chest + 0.3 * on_arc(np.clip(angle, -2.2, 2.2)) + xyz(0.03, 0.02)
    club = on_arc(angle + wrist)
    feet = _stance(body, phase, 0.0, 0.0, 0.14)
    pose = _pose(
        hips, lean, (grip, grip - 0.04 * club), feet, twist=-0.5 * angle, elbows=(0.3, -1, 0.8)
    )
    head = grip + 0.52 * club
    tee = xyz(0.42 + 0 * phase, 0.025, 0.03)
    launched = _flight(phase, tee, 0.6, 0.2, 4.0, 9.0)
    return Act(
        [
            *person(body, joints(body, pose)),
            wire("metal", [grip - 0.1 * club, head], 0.011, 0.02),
            hull("club", [(head, 0.03), (head + xyz(0.04, 0), 0.022)]),
        ],
        hips,
        [ball("ball", launched, 0.024)],
    )


def pullup(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    grip = rng.uniform(0.13, 0.24)
    bar = 1.30
    pulled = rng.uniform(0.02, 0.07)
    shoulder_height = swing(phase, bar - 0.97 * body.arm, bar - pulled)
    sway = rng.uniform(0.0, 0.04) * np.sin(2 * np.pi * phase + 1)
    lean = np.full_like(phase, -0.06) + sway
    hips = xyz(sway, shoulder_height - body.trunk * np.cos(lean))
    tuck = rng.uniform(0.0, 1.0)  # straight to bent legs
    drop = body.leg * (0.97 - 0.25 * tuck)
    kick = rng.uniform(0.0, 0.05) * np.sin(4 * np.pi * phase)
    ankles = (
        hips + xyz(-0.2 * tuck + kick, -drop, 0.05),
        hips + xyz(-0.2 * tuck - kick, -drop + 0.02, -0.05),
    )
    hands = (xyz(0.02 + 0 * phase, bar, grip), xyz(0.02 + 0 * phase, bar, -grip))
    pose = _pose(hips, lean, hands, ankles, elbows=(0.1, -0.6, 1.0))
    posts: list[Part] = []
    reach_out = rng.uniform(0.36, 0.55)
    if rng.random() < 0.6:
        for z in (-reach_out, reach_out):
            posts.append(wire("metal", [xyz(0.02, 0.0, z), xyz(0.02, bar, z)], 0.02, -0.1))
    rail = wire("metal", [xyz(0.02, bar, -reach_out), xyz(0.02, bar, reach_out)], 0.016, -0.05)
    middle = np.broadcast_to(xyz(0.0, 0.72), hips.shape)
    return Act([*person(body, joints(body, pose)), rail, *posts], middle.copy())


def ride_bike(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    place = xyz(RIDE_BIKE_SPEED * phase, 0.0)
    turn = -2 * np.pi * phase
    crank = 0.095 * xyz(np.cos(turn), np.sin(turn))
    bob = rng.uniform(0.0, 0.02) * np.cos(2 * turn)
    hips = place + xyz(-0.1, 0.535 + bob)
    lean = np.full_like(phase, rng.uniform(0.35, 0.75))
    bracket = place + xyz(0, 0.17)
    pedals = (bracket + crank + xyz(-0.04, 0.03, 0.06), bracket - crank + xyz(-0.04, 0.03, -0.06))
    bar = place + xyz(0.27, 0.57)
    pose = _pose(hips, lean, (bar + xyz(0, 0, 0.1), bar - xyz(0, 0, 0.1)), pedals)
    grips = wire("metal", [bar + xyz(0, 0, 0.11), bar - xyz(0, 0, 0.11)], 0.012)
    return Act([*person(body, joints(body, pose)), *bicycle(place, turn), grips], hips)


RIDE_BIKE_SPEED = 0.9  # body heights a turn of the crank


def ride_horse(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    rock = rng.uniform(0.05, 0.11)
    bounce = rng.uniform(0.03, 0.06) * np.sin(2 * np.pi * phase)
    place = xyz(RIDE_HORSE_SPEED * phase, bounce)
    pitch = rock * np.sin(2 * np.pi * phase + 0.8)
    lag = rng.uniform(0.03, 0.06) * np.sin(2 * np.pi * phase - 0.9)
    hips = place + xyz(-0.04, 0.9 + lag)
    lean = rng.uniform(0.05, 0.4) + 1.2 * pitch
    stirrup = rng.uniform(0.4, 0.46)
    feet = (place + xyz(0.06, 0.95 - stirrup, 0.13), place + xyz(0.06, 0.95 - stirrup, -0.13))
    hands = place + xyz(0.24, 1.06 + lag / 2)
    pose = _pose(hips, lean, (hands + xyz(0, 0, 0.05), hands - xyz(0, 0, 0.05)), feet)
    mouth = place + xyz(0.66 * np.cos(pitch), 1.0 + 0.66 * np.sin(pitch))
    rein = wire("leather", [hands, mouth], 0.006, 0.05)
    return Act([*horse(place, phase, pitch), *person(body, joints(body, pose)), rein], hips)


RIDE_HORSE_SPEED = 1.3  # body heights a stride


def shoot_ball(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    depth, leap = rng.uniform(0.10, 0.17), rng.uniform(0.06, 0.2)
    height = keyed(phase, [0, 0.3, 0.5, 0.58, 0.8], [-0.02, -depth, 0.02, leap, -0.03])
    lean = keyed(phase, [0, 0.3, 0.55], [0.1, 0.3, 0.02])
    hips = xyz(0.0 * phase, body.standing + height)
    chest = shoulders(body, hips, lean)
    lift = keyed(phase, [0, 0.28, 0.42, 0.56], [0.0, -0.1, 0.5, 1.0])
    grip = chest + xyz(0.24 - 0.06 * lift, -0.12 + 0.43 * lift)
    spread = keyed(phase, [0.55, 0.75], [0.05, 0.12])
    hands = (grip + xyz(0, 0, spread), grip - xyz(0, 0, spread))
    air = np.maximum(0.0, height - 0.01)
    feet = (xyz(0.05, body.ankle + air, 0.09), xyz(-0.05, body.ankle + air, -0.09))
    pose = _pose(hips, lean, hands, feet, elbows=(0.2, -1.0, 0.8))
    thrown = _flight(phase, grip + xyz(0.03, 0.07), 0.57, rng.uniform(2.2, 3.2), 3.2, 0.0)
    return Act(
        person(body, joints(body, pose)),
        xyz(0.1 + 0 * phase, 0.6),
        [ball("basketball", thrown, 0.075)],
    )


def climb(body: Body, phase: Array, rng: np.random.Generator, *, rope: bool = False) -> Act:
    """Up a wall with holds, or up a rope."""
    step = rng.uniform(0.2, 0.28)
    rise = step * phase
    wide = 0.02 if rope else rng.uniform(0.16, 0.24)
    hips = xyz(0.0 * phase, 0.75 + rise, 0.03 * np.sin(2 * np.pi * phase))

    def stepping(offset: float, base: float) -> Array:
        beat = phase + offset
        return base + step * (np.floor(beat) + keyed(beat % 1.0, [0.55, 0.95], [0.0, 1.0]) - offset)

    wall = 0.16
    hands = (
        xyz(wall, stepping(0.0, 1.27), wide),
        xyz(wall, stepping(0.5, 1.27), -wide),
    )
    ankles = (
        xyz(wall - 0.06, stepping(0.25, 0.42), 0.6 * wide + 0.02),
        xyz(wall - 0.06, stepping(0.0 if rope else 0.75, 0.42), -0.6 * wide - 0.02),
    )
    pose = _pose(hips, 0.02 + 0 * phase, hands, ankles, elbows=(-0.3, -0.8, 1), knees=(0.4, 0.2, 1))
    if rope:
        gear = [wire("rope", [xyz(wall, -1.5), xyz(wall, 5.0)], 0.016, -0.05)]
    else:
        gear = [
            hull("hold", [(xyz(wall + 0.05, y, z), r)], nearer=-0.5)
            for y, z, r in zip(
                rng.uniform(-0.3, 3.5, 34),
                rng.uniform(-0.8, 0.8, 34),
                rng.uniform(0.02, 0.045, 34),
                strict=True,
            )
        ]
    return Act(person(body, joints(body, pose)), hips, gear)


def fencing(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    far = rng.uniform(0.22, 0.34)
    lunge = keyed(phase % 1.0, [0.15, 0.4, 0.6, 0.95], [0, 1, 1, 0])
    hips = xyz(far * 0.7 * lunge, body.standing - 0.09 - 0.1 * lunge)
    lean = 0.05 + 0.25 * lunge
    chest = shoulders(body, hips, lean)
    sword_hand = chest + xyz(0.2 + 0.13 * lunge, -0.08 + 0.1 * lunge, 0.05)
    rear_hand = chest + xyz(-0.22 - 0.06 * lunge, 0.12 - 0.2 * lunge, -0.12)
    feet = (
        xyz(0.17 + far * lunge, body.ankle + 0.06 * np.sin(np.pi * lunge), 0.05),
        xyz(-0.2 + 0 * phase, body.ankle, -0.06),
    )
    pose = _pose(hips, lean, (sword_hand, rear_hand), feet, twist=np.full_like(phase, 0.9))
    aim = xyz(1.0, keyed(phase % 1.0, [0.1, 0.4, 0.9], [0.35, 0.0, 0.35]))
    foil = stick("metal", sword_hand, aim, 0.5, 0.008)
    return Act([*person(body, joints(body, pose)), foil], xyz(0.12 + 0 * phase, 0.5))


def kick_ball(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    run_up = rng.uniform(0.45, 0.7)
    x = keyed(phase, [0.0, 0.55, 0.8], [-run_up, -0.08, 0.05])
    hips = xyz(x, body.standing - 0.04 + 0.02 * np.sin(6 * np.pi * np.clip(phase, 0, 0.6)))
    lean = keyed(phase, [0, 0.5, 0.7], [0.15, 0.0, -0.22])
    stride = np.where(phase < 0.45, np.sin(2 * np.pi * phase / 0.45), 0.0)
    plant = keyed(phase, [0.4, 0.5], [0.0, 1.0])
    kick = keyed(phase, [0.42, 0.52, 0.68, 0.9], [0.0, -0.34, 0.42, 0.15])
    lift = keyed(phase, [0.42, 0.52, 0.58, 0.7, 0.92], [0.0, 0.2, 0.04, 0.3, 0.05])
    left = xyz((x + 0.2 * stride) * (1 - plant) - 0.03 * plant, body.ankle, 0.06)
    right = xyz(x - 0.2 * stride + kick, body.ankle + lift, -0.05)
    chest = shoulders(body, hips, lean)
    hands = (
        chest + xyz(-0.18 * stride + 0.5 * kick, -0.22, 0.2),
        chest + xyz(0.18 * stride - 0.5 * kick, -0.22, -0.2),
    )
    pose = _pose(hips, lean, hands, (left, right))
    rolled = xyz(
        0.14 + 5.0 * np.maximum(0, phase - 0.58), 0.055 + 1.2 * np.maximum(0, phase - 0.58)
    )
    return Act(person(body, joints(body, pose)), xyz(0.5 * x, 0.5), [ball("ball", rolled, 0.055)])


def punch(body: Body, phase: Array, rng: np.random.Generator, *, bag: str = "") -> Act:
    """Straight punches into the air, into a hanging bag (`heavy`) or a small one (`speed`)."""
    beat = 2 * np.pi * phase
    guard, far = 0.14, rng.uniform(0.31, 0.36)
    hips = xyz(0.02 * np.sin(beat), body.standing - 0.06 + 0.012 * np.cos(2 * beat))
    lean = np.full_like(phase, 0.12)
    chest = shoulders(body, hips, lean)
    if bag == "speed":
        hands = tuple(
            chest
            + xyz(
                0.2 + 0.07 * np.cos(2 * beat + turn),
                0.1 + 0.07 * np.sin(2 * beat + turn),
                side * 0.05,
            )
            for side, turn in ((1, 0.0), (-1, np.pi))
        )
    else:
        jab, cross = np.maximum(0, np.sin(beat)) ** 2, np.maximum(0, -np.sin(beat)) ** 2
        hands = (
            chest + xyz(guard + (far - guard) * jab, 0.06 - 0.02 * jab, 0.06 * (1 - jab) + 0.03),
            chest + xyz(guard + (far - guard) * cross, 0.06 - 0.02 * cross, -0.09 + 0.05 * cross),
        )
    twist = 0.45 * -np.sin(beat) if bag != "speed" else 0.1 * np.sin(2 * beat)
    feet = _stance(body, phase, 0.13, 0.14, 0.08)
    pose = _pose(hips, lean, (hands[0], hands[1]), feet, twist=twist, elbows=(-0.2, -1.0, 0.4))
    gear: list[Part] = []
    if bag == "heavy":
        away = 0.12 * np.abs(np.sin(beat - 0.6))
        top = xyz(0.52 + 0 * phase, 1.6)
        gear = [
            wire("metal", [top, xyz(0.52 + 0.5 * away, 1.05)], 0.01),
            hull("leather", [(xyz(0.52 + 0.6 * away, 0.95), 0.09), (xyz(0.5 + away, 0.52), 0.09)]),
        ]
    elif bag == "speed":
        bob = 0.1 * np.sin(4 * beat)
        gear = [
            hull(
                "metal", [(xyz(0.34 + 0 * phase, 1.12), 0.015), (xyz(0.5 + 0 * phase, 1.12), 0.015)]
            ),
            hull("leather", [(xyz(0.4 + 0.3 * bob, 1.07), 0.02), (xyz(0.4 + bob, 0.96), 0.055)]),
        ]
    return Act([*person(body, joints(body, pose)), *gear], xyz(0.1 + 0 * phase, 0.55))


def pushup(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    reach_down = body.arm * rng.uniform(0.3, 0.45)
    height = swing(phase, body.arm * 0.97, reach_down)
    hand_x, toe_x = 0.42, 0.42 - body.trunk - body.leg + 0.03
    rise = np.arctan2(height - 0.07, body.trunk + body.leg)
    lean = np.pi / 2 - rise
    shoulder = xyz(hand_x - 0.02, height + 0.02)
    hips = shoulder - body.trunk * xyz(np.sin(lean), np.cos(lean)) + xyz(0, rng.uniform(0, 0.03))
    wide = rng.uniform(0.13, 0.2)
    zero = 0 * phase
    hands = (xyz(hand_x + zero, 0.02, wide), xyz(hand_x + zero, 0.02, -wide))
    feet = (xyz(toe_x + zero, 0.08, 0.05), xyz(toe_x + zero, 0.08, -0.05))
    pose = _pose(
        hips,
        lean,
        hands,
        feet,
        nod=np.full_like(phase, -0.25),
        elbows=(-1.0, 0.6, 0.9),
        knees=(0, -1, 0),
    )
    return Act(person(body, joints(body, pose)), xyz(-0.05 + zero, 0.25))


def shoot_bow(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    release = rng.uniform(0.62, 0.72)
    lift = keyed(phase, [0.0, 0.25], [-0.3 if rng.random() < 0.5 else -0.1, 0.0])
    drawn = keyed(phase, [0.2, 0.5], [0.0, 1.0])
    loose = keyed(phase, [release, release + 0.05], [0.0, 1.0])
    hips = xyz(0.0 * phase, body.standing - 0.015)
    lean = np.full_like(phase, rng.uniform(-0.05, 0.03))
    chest = shoulders(body, hips, lean)
    fist = chest + xyz(0.1 + body.arm * 0.93 - 0.05 * loose, 0.02 + lift + 0.03 * loose, 0.03)
    elbow_hand = chest + xyz(0.33 - 0.3 * drawn - 0.07 * loose, 0.05 + lift * 0.9, 0.05)
    feet = _stance(body, phase, 0.12, 0.12, 0.02)
    pose = _pose(
        hips,
        lean,
        (fist, elbow_hand),
        feet,
        twist=np.full_like(phase, 1.25),
        elbows=(0.0, -0.5, -0.5),
    )
    nock = elbow_hand * (1 - loose)[:, None] + (fist - xyz(0.1, 0)) * loose[:, None]
    bend = 0.05 + 0.05 * drawn * (1 - loose)
    tips = [fist + xyz(-bend - 0.07, side * 0.33) for side in (1, -1)]
    mids = [fist + xyz(-0.015, side * 0.17) for side in (1, -1)]
    arrow_at = _flight(phase, nock, release, 14.0, 0.0, 0.0)
    return Act(
        [
            *person(body, joints(body, pose)),
            wire("wood", [tips[0], mids[0], fist, mids[1], tips[1]], 0.013, 0.02),
            wire("string", [tips[0], nock, tips[1]], 0.004, 0.02),
        ],
        xyz(0.1 + 0 * phase, 0.56),
        [wire("string", [arrow_at, arrow_at + xyz(0.4, 0)], 0.006, 0.03)],
    )


def walk(body: Body, phase: Array, rng: np.random.Generator, *, with_dog: bool = False) -> Act:
    stride, arms = rng.uniform(0.17, 0.22), rng.uniform(0.1, 0.2)
    place = xyz(WALK_SPEED * phase, 0.0)
    beat = 2 * np.pi * phase
    hips = place + xyz(0, body.standing - 0.03 + 0.012 * np.cos(2 * beat))
    lean = np.full_like(phase, rng.uniform(0.0, 0.1))
    chest = shoulders(body, hips, lean)

    def foot(turn: Array, z: float) -> Array:
        return place + xyz(
            stride * np.cos(turn), body.ankle + 0.07 * np.maximum(0, np.sin(turn)), z
        )

    feet = (foot(beat, 0.05), foot(beat + np.pi, -0.05))
    sway = arms * np.cos(beat)
    hands = (chest + xyz(0.03 - sway, -0.3, 0.14), chest + xyz(0.03 + sway, -0.3, -0.14))
    pose = _pose(hips, lean, hands, feet, twist=-0.15 * np.cos(beat))
    parts = person(body, joints(body, pose))
    if with_dog:
        beside = place + xyz(rng.uniform(0.3, 0.45), 0, rng.uniform(0.1, 0.25))
        parts += dog(beside, 1.6 * phase)
        parts.append(wire("leather", [hands[0], beside + xyz(0.15, 0.3)], 0.006))
    return Act(parts, hips)


WALK_SPEED = 0.75  # body heights a double step


def _climb_rope(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    return climb(body, phase, rng, rope=True)


def _punch_heavy_bag(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    return punch(body, phase, rng, bag="heavy")


def _punch_speed_bag(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    return punch(body, phase, rng, bag="speed")


def _walk_dog(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    return walk(body, phase, rng, with_dog=True)


_FRONT, _BACK = np.pi / 2, -np.pi / 2

ACTIONS: dict[str, Action] = {
    "climb": Action(climb, 22, _BACK),
    "climb_rope": Action(_climb_rope, 18, _BACK * 0.7),
    "fencing": Action(fencing, 20),
    "golf": Action(golf, 22, _FRONT, repeats=False),
    "kick_ball": Action(kick_ball, 22, repeats=False),
    "pullup": Action(pullup, 22, _FRONT),
    "punch": Action(punch, 12, 0.3),
    "punch_heavy_bag": Action(_punch_heavy_bag, 13, 0.2),
    "punch_speed_bag": Action(_punch_speed_bag, 14, 0.2),
    "pushup": Action(pushup, 20),
    "ride_bike": Action(ride_bike, 16),
    "ride_horse": Action(ride_horse, 12),
    "shoot_ball": Action(shoot_ball, 20, 0.3, repeats=False),
    "shoot_bow": Action(shoot_bow, 26, repeats=False),
    "walk": Action(walk, 20),
    "walk_dog": Action(_walk_dog, 20),
}
