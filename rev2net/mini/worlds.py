"""The worlds: how each dataset was "filmed" (places, people, clothes, camera, tempo, film).

Groups (source videos) of a world share place, actor, clothes and camera; clips of a group differ
in performance. What the figure does never depends on the world.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from rev2net.mini.actions import ACTIONS
from rev2net.mini.render import Camera, Finish, Frames, Shot, render
from rev2net.mini.scenery import SCENES, Colour, shade
from rev2net.mini.skeleton import Array, Body

MINI_VERSION = 1  # changes with every change of a rendered pixel


@dataclass(frozen=True)
class World:
    """How a dataset's videos look; ranges are uniform unless said."""

    places: dict[str, str]  # HMDB51 class to its usual scene
    bias: float  # how often a source is filmed at its class' usual scene
    turned: tuple[float, float]  # degrees away from the usual side, either way
    pitch: tuple[float, float]  # degrees from above
    fill: tuple[float, float]
    offset: float  # share of the picture's height
    follow: tuple[float, float]
    shake: tuple[float, float]  # hand-held jitter, share of the picture's height
    pan: float  # how far a pan goes over the clip, share of the height
    zoom: float  # how far a zoom goes, share
    roll: float  # degrees
    tempo: tuple[float, float]  # frames per cycle against the natural ones, log-uniform
    start: tuple[float, float]  # where in the action a clip begins, share of a single action
    looks: tuple[str, ...]  # film looks, one a source
    blur: tuple[float, float]
    grain: tuple[float, float]
    vignette: tuple[float, float]
    flicker: float
    clutter: tuple[float, float]
    soft: tuple[float, float]  # blur of the backdrop, pixels
    contrast: tuple[float, float]
    foreground: float  # how often something stands before the camera
    wardrobe: str  # "sports" or "street"
    widths: tuple[float, ...]  # of the picture against its height


UCF101 = World(
    places={
        "climb": "hall", "fencing": "gym", "golf": "meadow", "kick_ball": "stadium",
        "pullup": "gym", "punch": "cellar", "pushup": "studio", "ride_bike": "street",
        "ride_horse": "paddock", "shoot_ball": "hall", "shoot_bow": "meadow", "walk": "forest",
    },
    bias=0.6,
    turned=(0, 22), pitch=(2, 10), fill=(0.66, 0.84), offset=0.05, follow=(0.75, 1.0),
    shake=(0.0, 0.004), pan=0.03, zoom=0.03, roll=1.0,
    tempo=(0.85, 1.15), start=(0.0, 0.1),
    looks=("daylight", "daylight", "warm", "cool"),
    blur=(0.3, 0.6), grain=(1.0, 3.0), vignette=(0.0, 0.1), flicker=0.004,
    clutter=(0.6, 1.0), soft=(1.0, 2.0), contrast=(.5,.7), foreground=0.0, wardrobe="sports", widths=(4 / 3,),
)  # fmt: skip

HMDB51 = World(
    places={
        "climb": "rocks", "fencing": "yard", "golf": "gym", "kick_ball": "street",
        "pullup": "paddock", "punch": "stadium", "pushup": "forest", "ride_bike": "meadow",
        "ride_horse": "hall", "shoot_ball": "street", "shoot_bow": "cellar", "walk": "beach",
    },
    bias=0.5,
    turned=(10, 45), pitch=(0, 18), fill=(0.6, 0.95), offset=0.08, follow=(0.85, 1.0),
    shake=(0.004, 0.014), pan=0.25, zoom=0.15, roll=3.0,
    tempo=(0.7, 1.4), start=(0.05, 0.3),
    looks=("teal_orange", "sepia", "cold", "dim", "faded", "monochrome"),
    blur=(0.5, 1.0), grain=(3.0, 7.0), vignette=(0.2, 0.5), flicker=0.015,
    clutter=(1.0, 1.6), soft=(1.0, 2.0), contrast=(.5,.7), foreground=0.35, wardrobe="street", widths=(4 / 3, 4 / 3, 1.5, 16 / 9),
)  # fmt: skip

