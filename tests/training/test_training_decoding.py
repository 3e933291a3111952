"""Image files of every kind as pixels, and files that are no images."""

from __future__ import annotations

import io
import os
import random
import struct
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archdsl.training.data import decoding
from archdsl.training.data.decoding import Unreadable, decode, fitted

RED, WHITE = [255, 0, 0], [255, 255, 255]


def save(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def pixel(path: Path, size: int = 2) -> list[int]:
    """The upper left pixel of an image of ``size`` x ``size``."""
    return [int(value) for value in decode(path, (3, size, size))[:, 0, 0]]


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    shape = (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def test_pixels_are_as_in_the_file(tmp_path: Path) -> None:
    image = noise(8, 8)
    wanted = np.asarray(image).transpose(2, 0, 1)
    for ending in ("png", "bmp", "ppm", "tif"):
        assert (decode(save(image, tmp_path / f"a.{ending}"), (3, 8, 8)) == wanted).all()
    webp = save(image, tmp_path / "a.webp", lossless=True)
    assert (decode(webp, (3, 8, 8)) == wanted).all()
    # What a name ends in decides nothing.
    assert (decode((tmp_path / "a.png").rename(tmp_path / "b.jpg"), (3, 8, 8)) == wanted).all()


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (16, 16), (7, 100), (33, 17), (5, 5)])
def test_fitting_is_torchvisions(size: tuple[int, int]) -> None:
    transforms = pytest.importorskip("torchvision.transforms")
    image = noise(*size)
    for side in (16, 15):
        steps = transforms.Compose([transforms.Resize(side), transforms.CenterCrop(side)])
        assert (np.asarray(fitted(image, side, side)) == np.asarray(steps(image))).all()


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (3, 5), (24, 8), (100, 1)])
def test_fitting_covers_inputs_that_are_not_square(size: tuple[int, int]) -> None:
    for height, width in ((8, 24), (24, 8), (1, 1), (5, 6)):
        white = Image.new("RGB", size, (255, 255, 255))
        image = fitted(white, height, width)
        assert image.size == (width, height)
        assert np.asarray(image).min() == 255  # nothing of it lies outside of the image


def test_grey_for_colour_and_colour_for_grey(tmp_path: Path) -> None:
    grey = save(Image.new("L", (2, 2), 77), tmp_path / "a.png")
    assert pixel(grey) == [77, 77, 77]
    assert decode(grey, (1, 2, 2)).tolist() == [[[77, 77], [77, 77]]]
    colour = save(Image.new("RGB", (2, 2), (255, 0, 0)), tmp_path / "b.png")
    assert decode(colour, (1, 2, 2))[0, 0, 0] == 76  # ITU-R 601-2: 0.299 of red
    black = save(Image.new("1", (2, 2), 1), tmp_path / "c.png")
    assert pixel(black) == WHITE


def test_what_is_transparent_is_laid_on_white(tmp_path: Path) -> None:
    assert pixel(save(Image.new("RGBA", (2, 2), (255, 0, 0, 0)), tmp_path / "a.png")) == WHITE
    assert pixel(save(Image.new("RGBA", (2, 2), (255, 0, 0, 255)), tmp_path / "b.png")) == RED
    assert pixel(save(Image.new("LA", (2, 2), (0, 0)), tmp_path / "c.png")) == WHITE
    half = save(Image.new("RGBA", (2, 2), (0, 0, 0, 128)), tmp_path / "d.png")
    assert pixel(half) == [127, 127, 127]
    key = save(Image.new("RGB", (2, 2), (9, 9, 9)), tmp_path / "e.png", transparency=(9, 9, 9))
    assert pixel(key) == WHITE


def test_palettes(tmp_path: Path) -> None:
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert pixel(save(image, tmp_path / "a.png")) == RED
    assert pixel(save(image, tmp_path / "b.png", transparency=1)) == WHITE
    assert pixel(save(image, tmp_path / "c.png", transparency=bytes([255, 0]))) == WHITE
    assert pixel(save(image, tmp_path / "d.gif")) == RED


