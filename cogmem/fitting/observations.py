"""What was observed, in the form that every way of fitting reads, and how likely it is under a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.columns import require
from cogmem.core import Curve, Record
from cogmem.errors import UserError
from cogmem.subjects.equation import Equation, guessing
from cogmem.subjects.parameters import Parameter
from cogmem.trials import Trials

Family = Literal["bernoulli", "binomial", "beta_binomial", "gaussian", "gaussian_free", "least_squares"]

# Beyond these the likelihood of counts bends predictions back into (0, 1), see `inside`: floats that round to 0 or 1,
# and what equations predict that leave [0, 1] by their own form. There the bend has to be as wide as what some fifty
# answers tell, or samplers crawl round it: at 1e-3 a population of power laws took 540 leapfrog steps a draw.
EDGE: Final = 1e-3
WIDE_EDGE: Final = 0.02
LARGE: Final = 1e6

SIGMA: Final = Parameter("sigma", "positive", -3.0, 1.0, "as y", "standard deviation of a point around the equation")
PHI: Final = Parameter("phi", "positive", 3.0, 1.5, "1", "precision of the beta-binomial")
NUISANCE: Final[Mapping[Family, tuple[Parameter, ...]]] = {"gaussian_free": (SIGMA,), "beta_binomial": (PHI,)}


@dataclass(frozen=True, eq=False)
class Observations:
    """Rows of data sorted by person: `person` (rows,) numbers them from 0, `people` names them.

    Counts: `y` right answers among `n`. Means: `y` with standard error `se` (NaN where unknown). `guess` is the
    probability of a right answer without memory. Of rows that are not `studied` (a baseline)
    nothing is retained. `order` maps each row to the row of the data it came from. `edge` is where predictions of
    counts are bent back into (0, 1).
    """

    columns: Mapping[str, NDArray[Any]]
    person: NDArray[np.intp]
    people: NDArray[Any]
    y: NDArray[np.float64]
    n: NDArray[np.float64]
    se: NDArray[np.float64]
    guess: NDArray[np.float64]
    studied: NDArray[np.bool_]
    order: NDArray[np.intp]
    family: Family
    measure: str
    log_time: float
    edge: float = EDGE

    def parameters(self, equation: Equation) -> tuple[Parameter, ...]:
        """Return the equation's parameters and those the likelihood adds."""
        return equation.parameters + NUISANCE.get(self.family, ())

    def take(self, rows: NDArray[np.intp], person: NDArray[np.intp], people: NDArray[Any]) -> Observations:
        """Return chosen rows under a new numbering of persons (sorted); used to leave rows out."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        arrays = (self.y[rows], self.n[rows], self.se[rows], self.guess[rows], self.studied[rows], self.order[rows])
        return Observations(columns, person, people, *arrays, self.family, self.measure, self.log_time, self.edge)


def _family(data: Record | Curve, likelihood: str, *, least_squares: bool) -> Family:
    counts = isinstance(data, Record) or "correct" in data.rows
    if likelihood != "auto":
        known = ("bernoulli", "binomial", "beta_binomial", "gaussian", "gaussian_free", "least_squares")
        if likelihood not in known:
            raise UserError(f"There is no likelihood {likelihood!r}; choose auto, {', '.join(known)}.")
        needs_counts = likelihood in ("bernoulli", "binomial", "beta_binomial")
        if needs_counts and not counts:
            raise UserError(f"The likelihood {likelihood!r} needs counts (correct of trials); the data are means.")
        return likelihood  # type: ignore[return-value]
    if isinstance(data, Record):
        return "bernoulli"
    if counts:
        return "binomial"
    if least_squares:
        return "least_squares"
    return "gaussian" if np.isfinite(data.se).all() and (data.se > 0).all() else "gaussian_free"


def _rows_of(data: Record | Curve) -> tuple[Trials, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (rows with the columns of the design, y, n, se)."""
    if isinstance(data, Curve):
        counts = "correct" in data.rows
        y = data.rows["correct"] if counts else data.rows["y"]
        return data.rows, y.astype(np.float64), data.rows["n"].astype(np.float64), data.se
    tests = data.design.tests
    kept = np.flatnonzero(data.answers >= 0)
    kinds = tests.get("test_type", "recall")
    if np.isin(kinds, ["learning", "relearning"]).any():
        raise UserError("Answers to criterion are not right or wrong; fit the curve of the measure 'savings' instead.")
    answers = data.right[kept].astype(np.float64)
    return tests.where(kept), answers, np.ones(len(kept)), np.full(len(kept), np.nan)


