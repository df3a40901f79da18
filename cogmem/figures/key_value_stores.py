"""The figure of the argument for key-value memory: what stores hold, how keys are learned, what retrieval loses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cogmem.figures.figure import Z90, Drawing, Figure, Panel, Scale, Series, rows_around
from cogmem.figures.interference import ONE
from cogmem.figures.looks import THEORY
from cogmem.jobs.store_arguments import CAPACITY, Arguments, compute
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

SHOWN = ("linear", "gated", "delta", "delta_twice", "rls", "softmax", "cubic")


def _series(label: str, x: Any, y: Any, se: Any = None, **how: Any) -> Series:
    half = Z90 * np.asarray(np.nan if se is None else se, dtype=np.float64)
    return Series(label, "network", rows_around(x, y, half), **how)


def _accuracy(table: Trials, title: str, *, likeness: float = 0.0, noise: float = 0.0) -> Panel:
    """Return accuracy by pairs of stores of the middle dimension; dashes of theory where there is one."""
    parts = []
    for rule in SHOWN:
        own = table.where((table["rule"] == rule) & (table["dimension"] == CAPACITY.dimension)
                          & (table["key_similarity"] == likeness) & (table["cue_noise"] == noise))  # fmt: skip
        parts.append(_series(rule, own["n_pairs"], own["y"], own["se"]))
        if rule in ("linear", "delta") and np.isfinite(own["theory"]).all():
            parts.append(_series(rule + THEORY, own["n_pairs"], own["theory"], points=True, joined=False))
    return Panel(title, "Pairs", "Proportion correct", tuple(parts), "log", ONE)


def _by(table: Trials, group: str, x: str, y: str, title: str, labels: tuple[str, str], *, scales: tuple[Scale, Scale],
        only: Sequence[str] = (), theory: bool = False, span: tuple[float, float] | None = None) -> Panel:  # fmt: skip
    """Return one series a group: y by x, with its standard errors where the table has them."""
    parts = []
    for name in only or dict.fromkeys(table[group].tolist()):
        own = table.where((table[group] == name) & np.isfinite(table[y]))
        if len(own):
            parts.append(_series(str(name), own[x], own[y], own.get(f"{y}_se", np.nan)))
        if theory and len(known := own.where(np.isfinite(own["theory"]))):
            parts.append(_series(str(name) + THEORY, known[x], known["theory"], points=True, joined=False))
    return Panel(title, labels[0], labels[1], tuple(parts), scales[0], span, scales[1])


def _places(pairs: Trials, variant: str, seed: int) -> tuple[Panel, Panel]:
    """Return where keys and values of the two classes lie after learning, of one seed."""
    own = pairs.where((pairs["variant"] == variant) & (pairs["seed"] == seed) & (pairs["stage"] == "end"))
    panels = []
    for kind in ("key", "value"):
        parts = []
        for name in np.unique(own["class"]):
            mine = own.where(own["class"] == name)
            x, y = mine[f"{kind}_0"], mine[f"{kind}_1"]
            parts.append(_series(f"class {name}", x, y, points=True, joined=False))
        panels.append(Panel(f"Learned {kind}s ({variant})", "first number", "second number", tuple(parts),
                            measured_x=True))  # fmt: skip
    return panels[0], panels[1]


def _geometry(table: Trials, columns: Sequence[tuple[str, str]], title: str) -> Panel:
    """Return the seeds' values of some columns for each variant."""
    variants = list(dict.fromkeys(table["variant"].tolist()))
    parts = []
    for column, label in columns:
        x = [variants.index(name) + 1.0 for name in table["variant"].tolist()]
        parts.append(_series(label, x, table[column], points=True, joined=False))
    return Panel(title, "", "three seeds", tuple(parts), ticks=tuple(str(name) for name in variants))


def _recovery(table: Trials) -> Panel:
    """Return accuracy of the first task by beta: every seed, and the second task's mean."""
    parts = []
    for seed in np.unique(table["seed"]):
        own = table.where(table["seed"] == seed)
        parts.append(_series(f"task 1, seed {int(seed)}", own["beta"], own["task_1"]))
    betas = np.unique(table["beta"])
    mean = [table["task_2"][table["beta"] == beta].mean() for beta in betas]
    parts.append(_series("task 2, mean", betas, mean, points=True))
    return Panel("Lost, and brought back: task 1 amplified", "beta", "Accuracy", tuple(parts), y_range=ONE)