def test_four_inks(tmp_path: Path) -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red, green, blue = pixel(save(image, tmp_path / "a.jpg"), 16)
    assert red > 240 and green < 15 and blue < 15


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    values = np.array([[0, 255], [256, 65535]], np.uint16)
    path = save(Image.fromarray(values), tmp_path / "a.png")
    assert decode(path, (1, 2, 2)).tolist() == [[[0, 0], [1, 255]]]
    colour = tmp_path / "b.png"
    row = b"\0" + struct.pack(">3H", 0x1234, 0xFF00, 0x00FF)
    colour.write_bytes(png(1, 1, row, depth=16, kind=2))
    assert decode(colour, (3, 1, 1)).ravel().tolist() == [0x12, 0xFF, 0x00]


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_values_without_a_white_are_refused(tmp_path: Path, kind: type) -> None:
    path = save(Image.fromarray(np.ones((2, 2), kind)), tmp_path / "a.tif")
    with pytest.raises(Unreadable, match="no known white"):
        decode(path, (3, 2, 2))


def test_of_an_animation_the_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    for ending in ("gif", "png", "webp"):
        path = tmp_path / f"a.{ending}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        red, _, blue = pixel(path)
        assert red > 200 and blue < 50, ending


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotation_in_exif_is_done(tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    image = Image.new("RGB", (32, 16), "white")
    image.paste((255, 0, 0), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(image, tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    upright = ImageOps.exif_transpose(Image.open(path))
    height, width = upright.size[::-1]
    found = decode(path, (3, height, width))
    assert (found == np.asarray(upright).transpose(2, 0, 1)).all()
    assert (height, width) == ((16, 32) if orientation < 5 else (32, 16))


def chunk(name: bytes, data: bytes) -> bytes:
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width: int, height: int, rows: bytes, depth: int = 8, kind: int = 0) -> bytes:
    header = struct.pack(">2I5B", width, height, depth, kind, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "text": (b"not an image at all", "not an image in a known format"),
    "bomb": (png(60_000, 60_000, b""), "exceeds limit|more than .* pixels"),
    "large": (png(10_000, 9_000, b""), "more than 89,478,485 pixels"),
    "strip": (png(3_000, 20, b"\0" * 3001 * 20), "is a strip"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "known format"),
    "cut": (png(8, 8, b"\0" * 20), "truncated|incomplete|not enough"),
}


@pytest.mark.parametrize("name", BAD)
def test_files_that_are_no_images(tmp_path: Path, name: str) -> None:
    data, reason = BAD[name]
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(Unreadable, match=reason):
            decode(path, (3, 8, 8))


def test_a_photograph_that_is_cut_short(tmp_path: Path) -> None:
    path = save(noise(64, 64), tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(Unreadable, match="truncated"):
        decode(path, (3, 8, 8))


def test_files_that_are_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(noise(16, 16), tmp_path / "a.bmp")
    monkeypatch.setattr(decoding, "MAX_BYTES", 500)
    with pytest.raises(Unreadable, match="more than 500 bytes"):
        decode(path, (3, 8, 8))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes of this kind")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name, reason in (
        ("pipe", "no regular file"),
        ("folder", "no regular file"),
        ("gone", "no such file"),
        ("zero", "no regular file"),
    ):
        with pytest.raises(Unreadable, match=reason):
            decode(tmp_path / f"{name}.png", (3, 8, 8))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_a_damaged_image_is_read_or_said_to_be_unreadable(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    noise(12, 9).save(stream, kind)
    whole = stream.getvalue()
    chance = random.Random(kind)
    outcomes = set()
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 4, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path = tmp_path / "a"
        path.write_bytes(data[: chance.choice((len(data), len(data) // 2))])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert decode(path, (3, 4, 4)).shape == (3, 4, 4)
            except Unreadable as fault:
                outcomes.add(str(fault))
    assert outcomes and all(outcomes)
