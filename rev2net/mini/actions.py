"""The actions: what figure and equipment do, how fast, and from which side it is filmed.

A performance is `f(body, phase, rng) -> Act`. Phase (T,) runs in cycles for repeated actions and
from 0 to 1 for single ones; `rng` varies what differs between two performances of one action. The
figure faces along x and starts near the origin on the ground y = 0; lengths are in body heights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from rev2net.mini.parts import (
    Act,
    Part,
    ball,
    bicycle,
    dog,
    flagstick,
    hoop,
    horse,
    hull,
    person,
    wire,
)
from rev2net.mini.skeleton import Array, Body, Pose, shoulders, unit, xyz

RIDE_BIKE_SPEED = 0.8  # body heights a turn of the crank
RIDE_HORSE_SPEED = 1.0  # a stride
WALK_SPEED = 0.75  # a double step


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


def _stance(body: Body, front: float, back: float, wide: float) -> tuple[Array, Array]:
    """Ankles of a figure that stands still, the left one in front."""
    return xyz(front, body.ankle, wide), xyz(-back, body.ankle, -wide)


def _thrown(
    phase: Array, held: Array, release: float, velocity: tuple[float, float, float]
) -> Array:
    """A ball (T, 3) in the hand until phase `release`, then in free flight from there."""
    held = np.broadcast_to(held, (len(phase), 3))
    gone = np.maximum(0.0, phase - release)
    start = held[np.argmin(np.abs(phase - release))]
    flight = start + gone[:, None] * np.array(velocity) - xyz(0.0, 4.0 * gone**2)
    return np.where((phase < release)[:, None], held, flight)


def golf(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """Back, down through the ball, and round to the finish."""
    top, finish = rng.uniform(2.3, 2.8), rng.uniform(2.2, 2.9)
    angle = keyed(phase, [0.05, 0.42, 0.5, 0.6, 0.85], [0, -top, -top, 0.0, finish])
    wrist = keyed(phase, [0.05, 0.4, 0.52, 0.6, 0.85], [0, -1.5, -1.6, 0.0, 1.3])
    lean = 0.42 - 0.25 * np.clip(angle / 2.5, 0, 1)
    hips = xyz(-0.05, body.standing - 0.06, rng.uniform(0.1, 0.14) * np.sin(angle / 2))
    down, side = np.array([0.5, -0.87, 0.0]), np.array([0.0, 0.0, 1.0])

    def on_arc(turn: Array) -> Array:
        return np.cos(turn)[:, None] * down + np.sin(turn)[:, None] * side

    chest = shoulders(body, hips, lean)
    grip = chest + 0.3 * on_arc(np.clip(angle, -2.2, 2.2)) + xyz(0.03, 0.02)
    club = on_arc(angle + wrist)
    head = grip + 0.52 * club
    pose = Pose(
        hips,
        lean,
        hands=(grip, grip - 0.04 * club),
        ankles=_stance(body, 0.0, 0.0, 0.14),
        twist=-0.5 * angle,
        elbows=(0.3, -1.0, 0.8),
    )
    tee = xyz(0.42, 0.025, 0.03)
    gear = [
        wire("club", [grip - 0.1 * club, head], 0.026, nearer=0.02),
        hull("club", [(head, 0.06), (head + xyz(0.05, 0), 0.048)]),
        ball("ball", _thrown(phase, tee, 0.6, (0.2, 4.0, 9.0)), 0.03),
        *flagstick(xyz(-0.2, 0.0, rng.choice([-1, 1]) * rng.uniform(0.36, 0.46))),
    ]
    return Act(person(body, pose), followed=xyz(-0.05, 0.5), flying=gear)


def pullup(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """Up to a bar and down again."""
    bar, wide = 1.30, rng.uniform(0.13, 0.24)
    shoulder_height = swing(phase, bar - 0.97 * body.arm, bar - rng.uniform(0.02, 0.07))
    sway = rng.uniform(0.0, 0.04) * np.sin(2 * np.pi * phase + 1)
    lean = sway - 0.06
    hips = xyz(sway, shoulder_height - body.trunk * np.cos(lean))
    tuck = rng.uniform(0.0, 1.0)  # straight to bent legs
    below = body.leg * (0.97 - 0.25 * tuck)
    kick = rng.uniform(0.0, 0.05) * np.sin(4 * np.pi * phase)
    pose = Pose(
        hips,
        lean,
        hands=(xyz(0.02, bar, wide), xyz(0.02, bar, -wide)),
        ankles=(
            hips + xyz(-0.2 * tuck + kick, -below, 0.05),
            hips + xyz(-0.2 * tuck - kick, -below + 0.02, -0.05),
        ),
        elbows=(0.1, -0.6, 1.0),
    )
    end = rng.uniform(0.36, 0.55)
    gear = [wire("metal", [xyz(0.02, bar, -end), xyz(0.02, bar, end)], 0.018, nearer=-0.05)]
    if rng.uniform() < 0.8:
        gear += [
            wire("metal", [xyz(0.02, 0.0, z), xyz(0.02, bar, z)], 0.02, nearer=-0.1)
            for z in (-end, end)
        ]
    return Act(person(body, pose), followed=xyz(0.0, 0.72), flying=gear)


def ride_bike(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """Pedalling along."""
    place = xyz(RIDE_BIKE_SPEED * phase, 0.0)
    turn = -2 * np.pi * phase
    crank = 0.095 * xyz(np.cos(turn), np.sin(turn))
    hips = place + xyz(-0.1, 0.535 + rng.uniform(0.0, 0.02) * np.cos(2 * turn))
    bracket, bar = place + xyz(-0.04, 0.2), place + xyz(0.27, 0.57)
    out = xyz(0.0, 0.0, 0.1)
    pose = Pose(
        hips,
        lean=rng.uniform(0.35, 0.75),
        hands=(bar + out, bar - out),
        ankles=(bracket + crank + 0.6 * out, bracket - crank - 0.6 * out),
    )
    handlebar = wire("metal", [bar + 1.1 * out, bar - 1.1 * out], 0.012)
    parts = [*person(body, pose), *bicycle(place, turn), handlebar]
    return Act(parts, followed=hips, shadow=0.42)


def ride_horse(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """At a gallop."""
    beat = 2 * np.pi * phase
    place = xyz(RIDE_HORSE_SPEED * phase, rng.uniform(0.03, 0.06) * np.sin(beat))
    pitch = rng.uniform(0.05, 0.11) * np.sin(beat + 0.8)
    lag = rng.uniform(0.03, 0.06) * np.sin(beat - 0.9)  # the rider bounces after the horse
    hips = place + xyz(-0.04, 0.9 + lag)
    stirrup = place + xyz(0.06, 0.95 - rng.uniform(0.4, 0.46))
    hands = place + xyz(0.24, 1.06 + lag / 2)
    out = xyz(0.0, 0.0, 0.05)
    pose = Pose(
        hips,
        lean=rng.uniform(0.05, 0.4) + 1.2 * pitch,
        hands=(hands + out, hands - out),
        ankles=(stirrup + 2.6 * out, stirrup - 2.6 * out),
    )
    mouth = place + xyz(0.66 * np.cos(pitch), 1.0 + 0.66 * np.sin(pitch))
    rein = wire("leather", [hands, mouth], 0.006, nearer=0.05)
    parts = [*horse(place, phase, pitch), *person(body, pose), rein]
    return Act(parts, followed=hips, shadow=0.5)


def shoot_ball(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """Bend, jump, and throw a basketball from overhead."""
    depth, leap = rng.uniform(0.14, 0.2), rng.uniform(0.1, 0.22)
    height = keyed(phase, [0, 0.3, 0.5, 0.58, 0.8], [-0.02, -depth, 0.02, leap, -0.03])
    lean = keyed(phase, [0, 0.3, 0.55], [0.1, 0.3, 0.02])
    hips = xyz(0.0, body.standing + height)
    lift = keyed(phase, [0, 0.28, 0.42, 0.56], [0.0, -0.1, 0.5, 1.0])
    grip = shoulders(body, hips, lean) + xyz(0.24 - 0.06 * lift, -0.12 + 0.43 * lift)
    out = xyz(0.0, 0.0, keyed(phase, [0.55, 0.75], [0.05, 0.12]))
    air = body.ankle + np.maximum(0.0, height - 0.01)
    pose = Pose(
        hips,
        lean,
        hands=(grip + out, grip - out),
        ankles=(xyz(0.05, air, 0.09), xyz(-0.05, air, -0.09)),
        elbows=(0.2, -1.0, 0.8),
    )
    speed = (rng.uniform(1.6, 2.4), 2.8, 0.0)
    thrown = ball("basketball", _thrown(phase, grip + xyz(0.06, 0.09), 0.57, speed), 0.15)
    basket = hoop(xyz(rng.uniform(0.42, 0.55), 0.0))
    return Act(person(body, pose), followed=xyz(0.12, 0.6), flying=[thrown, *basket])


def climb(body: Body, phase: Array, rng: np.random.Generator, *, rope: bool = False) -> Act:
    """Hand over hand up a wall with holds, or up a rope."""
    step = rng.uniform(0.3, 0.4)
    wide = 0.02 if rope else rng.uniform(0.16, 0.24)
    wall = 0.16
    hips = xyz(0.0, 0.75 + step * phase, 0.03 * np.sin(2 * np.pi * phase))

    def stepping(offset: float, base: float) -> Array:
        beat = phase + offset
        moved = np.floor(beat) + keyed(beat % 1.0, [0.55, 0.95], [0.0, 1.0])
        return base + step * (moved - offset)

    pose = Pose(
        hips,
        lean=0.02,
        hands=(xyz(wall, stepping(0.0, 1.27), wide), xyz(wall, stepping(0.5, 1.27), -wide)),
        ankles=(
            xyz(wall - 0.06, stepping(0.25, 0.42), 0.6 * wide + 0.02),
            xyz(wall - 0.06, stepping(0.0 if rope else 0.75, 0.42), -0.6 * wide - 0.02),
        ),
        elbows=(-0.3, -0.8, 1.0),
        knees=(0.4, 0.2, 1.0),
    )
    gear: list[Part]
    if rope:
        gear = [wire("rope", [xyz(wall, -1.5), xyz(wall, 5.0)], 0.016, nearer=-0.05)]
    else:
        places = rng.uniform((-0.3, -0.8, 0.02), (3.5, 0.8, 0.045), (34, 3))
        gear = [hull("hold", [(xyz(wall + 0.05, y, z), r)], nearer=-0.5) for y, z, r in places]
    return Act(person(body, pose), followed=hips, flying=gear, shadow=0.0)


def fencing(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """Lunges from the guard and back."""
    far = rng.uniform(0.22, 0.34)
    lunge = keyed(phase % 1.0, [0.15, 0.4, 0.6, 0.95], [0, 1, 1, 0])
    hips = xyz(far * 0.7 * lunge, body.standing - 0.09 - 0.1 * lunge)
    lean = 0.05 + 0.25 * lunge
    chest = shoulders(body, hips, lean)
    sword = chest + xyz(0.2 + 0.13 * lunge, -0.08 + 0.1 * lunge, 0.05)
    rear = chest + xyz(-0.22 - 0.06 * lunge, 0.12 - 0.2 * lunge, -0.12)
    front = xyz(0.17 + far * lunge, body.ankle + 0.06 * np.sin(np.pi * lunge), 0.05)
    pose = Pose(hips, lean, (sword, rear), (front, xyz(-0.2, body.ankle, -0.06)), twist=0.9)
    aim = unit(xyz(1.0, keyed(phase % 1.0, [0.1, 0.4, 0.9], [0.35, 0.0, 0.35])))
    foil = wire("metal", [sword, sword + 0.5 * aim], 0.008, nearer=0.01)
    return Act([*person(body, pose), foil], followed=xyz(0.12, 0.5), shadow=0.3)


def kick_ball(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """A run-up and a kick."""
    x = keyed(phase, [0.0, 0.55, 0.8], [-rng.uniform(0.45, 0.7), -0.08, 0.05])
    hips = xyz(x, body.standing - 0.04 + 0.02 * np.sin(6 * np.pi * np.clip(phase, 0, 0.6)))
    lean = keyed(phase, [0, 0.5, 0.7], [0.15, 0.0, -0.22])
    stride = np.where(phase < 0.45, np.sin(2 * np.pi * phase / 0.45), 0.0)
    plant = keyed(phase, [0.4, 0.5], [0.0, 1.0])
    kick = keyed(phase, [0.42, 0.52, 0.68, 0.9], [0.0, -0.34, 0.42, 0.15])
    lift = keyed(phase, [0.42, 0.52, 0.58, 0.7, 0.92], [0.0, 0.2, 0.04, 0.3, 0.05])
    chest = shoulders(body, hips, lean)
    arm = 0.5 * kick - 0.18 * stride
    pose = Pose(
        hips,
        lean,
        hands=(chest + xyz(arm, -0.22, 0.2), chest + xyz(-arm, -0.22, -0.2)),
        ankles=(
            xyz((x + 0.2 * stride) * (1 - plant) - 0.03 * plant, body.ankle, 0.06),
            xyz(x - 0.2 * stride + kick, body.ankle + lift, -0.05),
        ),
    )
    gone = np.maximum(0.0, phase - 0.58)
    rolled = ball("ball", xyz(0.14 + 5.0 * gone, 0.055 + 1.2 * gone), 0.055)
    return Act(person(body, pose), followed=xyz(0.5 * x, 0.5), flying=[rolled])


def punch(body: Body, phase: Array, rng: np.random.Generator, *, bag: str = "") -> Act:
    """Straight punches into the air or a heavy bag; fists circling before a speed bag."""
    beat = 2 * np.pi * phase
    hips = xyz(0.08 * np.sin(beat), body.standing - 0.06 + 0.02 * np.cos(2 * beat))
    lean = 0.12
    chest = shoulders(body, hips, lean)
    gear: list[Part] = []
    if bag == "speed":
        circle = 0.07 * xyz(np.cos(2 * beat), np.sin(2 * beat))
        front = chest + xyz(0.2, 0.1)
        hands = (front + circle + xyz(0, 0, 0.05), front - circle - xyz(0, 0, 0.05))
        twist = 0.2 * np.sin(2 * beat)
        bob = 0.1 * np.sin(4 * beat)
        gear = [
            hull("metal", [(xyz(0.34, 1.12), 0.015), (xyz(0.5, 1.12), 0.015)]),
            hull("leather", [(xyz(0.4 + 0.3 * bob, 1.07), 0.02), (xyz(0.4 + bob, 0.96), 0.055)]),
        ]
    else:
        far = rng.uniform(0.2, 0.25)
        left, right = np.maximum(0, np.sin(beat)) ** 2, np.maximum(0, -np.sin(beat)) ** 2
        hands = (
            chest + xyz(0.14 + far * left, 0.06 - 0.02 * left, 0.09 - 0.06 * left),
            chest + xyz(0.14 + far * right, 0.06 - 0.02 * right, -0.09 + 0.05 * right),
        )
        twist = -0.45 * np.sin(beat)
    flying: list[Part] = []
    if bag == "heavy":
        away = 0.52 + 0.1 * np.abs(np.sin(beat - 0.6))
        gear = [hull("leather", [(xyz(away, 0.95), 0.09), (xyz(1.4 * away - 0.2, 0.52), 0.09)])]
        flying = [wire("metal", [xyz(0.52, 1.6), xyz(away, 1.0)], 0.01)]
    pose = Pose(
        hips, lean, hands, _stance(body, 0.13, 0.14, 0.08), twist=twist, elbows=(-0.2, -1.0, 0.4)
    )
    parts = [*person(body, pose), *gear]
    return Act(parts, followed=xyz(0.1, 0.55), flying=flying)


def pushup(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """Down to the ground and up again."""
    height = swing(phase, body.arm * 0.97, body.arm * rng.uniform(0.3, 0.45))
    lean = np.pi / 2 - np.arctan2(height - 0.07, body.trunk + body.leg)
    hand, wide = 0.42, rng.uniform(0.13, 0.2)
    toe = hand + 0.03 - body.trunk - body.leg
    hips = xyz(hand - 0.02, height + 0.02 + rng.uniform(0, 0.03)) - (
        body.trunk * xyz(np.sin(lean), np.cos(lean))
    )
    pose = Pose(
        hips,
        lean,
        hands=(xyz(hand, 0.02, wide), xyz(hand, 0.02, -wide)),
        ankles=(xyz(toe, 0.08, 0.05), xyz(toe, 0.08, -0.05)),
        nod=-0.25,
        elbows=(-1.0, 0.6, 0.9),
        knees=(0.0, -1.0, 0.0),
    )
    return Act(person(body, pose), followed=xyz(-0.05, 0.25), shadow=0.5)


def shoot_bow(body: Body, phase: Array, rng: np.random.Generator) -> Act:
    """Raise, draw, loose."""
    release = rng.uniform(0.62, 0.72)
    lift = keyed(phase, [0.0, 0.25], [rng.uniform(-0.3, -0.1), 0.0])
    drawn = keyed(phase, [0.2, 0.5], [0.0, 1.0])
    loose = keyed(phase, [release, release + 0.05], [0.0, 1.0])
    step = keyed(phase, [0.0, 0.5, release, release + 0.2], [-0.14, 0.04, 0.04, -0.06])
    hips = xyz(step, body.standing - 0.015 + 0.4 * lift)
    lean = rng.uniform(-0.05, 0.03)
    chest = shoulders(body, hips, lean)
    fist = chest + xyz(0.1 + body.arm * 0.93 - 0.05 * loose, 0.02 + lift + 0.03 * loose, 0.03)
    pulling = chest + xyz(0.33 - 0.3 * drawn - 0.07 * loose, 0.05 + 0.9 * lift, 0.05)
    pose = Pose(
        hips,
        lean,
        hands=(fist, pulling),
        ankles=_stance(body, 0.12, 0.12, 0.02),
        twist=1.25,
        elbows=(0.0, -0.5, -0.5),
    )
    nock = pulling + loose[:, None] * (fist - xyz(0.1, 0.0) - pulling)
    bend = 0.12 + 0.05 * drawn * (1 - loose)
    upper, lower = (fist + xyz(-bend, side * 0.33) for side in (1, -1))
    middles = [fist + xyz(-0.015, side * 0.17) for side in (1, -1)]
    tail = _thrown(phase, nock, release, (14.0, 0.0, 0.0))
    return Act(
        [
            *person(body, pose),
            wire("wood", [upper, middles[0], fist, middles[1], lower], 0.013, nearer=0.02),
            wire("string", [upper, nock, lower], 0.004, nearer=0.02),
        ],
        followed=xyz(0.1, 0.56),
        flying=[wire("string", [tail, tail + xyz(0.4, 0.0)], 0.006, nearer=0.03)],
    )


def walk(body: Body, phase: Array, rng: np.random.Generator, *, with_dog: bool = False) -> Act:
    """Along, perhaps with a dog on a lead."""
    stride, arms = rng.uniform(0.17, 0.22), rng.uniform(0.1, 0.2)
    place = xyz(WALK_SPEED * phase, 0.0)
    beat = 2 * np.pi * phase
    hips = place + xyz(0.0, body.standing - 0.03 + 0.012 * np.cos(2 * beat))
    lean = rng.uniform(0.0, 0.1)

    def foot(turn: Array, z: float) -> Array:
        up = body.ankle + 0.07 * np.maximum(0, np.sin(turn))
        return place + xyz(stride * np.cos(turn), up, z)

    chest, sway = shoulders(body, hips, lean), arms * np.cos(beat)
    hands = (chest + xyz(0.03 - sway, -0.3, 0.14), chest + xyz(0.03 + sway, -0.3, -0.14))
    feet = (foot(beat, 0.05), foot(beat + np.pi, -0.05))
    pose = Pose(hips, lean, hands, feet, twist=-0.15 * np.cos(beat))
    parts = person(body, pose)
    if with_dog:
        beside = place + xyz(rng.uniform(0.3, 0.45), 0.0, rng.uniform(0.1, 0.25))
        parts += dog(beside, 1.6 * phase)
        parts.append(wire("leather", [hands[0], beside + xyz(0.15, 0.3)], 0.006))
    return Act(parts, followed=hips, shadow=0.24)


Performance = Callable[[Body, Array, np.random.Generator], Act]


@dataclass(frozen=True)
class Action:
    """How an action is performed and filmed."""

    perform: Performance
    cycle: float  # frames of one cycle, or of the whole single action, at 25 frames a second
    turned: float = 0.0  # degrees the figure is usually turned from profile towards the camera
    repeats: bool = True  # whether it goes on in cycles


ACTIONS: dict[str, Action] = {
    "climb": Action(climb, 7, turned=-90),
    "climb_rope": Action(partial(climb, rope=True), 7, turned=-60),
    "fencing": Action(fencing, 10),
    "golf": Action(golf, 11, turned=90, repeats=False),
    "kick_ball": Action(kick_ball, 11, repeats=False),
    "pullup": Action(pullup, 11, turned=90),
    "punch": Action(punch, 8, turned=20),
    "punch_heavy_bag": Action(partial(punch, bag="heavy"), 8, turned=12),
    "punch_speed_bag": Action(partial(punch, bag="speed"), 8, turned=12),
    "pushup": Action(pushup, 10),
    "ride_bike": Action(ride_bike, 8),
    "ride_horse": Action(ride_horse, 8),
    "shoot_ball": Action(shoot_ball, 10, turned=18, repeats=False),
    "shoot_bow": Action(shoot_bow, 11, repeats=False),
    "walk": Action(walk, 10),
    "walk_dog": Action(partial(walk, with_dog=True), 10),
}
