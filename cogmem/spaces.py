"""Stimulus spaces of reproductions: line, circle, plane, patterns of dots, images; paradigms and subjects know them.

A space draws stimuli, tells distances and edges, and sorts stimuli into bins; n stimuli have shape (n, *shape).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.patterns import matched_distance, turned

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Space(Protocol):
    """What a paradigm and a reproducer need to know of stimuli."""

    @property
    def name(self) -> str: ...
    @property
    def width(self) -> float:
        """The extent, which shares of the space are taken of."""
        ...

    def even(self, n: int, rng: np.random.Generator) -> Array:
        """Return n stimuli drawn evenly."""
        ...

    def inside(self, stimuli: Array) -> Mask:
        """Return for each stimulus whether it lies in the space: (n,)."""
        ...

    def clipped(self, stimuli: Array) -> Array:
        """Return stimuli moved to the nearest place in the space."""
        ...

    def apart(self, one: Array, other: Array) -> Array:
        """Return the distance between stimuli: (n,)."""
        ...

    def histogram(self, stimuli: Array) -> Array:
        """Return the shares of stimuli in the bins of the space (sum 1)."""
        ...


@dataclass(frozen=True)
class Line:
    """Values from `low` to `high`; None leaves that end open, and then nothing is drawn evenly or binned."""

    low: float | None = 0.0
    high: float | None = 1.0
    name: str = "line"

    def __post_init__(self) -> None:
        if self.bounded and not self.low < self.high:  # type: ignore[operator]
            raise UserError(f"The line needs low below high; got {self.low} and {self.high}.")

    @property
    def bounded(self) -> bool:
        """Whether the line has both ends."""
        return self.low is not None and self.high is not None

    @property
    def width(self) -> float:
        """High − low; 1 for a line without ends."""
        return float(self.high - self.low) if self.bounded else 1.0  # type: ignore[operator]

    def _ends(self) -> tuple[float, float]:
        low = -np.inf if self.low is None else self.low
        return low, np.inf if self.high is None else self.high

    def even(self, n: int, rng: np.random.Generator) -> Array:
        """Return n values drawn evenly; UserError without ends."""
        if not self.bounded:
            raise UserError("A line without bounds has no even draw; give low and high, or give roots=(..., ...).")
        return rng.uniform(*self._ends(), n)

    def inside(self, stimuli: Array) -> Mask:
        """Return whether each value lies between the ends, which belong to the line."""
        low, high = self._ends()
        return np.asarray((stimuli >= low) & (stimuli <= high))

    def clipped(self, stimuli: Array) -> Array:
        """Return values moved to the nearest end."""
        return np.asarray(np.clip(stimuli, *self._ends()))

    def apart(self, one: Array, other: Array) -> Array:
        """Return |one − other|."""
        return np.abs(one - other)

    def histogram(self, stimuli: Array) -> Array:
        """Return the shares in 20 equal bins; UserError without ends."""
        if not self.bounded:
            raise UserError("A line without bounds has no bins; give low and high, or take the measure value.")
        counts = np.histogram(stimuli, bins=np.linspace(*self._ends(), 21))[0]
        return np.asarray(counts / counts.sum())


@dataclass(frozen=True)
class Circle:
    """Angles in degrees, 0 to 360: hue, direction, orientation of period 360."""

    name: str = "circle"
    width: float = 360.0

    def even(self, n: int, rng: np.random.Generator) -> Array:
        """Return n angles drawn evenly."""
        return rng.uniform(0.0, 360.0, n)

    def inside(self, stimuli: Array) -> Mask:
        """Return True for every finite angle: all of them are on the circle."""
        return np.isfinite(stimuli)

    def clipped(self, stimuli: Array) -> Array:
        """Return angles from 0 to below 360."""
        return np.asarray(np.mod(stimuli, 360.0))

    def apart(self, one: Array, other: Array) -> Array:
        """Return the distance the short way round, 0 to 180."""
        return np.abs(turned(one, other))

    def histogram(self, stimuli: Array) -> Array:
        """Return the shares in 18 bins of 20 degrees."""
        counts = np.histogram(np.mod(stimuli, 360.0), bins=np.linspace(0, 360, 19))[0]
        return np.asarray(counts / counts.sum())


@dataclass(frozen=True)
class Plane:
    """Points (2,) of a square, from `low` to `high` on both axes."""

    low: float = -0.5
    high: float = 0.5
    name: str = "plane"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise UserError(f"The plane needs low below high; got {self.low} and {self.high}.")

    @property
    def width(self) -> float:
        """The side of the square."""
        return self.high - self.low

    def even(self, n: int, rng: np.random.Generator) -> Array:
        """Return n points drawn evenly: (n, 2)."""
        return rng.uniform(self.low, self.high, (n, 2))

    def inside(self, stimuli: Array) -> Mask:
        """Return whether each point lies in the square, its edges included."""
        return np.asarray(((stimuli >= self.low) & (stimuli <= self.high)).all(axis=-1))

    def clipped(self, stimuli: Array) -> Array:
        """Return points moved to the nearest place in the square."""
        return np.asarray(np.clip(stimuli, self.low, self.high))

    def apart(self, one: Array, other: Array) -> Array:
        """Return the Euclidean distance."""
        return np.asarray(np.hypot(*np.moveaxis(one - other, -1, 0)))

    def histogram(self, stimuli: Array) -> Array:
        """Return the shares in 10 × 10 squares: (10, 10)."""
        edges = np.linspace(self.low, self.high, 11)
        counts = np.histogram2d(stimuli[:, 0], stimuli[:, 1], bins=[edges, edges])[0]
        return np.asarray(counts / counts.sum())


@dataclass(frozen=True)
class Images:
    """Grey images (n_pixels, n_pixels) of brightness 0 to 1."""

    n_pixels: int = 8
    name: str = "images"
    width: float = 1.0

    def __post_init__(self) -> None:
        if not 2 <= self.n_pixels <= 64:
            raise UserError(f"Images have 2 to 64 pixels a side; got n_pixels={self.n_pixels}.")

    def even(self, n: int, rng: np.random.Generator) -> Array:
        """Return n images of pixels drawn evenly."""
        return rng.random((n, self.n_pixels, self.n_pixels))

    def inside(self, stimuli: Array) -> Mask:
        """Return whether all pixels of each image lie from 0 to 1."""
        return np.asarray(((stimuli >= 0) & (stimuli <= 1)).all(axis=(-2, -1)))

    def clipped(self, stimuli: Array) -> Array:
        """Return images whose pixels are cut to 0 to 1."""
        return np.asarray(np.clip(stimuli, 0.0, 1.0))

    def apart(self, one: Array, other: Array) -> Array:
        """Return the root mean square difference of pixels."""
        return np.asarray(np.sqrt(((one - other) ** 2).mean(axis=(-2, -1))))

    def histogram(self, stimuli: Array) -> Array:
        """Return the shares of all pixels in 20 bins of brightness."""
        counts = np.histogram(stimuli, bins=np.linspace(0, 1, 21))[0]
        return np.asarray(counts / counts.sum())


@dataclass(frozen=True)
class Disc:
    """Patterns of `n_dots` dots, (n_dots, 2), around the middle of a disc; drawn at least `separation` apart.

    Drawn with even radius and angle, each dot again while it is nearer than `separation` to one before it: so the
    dispersion and the nearest-neighbour distance of the first displays of the published chains come out.
    """

    n_dots: int = 15
    radius: float = 263.0
    separation: float = 22.0
    name: str = "dots"

    def __post_init__(self) -> None:
        if self.n_dots < 2 or not self.radius > 0 or not self.n_dots * self.separation**2 <= 2 * self.radius**2:
            raise UserError(
                f"Patterns need two dots or more that fit a disc; {self.n_dots} dots at least {self.separation} apart "
                f"in a radius of {self.radius} do not: make the separation or the number of dots smaller."
            )

    @property
    def width(self) -> float:
        """The diameter."""
        return 2 * self.radius

    def even(self, n: int, rng: np.random.Generator) -> Array:
        """Return n patterns: (n, n_dots, 2)."""
        patterns = np.empty((n, self.n_dots, 2))
        for dot in range(self.n_dots):
            waiting = np.arange(n)
            while len(waiting):
                radius, angle = self.radius * rng.random(len(waiting)), 2 * np.pi * rng.random(len(waiting))
                places = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
                apart = np.hypot(*np.moveaxis(places[:, None] - patterns[waiting, :dot], -1, 0))
                good = (apart >= self.separation).all(axis=1)
                patterns[waiting[good], dot] = places[good]
                waiting = waiting[~good]
        return patterns

    def inside(self, stimuli: Array) -> Mask:
        """Return whether all dots of each pattern lie in the disc, a hundredth beyond its edge allowed."""
        radius = np.hypot(stimuli[..., 0], stimuli[..., 1])
        return np.asarray((radius <= 1.01 * self.radius).all(axis=-1))

    def clipped(self, stimuli: Array) -> Array:
        """Return patterns whose dots outside are moved to the edge."""
        radius = np.hypot(stimuli[..., 0], stimuli[..., 1])
        return np.asarray(stimuli * np.minimum(1.0, self.radius / np.maximum(radius, 1e-300))[..., None])

    def apart(self, one: Array, other: Array) -> Array:
        """Return the mean distance between dots that are paired best."""
        return matched_distance(one, other)

    def histogram(self, stimuli: Array) -> Array:
        """Return the shares of all dots in 10 × 10 squares around the disc: (10, 10)."""
        edges = np.linspace(-1.01 * self.radius, 1.01 * self.radius, 11)
        counts = np.histogram2d(stimuli[..., 0].ravel(), stimuli[..., 1].ravel(), bins=[edges, edges])[0]
        return np.asarray(counts / counts.sum())


SPACES: Final = ("line", "circle", "plane", "dots", "images")


def space_of(settings: Mapping[str, Any]) -> Space:
    """Return the space that the settings of a design describe: `space`, and its extent."""
    if settings.get("space") == "line":
        return Line(settings["low"], settings["high"])
    if settings.get("space") == "circle":
        return Circle()
    if settings.get("space") == "plane":
        return Plane(settings["low"], settings["high"])
    if settings.get("space") == "images":
        return Images(settings["n_pixels"])
    if settings.get("space") == "dots":
        return Disc(settings["n_dots"], settings["radius"], settings["separation"])
    raise UserError(
        f"A reproducer needs a design whose settings name a space ({', '.join(SPACES)}); got {settings.get('space')!r}."
    )
