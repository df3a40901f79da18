"""Serial reproduction: what one reproduces is what the next is shown (Bartlett, 1932; Xu & Griffiths, 2010).

Stimuli are values on a line, angles on a circle, points of a plane, patterns of dots in a disc, or small images. The
chain is between people (each generation another person) or within them; what is shown can be blurred by noise, as in a
diffusion model's sampler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Paradigm, Record
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.paradigms.chain_measures import MEASURES, read
from cogmem.spaces import SPACES, Line, Space, space_of
from cogmem.trials import Trials

Array = NDArray[np.float64]

NOISES: Final = ("none", "gaussian", "bimodal", "trimodal", "fade")
STRETCH: Final = 0.05
"""How far bimodal and trimodal noise move a value, in widths of the space (as on the grid of `grid_noise`)."""


@dataclass(frozen=True)
class SerialReproductionSettings:
    """Settings; a chain begins with a root, and each root has `chains_per_root` chains.

    `space`: "line" from `low` to `high` (None: open), "circle" in degrees, "plane": points from `low` to `high` on both
    axes, "dots": `n_dots` in a disc of `radius`, "images" of `n_pixels` a side.
    Roots are drawn evenly (of dots: radius and angle, at least `separation` apart), or are those of `roots`.
    `within_person`: one person reproduces a chain to its end; otherwise each generation is another person's. Each
    person has `chains_per_person` chains. `exposure` and `retention_interval` in s.
    `noise` blurs what is shown: "gaussian" with sd `noise_level`, "bimodal" and "trimodal" the same after a move by
    a twentieth of the space, "fade" puts an even draw in the stimulus's place with probability `noise_level`.
    A reproduction is discarded, and its stimulus shown again instead, if there is none, if it lies further than
    `accept_within` (in widths of the space) from what was to be reproduced, or outside the space where `outside` is
    "discard"; "clip" moves it to the edge, "refuse" is an error.
    """

    space: Literal["line", "circle", "plane", "dots", "images"] = "dots"
    n_roots: int = 10
    chains_per_root: int = 10
    roots: tuple[float, ...] = ()
    low: float | None = 0.0
    high: float | None = 1.0
    n_pixels: int = 8
    n_dots: int = 15
    radius: float = 263.0
    separation: float = 22.0
    within_person: bool = False
    chains_per_person: int = 1
    exposure: float = 15.0
    retention_interval: float = 1.0
    noise: Literal["none", "gaussian", "bimodal", "trimodal", "fade"] = "none"
    noise_level: float = 0.0
    accept_within: float | None = None
    outside: Literal["discard", "clip", "refuse"] = "discard"

    def __post_init__(self) -> None:
        object.__setattr__(self, "roots", tuple(float(root) for root in self.roots))
        for name in ("n_roots", "chains_per_root", "chains_per_person"):
            if getattr(self, name) < 1:
                raise UserError(f"serial_reproduction needs {name} of at least 1; got {getattr(self, name)}.")
        for name, known in (("space", SPACES), ("noise", NOISES), ("outside", ("discard", "clip", "refuse"))):
            if getattr(self, name) not in known:
                raise UserError(f"{name} is one of {', '.join(known)}; {nearest(getattr(self, name), known)}")
        if self.noise != "none" and not self.noise_level > 0:
            raise UserError(f"{self.noise} noise needs a noise_level above 0; got {self.noise_level}.")
        if self.noise == "fade" and self.noise_level > 1:
            raise UserError(f"Fading noise replaces a stimulus with probability noise_level; got {self.noise_level}.")
        if self.accept_within is not None and not self.accept_within > 0:
            raise UserError(f"accept_within is a share of the space, above 0; got {self.accept_within}.")
        if self.space == "plane" and None in (self.low, self.high):
            raise UserError("The plane has edges: give low and high.")
        space = self.stimuli
        if isinstance(space, Line) and not space.bounded and (not self.roots or self.noise == "fade"):
            raise UserError("A line without bounds has no even draw of stimuli; give low and high, or give roots.")
        if self.roots and self.space not in ("line", "circle"):
            raise UserError(f"roots are values on the line or the circle; stimuli of the space {self.space} are drawn.")
        if self.roots and not space.inside(np.array(self.roots)).all():
            raise UserError(f"The roots lie outside the line from {self.low} to {self.high}: {self.roots}.")

    @property
    def stimuli(self) -> Space:
        """The stimulus space."""
        return space_of({name: getattr(self, name) for name in self.__dataclass_fields__})


def _blur(settings: SerialReproductionSettings, stimuli: Array, rng: np.random.Generator) -> Array:
    """Return what is shown when the noise of the settings is added to the stimuli."""
    if settings.noise == "none":
        return stimuli
    space, each = settings.stimuli, (-1, *[1] * (stimuli.ndim - 1))
    if settings.noise == "fade":
        gone = rng.random(len(stimuli)) < settings.noise_level
        return np.where(gone.reshape(each), space.even(len(stimuli), rng), stimuli)
    places, shares = {
        "gaussian": ((0.0,), (1.0,)),
        "bimodal": ((1.0, -1.0), (0.5, 0.5)),
        "trimodal": ((0.0, 1.0, -1.0), (0.5, 0.25, 0.25)),
    }[settings.noise]
    moved = STRETCH * space.width * rng.choice(places, p=shares, size=len(stimuli)).reshape(each)
    return space.clipped(stimuli + moved + settings.noise_level * rng.standard_normal(stimuli.shape))


def _generation(
    settings: SerialReproductionSettings, stimuli: Array, roots: Array, generation: int, rng: np.random.Generator
) -> tuple[Trials, Array]:
    """Return trials and items of one generation: items are what is shown, then the stimuli, then the roots."""
    n = len(stimuli)
    chains = np.arange(n)
    person = chains // settings.chains_per_person
    if not settings.within_person:
        person = person + (generation - 1) * -(-n // settings.chains_per_person)
    trial = settings.exposure + settings.retention_interval
    # Somebody who reproduces a chain to its end takes one generation of it after the other.
    before = (generation - 1) * settings.chains_per_person if settings.within_person else 0
    shown_at = (before + chains % settings.chains_per_person) * trial
    shared = {
        "participant": np.array([f"p{number + 1:04d}" for number in person]),
        "chain": chains + 1,
        "generation": np.full(n, generation),
        "item": chains,
        "target": n + chains,
        "root": 2 * n + chains,
    }
    study = {"phase": np.full(n, "study"), **shared, "time": shown_at, "retention_interval": np.zeros(n)}
    test = {"phase": np.full(n, "test"), **shared, "time": shown_at + trial}
    test["retention_interval"] = np.full(n, settings.retention_interval)
    # A stimulus is reproduced before the next is shown.
    order = np.arange(2 * n).reshape(2, n).T.ravel()
    trials = Trials({name: np.concatenate([study[name], test[name]])[order] for name in study})
    return trials, np.concatenate([_blur(settings, stimuli, rng), stimuli, roots])


def _build(settings: SerialReproductionSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    space = settings.stimuli
    roots = np.array(settings.roots) if settings.roots else space.even(settings.n_roots, rng)
    roots = np.repeat(space.clipped(roots), settings.chains_per_root, axis=0)
    return _generation(settings, roots, roots, 1, rng)


def accepted(record: Record) -> NDArray[np.bool_]:
    """Return for each reproduction whether the next person is shown it (see the settings)."""
    settings = SerialReproductionSettings(**record.design.settings)
    space, made = settings.stimuli, read(record)
    outside = np.zeros(len(made.answers), dtype=bool)
    outside[made.given] = ~space.inside(made.answers[made.given])
    if outside.any() and settings.outside == "refuse":
        k = int(np.flatnonzero(outside)[0])
        raise UserError(
            f"{record.subject}'s reproduction in chain {made.tests['chain'][k]}, generation {made.generation[k]} lies "
            f"outside the {space.name}: {np.round(made.answers[k], 3).tolist()}; set outside to 'discard' or 'clip', "
            "or give the space wider bounds."
        )
    good = made.given & ~outside if settings.outside == "discard" else made.given.copy()
    if settings.accept_within is not None:
        near = space.apart(made.stimuli[made.given], made.answers[made.given])
        good[made.given] &= near <= settings.accept_within * space.width
    return np.asarray(good)


def _follow(record: Record) -> tuple[Trials, NDArray[Any]]:
    settings = SerialReproductionSettings(**record.design.settings)
    made, good = read(record), accepted(record)
    following = made.stimuli.copy()
    following[good] = settings.stimuli.clipped(made.answers[good])
    generation = int(made.generation[0]) + 1
    # Noise of its own for each generation, the same whoever answers.
    rng = np.random.default_rng((record.design.seed, generation))
    return _generation(settings, following, made.roots, generation, rng)


def _like(curve: Curve) -> SerialReproductionSettings:
    """Return the settings that repeat a human table of chains: of dots by `chain`, or of hues by `participant`."""
    rows = curve.rows
    if "participant" not in rows:
        # A person cannot place a dot beyond the display.
        chains = len(np.unique(rows["chain"])) if "chain" in rows else 100
        return SerialReproductionSettings(n_roots=chains, chains_per_root=1, outside="clip")
    people = len(np.unique(rows["participant"]))
    each = int(rows["n_trials"].max()) if "n_trials" in rows else 1
    return SerialReproductionSettings(
        space="circle", n_roots=people * each, chains_per_root=1, within_person=True, exposure=0.1,
        chains_per_person=each,
    )  # fmt: skip


serial_reproduction: Final = Paradigm(
    name="serial_reproduction",
    version=1,
    reference="Bartlett (1932); Griffiths & Kalish (2007); Xu & Griffiths (2010)",
    settings=SerialReproductionSettings,
    build=_build,
    measures=MEASURES,
    follow=_follow,
    like=_like,
)
