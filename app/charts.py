"""Panels on the screen: the figures' own points in Vega-Lite, which zooms and tells each point under the pointer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from cogmem.exports import plain_value
from cogmem.figures.figure import Panel, Series
from cogmem.figures.looks import COLOURS, MARKERS, Look

HEIGHT: Final = 380
SHAPES: Final = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross",
    "X": "stroke", "*": "wedge",
}  # fmt: skip
"""matplotlib's markers in the words of Vega-Lite."""
DASHES: Final = {"-": [1, 0], "--": [6, 3], ":": [2, 2], "-.": [6, 2, 2, 2]}
SYMLOG: Final = 1.0
"""Where a symlog axis goes over from linear to logarithmic: as on paper."""


def _rows(each: Series) -> list[dict[str, Any]]:
    order = np.argsort(each.rows["x"], kind="stable")
    numbers = {name: each.rows[name][order].astype(float) for name in ("x", "y", "lower", "upper")}
    return [
        {"subject": each.label, "kind": each.kind, "point": each.kind == "human" or each.points,
         "line": each.kind != "human" and (not each.points or each.joined),
         **{name: plain_value(values[k]) for name, values in numbers.items()}}
        for k in range(len(order))
        if np.isfinite(numbers["y"][k])
    ]  # fmt: skip


def _looks(series: Sequence[Series], looks: Mapping[str, Look], ink: str) -> dict[str, Look]:
    """Return how everybody looks: people in the ink of the page, one group of them after another lighter."""
    people = [each.label for each in series if each.kind == "human"]
    found = dict(looks)
    for k, label in enumerate(dict.fromkeys(people)):
        found[label] = (_faded(ink, 0.65 * k / max(1, len(people) - 1)), MARKERS[k % len(MARKERS)], "-")
    for k, each in enumerate(series):
        found.setdefault(each.label, (COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)], "-"))
    return found


def _faded(ink: str, share: float) -> str:
    """Return black or white, moved towards the middle by a share."""
    middle = round(255 * share) if ink == "black" else round(255 * (1 - share * 0.6))
    return f"#{middle:02x}{middle:02x}{middle:02x}"


def _place(panel: Panel, name: str, field: str) -> dict[str, Any]:
    """Return the encoding of an axis."""
    scale: dict[str, Any] = {"type": panel.x_scale if name == "x" else panel.y_scale, "zero": False, "nice": False}
    if scale["type"] == "symlog":
        scale["constant"] = SYMLOG
    axis: dict[str, Any] = {"labelOverlap": True, "tickCount": 6, "format": ".7~g"}
    if scale["type"] != "linear":
        axis["grid"] = False
    if name == "y" and panel.y_range is not None:
        scale["domain"] = list(panel.y_range)
    else:
        scale["padding"] = 12  # nobody's point is cut by the edge
    if name == "x" and panel.ticks:
        places = range(1, len(panel.ticks) + 1)
        axis = {"values": list(places), "labelExpr": f"{json.dumps(list(panel.ticks))}[datum.value - 1]",
                "labelAngle": -60, "labelLimit": 160, "labelOverlap": False}  # fmt: skip
        scale["domain"] = [0.5, len(panel.ticks) + 0.5]
    title = (panel.x_label if name == "x" else panel.y_label) or None
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}


def _by_subject(values: Mapping[str, Any], legend: Mapping[str, Any] | None = None) -> dict[str, Any]:
    scale = {"domain": list(values), "range": list(values.values())}
    return {"field": "subject", "type": "nominal", "title": None, "scale": scale, "legend": legend}


def _seen(most: float, least: float) -> dict[str, Any]:
    """Return an opacity: of all, or of those that were picked in the legend."""
    return {"condition": {"param": "picked", "value": most}, "value": least}


LEGEND: Final = {"orient": "bottom", "columns": 2, "labelLimit": 260, "symbolOpacity": 1.0, "symbolStrokeWidth": 2}
AROUND: Final = "isValid(datum.lower) && isValid(datum.upper)"


def chart(
    panel: Panel, looks: Mapping[str, Look], *, ink: str = "black", only: str = "", height: int = HEIGHT
) -> dict[str, Any]:
    """Return a panel as a Vega-Lite chart: people as points with intervals, everybody else as lines with bands.

    `only` "human" leaves out all others, "others" leaves out people. `ink` is the colour of people, black or white.
    """
    shown = [each for each in panel.series if not only or (each.kind == "human") == (only == "human")]
    drawn = _looks(panel.series, looks, ink)
    rows = [row for each in shown for row in _rows(each)]
    if panel.x_scale == "log":
        rows = [row for row in rows if row["x"] is not None and row["x"] > 0]
    labels = list(dict.fromkeys(each.label for each in shown))
    colour = _by_subject({name: drawn[name][0] for name in labels}, LEGEND if panel.legend else None)
    pointed = {row["subject"] for row in rows if row["point"]}
    shape = _by_subject({name: SHAPES[drawn[name][1]] if name in pointed else "stroke" for name in labels})
    dash = _by_subject({name: DASHES[drawn[name][2]] for name in labels})
    told: list[dict[str, Any]] = [{"field": "subject", "type": "nominal"}]
    told += [{"field": name, "type": "quantitative", "format": ".4~g"} for name in ("x", "y", "lower", "upper")]
    middle, low = _place(panel, "y", "y"), _place(panel, "y", "lower")
    layers = [
        (f"datum.line && !datum.point && {AROUND}", {"type": "area", "strokeOpacity": 0},
         {"y": low, "y2": {"field": "upper"}, "opacity": _seen(0.18, 0.02)}),
        ("datum.line", {"type": "line", "strokeWidth": 1.8},
         {"y": middle, "strokeDash": dash, "opacity": _seen(1.0, 0.08)}),
        (f"datum.point && {AROUND}", {"type": "rule"},
         {"y": low, "y2": {"field": "upper"}, "opacity": _seen(1.0, 0.08)}),
        ("datum.point", {"type": "point", "filled": True, "size": 45},
         {"y": middle, "shape": shape, "opacity": _seen(1.0, 0.08)}),
    ]  # fmt: skip
    shared = {"x": _place(panel, "x", "x"), "color": colour, "tooltip": told}
    whole = [{"transform": [{"filter": rule}], "mark": mark, "encoding": {**shared, **encoding}}
             for rule, mark, encoding in layers]  # fmt: skip
    # Parameters of a layered chart belong to one of its layers.
    whole[-1]["params"] = [
        {"name": "picked", "select": {"type": "point", "fields": ["subject"]}, "bind": "legend"},
        {"name": "zoom", "select": "interval", "bind": "scales"},
    ]
    return {
        "title": panel.title, "height": height, "data": {"values": rows}, "layer": whole,
        # A legend of many lines must not be taken out of the plot's height.
        "autosize": {"type": "fit-x", "contains": "padding"},
    }  # fmt: skip
