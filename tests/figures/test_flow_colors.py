"""Flow in colours, against colours worked out by hand; and the command that draws it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rev2net.cli import main
from rev2net.figures.contact_sheet import LEGEND_WIDTH, flow_sheet, legend
from rev2net.figures.flow_colors import flow_colors, legible_scale
from rev2net.video import decode
from tests.terminal import seen_in_terminal

WHITE, RED = [255, 255, 255], [255, 0, 0]


@pytest.mark.parametrize(
    ("motion", "colour"),
    [
        ((0, 0), WHITE),
        ((4, 0), RED),
        ((8, 0), RED),  # beyond the scale
        ((2, 0), [255, 128, 128]),
        ((-4, 0), [0, 255, 255]),
        ((0, 4), [128, 255, 0]),
        ((0, -4), [128, 0, 255]),
    ],
)
def test_hue_is_direction_and_saturation_speed(
    motion: tuple[float, float], colour: list[int]
) -> None:
    flow = np.array(motion, np.float32).reshape(1, 1, 2)
    np.testing.assert_allclose(flow_colors(flow, 4)[0, 0], colour, atol=1)


@pytest.mark.parametrize(
    ("fast", "scale"), [(0.01, 0.5), (0.7, 1), (1, 1), (1.01, 2), (3, 5), (12, 20), (400, 500)]
)
def test_the_scale_is_a_round_number_above_nearly_all_speeds(fast: float, scale: float) -> None:
    speeds = np.full(1000, fast)
    speeds[:5] = 1e6  # outliers
    assert legible_scale(speeds) == scale


def test_the_legend_shows_each_direction_in_its_colour() -> None:
    picture = legend(200, 10)
    assert picture.shape == (200, LEGEND_WIDTH, 3)
    radius = LEGEND_WIDTH // 2 - 14
    centre_x, centre_y = 14 + radius, 22 + radius
    assert picture[centre_y, centre_x].tolist() == WHITE
    np.testing.assert_allclose(picture[centre_y, centre_x + radius - 3], RED, atol=20)
    np.testing.assert_allclose(picture[centre_y, centre_x - radius + 3], [0, 255, 255], atol=20)


def test_a_sheet_holds_frames_beside_their_flow() -> None:
    frame = np.full((30, 40, 3), 7, np.uint8)
    flow = np.zeros((30, 40, 2), np.float32)
    sheet = flow_sheet([(frame, flow), (frame + 1, flow)], 2)
    assert (sheet[:30, :40] == 7).all()
    assert (sheet[34:64, :40] == 8).all()
    assert (sheet[:64, 44:84] == 255).all()  # nothing moves


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Five frames of a texture that moves two pixels to the right."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 80)).astype(np.uint8)
    scene = cv2.GaussianBlur(noise, (0, 0), 2)
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for k in range(5):
        writer.write(cv2.cvtColor(scene[:, 12 - 2 * k : 76 - 2 * k], cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def test_visualize_draws_a_picture(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = clip.with_name("flow.png")
    options = ["--frames", "2", "--short-side", "48", "--max-motion", "2"]
    assert main(["visualize", str(clip), str(picture), *options]) == 0
    assert "2 frames, full saturation at 2 pixels per frame" in capsys.readouterr().out
    read = cv2.imread(str(picture))
    assert read is not None
    sheet = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
    flow = sheet[8:40, 64 + 4 + 16 : 64 + 4 + 48]
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), RED, atol=30)


def test_visualize_draws_a_video_of_every_pair(clip: Path) -> None:
    film = clip.with_name("flow.mp4")
    assert main(["visualize", str(clip), str(film), "--short-side", "48"]) == 0
    frames = decode(film)
    assert len(frames) == 4
    assert frames.shape[2] == 64 + 4 + 64 + LEGEND_WIDTH


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["clip.avi", "flow.gif"], "flow.gif: ending '.gif'; allowed are .png, .mp4"),
        (
            ["clip.avi", "flow.png", "--frames", "0"],
            "--frames: 0; allowed is a whole number from 1",
        ),
        (["clip.avi", "flow.png", "--max-motion", "-1"], "--max-motion: -1; allowed is a positive"),
        (["clip.avi", "flow.png", "--backend", "gpu"], "'gpu' is unknown; allowed are"),
        (["clip.avi", "flow.png"], "clip.avi: no such file"),
    ],
)
def test_visualize_names_what_is_wrong(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["visualize", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("flow.png", ("counting", "flow of moments")), ("flow.mp4", ("counting", "flow:"))],
)
def test_visualize_says_in_a_terminal_what_it_is_doing(
    name: str, words: tuple[str, ...], clip: Path
) -> None:
    printed, shown = seen_in_terminal("visualize", str(clip), str(clip.with_name(name)))
    assert printed.count("\n") == 1
    for word in words:
        assert word in shown
    assert "/5 " in shown  # of five frames
    assert not shown.rpartition("\r")[2]  # and leaves nothing behind
