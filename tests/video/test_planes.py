import numpy as np
import pytest
import simplejpeg

from rev2net.video import decode
from rev2net.video.decoding import FrameStream
from rev2net.video.images import decode_image, encode_image
from rev2net.video.planes import Planes, are_planes
from tests.video.video_files import Frames, MakeFrames, WriteVideo


@pytest.mark.parametrize(
    "description",
    [
        "yuv420p",
        "yuv420p(left)",
        "yuv420p(progressive, left)",
        "yuv420p(tv, progressive, left)",
        "yuv420p(tv, smpte170m/unknown/unknown, progressive, left)",
        "yuv420p(tv, bt470bg/bt709/bt709, progressive)",
        "yuv420p(tv, bottom coded first (swapped), left)",
        "yuv420p(top first)",
    ],
)
def test_planes_of_undeclared_or_bt601_colours_are_taken_as_they_are(description: str) -> None:
    assert are_planes(description)


@pytest.mark.parametrize(
    "description",
    [
        "",
        "bgr0",
        "gray",
        "yuv444p(progressive)",
        "yuv420p10le(tv)",
        "yuvj420p(pc, bt470bg/unknown/unknown)",
        "yuv420p(pc, progressive)",
        "yuv420p(tv, bt709, progressive)",
        "yuv420p(tv, bt709/unknown/unknown)",
        "yuv420p(tv, bt2020nc/bt2020/smpte2084)",
        "yuv420p(a word of a later ffmpeg)",
    ],
)
def test_all_other_pixels_are_left_to_ffmpeg(description: str) -> None:
    assert not are_planes(description)


def bt601(luma: np.ndarray, blue: np.ndarray, red: np.ndarray) -> np.ndarray:
    """RGB (H, W, 3) of limited-range planes by the definition of BT.601."""
    height, width = luma.shape
    u, v = (
        (plane.astype(float).repeat(2, 0).repeat(2, 1)[:height, :width] - 128) / 224
        for plane in (blue, red)
    )
    y = (luma.astype(float) - 16) / 219
    colours = (y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u)
    return 255 * np.stack(colours, -1).clip(0, 1)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (49, 65), (48, 65), (49, 64), (1, 1)])
def test_colours_are_those_of_bt601_at_any_size(height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    half = (height + 1) // 2, (width + 1) // 2
    luma = rng.integers(16, 236, (height, width), dtype=np.uint8)
    blue, red = (rng.integers(16, 241, half, dtype=np.uint8) for _ in range(2))
    planes = Planes(height, width)
    planes.data[:] = np.concatenate([plane.reshape(-1) for plane in (luma, blue, red)])
    rgb = planes.colour("rgb")
    assert np.abs(rgb - bt601(luma, blue, red)).max() <= 1
    np.testing.assert_array_equal(planes.colour("bgr"), rgb[..., ::-1])


def made_planes(height: int, width: int, low: int, high: int) -> tuple[Planes, np.ndarray]:
    """Smooth planes with levels from low to high, and their colours by the definition."""
    half = (height + 1) // 2, (width + 1) // 2
    y, x = np.mgrid[:height, :width]
    luma = np.interp(np.sin(x / 9) + np.cos(y / 7), (-2, 2), (low, high))
    y, x = np.mgrid[: half[0], : half[1]]
    blue, red = (np.interp(np.sin((x + k * y) / 11), (-1, 1), (low, high)) for k in (1, -2))
    stored = [np.rint(plane).astype(np.uint8) for plane in (luma, blue, red)]
    planes = Planes(height, width)
    planes.data[:] = np.concatenate([plane.reshape(-1) for plane in stored])
    return planes, bt601(*stored)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (49, 65), (48, 65), (49, 64), (1, 1)])
def test_a_jpeg_of_planes_has_their_colours_at_any_size(height: int, width: int) -> None:
    planes, _ = made_planes(height, width, 40, 200)
    # Read without smoothing chroma: each sample is that of its 2x2 pixels.
    read = simplejpeg.decode_jpeg(planes.encode("jpeg", 100).tobytes(), fastupsample=True)
    assert read.shape == (height, width, 3)
    assert np.abs(read.astype(int) - planes.colour("rgb")).max() <= 4