def _two_lists(table: Trials) -> Panel:
    parts = []
    for rule in dict.fromkeys(table["rule"].tolist()):
        for cosine in (0.0, 0.9):
            own = table.where((table["rule"] == rule) & (table["context_cosine"] == cosine))
            parts.append(_series(f"B, {rule}, contexts {cosine:g}", own["ac_trials"], own["p_b"], own["p_b_se"]))
    return Panel("A-B, then A-C: what is left of B", "Trials of A-C", "Proportion recalled", tuple(parts), y_range=ONE)


def _read_outs(table: Trials) -> Trials:
    """Return the table with averaging by softmax under the name that the store has."""
    return table.with_columns({"read_out": np.where(table["read_out"] == "soft", "softmax", table["read_out"])})


def draw(found: Arguments) -> Drawing:
    """Return the drawing of computed arguments."""
    t = found.tables
    access = _read_outs(t["access"])
    descent = t["descent"].with_columns({"ridge": np.array([f"penalty {ridge:g}" for ridge in t["descent"]["ridge"]])})
    plain = t["capacity"].where((t["capacity"]["key_similarity"] == 0) & (t["capacity"]["cue_noise"] == 0))
    geometry = t["keys_geometry"]
    geometry = geometry.where(geometry["stage"] == "end")
    panels = (
        _accuracy(t["accuracy"], f"Stores of {CAPACITY.dimension} x {CAPACITY.dimension}: random keys"),
        _accuracy(t["accuracy"], "Keys that are alike (cosine .5)", likeness=0.5),
        _accuracy(t["accuracy"], "Noisy cues (length .5)", noise=0.5),
        _by(plain, "rule", "dimension", "capacity", "Pairs held at .9 correct", ("Numbers of a key", "Pairs"),
            scales=("log", "log"), only=("linear", "gated", "delta", "delta_twice", "rls"), theory=True),
        _by(t["growth"], "rule", "dimension", "capacity", "Softmax grows exponentially", ("Numbers of a key", "Pairs"),
            scales=("linear", "log"), theory=True),
        _by(descent, "ridge", "n_pairs", "y", "Exact regression, noisy cues, by its penalty", ("Pairs", "Correct"),
            scales=("linear", "linear"), span=ONE),
        *_places(t["keys_pairs"], "2 classes, as published", 1),
        _geometry(geometry, (("key_cosine", "cosine of two classes' keys"), ("value_cosine", "of their values")),
                  "Keys repel, values do not"),
        _geometry(geometry, (("discriminability", "discriminability of keys"), ("fidelity", "fidelity of values")),
                  "Keys to tell apart, values to be true"),
        _recovery(t["engram_recovery"]),
        _two_lists(t["two_lists"]),
        _by(access, "read_out", "cue_noise", "p_access", "Found at all", ("Noise on the cue", "P(access)"),
            scales=("linear", "linear"), span=ONE),
        _by(access, "read_out", "cue_noise", "kappa", "How exact, if found (answers have 30)",
            ("Noise on the cue", "kappa"), scales=("linear", "linear")),
    )  # fmt: skip
    return Drawing(panels, _caption(found), columns=3)


def _caption(found: Arguments) -> str:
    return (
        "Simulations, no people. Stores are written once with random unit vectors; the answer is the most alike of the "
        f"stored values; bands are 90 % intervals over {CAPACITY.repetitions} lists, points are theory. Learned keys: "
        "Gershman, Fiete & Irie (2025), their second figure, three seeds; keys are values is similarity-based storage. "
        "Lost and brought back: their third figure on drawn images, five seeds; beta multiplies what the first task "
        "wrote, which somebody has to know. A-B, A-C: key = cue + context. Access and precision: mixture of von Mises "
        f"and uniform by EM. Seed {found.seed}."
    )


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(compute(seed=seed, store=store, report=report))


key_value_stores_figure = Figure(
    "key_value_stores",
    "Gershman, Fiete & Irie (2025); Wang, Shi & Fox (2025)",
    ("store_arguments",),
    _draw,
)
