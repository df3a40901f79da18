"""Who predicts people best: outcomes scored on the same trials, ranked, beside people and their ceiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Agreement, Curve
from cogmem.fitting.loo import Elpd, stacking
from cogmem.jobs.outcomes import Outcome, halves
from cogmem.lineups import Entry, LineUp
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]

SETTLED: Final = 1.05
"""Largest r-hat of chains that are taken to agree."""


def _curve_score(curve: Curve, human: Curve) -> tuple[float | None, float | None]:
    """Return (rmse, r) between two curves at the places of the axis that both have, 0 (a root) left out."""
    mine, theirs = curve.pool().rows, human.pool().rows
    shared = np.intersect1d(mine["x"], theirs["x"])
    shared = shared[shared > 0]
    if not len(shared):
        return None, None
    one, two = (rows["y"][np.isin(rows["x"], shared)].astype(float) for rows in (mine, theirs))
    r = float(np.corrcoef(one, two)[0, 1]) if len(shared) > 2 and np.ptp(one) > 0 and np.ptp(two) > 0 else None
    return float(np.sqrt(np.mean((one - two) ** 2))), r


def _behind(best: Outcome, scores: Array, mean_and_se: Callable[[Array], tuple[float, float]]) -> str:
    """Return in words how far behind the best model scores are: what two have in common cancels in the error."""
    mean, se = mean_and_se(best.scores - scores)
    word = "is ahead" if mean >= 0 else "is behind"
    return f"{best.name} {word} by {abs(mean):.4f} ± {se:.4f} nats a test, test by test."


def _unsettled(parameters: Trials) -> tuple[str, ...]:
    """Return a warning where chains disagree: their posterior has more than one place, and shares of it are unsure."""
    known = parameters["rhat"][np.isfinite(parameters["rhat"])] if "rhat" in parameters else np.zeros(0)
    worst = max(known, default=1.0)
    if worst <= SETTLED:
        return ()
    return (f"Chains of its population disagree (r-hat {worst:.2f}): take its parameters as one of several accounts.",)


def behind_best(outcomes: Sequence[Outcome], mean_and_se: Callable[[Array], tuple[float, float]]) -> Trials:
    """Return a row an outcome, the best first: density a test and its error, and how far behind the best it is.

    `behind` is the mean difference person by person, `behind_se` its error: what two have in common cancels.
    """
    by_score = sorted(outcomes, key=lambda each: -float(each.scores.sum()))
    rows = []
    for each in by_score:
        (mean, se), (behind, behind_se) = mean_and_se(each.scores), mean_and_se(by_score[0].scores - each.scores)
        rows.append({"subject": each.name, "elpd_per_test": mean, "se": se, "behind": behind, "behind_se": behind_se,
                     "people": len(each.scores)})  # fmt: skip
    return from_rows(rows)


DRAWS: Final = ("rhat", "ess", "divergences", "pareto_k")
"""Columns of a fit to all answers that say how far its draws are to be trusted."""


def told_of_draws(diagnostics: Mapping[str, float], score: Elpd) -> dict[str, float]:
    """Return DRAWS of a fit to all answers and of its density of people left out; NaN where there were no chains."""
    nothing = float("nan")
    values = (diagnostics.get("rhat_max", nothing), diagnostics["ess_min"], diagnostics.get("divergences", nothing),
              float(score.pareto_k.max()))  # fmt: skip
    return dict(zip(DRAWS, values, strict=True))


def left_out_rows(outcomes: Sequence[Outcome], mean_and_se: Callable[[Array], tuple[float, float]]) -> Trials:
    """Return `behind_best` of fits to all answers, whose scores are of people left out, and their `told_of_draws`."""
    if not outcomes:
        return Trials({})
    table = behind_best(outcomes, mean_and_se)
    named = {each.name: each.parameters for each in outcomes}
    told = {name: np.array([named[str(who)][name][0] for who in table["subject"]])
            for name in DRAWS}  # fmt: skip
    return Trials({"elpd_loo_per_test" if name == "elpd_per_test" else name: table[name] for name in table} | told)


def ranked(
    paradigm: str,
    human: Curve,
    by: str,
    outcomes: Sequence[Outcome],
    top: Array | None,
    mean_and_se: Callable[[Array], tuple[float, float]],
    tests: float,
    notes: tuple[str, ...],
) -> LineUp:
    """Return people, whose score is that of other people, and the others by their score; weights are stacked."""
    main = human.measure
    odd, even = (replace(human, rows=human.rows.where(part)) for part in halves(human.rows[by]))
    rmse, r = _curve_score(odd, even)
    elpd, se = (None, None) if top is None else mean_and_se(top)
    ceiling = {"ceiling": r, "ceiling_rmse": rmse, "ceiling_elpd": elpd, "ceiling_se": se}
    people = Agreement(human.subject, "human", tests, rmse=rmse, r=r, elpd_per_test=elpd, elpd_se=se, **ceiling)
    weight = stacking({each.name: each.scores for each in outcomes}) if outcomes else {}
    entries = []
    best = max(outcomes, key=lambda each: mean_and_se(each.scores)[0]) if outcomes else None
    for each in outcomes:
        curve = each.curves[main]
        rmse, r = _curve_score(curve, human)
        elpd, se = mean_and_se(each.scores)
        score = Agreement(each.name, each.kind, tests, rmse=rmse, r=r, elpd_per_test=elpd, elpd_se=se, **ceiling)
        said = () if best is None or each is best else (_behind(best, each.scores, mean_and_se),)
        said = (*said, *_unsettled(each.parameters))
        entries.append(Entry(score, curve.pool(), each.seconds, weight[each.name], each.parameters, said))
    entries.sort(key=lambda entry: -(entry.agreement.elpd_per_test or 0.0))
    if best is not None and top is not None:
        notes = (*notes, _behind(best, top, mean_and_se))
    first = Entry(people, human.pool(), 0.0, warnings=notes)
    return LineUp(paradigm, human, (first, *entries))