@pytest.mark.parametrize("quality", [80, 95])
def test_a_jpeg_of_planes_is_no_further_from_them_than_one_of_their_colours(quality: int) -> None:
    planes, colours = made_planes(96, 128, 60, 180)
    error = {}
    for way, data in {
        "planes": planes.encode("jpeg", quality),
        "colours": encode_image(planes.colour("rgb"), "jpeg", quality),
    }.items():
        error[way] = np.square(decode_image(data) - colours).mean()
    assert error["planes"] <= 1.02 * error["colours"]


def test_levels_beyond_the_limited_range_are_black_white_and_pure() -> None:
    planes = Planes(32, 32)
    planes.data[:] = 128
    for luma, level in ((0, 0), (10, 0), (16, 0), (235, 255), (240, 255), (255, 255)):
        planes.data[: 32 * 32] = luma
        assert (decode_image(planes.encode("jpeg", 100)) == level).all()
    planes.data[: 32 * 32] = 128
    for chroma, limit in ((0, 16), (10, 16), (245, 240), (255, 240)):
        planes.data[32 * 32 :] = limit
        extreme = decode_image(planes.encode("jpeg", 100))
        planes.data[32 * 32 :] = chroma
        beyond = decode_image(planes.encode("jpeg", 100))
        assert np.abs(beyond.astype(int) - extreme).max() <= 2


@pytest.mark.parametrize(("codec", "quality"), [("png", 0), ("webp", 101)])
def test_other_codecs_hold_the_colours_of_planes(codec: str, quality: int) -> None:
    planes, _ = made_planes(49, 65, 16, 235)
    np.testing.assert_array_equal(decode_image(planes.encode(codec, quality)), planes.colour("rgb"))


@pytest.mark.parametrize("stored", ["yuv420p", "4:4:4"])
@pytest.mark.parametrize("codec", ["jpeg", "png"])
def test_a_video_is_encoded_frame_by_frame(
    write_video: WriteVideo, smooth_frames: MakeFrames, codec: str, stored: str
) -> None:
    path = write_video(smooth_frames(4, 48, 66), "video.mkv", STORED[stored])
    for order in ("rgb", "bgr"):
        stream = FrameStream(path, order=order)
        encoded = [decode_image(data) for data in stream.encoded(codec, 95)]
        assert stream.outcome()[1].decoded == len(encoded) == 4
        error = np.abs(np.stack(encoded).astype(int) - decode(path))
        assert error.max() <= (12 if codec == "jpeg" else 0)
        assert error.mean() <= 2


PLAIN = ("-vf", "scale=out_color_matrix=bt601", "-c:v", "ffv1", "-pix_fmt")
STORED = {
    "yuv420p": (*PLAIN, "yuv420p"),
    "full range": (
        *("-vf", "scale=out_color_matrix=bt601:out_range=pc", "-c:v", "ffv1"),
        *("-pix_fmt", "yuv420p", "-color_range", "pc"),
    ),
    "4:4:4": (*PLAIN, "yuv444p"),
    "10 bits": (*PLAIN, "yuv420p10le"),
    "RGB": ("-c:v", "ffv1", "-pix_fmt", "bgr0"),
    "BT.709": (
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-c:v", "ffv1"),
        *("-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_range", "tv"),
    ),
}


@pytest.mark.parametrize("height", [48, 49])
@pytest.mark.parametrize("stored", STORED)
def test_colours_survive_however_they_are_stored(
    write_video: WriteVideo, smooth_frames: MakeFrames, stored: str, height: int
) -> None:
    written: Frames = smooth_frames(3, height, 66)
    path = write_video(written, "video.mkv", STORED[stored])
    decoded = decode(path)
    # Chroma of 2x2 pixels is one value; the gradient moves by 5 in 2 pixels.
    assert np.abs(decoded.astype(int) - written).max() <= 6
    stream = FrameStream(path)
    list(stream)
    assert are_planes(stream.outcome()[0].pixel_format) == (stored == "yuv420p")
