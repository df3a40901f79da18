"""Exhibits: comparisons and figures that were computed, ready to be shown, and kept as JSON.

Those of the project's own comparisons are shipped with it (`python -m cogmem.exhibits` computes them again), so that
the app and a script have something to show at once.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cogmem.core import Curve, Measure, Record, Source
from cogmem.errors import UserError
from cogmem.exports import plain_value
from cogmem.figures.figure import Drawing, Figure, Panel, Scale, Series, series
from cogmem.figures.page import files_of
from cogmem.files import in_place
from cogmem.names import nearest, title_of
from cogmem.progress import Report, bar, silent
from cogmem.provenance import code, versions
from cogmem.store import Made, Store, Stored
from cogmem.trials import Trials

if TYPE_CHECKING:
    from cogmem.fitting.fits import Method

KIND: Final = "exhibit"
DRAWING: Final = "drawing"
DIGITS: Final = 7
"""Significant digits of a plotted point: finer than any screen or page."""
NUMBERS: Final = ("x", "y", "lower", "upper")
COMPARISONS: Final = (
    "forgetting_curve", "serial_reproduction", "proactive_interference", "key_value", "superposition", "chunking",
)  # fmt: skip
"""Paradigms that have a comparison (`cogmem compare`). What computes them is imported when it is asked for: the app
shows what was computed, and begins the sooner."""


@dataclass(frozen=True, eq=False)
class Exhibit:
    """What is drawn, and the scores behind it as `cogmem compare --json` gives them (empty: a figure without any)."""

    name: str
    drawing: Drawing
    document: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, *, digits: int = DIGITS) -> str:
        """Return the exhibit as JSON; what does not exist is null, and 17 digits of a number are all of it."""
        panels = [
            {"title": panel.title, "x_label": panel.x_label, "y_label": panel.y_label, "x_scale": panel.x_scale,
             "y_scale": panel.y_scale, "y_range": panel.y_range, "ticks": panel.ticks, "legend": panel.legend,
             "timed": panel.timed, "measured_x": panel.measured_x,
             "series": [_plain(each, digits) for each in panel.series]}
            for panel in self.drawing.panels
        ]  # fmt: skip
        whole = {"name": self.name, "caption": self.drawing.caption, "columns": self.drawing.columns}
        return json.dumps({**whole, "panels": panels, "document": self.document}, allow_nan=False, indent=None,
                          separators=(",", ":"), ensure_ascii=False)  # fmt: skip

    def only(self, *places: int) -> Exhibit:
        """Return the exhibit with some of its panels alone, counted from 0."""
        panels = tuple(self.drawing.panels[place] for place in places)
        return replace(self, drawing=replace(self.drawing, panels=panels))

    def svg(self) -> bytes:
        """Return the figure as SVG, as `cogmem figures` writes it."""
        return files_of(self.drawing, self.name)[f"{self.name}.svg"]

    def _repr_html_(self) -> str:
        """Show a notebook the figure and its caption."""
        picture = b64encode(self.svg()).decode()
        return f'<img src="data:image/svg+xml;base64,{picture}"><p>{escape(self.drawing.caption)}</p>'

    @staticmethod
    def from_json(text: str) -> Exhibit:
        """Return the exhibit that `to_json` wrote."""
        whole = json.loads(text)
        panels = tuple(
            Panel(each["title"], each["x_label"], each["y_label"], tuple(_series(row) for row in each["series"]),
                  each["x_scale"], each["y_range"] and tuple(each["y_range"]), each["y_scale"], tuple(each["ticks"]),
                  each["legend"], each.get("timed", False), each.get("measured_x", False))
            for each in whole["panels"]
        )  # fmt: skip
        return Exhibit(whole["name"], Drawing(panels, whole["caption"], whole["columns"]), whole["document"])


def _plain(series: Series, digits: int) -> dict[str, Any]:
    rows = {
        name: [plain_value(float(f"{value:.{digits}g}")) for value in series.rows[name].astype(float)]
        for name in NUMBERS
    }
    return {"label": series.label, "kind": series.kind, "points": series.points, "joined": series.joined, **rows}


def _series(row: Mapping[str, Any]) -> Series:
    columns = {name: np.array([np.nan if value is None else value for value in row[name]], float) for name in NUMBERS}
    return Series(row["label"], row["kind"], Trials(columns), row["points"], row["joined"])


# ---- what an exhibit says --------------------------------------------------------------------------------------------


def line_ups(exhibit: Exhibit) -> dict[str, Mapping[str, Any]]:
    """Return every line-up in an exhibit by what it is of: people and other subjects on the same human trials."""
    found: dict[str, Mapping[str, Any]] = {}
    for title, part in _line_ups(exhibit.document):
        found.setdefault(title, part)
    return found


def _line_ups(part: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(part, dict) and "subjects" in part and "data" in part:
        yield part.get("title") or f"{part['data']['name']} ({part['data']['measure']})", part
    for inner in part.values() if isinstance(part, dict) else part:
        # Most of a document are numbers.
        if isinstance(inner, (dict, list)):
            yield from _line_ups(inner)


def of_people(line_up: Mapping[str, Any]) -> bool:
    """Return whether a line-up is about people: others are of models that were fitted to what a network remembers."""
    return bool(line_up["data"].get("kind", "human") == "human")


def whom(line_up: Mapping[str, Any]) -> str:
    """Return in words whom the subjects of a line-up predict."""
    return "people" if of_people(line_up) else "a network"


SCORES: Final = ("elpd_per_test", "elpd_se", "rmse", "r", "weight", "seconds")


def scores(line_up: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a subject of a line-up, people first: scores, the human ceiling, how far behind it (nats a test).

    Where people were not told by others there is no ceiling, and nobody is behind it (None).
    """
    rows = []
    for each in line_up["subjects"]:
        top, own = each.get("ceiling_elpd"), each.get("elpd_per_test")
        behind = own - top if top is not None and own is not None and each["kind"] != "human" else None
        rows.append({"subject": "people" if each["kind"] == "human" else each["name"], "kind": each["kind"],
                     **{name: each.get(name) for name in SCORES}, "ceiling_elpd": top, "ceiling_r": each.get("ceiling"),
                     "beside_people": behind})  # fmt: skip
    return rows


