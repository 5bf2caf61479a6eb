"""The table of actions: who performs it, how fast, and from which side it is filmed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from rev2net.mini import performances as perform
from rev2net.mini.parts import Act
from rev2net.mini.skeleton import Array, Body

Performance = Callable[[Body, Array, np.random.Generator], Act]


@dataclass(frozen=True)
class Action:
    """How an action is performed and filmed."""

    perform: Performance
    cycle: float  # frames of one cycle, or of the whole single action, at 25 frames a second
    turned: float = 0.0  # degrees the figure is usually turned from profile towards the camera
    repeats: bool = True  # whether it goes on in cycles


ACTIONS: dict[str, Action] = {
    "climb": Action(perform.climb, 22, turned=-90),
    "climb_rope": Action(partial(perform.climb, rope=True), 18, turned=-60),
    "fencing": Action(perform.fencing, 20),
    "golf": Action(perform.golf, 22, turned=90, repeats=False),
    "kick_ball": Action(perform.kick_ball, 22, repeats=False),
    "pullup": Action(perform.pullup, 22, turned=90),
    "punch": Action(perform.punch, 12, turned=20),
    "punch_heavy_bag": Action(partial(perform.punch, bag="heavy"), 13, turned=12),
    "punch_speed_bag": Action(partial(perform.punch, bag="speed"), 14, turned=12),
    "pushup": Action(perform.pushup, 20),
    "ride_bike": Action(perform.ride_bike, 16),
    "ride_horse": Action(perform.ride_horse, 12),
    "shoot_ball": Action(perform.shoot_ball, 20, turned=18, repeats=False),
    "shoot_bow": Action(perform.shoot_bow, 26, repeats=False),
    "walk": Action(perform.walk, 20),
    "walk_dog": Action(partial(perform.walk, with_dog=True), 20),
}
