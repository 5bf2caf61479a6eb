"""The worlds: how each dataset was "filmed" (places, people, clothes, camera, tempo, film).

Groups (source videos) of a world share place, actor, clothes and camera; clips of a group differ
in performance. What the figure does never depends on the world.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from rev2net.mini.actions import ACTIONS
from rev2net.mini.drawing import Camera, Finish, Frames, Palette, Passer, Pillar, Shot, render
from rev2net.mini.scenery import SCENES, Backdrop, Colour, shade
from rev2net.mini.skeleton import Array, Body

MINI_VERSION = 2  # changes with every change of a rendered pixel


Range = tuple[float, float]  # uniform unless said


@dataclass(frozen=True)
class World:
    """How a dataset's videos look; lengths are shares of the picture's height."""

    places: dict[str, str]  # HMDB51 class to the scene where it is usually filmed: the label bias
    bias: float  # how often a source is filmed there; otherwise anywhere
    clutter: Range
    passers: float  # how often someone walks past behind the figure
    pillar: float  # how often something stands before the camera
    turned: Range  # degrees away from the action's usual side, either way
    pitch: Range  # degrees, from above
    fill: Range  # share of the picture that the act fills
    offset: float  # of the figure from the middle, at most
    follow: Range  # how closely the camera keeps a travelling figure in the middle
    shake: Range  # hand-held jitter, standard deviation in each frame
    pan: float  # over a clip, at most
    zoom: float  # over a clip, share, at most
    roll: float  # degrees
    tempo: Range  # length of a cycle against the natural one, log-uniform
    start: Range  # where in a single action a clip begins, share
    looks: tuple[str, ...]  # keys of _LOOKS, one a source
    blur: Range  # pixels
    grain: Range  # grey levels
    vignette: Range
    flicker: float  # of the exposure, share
    wardrobe: str  # a key of _WARDROBES
    widths: tuple[float, ...]  # of the picture


# fmt: off
UCF101 = World(  # sports by daylight, from the side, on a tripod
    places={
        "climb": "hall", "fencing": "gym", "golf": "meadow", "kick_ball": "stadium",
        "pullup": "gym", "punch": "cellar", "pushup": "studio", "ride_bike": "street",
        "ride_horse": "paddock", "shoot_ball": "hall", "shoot_bow": "meadow", "walk": "forest",
    },
    bias=0.8, clutter=(0.6, 1.0),
    passers=0.0, pillar=0.0,
    turned=(0, 22), pitch=(2, 10), fill=(0.95, 1.08), offset=0.03,
    follow=(0.4, 0.65), shake=(0.0, 0.001), pan=0.02, zoom=0.02, roll=1.0,
    tempo=(0.95, 1.25), start=(0.0, 0.1),
    looks=("daylight", "daylight", "warm", "cool"),
    blur=(0.2, 0.4), grain=(0.7, 2.0), vignette=(0.0, 0.1), flicker=0.004,
    wardrobe="sports", widths=(4 / 3,),
)
HMDB51 = World(  # film: graded, grainy, from all sides, moving
    places={
        "climb": "rocks", "fencing": "cellar", "golf": "gym", "kick_ball": "street",
        "pullup": "yard", "punch": "stadium", "pushup": "forest", "ride_bike": "meadow",
        "ride_horse": "hall", "shoot_ball": "street", "shoot_bow": "yard", "walk": "beach",
    },
    bias=0.8, clutter=(1.0, 1.6),
    passers=0.2, pillar=0.2,
    turned=(8, 30), pitch=(0, 15), fill=(0.93, 1.06), offset=0.05,
    follow=(0.5, 0.7), shake=(0.001, 0.004), pan=0.08, zoom=0.06, roll=3.0,
    tempo=(0.65, 0.95), start=(0.0, 0.25),
    looks=("teal_orange", "sepia", "cold", "dim", "faded", "monochrome"),
    blur=(0.25, 0.5), grain=(1.3, 3.0), vignette=(0.2, 0.5), flicker=0.015,
    wardrobe="street", widths=(1.25, 4 / 3, 1.4),
)
KINETICS400 = World(  # between the two, and filmed anywhere
    places=UCF101.places,
    bias=0.0, clutter=(0.6, 1.4),
    passers=0.15, pillar=0.1,
    turned=(0, 40), pitch=(0, 15), fill=(0.94, 1.09), offset=0.05,
    follow=(0.5, 0.75), shake=(0.0, 0.003), pan=0.06, zoom=0.05, roll=2.0,
    tempo=(0.75, 1.3), start=(0.0, 0.2),
    looks=("daylight", "warm", "cool", "faded", "teal_orange", "dim"),
    blur=(0.2, 0.5), grain=(0.7, 3.3), vignette=(0.0, 0.3), flicker=0.008,
    wardrobe="sports", widths=(1.25, 4 / 3, 1.4),
)
# fmt: on

WORLDS = {"ucf101": UCF101, "hmdb51": HMDB51, "kinetics400": KINETICS400}


@dataclass(frozen=True)
class Clip:
    """A rendered clip with what its file name tells about it."""

    frames: Frames
    fps: float
    camera_moves: bool
    side: str  # of the figure that is seen, in HMDB51's words: "fr", "ba", "le" or "ri"
    quality: str  # "bad", "med" or "goo"


def stream(seed: int, *names: object) -> np.random.Generator:
    """A random generator for these names, the same in every process and on every machine."""
    text = "/".join(map(str, (MINI_VERSION, seed, *names)))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def film(
    dataset: str,
    hmdb_class: str,
    action: str,
    group: int,
    clip: int,
    *,
    frames: tuple[int, int],
    height: int,
    seed: int,
) -> Clip:
    """Render clip number `clip` of source `group`.

    `hmdb_class` chooses the usual place, `action` (a key of ACTIONS) what is done; `frames` are the
    fewest and most of a clip, `height` is in pixels.
    """
    world = WORLDS[dataset]
    source = stream(seed, dataset, action, group)
    take = stream(seed, dataset, action, group, clip)
    count = int(take.integers(frames[0], frames[1] + 1))
    fps = 30.0 if dataset != "ucf101" else float(source.choice([25.0, 25.0, 29.97]))
    body = _actor(source)
    shot = _shot(world, hmdb_class, action, source, take, count, height)
    act = ACTIONS[action].perform(body, _phase(world, action, take, count, fps), take)
    grain = shot.finish.grain
    return Clip(
        render(act, shot),
        fps,
        camera_moves=bool(np.ptp(shot.camera.pan, axis=0).max() + np.ptp(shot.camera.zoom) > 0.08),
        side=_side(shot.camera),
        quality="goo" if grain < 2.0 else "med" if grain < 2.7 else "bad",
    )


def _actor(rng: np.random.Generator) -> Body:
    legs, trunk, arms, shoulder, head = rng.uniform(0.93, 1.07, 5)
    usual = Body()
    return Body(
        thigh=usual.thigh * legs,
        shin=usual.shin * legs,
        trunk=usual.trunk * trunk,
        upper_arm=usual.upper_arm * arms,
        forearm=usual.forearm * arms,
        shoulder=usual.shoulder * shoulder,
        head=usual.head * 1.15 * head,
        build=rng.uniform(1.3, 1.7),
    )


def _phase(world: World, action: str, rng: np.random.Generator, count: int, fps: float) -> Array:
    """Phase (T,) of the action at each frame."""
    how = ACTIONS[action]
    cycle = how.cycle * np.exp(rng.uniform(*np.log(world.tempo))) * fps / 25.0
    if how.repeats:
        return rng.uniform() + np.arange(count) / cycle
    cycle = max(cycle, 0.9 * count)  # a single action fills most of its clip
    return np.minimum(rng.uniform(*world.start) + np.arange(count) / cycle, 1.2)


def _shot(
    world: World,
    hmdb_class: str,
    action: str,
    source: np.random.Generator,
    take: np.random.Generator,
    count: int,
    height: int,
) -> Shot:
    scene = world.places[hmdb_class]
    if source.uniform() >= world.bias:
        scene = str(source.choice(list(SCENES)))
    backdrop = Backdrop(
        scene,
        seed=int(source.integers(2**31)),
        clutter=source.uniform(*world.clutter),
        horizon=source.uniform(0.06, 0.2),
        blur=source.uniform(0.015, 0.03),
        contrast=source.uniform(0.3, 0.5),
    )
    turned = source.choice([-1, 1]) * source.uniform(*world.turned) + take.uniform(-5, 5)
    camera = Camera(
        turned=np.radians(ACTIONS[action].turned + turned),
        pitch=np.radians(source.uniform(*world.pitch)),
        mirrored=bool(source.uniform() < 0.5),
        fill=source.uniform(*world.fill) * take.uniform(0.95, 1.05),
        offset=(world.offset * take.uniform(-1, 1), world.offset * take.uniform(-0.5, 0.5)),
        follow=source.uniform(*world.follow),
        **_movement(world, source, take, count),
    )
    look = str(source.choice(world.looks))
    finish = Finish(
        mix=_LOOKS[look],
        gain=source.uniform(0.92, 1.08) * (0.75 if look == "dim" else 1.0),
        lift=26.0 if look == "faded" else 0.0,
        blur=source.uniform(*world.blur),
        grain=source.uniform(*world.grain),
        vignette=source.uniform(*world.vignette),
        flicker=world.flicker,
    )
    pillar = None
    if source.uniform() < world.pillar:
        edge, colour = source.choice([0.1, 0.9]), (40, 36, 38)
        pillar = Pillar(float(edge), source.uniform(0.05, 0.12), colour)
    passers = (_passer(world, take, count),) if take.uniform() < world.passers else ()
    return Shot(
        height,
        2 * round(height * source.choice(world.widths) / 2),
        backdrop,
        _palette(world, source),
        camera,
        finish,
        grain_seed=int(take.integers(2**31)),
        passers=passers,
        pillar=pillar,
    )


def _passer(world: World, rng: np.random.Generator, count: int) -> Passer:
    phase = rng.uniform() + np.arange(count) / rng.uniform(18, 30)
    act = ACTIONS["walk"].perform(_actor(rng), phase, rng)
    leftwards = bool(rng.uniform() < 0.5)
    place = rng.uniform(-0.2, 0.9) * (1 if leftwards else -1)
    return Passer(act, _palette(world, rng), leftwards, place, size=rng.uniform(0.55, 0.75))


def _movement(
    world: World, source: np.random.Generator, take: np.random.Generator, count: int
) -> dict[str, Array]:
    """Pan, zoom and roll over time: a slow move of the source's kind plus hand-held jitter."""
    time = np.linspace(-0.5, 0.5, count)
    kind = source.choice(["still", "pan", "zoom", "both"])
    pan, zoom = np.zeros((count, 2)), np.ones(count)
    if kind in ("pan", "both"):
        pan += time[:, None] * take.uniform(-1, 1, 2) * (world.pan, world.pan / 3)
    if kind in ("zoom", "both"):
        zoom += time * take.uniform(-1, 1) * world.zoom
    pan += take.normal(0, source.uniform(*world.shake), (count, 2))
    tilt = take.uniform(-1, 1) + 0.3 * np.sin(2 * np.pi * (time + take.uniform()))
    return {"pan": pan, "zoom": zoom, "roll": np.radians(world.roll) * tilt}