def parameters(line_up: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a parameter of each subject of a line-up: estimate and 90 % interval."""
    return [{"subject": each["name"], **row} for each in line_up["subjects"] for row in each["parameters"]]


GROUPS: Final = ("equations and models", "networks", "language models")
GROUP_OF: Final = {"network": GROUPS[1], "language_model": GROUPS[2]}
"""Every other kind but people belongs to the first group."""


def standings(exhibit: Exhibit) -> list[dict[str, Any]]:
    """Return a row a subject of every line-up that has a human ceiling, in the order of `GROUPS`.

    Line-ups of models with networks (equations fitted to what a network remembers) are not among them.
    """
    found = [
        {"paradigm": exhibit.name, "comparison": title, "group": GROUP_OF.get(row["kind"], GROUPS[0]), **row}
        for title, each in line_ups(exhibit).items()
        if of_people(each)
        for row in scores(each)
        if row["beside_people"] is not None
    ]
    return sorted(found, key=lambda row: GROUPS.index(row["group"]))


def best_of_groups(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return of rows of `standings` those of the best subject of each group in each comparison."""
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in rows:
        place = (row["paradigm"], row["comparison"], row["group"])
        if place not in found or row["beside_people"] > found[place]["beside_people"]:
            found[place] = row
    return list(found.values())


EVEN: Final = 0.02
"""Nats a test about which shades go over from linear to logarithmic: some models miss by a thousand times as much."""


DARK: Final = 0.65
"""Share of the strongest shade from which on a text on it is white."""


def shade(row: Mapping[str, Any]) -> float:
    """Return how strongly a row of `standings` is coloured, above 0 where it is better than the human ceiling."""
    return float(np.arcsinh(row["beside_people"] / EVEN))


# ---- where exhibits come from ----------------------------------------------------------------------------------------


def _folder() -> Path:
    return Path(str(resources.files("cogmem.figures"))) / "shipped"


@cache
def shipped(name: str) -> Exhibit | None:
    """Return the exhibit of that name that the project brings along, None where it brings none."""
    file = _folder() / f"{name}.json"
    return Exhibit.from_json(file.read_text("utf-8")) if file.is_file() else None


def shipped_names() -> tuple[str, ...]:
    """Return the names of what the project brings along."""
    return tuple(sorted(path.stem for path in _folder().glob("*.json")))


def spec_of(
    paradigm: str, human: Curve | Record | None = None, *, models: Sequence[str] = (), networks: bool = True,
    language_model: bool = False, seed: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Return what a comparison depends on, apart from the code: the address of its exhibit in a store."""
    from cogmem import __version__

    people = "" if human is None else (human.source.sha256 or human.source.who, human.subject)
    return {"paradigm": paradigm, "people": people, "models": sorted(models), "networks": networks,
            "language_model": language_model, "seed": seed, "version": __version__}  # fmt: skip


def compared(
    paradigm: str, human: Curve | Record | None = None, *, models: Sequence[str] = (), networks: bool = True,
    language_model: bool = False, seed: int = 1, store: Store | None = None, kept: bool = True, workers: int = 2,
    report: Report = silent,
) -> Exhibit:  # fmt: skip
    """Return the comparison of a paradigm as `cogmem compare` makes it; what the store has is not computed again.

    Unless `kept`, only its parts are taken from the store: the fits and scores, and the drawing, are made anew.
    """
    from cogmem.cli_jobs import COMPARABLE

    if paradigm not in COMPARABLE:
        raise UserError(f"There is no comparison {paradigm!r}; {nearest(paradigm, COMPARABLE)}")
    job, where = COMPARABLE[paradigm], store or Store()
    choices = {"language_model": language_model} if job.language_model else {}
    spec = spec_of(paradigm, human, models=models, networks=networks, language_model=language_model, seed=seed)

    def make() -> Exhibit:
        results = job.compute(human, models=list(models) or None, networks=networks, seed=seed, store=where,
                              workers=workers, report=report, **choices)  # fmt: skip
        return Exhibit(paradigm, job.draw(results), job.document(results))

    return _kept(where, spec, make) if kept else make()


def lined_up(
    human: Curve, *, models: Sequence[str], method: Method | None = None, paradigm: str = "forgetting_curve",
    seed: int = 1, report: Report = silent,
) -> Exhibit:  # fmt: skip
    """Return people and fitted equations on any data: the panels of people and of scores, and the line-up."""
    from cogmem import catalogue
    from cogmem.figures.forgetting import people_panel, score_panel
    from cogmem.lineups import line_up

    chosen = [catalogue.named("model", name, catalogue.models()) for name in models]
    experiment = catalogue.named("paradigm", paradigm, catalogue.paradigms())
    result = line_up(experiment, human, models=chosen, method=method, seed=seed, report=report)
    source = human.source
    people = (source.citation or source.who or human.subject).rstrip(".")
    caption = f"People: {people}. Lines and bands: fitted equations, 90 %. "
    caption += f"ELPD: expected log predictive density of a test, left out in turn. Seed {seed}."
    panels = (people_panel(result, most=len(chosen)), score_panel(result))
    return Exhibit(paradigm, Drawing(panels, caption), result.as_dict())


def of_curves(*curves: Curve, measure: Measure, x_scale: Scale = "linear") -> Exhibit:
    """Return curves of one measure, pooled over people, on the same axes: people as points, others as lines."""
    parts = tuple(series(each.pool(), each.subject) for each in curves)
    panel = Panel(title_of(measure.name), measure.x_label, measure.y_label, parts, x_scale)
    return Exhibit(measure.name, Drawing((panel,), "Points and bands: means with 90 % intervals.", columns=1))


def drawn(
    name: str, *, seed: int = 1, store: Store | None = None, kept: bool = True, report: Report = silent
) -> Exhibit:  # fmt: skip
    """Return a figure of the project: the comparison of a paradigm, or a figure without one (simulations alone).

    Comparisons ask the language model where there is one. What the store has is not computed again; unless `kept`, only
    the parts are taken from it. UserError for a name that no figure has.
    """
    from cogmem import catalogue
    from cogmem.cli_jobs import COMPARABLE
    from cogmem.figures.gallery import FIGURES
    from cogmem.jobs.language_models import available

    figure, where = catalogue.named("figure", name, {each.name: each for each in FIGURES}), store or Store()
    if name in COMPARABLE:
        asked = COMPARABLE[name].language_model and available()
        return compared(name, language_model=asked, seed=seed, store=where, kept=kept, report=report)

    def make() -> Exhibit:
        return Exhibit(name, figure.draw(seed, where, report))

    return _kept(where, spec_of_figure(name, seed=seed), make) if kept else make()


def spec_of_figure(name: str, *, seed: int = 1) -> dict[str, Any]:
    """Return what a figure without a comparison depends on, apart from the code: its address in a store."""
    from cogmem import __version__

    return {"figure": name, "seed": seed, "version": __version__}


def unchanged(figure: Figure, *, seed: int, store: Store, report: Report = silent) -> Drawing:
    """Return a figure's drawing as the store has it if nothing changed since, to the last digit; else draw and keep it.

    Nothing: the sources of cogmem, its tables, the versions of what it computes with, the full data files and the
    language model of this machine.
    """
    from cogmem.jobs.language_models import available

    full = os.environ.get("COGMEM_DATA", "")
    spec = {"figure": figure.name, "seed": seed, "code": code(), "versions": versions(), "machine": platform.machine(),
            "language_model": available(), "data": sorted(os.listdir(full)) if os.path.isdir(full) else []}  # fmt: skip

    def make() -> Exhibit:
        return Exhibit(figure.name, figure.draw(seed, store, report))

    return _kept(store, spec, make, kind=DRAWING, digits=17).drawing


def _kept(
    store: Store, spec: Mapping[str, Any], make: Callable[[], Exhibit], *, kind: str = KIND, digits: int = DIGITS
) -> Exhibit:  # fmt: skip
    def made() -> Made:
        exhibit = make()
        text = exhibit.to_json(digits=digits)
        return {"exhibit": Trials({"json": np.array([text])})}, {}, Source(who=exhibit.name)

    return _read(store.remember(kind, spec, made))


def _read(stored: Stored) -> Exhibit:
    return Exhibit.from_json(str(stored[0]["exhibit"]["json"][0]))


def best_known(name: str, *, store: Store | None = None) -> Exhibit | None:
    """Return a paradigm's comparison on its own people, or a figure: the store's, else the shipped one, else None."""
    where = store or Store()
    if name in COMPARISONS:
        specs = [spec_of(name, language_model=asked) for asked in (True, False)]
    else:
        specs = [spec_of_figure(name)]
    found = next((spec for spec in specs if where.has(KIND, spec)), None)
    return shipped(name) if found is None else _read(where.load(KIND, found))


def main(names: Sequence[str]) -> None:
    """Compute exhibits anew (of all figures, or of those named) into the folder that is shipped."""
    from cogmem.figures.gallery import FIGURES

    for name in names or [figure.name for figure in FIGURES]:
        with bar(f"exhibit {name}") as report:
            made = drawn(name, kept=False, report=report)
        _folder().mkdir(exist_ok=True)
        path = _folder() / f"{name}.json"
        with in_place(path) as unfinished:
            unfinished.write_text(made.to_json() + "\n", encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
