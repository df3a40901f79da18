"""One self-contained page of everything: the matrix of paradigms and subjects, every figure, every table of scores."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from cogmem import exhibits
from cogmem.errors import UserError
from cogmem.exhibits import GROUPS, Exhibit
from cogmem.figures.gallery import FIGURES
from cogmem.figures.page import files_of
from cogmem.files import in_place
from cogmem.names import title_of
from cogmem.progress import Report, silent
from cogmem.provenance import in_words, versions
from cogmem.store import Store

FILE: Final = "cogmem.html"
SHOWN: Final = {
    "subject": "subject", "kind": "kind", "elpd_per_test": "ELPD per test", "elpd_se": "± SE",
    "beside_people": "less the ceiling", "rmse": "RMSE", "r": "r", "ceiling_elpd": "ceiling, ELPD",
    "ceiling_r": "ceiling, r", "weight": "stacking weight",
}  # fmt: skip
"""Columns of a table of scores."""


def write(out: Path, *, store: Store | None = None, report: Report = silent) -> Path:
    """Write the page into the folder `out` and return its path; it needs no other file and no network.

    It holds what was computed: by this machine (the store), else what the project brings along. Figures that neither
    has are named at its head. The same exhibits give the same bytes.
    """
    where = store or Store()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UserError(f"The folder {out} cannot be made ({problem.strerror}); name another with --out.") from None
    found: dict[str, Exhibit] = {}
    for figure in FIGURES:
        known = exhibits.best_known(figure.name, store=where)
        if known is not None:
            found[figure.name] = known
    figures = []
    for done, (name, exhibit) in enumerate(found.items()):
        report(done, len(found))
        figures.append(_figure(name, exhibit))
    with in_place(out / FILE) as unfinished:
        unfinished.write_text(page(found, figures), encoding="utf-8")
    return out / FILE


def page(found: Mapping[str, Exhibit], figures: Sequence[Mapping[str, Any]]) -> str:
    """Return the page: the matrix of all exhibits, and the figures."""
    from jinja2 import Environment
    from markupsafe import Markup

    def table(rows: Sequence[Mapping[str, Any]]) -> Markup:
        return Markup(environment.from_string(TABLE).render(rows=rows))  # its cells are escaped

    # Names of subjects and notes may come from a user's file: everything is escaped.
    environment = Environment(autoescape=True)
    template = (resources.files("cogmem.figures") / "report.html").read_text("utf-8")
    return environment.from_string(template).render(
        groups=GROUPS, matrix=matrix(found), figures=figures, table=table, versions=in_words(versions()),
        missing=[each.name for each in FIGURES if each.name not in found],
    )  # fmt: skip


TABLE: Final = (
    "<table><tr>{% for name in rows[0] %}<th>{{ name }}</th>{% endfor %}</tr>"
    "{% for row in rows %}<tr>{% for value in row.values() %}<td>{{ value }}</td>{% endfor %}</tr>{% endfor %}</table>"
)


def matrix(found: Mapping[str, Exhibit]) -> list[dict[str, Any]]:
    """Return a row a comparison with people: of each kind the best, coloured by its distance from the ceiling."""
    best = exhibits.best_of_groups([row for each in found.values() for row in exhibits.standings(each)])
    most = max((abs(exhibits.shade(row)) for row in best), default=1.0)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in best:
        place = (row["paradigm"], row["comparison"])
        cells = rows.setdefault(place, {"paradigm": place[0], "title": f"{title_of(place[0])}: {place[1]}",
                                        "cells": [None] * len(GROUPS)})["cells"]  # fmt: skip
        cells[GROUPS.index(row["group"])] = _cell(row, most)
    return list(rows.values())


def _cell(row: Mapping[str, Any], most: float) -> dict[str, str]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    share = exhibits.shade(row) / most
    text = f"{row['beside_people']:+.3f}" + (f" ± {row['elpd_se']:.3f}" if row["elpd_se"] is not None else "")
    return {"subject": row["subject"], "text": text, "colour": to_hex(colormaps["PuOr"](0.5 + 0.5 * share)),
            "ink": "white" if abs(share) > exhibits.DARK else "black"}  # fmt: skip


def _figure(name: str, exhibit: Exhibit) -> dict[str, Any]:
    drawing, files = exhibit.drawing, files_of(exhibit.drawing, name)
    parts = [
        {"title": title, "who": exhibits.whom(each),
         "scores": [{words: _number(row[column]) for column, words in SHOWN.items()} for row in exhibits.scores(each)],
         "parameters": [{key: _number(value) for key, value in row.items()} for row in exhibits.parameters(each)],
         "notes": [f"{one['name']}: {said}" for one in each["subjects"] for said in one["warnings"]]}
        for title, each in exhibits.line_ups(exhibit).items()
    ]  # fmt: skip
    reference = next(each.reference for each in FIGURES if each.name == name)
    return {
        "name": name, "title": title_of(name), "reference": reference,
        "caption": drawing.caption, "panels": [panel.title for panel in drawing.panels],
        "svg": b64encode(files[f"{name}.svg"]).decode(), "csv": b64encode(files[f"{name}.csv"]).decode(),
        "line_ups": parts,
    }  # fmt: skip


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