def observe(
    equation: Equation,
    data: Record | Curve,
    *,
    likelihood: str = "auto",
    pooled: bool = False,
    least_squares: bool = False,
) -> Observations:
    """Return the observations in `data` that `equation` is to predict; UserError where it cannot."""
    rows, y, n, se = _rows_of(data)
    if not len(rows):
        raise UserError("There is nothing to fit: the data have no rows; give at least one test.")
    names = np.full(len(rows), "all") if pooled else rows.get("participant", "all")
    people, first, person = np.unique(names, return_index=True, return_inverse=True)
    # Persons keep the order of the data; rows are sorted by person so that sums over a person are contiguous.
    rank = np.argsort(np.argsort(first))
    order = np.argsort(rank[person], kind="stable")
    columns = require(rows, equation.needs, who=f"The equation {equation.name!r}")
    times = rows["retention_interval"][rows["retention_interval"] > 0] if "retention_interval" in rows else np.ones(1)
    return Observations(
        {name: np.asarray(values[order], dtype=np.float64) for name, values in columns.items()},
        rank[person][order],
        people[np.argsort(first)],
        y[order],
        n[order],
        se[order],
        guessing(rows)[order],
        (rows.get("repetitions", 1) != 0)[order],
        order,
        _family(data, likelihood, least_squares=least_squares),
        "retention" if isinstance(data, Record) else data.measure,
        float(np.log(times).mean()) if len(times) else 0.0,
        EDGE if equation.bounded else WIDE_EDGE,
    )


def inside(xp: Any, p: Any, edge: float) -> Any:
    """Return p unchanged between edge and 1 - edge, and beyond them approaching 0 and 1 smoothly without end.

    The tail falls like 1 / distance, so its logarithm goes on as that of a probability does. A hard limit would be a
    wall, and an exponential tail a cliff before a plateau.
    """
    below, above = xp.clip(edge - p, 0.0, LARGE), xp.clip(p - (1.0 - edge), 0.0, LARGE)
    low, high = edge / (1.0 + below / edge), 1.0 - edge / (1.0 + above / edge)
    return xp.where(p < edge, low, xp.where(p > 1.0 - edge, high, p))


def log_likelihood(
    xp: Any, gammaln: Callable[[Any], Any], observed: Observations, predicted: Any, theta: Mapping[str, Any]
) -> Any:
    """Return the log likelihood of each row: the shape of `predicted`, whose last axis is the row.

    Counts are scored as the sequence of single answers they sum up (no binomial coefficient), so that counts and
    trials give the same density per test.
    """
    y, n, family = observed.y, observed.n, observed.family
    predicted = xp.where(observed.studied, predicted, 0.0)
    if family in ("bernoulli", "binomial", "beta_binomial"):
        p = inside(xp, observed.guess + (1.0 - observed.guess) * predicted, observed.edge)
        if family != "beta_binomial":
            return y * xp.log(p) + (n - y) * xp.log(1.0 - p)
        # Beyond 1e6 the beta-binomial is a binomial, and the difference of its log gammas loses all its digits.
        phi = xp.where(theta["phi"] < LARGE, theta["phi"], LARGE)
        right, wrong = p * phi, (1.0 - p) * phi
        together = gammaln(phi) - gammaln(phi + n)
        return gammaln(right + y) - gammaln(right) + gammaln(wrong + n - y) - gammaln(wrong) + together
    # Residuals beyond 1e6 would overflow when squared in a wild proposal; nothing real comes near.
    miss = xp.clip(y - predicted, -1e6, 1e6)
    if family == "least_squares":
        return -0.5 * miss**2 / 0.01
    spread = theta["sigma"] if family == "gaussian_free" else observed.se
    return -0.5 * (miss / spread) ** 2 - xp.log(spread) - 0.9189385332046727
