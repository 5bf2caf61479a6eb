import numpy as np
import pytest

from rev2net.video.images import ImageDecoder, decode_image, encode_image

NOISE = np.random.default_rng(0).integers(0, 256, (33, 47, 3), dtype=np.uint8)
RED = np.full((32, 32, 3), (200, 30, 10), np.uint8)


@pytest.mark.parametrize(("codec", "quality"), [("png", 1), ("webp", 101)])
def test_lossless_codecs_keep_every_pixel(codec: str, quality: int) -> None:
    np.testing.assert_array_equal(decode_image(encode_image(NOISE, codec, quality)), NOISE)
    grey = NOISE[..., 0]
    decoded = decode_image(encode_image(grey, codec, quality), grey=True)
    np.testing.assert_array_equal(decoded, grey)


@pytest.mark.parametrize("codec", ["jpeg", "png", "webp"])
def test_red_stays_red(codec: str) -> None:
    decoded = decode_image(encode_image(RED, codec, 95))
    assert np.abs(decoded.astype(int) - RED).max() <= 4


@pytest.mark.parametrize("codec", ["jpeg", "png", "webp"])
def test_bgr_and_rgb_of_one_image_are_the_same_bytes(codec: str) -> None:
    bgr = np.ascontiguousarray(NOISE[..., ::-1])
    np.testing.assert_array_equal(
        encode_image(bgr, codec, 90, order="bgr"), encode_image(NOISE, codec, 90)
    )


@pytest.mark.parametrize(
    ("codec", "signature"), [("jpeg", b"\xff\xd8"), ("png", b"\x89PNG"), ("webp", b"RIFF")]
)
def test_bytes_are_those_of_the_codec(codec: str, signature: bytes) -> None:
    assert encode_image(NOISE, codec, 90).tobytes().startswith(signature)


def test_quality_buys_fidelity() -> None:
    low, high = encode_image(NOISE, "jpeg", 30), encode_image(NOISE, "jpeg", 95)
    assert len(low) < len(high)
    error = [np.abs(decode_image(data).astype(int) - NOISE).mean() for data in (low, high)]
    assert error[0] > error[1]


def test_what_is_no_image_is_refused() -> None:
    for data in (b"", b"no image at all"):
        with pytest.raises(ValueError, match="no image"):
            decode_image(data)


def test_an_unknown_codec_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'gif'; allowed are jpeg, png, webp"):
        encode_image(NOISE, "gif", 90)


def test_an_image_too_large_for_its_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="webp: cannot hold"):
        encode_image(np.zeros((16400, 1), np.uint8), "webp", 90)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("codec", ["jpeg", "png", "webp"])
@pytest.mark.parametrize(("height", "width"), [(33, 47), (48, 64), (1, 1), (17, 16)])
def test_a_decoder_gives_the_same_pixels_image_after_image(
    codec: str, grey: bool, height: int, width: int
) -> None:
    decoder = ImageDecoder(height, width, grey=grey)
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        data = encode_image(noise[..., 0] if grey else noise, codec, 90)
        decoder.decode(data)
        np.testing.assert_array_equal(decoder.image, decode_image(data, grey))


@pytest.mark.parametrize("codec", ["jpeg", "png"])
@pytest.mark.parametrize(("height", "width"), [(34, 47), (32, 47), (33, 46), (66, 94), (16, 20)])
def test_a_decoder_refuses_an_image_of_another_size(codec: str, height: int, width: int) -> None:
    decoder = ImageDecoder(33, 47)
    with pytest.raises(ValueError):
        decoder.decode(encode_image(np.zeros((height, width, 3), np.uint8), codec, 90))


@pytest.mark.parametrize("codec", ["jpeg", "png"])
def test_a_decoder_refuses_damaged_bytes(codec: str) -> None:
    data, decoder = encode_image(NOISE, codec, 90), ImageDecoder(33, 47)
    for damaged in (data[:0], data[:2], data[:100], data[: len(data) // 2]):
        with pytest.raises(ValueError):
            decoder.decode(damaged)
