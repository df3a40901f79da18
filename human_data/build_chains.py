"""Tables of serial reproduction, measures only: dots (Vul lab), hues (DeStefano et al.), sentences (Lerique)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.human_data import chain_parsing as chains
from cogmem.human_data.parsing import Row
from cogmem.patterns import dispersion, matched, nearest_neighbour, turned

DOTS: Final = Path("vul-dots-serial-reproduction")
HUES: Final = Path("destefano-color-serial-reproduction")
SENTENCES: Final = Path("gistr-sentence-chains")
HUE_BIN: Final = 20
EXPERIMENTS: Final = (1, 2, 3)


def display_rows(display: NDArray[np.float64], *, root: int, chain: int) -> list[dict[str, Any]]:
    """Return a row for each display (generation from 0, dot, axis) of one chain; sums are over all coordinates.

    `before` is the display that was shown, `after` its reproduction with the dots paired best: what a regression of
    one on the other needs.
    """
    paired = matched(display[:-1], display[1:])
    from_root = matched(np.repeat(display[:1], len(paired), axis=0), display[1:])
    rows: list[dict[str, Any]] = []
    for generation in range(len(display)):
        row: dict[str, Any] = {"root": root, "chain": chain, "generation": generation}
        row["dispersion"] = float(dispersion(display[generation]))
        row["nearest_neighbour"] = float(nearest_neighbour(display[generation]))
        row |= dict.fromkeys(("error", "drift", "sum_before", "sum_after", "square_before", "square_after", "product"))
        if generation:
            before, after = display[generation - 1], paired[generation - 1]
            row["error"] = float(np.hypot(*(after - before).T).mean())
            row["drift"] = float(np.hypot(*(from_root[generation - 1] - display[0]).T).mean())
            row |= {"sum_before": float(before.sum()), "sum_after": float(after.sum())}
            row |= {"square_before": float((before**2).sum()), "square_after": float((after**2).sum())}
            row["product"] = float((before * after).sum())
        rows.append(row)
    return rows


def _dots(path: Path) -> list[Row]:
    """Return a row for each chain and generation, measures in pixels."""
    displays, _ = chains.dots(path)
    return [
        row
        for chain, display in enumerate(displays)
        for row in display_rows(display, root=chain // 10 + 1, chain=chain + 1)
    ]


def dots_memory(sources: Path) -> list[Row]:
    """Return the chains reproduced from memory."""
    return _dots(sources / DOTS / "dots_memory.csv")


def dots_motor(sources: Path) -> list[Row]:
    """Return the chains copied while the display stayed visible."""
    return _dots(sources / DOTS / "dots_motor_control.csv")


def _experiment(sources: Path, number: int) -> chains.Hues:
    return chains.hues(sources / HUES / f"chain_data_exp{number}.csv")


def _mean(values: NDArray[Any]) -> tuple[float, float | None]:
    """Return a mean and its standard error (sample sd; None for one value)."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def hue_errors(sources: Path) -> list[Row]:
    """Return signed errors by person, half of the chains and 20° of the shown hue: n, mean, and sd (divisor n).

    The halves are the person's first, third, ... and second, fourth, ... chain.
    """
    rows: list[Row] = []
    for number in EXPERIMENTS:
        data = _experiment(sources, number)
        hue = (data.shown // HUE_BIN).astype(int)
        for person in np.unique(data.participant):
            own = np.flatnonzero(data.participant == person)
            for half, chosen in (("odd", own[::2]), ("even", own[1::2])):
                for k in np.unique(hue[chosen]):
                    errors = data.errors[chosen][hue[chosen] == k]
                    rows.append(
                        {"experiment": f"E{number}", "participant": f"E{number}-{person}", "half": half,
                         "hue": HUE_BIN * int(k) + HUE_BIN // 2, "n_trials": len(errors),
                         "signed_error": float(errors.mean()), "error_sd": float(errors.std())}
                    )  # fmt: skip
    return rows


def hue_generations(sources: Path) -> list[Row]:
    """Return the mean size of error and of drift from the root, in degrees, by person and generation over chains."""
    rows: list[Row] = []
    for number in EXPERIMENTS:
        data = _experiment(sources, number)
        drift = np.abs(turned(data.answered, data.shown[:, :1]))
        for person in np.unique(data.participant):
            own = data.participant == person
            for generation in range(data.shown.shape[1]):
                error, error_se = _mean(np.abs(data.errors[own, generation]))
                away, away_se = _mean(drift[own, generation])
                rows.append(
                    {"experiment": f"E{number}", "participant": f"E{number}-{person}", "generation": generation + 1,
                     "n_trials": int(own.sum()), "error": error, "error_se": error_se, "drift": away, "se": away_se}
                )  # fmt: skip
    return rows


def hue_shares(sources: Path) -> list[Row]:
    """Return how many reproductions fell into each 20° of hue, by generation; generation 0 are the roots."""
    rows: list[Row] = []
    for number in EXPERIMENTS:
        data = _experiment(sources, number)
        for generation, hue in enumerate([data.shown[:, 0], *data.answered.T]):
            counts = np.histogram(hue, bins=np.arange(0, 361, HUE_BIN))[0]
            for k, count in enumerate(counts.tolist()):
                rows.append(
                    {"experiment": f"E{number}", "generation": generation, "hue": HUE_BIN * k + HUE_BIN // 2,
                     "correct": count, "trials": int(counts.sum())}
                )  # fmt: skip
    return rows


def sentence_measures(sources: Path) -> list[Row]:
    """Return what is left of a sentence by root and generation, means over reproductions; no text."""
    rows: list[Row] = []
    for number in EXPERIMENTS:
        groups: dict[tuple[int, int], list[list[float]]] = {}
        for each in chains.sentences(sources / SENTENCES / f"exp{number}_sentences.csv"):
            root, parent, text = (chains.words(each[name]) for name in ("root_text", "parent", "text"))
            measures = [len(text), chains.edit_distance(parent, text), chains.edit_distance(root, text),
                        chains.overlap(parent, text), chains.overlap(root, text)]  # fmt: skip
            groups.setdefault((each["root"], each["generation"]), []).append([float(value) for value in measures])
        for (root_number, generation), values in sorted(groups.items()):
            table = np.array(values)
            means = np.nanmean(table, axis=0).tolist()
            rows.append(
                {"experiment": f"E{number}", "root": root_number, "generation": generation, "n_trials": len(table),
                 **dict(zip(("words", "edit_parent", "edit_root", "kept_parent", "kept_root"), means, strict=True)),
                 "se": _mean(table[:, 4])[1]}
            )  # fmt: skip
    return rows