def _side(camera: Camera) -> str:
    facing = np.sin(camera.turned)
    if abs(facing) > 0.7:
        return "fr" if facing > 0 else "ba"
    return "le" if camera.mirrored else "ri"


def _palette(world: World, rng: np.random.Generator) -> Palette:
    """Colours of everything that parts are made of, for one source."""

    def pick(colours: tuple[Colour, ...], vary: float = 12) -> Colour:
        return shade(colours[rng.integers(len(colours))], rng.uniform(-vary, vary, 3))

    skin = pick(((238, 196, 164), (222, 172, 134), (176, 122, 88), (124, 82, 58)), 8)
    shirts, trousers = _WARDROBES[world.wardrobe]
    shirt, trouser = pick(shirts), pick(trousers)
    sleeves, shorts = (0.25, 0.6) if world.wardrobe == "sports" else (0.75, 0.1)
    return {
        "skin": skin,
        "hair": pick(((48, 36, 30), (92, 62, 40), (188, 150, 92), (150, 148, 146), (30, 28, 30))),
        "shirt": shirt,
        "forearm": shirt if rng.random() < sleeves else skin,
        "trousers": trouser,
        "shin": skin if rng.random() < shorts else trouser,
        "shoe": pick(((240, 240, 240), (44, 44, 48), (196, 60, 52), (92, 62, 44))),
        "metal": pick(((86, 90, 98), (150, 154, 160), (54, 56, 62))),
        "club": (232, 224, 176),
        "frame": pick(((200, 44, 44), (36, 92, 180), (30, 30, 34), (240, 190, 40), (60, 140, 90))),
        "tyre": (34, 34, 38),
        "horse": pick(((126, 80, 50), (88, 58, 42), (176, 136, 98), (214, 206, 196), (60, 50, 48))),
        "mane": pick(((48, 36, 32), (70, 54, 44), (226, 214, 190))),
        "dog": pick(((166, 118, 70), (70, 58, 52), (220, 206, 180))),
        "leather": pick(((112, 64, 44), (60, 44, 40), (160, 40, 40))),
        "rope": (206, 184, 140),
        "wood": pick(((142, 92, 52), (96, 60, 38))),
        "string": (236, 236, 230),
        "hold": pick(((230, 80, 70), (70, 150, 220), (240, 200, 70), (110, 190, 110)), 30),
        "ball": (246, 246, 242),
        "flag": pick(((206, 40, 40), (150, 30, 60), (60, 40, 130))),
        "basketball": pick(((224, 120, 52), (190, 88, 40), (150, 70, 44))),
    }