KINETICS = World(
    places=UCF101.places,
    bias=0.0,
    turned=(0, 40), pitch=(0, 15), fill=(0.6, 0.9), offset=0.08, follow=(0.75, 1.0),
    shake=(0.0, 0.01), pan=0.15, zoom=0.1, roll=2.0,
    tempo=(0.75, 1.3), start=(0.0, 0.2),
    looks=("daylight", "warm", "cool", "faded", "teal_orange", "dim"),
    blur=(0.3, 0.8), grain=(1.0, 5.0), vignette=(0.0, 0.3), flicker=0.008,
    clutter=(0.6, 1.4), soft=(1.0, 2.0), contrast=(.5,.7), foreground=0.15, wardrobe="sports", widths=(4 / 3, 4 / 3, 16 / 9),
)  # fmt: skip

WORLDS = {"ucf101": UCF101, "hmdb51": HMDB51, "kinetics400": KINETICS}


@dataclass(frozen=True)
class Clip:
    """A rendered clip with what its file name tells about it."""

    frames: Frames
    fps: float
    camera_moves: bool
    side: str  # "fr", "ba", "le" or "ri": what of the figure is seen
    quality: str  # "bad", "med" or "goo"


def stream(seed: int, *names: object) -> np.random.Generator:
    """A random generator of its own for each name, the same in every process and on every machine."""
    text = "/".join(map(str, (MINI_VERSION, seed, *names)))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def film(
    dataset: str,
    scene_class: str,
    action: str,
    group: int,
    clip: int,
    *,
    frames: tuple[int, int],
    height: int,
    seed: int,
) -> Clip:
    """Render clip number `clip` of source `group`.

    `scene_class` is the HMDB51 class whose usual place is taken, `action` a key of ACTIONS.
    """
    world = WORLDS[dataset]
    source = stream(seed, dataset, action, group)
    take = stream(seed, dataset, action, group, clip)
    count = int(take.integers(frames[0], frames[1] + 1))
    body = _actor(source)
    shot = _shot(world, scene_class, action, source, take, count, height)
    fps = 30.0 if dataset != "ucf101" else float(source.choice([25.0, 25.0, 29.97]))
    phase = _phase(world, action, take, count, fps)
    act = ACTIONS[action].perform(body, phase, take)
    grade = "bad" if shot.finish.grain > 5.5 else "med" if shot.finish.grain > 4 else "goo"
    return Clip(render(act, shot), fps, _moves(shot.camera), _side(shot.camera), grade)


def _actor(rng: np.random.Generator) -> Body:
    limbs = rng.uniform(0.93, 1.07, 5)
    base = Body()
    return Body(
        thigh=base.thigh * limbs[0],
        shin=base.shin * limbs[0],
        trunk=base.trunk * limbs[1],
        upper_arm=base.upper_arm * limbs[2],
        forearm=base.forearm * limbs[2],
        shoulder=base.shoulder * limbs[3],
        head=base.head * limbs[4],
        build=float(rng.uniform(0.85, 1.25)),
    )


def _phase(world: World, action: str, rng: np.random.Generator, count: int, fps: float) -> Array:
    """Phase at each frame: tempo, start, and for repeated actions any moment of the cycle."""
    how = ACTIONS[action]
    slow = float(np.exp(rng.uniform(*np.log(world.tempo))))
    cycle = how.cycle * slow * fps / 25.0
    steps = np.arange(count) / cycle
    if how.repeats:
        return rng.uniform(0, 1) + steps
    return np.minimum(rng.uniform(*world.start) + steps, 1.2)


