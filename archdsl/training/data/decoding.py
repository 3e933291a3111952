"""One image file as pixels of a model's input, 8 bits to the value: Pillow decodes it.

The pixels are those that torchvision's ``Resize(side)`` and ``CenterCrop(side)`` make of what
Pillow decodes; what differs from its ``ImageFolder`` is told in docs/folder_data.md.
"""

from __future__ import annotations

import io
import os
import stat
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from archdsl.training.data.images import Array

MAX_BYTES = 256_000_000
"""The most bytes of a file."""

MAX_PIXELS = 89_478_485
"""The most pixels that one may decode to: where Pillow begins to suspect an attack."""

MAX_ASPECT = 100
"""The most that one side may be longer than the other; resized, a strip would be enormous."""

# Pillow knows more formats, among them some that start other programs (EPS). Not every one of
# these is in every build of it.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_WHITE = (255, 255, 255, 255)


class Unreadable(Exception):
    """A file that is no image that can be read; the text says why."""


def decode(path: Path, input: tuple[int, int, int]) -> Array:
    """Return an image as uint8 [channels, height, width] of ``input``; channels are 1 or 3.

    Raises :class:`Unreadable`, whatever is wrong with the file, and MemoryError.
    """
    channels, height, width = input
    try:
        with Image.open(io.BytesIO(_read(path)), formats=_formats()) as image:
            _demand_reasonable(image.size)
            plain = _plain(image, "L" if channels == 1 else "RGB")
            pixels = np.asarray(fitted(plain, height, width))
    except (Unreadable, MemoryError):
        raise
    except OSError as error:
        raise Unreadable(_reason(error)) from error
    # A damaged file can end in almost any exception of the decoders.
    except Exception as error:
        raise Unreadable(f"{error}" or type(error).__name__) from error
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def fitted(image: Image.Image, height: int, width: int) -> Image.Image:
    """Return the image scaled until it just covers ``height`` x ``width``, and cut to its middle.

    The shorter side (of a square) is resized, antialiased bilinear; sizes and places are rounded
    as torchvision rounds them.
    """
    across, down = image.size
    if across * height <= down * width:
        size = (width, int(width * down / across))
    else:
        size = (int(height * across / down), height)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
    return image.crop((left, top, left + width, top + height))


def _read(path: Path) -> bytes:
    """Return the bytes of a regular file of bounded size; nothing is waited for."""
    _check_kind(os.stat(path).st_mode)  # noqa: PTH116 - a pipe is not even opened
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        _check_kind(os.fstat(file.fileno()).st_mode)
        data = file.read(MAX_BYTES + 1)
    if not data:
        raise Unreadable("it is empty")
    if len(data) > MAX_BYTES:
        raise Unreadable(f"it has more than {MAX_BYTES:,} bytes")
    return data


def _check_kind(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise Unreadable("it is no regular file")


def _demand_reasonable(size: tuple[int, int]) -> None:
    """Raise Unreadable for an image that would take too much memory, decoded or resized."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise Unreadable(f"{width:,} x {height:,} are more than {MAX_PIXELS:,} pixels")
    if max(size) > MAX_ASPECT * min(size):
        raise Unreadable(f"{width:,} x {height:,} is a strip, more than {MAX_ASPECT} to 1")


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """Return the first frame, upright, opaque, in ``L`` or ``RGB``, 8 bits to the value."""
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode in _SIXTEEN_BITS or (upright.mode == "I" and image.format in ("PNG", "PPM")):
        # Pillow cuts what is above 255; of colours in 16 bits it keeps the upper 8, as here.
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    elif upright.mode in ("I", "F"):
        raise Unreadable(f"its values ({upright.mode}) have no known white")
    if upright.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in upright.info:
        colours = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", colours.size, _WHITE), colours)
    return upright if upright.mode == mode else upright.convert(mode)


def _reason(error: OSError) -> str:
    if "cannot identify image file" in str(error):
        return "it is not an image in a known format"
    return error.strerror.lower() if error.strerror else str(error)
