"""How everybody looks: the same subject has the same colour, marker and line in every panel, figure and page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Final

from cogmem.figures.figure import Drawing

# Okabe & Ito (2008), readable for colour-blind people; people are always black points.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#F0E442")
BRIGHT: Final = len(COLOURS) - 1
"""Colours that are seen well on white: all but yellow, which nobody has."""
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: Final = ("-", "--", ":", "-.")
THEORY: Final = ", theory"
"""What ends the label of points that theory says of a subject, whose own are a line in the same panel."""
Look = tuple[str, str, str]
"""Colour, marker and line of a subject."""


@cache
def fixed_looks() -> Mapping[str, Look]:
    """Return how everybody of the catalogue looks, in all figures and pages."""
    from cogmem import catalogue

    names = dict.fromkeys([*catalogue.models(), *catalogue.step_models(), *catalogue.networks()])
    again = BRIGHT * len(MARKERS)  # from here on colours and markers come together as before, with another line
    return {
        name: (COLOURS[k % BRIGHT], MARKERS[k % len(MARKERS)], DASHES[(k // BRIGHT + k // again) % len(DASHES)])
        for k, name in enumerate(names)
    }


def looks_of(drawing: Drawing) -> dict[str, Look]:
    """Return how everybody but people looks, the same in every panel; who is in the catalogue, in every drawing.

    Others (variants of a subject, language models) take colours that nobody has who is in a panel with them; where all
    are taken another line, and then another marker. Points of a subject's own theory look like the subject.
    """
    panels = [[each.label for each in panel.series if each.kind != "human"] for panel in drawing.panels]
    fixed, found = fixed_looks(), dict[str, Look]()
    for label in dict.fromkeys(label for labels in panels for label in labels):
        if (own := label.removesuffix(THEORY)) in found:
            found[label] = found[own]
            continue
        beside = {other for labels in panels if label in labels for other in labels}
        near = [looks[other] for looks in (fixed, found) for other in beside if other in looks]
        found[label] = fixed[label] if label in fixed else _apart(near)
    return found


def _apart(near: Collection[Look]) -> Look:
    """Return a look that nobody `near` has: by its colour, else by colour and line, else by its marker too."""
    every = [
        (COLOURS[k], MARKERS[(k + 3 * j + turn) % len(MARKERS)], dash)
        for turn in range(len(MARKERS)) for j, dash in enumerate(DASHES) for k in range(BRIGHT)
    ]  # fmt: skip
    colours, lines = {look[0] for look in near}, {(look[0], look[2]) for look in near}

    def likeness(look: Look) -> int:
        return (look[0] in colours) + ((look[0], look[2]) in lines) + (look in near)

    return min(every, key=likeness)