def _shot(
    world: World,
    scene_class: str,
    action: str,
    source: np.random.Generator,
    take: np.random.Generator,
    count: int,
    height: int,
) -> Shot:
    scene = world.places[scene_class]
    if source.random() >= world.bias:
        scene = str(source.choice(list(SCENES)))
    width = 2 * round(height * float(source.choice(world.widths)) / 2)
    side = source.choice([-1.0, 1.0])
    turned = side * source.uniform(*world.turned) + take.uniform(-5, 5)
    camera = Camera(
        turned=ACTIONS[action].turned + float(np.radians(turned)),
        pitch=float(np.radians(source.uniform(*world.pitch))),
        mirrored=bool(source.random() < 0.5),
        fill=float(source.uniform(*world.fill) * take.uniform(0.95, 1.05)),
        offset=(
            float(take.uniform(-world.offset, world.offset)),
            float(take.uniform(-world.offset, world.offset) / 2),
        ),
        follow=float(source.uniform(*world.follow)),
        **_movement(world, source, take, count),
    )
    look = str(source.choice(world.looks))
    finish = Finish(
        mix=_LOOKS[look].astype(np.float32),
        gain=float(source.uniform(0.92, 1.08)) * (0.75 if look == "dim" else 1.0),
        lift=26.0 if look == "faded" else 0.0,
        blur=float(source.uniform(*world.blur)),
        grain=float(source.uniform(*world.grain)),
        vignette=float(source.uniform(*world.vignette)),
        flicker=world.flicker,
    )
    foreground = None
    if source.random() < world.foreground:
        edge = float(source.choice([0.12, 0.88]))
        foreground = (edge, float(source.uniform(0.05, 0.14)), (34, 30, 32))
    return Shot(
        scene=scene,
        scene_seed=int(source.integers(2**31)),
        clutter=float(source.uniform(*world.clutter)),
        soft=float(source.uniform(*world.soft)),
        contrast=float(source.uniform(*world.contrast)),
        horizon=float(source.uniform(0.06, 0.2)),
        palette=_palette(world, source),
        camera=camera,
        finish=finish,
        grain_seed=int(take.integers(2**31)),
        height=height,
        width=width,
        foreground=foreground,
    )


def _movement(
    world: World, source: np.random.Generator, take: np.random.Generator, count: int
) -> dict[str, Array]:
    """Pan, zoom and roll over time: a slow move of the source's kind plus hand-held jitter."""
    time = np.linspace(-0.5, 0.5, count)
    kind = source.choice(["still", "pan", "zoom", "both"])
    pan = np.zeros((count, 2))
    zoom = np.ones(count)
    if kind in ("pan", "both"):
        pan += time[:, None] * take.uniform(-1, 1, 2) * (world.pan, world.pan / 3)
    if kind in ("zoom", "both"):
        zoom += time * take.uniform(-2, 2) * world.zoom
    shake = source.uniform(*world.shake)
    smooth = np.cumsum(take.normal(0, 1, (count, 2)), axis=0)
    pan += shake * (smooth - smooth.mean(axis=0)) / 1.5
    tilt = take.uniform(-1, 1) + 0.3 * np.sin(2 * np.pi * (time + take.uniform()))
    return {"pan": pan, "zoom": zoom, "roll": np.radians(world.roll) * tilt}


def _moves(camera: Camera) -> bool:
    drift = np.ptp(camera.pan, axis=0).max() + np.ptp(camera.zoom)
    return bool(drift > 0.08 or camera.follow > 0.9)


def _side(camera: Camera) -> str:
    """What of the figure is seen, in HMDB51's words."""
    turned = camera.turned
    if np.sin(turned) > 0.7:
        return "fr"
    if np.sin(turned) < -0.7:
        return "ba"
    return "le" if camera.mirrored else "ri"


def _palette(world: World, rng: np.random.Generator) -> dict[str, Colour]:
    """Colours of everything that parts are made of, for one source."""

    def pick(colours: tuple[Colour, ...], vary: float = 12) -> Colour:
        return shade(colours[rng.integers(len(colours))], rng.uniform(-vary, vary, 3))

    skin = pick(((238, 196, 164), (222, 172, 134), (176, 122, 88), (124, 82, 58)), 8)
    shirts, trousers = _WARDROBE[world.wardrobe]
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
        "club": (36, 36, 40),
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
        "basketball": pick(((224, 120, 52), (190, 88, 40), (150, 70, 44))),
    }


_WARDROBE: dict[str, tuple[tuple[Colour, ...], tuple[Colour, ...]]] = {
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