_WARDROBES: dict[str, tuple[tuple[Colour, ...], tuple[Colour, ...]]] = {
    "sports": (
        (
            (220, 56, 56),
            (44, 98, 200),
            (250, 250, 248),
            (250, 200, 60),
            (54, 160, 96),
            (240, 120, 50),
        ),
        ((36, 40, 60), (240, 240, 240), (70, 74, 84), (40, 70, 140), (190, 50, 50)),
    ),
    "street": (
        ((92, 98, 110), (128, 44, 44), (206, 196, 176), (58, 76, 66), (38, 38, 44), (146, 120, 92)),
        ((46, 58, 84), (66, 60, 56), (110, 98, 80), (34, 34, 38)),
    ),
}


def _grade(saturation: float, gains: tuple[float, float, float]) -> Array:
    grey = np.array([0.299, 0.587, 0.114])
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(grey, (3, 1))
    return np.array(gains)[:, None] * mix


_LOOKS: dict[str, Array] = {
    "daylight": _grade(1.1, (1.0, 1.0, 1.0)),
    "warm": _grade(1.05, (1.06, 1.0, 0.92)),
    "cool": _grade(1.0, (0.95, 1.0, 1.06)),
    "teal_orange": _grade(0.7, (1.1, 0.98, 0.9)),
    "sepia": _grade(0.2, (1.08, 0.96, 0.76)),
    "cold": _grade(0.5, (0.82, 0.96, 1.14)),
    "dim": _grade(0.75, (1.0, 0.95, 0.95)),
    "faded": _grade(0.55, (0.88, 0.88, 0.85)),
    "monochrome": _grade(0.0, (1.0, 1.0, 1.0)),
}
