"""Images of digits as sets of active pixels: those that come with scikit-learn, or MNIST from a folder."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError

Bits = NDArray[np.uint8]

DARK: Final = 0.5
"""Share of the highest grey from which on a pixel is active."""
IMAGES_MAGIC: Final = 2051
LABELS_MAGIC: Final = 2049
FILES: Final = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)


@dataclass(frozen=True, eq=False)
class Images:
    """Binary images (n, rows x columns), what each shows (n,), how many are for learning (the first), and their size.

    >>> digits().pixels.shape
    (1797, 64)
    """

    pixels: Bits
    labels: NDArray[np.int64]
    learned: int
    shape: tuple[int, int]
    name: str


def digits() -> Images:
    """Return the 1,797 digits of 8 x 8 pixels of scikit-learn (Alpaydin & Kaynak, 1998), two thirds for learning."""
    from sklearn.datasets import load_digits

    found = load_digits()
    grey = np.asarray(found.images, dtype=np.float64) / 16.0
    pixels = (grey >= DARK).astype(np.uint8).reshape(len(grey), -1)
    return Images(pixels, np.asarray(found.target, dtype=np.int64), 2 * len(pixels) // 3, (8, 8), "digits")


def mnist(folder: Path | str) -> Images:
    """Return MNIST (LeCun, Cortes & Burges, 1998) from the four IDX files in a folder, packed with gzip or not.

    UserError where the folder lacks one of them, or a file is not what its name says.
    """
    parts = [(_idx(Path(folder), images, IMAGES_MAGIC), _idx(Path(folder), labels, LABELS_MAGIC))
             for images, labels in FILES]  # fmt: skip
    for (images, labels), (name, _) in zip(parts, FILES, strict=True):
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
            raise UserError(
                f"{name} has {len(images)} images and its labels are {len(labels)}; take the four files of one set."
            )
    pixels = np.concatenate([images for images, _ in parts])
    size = (int(pixels.shape[1]), int(pixels.shape[2]))
    active: Bits = (pixels >= DARK * 255).astype(np.uint8).reshape(len(pixels), -1)
    shown = np.concatenate([each for _, each in parts]).astype(np.int64)
    return Images(active, shown, len(parts[0][0]), size, "mnist")


def _idx(folder: Path, name: str, magic: int) -> NDArray[np.uint8]:
    """Return the array of an IDX file."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name one that holds {', '.join(sum(FILES, ()))} (or their .gz).")
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        raw = plain.read_bytes() if plain.is_file() else gzip.decompress(packed.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{folder} has no {name} and no {name}.gz; put the four files of MNIST there.") from None
    except (OSError, EOFError) as problem:
        raise UserError(f"{packed} cannot be unpacked ({problem}); fetch it again.") from None
    axes = magic % 256
    if len(raw) < 4 * (axes + 1) or int.from_bytes(raw[:4], "big") != magic:
        raise UserError(f"{name} in {folder} is not an IDX file of that kind (it begins with {raw[:4].hex() or '-'}).")
    sizes = np.frombuffer(raw, ">i4", axes, 4).astype(int)
    if len(raw) != 4 * (axes + 1) + sizes.prod():
        raise UserError(f"{name} in {folder} is cut off: it has {len(raw)} bytes and says {sizes.prod()} values.")
    return np.frombuffer(raw, np.uint8, offset=4 * (axes + 1)).reshape(sizes)
