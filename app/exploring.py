"""Explore: a design's settings and a model's parameters under sliders, and the curve that moves with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import numpy as np
import streamlit as st

import cogmem as cm
from cogmem import catalogue
from cogmem.app import parts
from cogmem.app.comparison import retention_data
from cogmem.cli_arguments import curve
from cogmem.core import Curve, Design, Paradigm
from cogmem.errors import UserError
from cogmem.exhibits import Exhibit
from cogmem.figures.figure import Drawing, Panel, Series, series
from cogmem.figures.looks import looks_of
from cogmem.names import title_of
from cogmem.participants import Knob, Participant, participants

STEPS: Final = 200
MOST_TRIALS: Final = 1_000_000
NOBODY: Final = "nobody"


def _knob(knob: Knob, key: str) -> float:
    """Return the value of a parameter's slider; one of a logarithmic scale goes through its powers evenly."""
    help_ = f"{knob.meaning} ({knob.unit})" if knob.unit != "1" else knob.meaning
    if not knob.log:
        step = 10.0 ** math.floor(math.log10((knob.high - knob.low) / 100))
        return float(st.slider(knob.name, knob.low, knob.high, knob.value, step, key=key, help=help_, format="%.3g"))
    places = np.geomspace(knob.low, knob.high, STEPS + 1)
    options = [float(f"{place:.3g}") for place in places]
    start = options[int(np.abs(np.log(places / knob.value)).argmin())]
    return float(st.select_slider(knob.name, options, start, key=key, help=help_))


def _setting(name: str, kind: Any, default: Any, key: str) -> Any:
    """Return the value of a design's setting by the widget that fits it; the default where none does."""
    label = name.replace("_", " ")
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(label, options, options.index(default), key=key)
    if kind is bool:
        return st.toggle(label, default, key=key)
    if kind is int:
        return int(st.number_input(label, min_value=0, value=default, step=1, key=key))
    if kind is float:
        return float(st.number_input(label, value=default, key=key, format="%.4g"))
    if get_origin(kind) is tuple and get_args(kind)[0] in (int, float):
        text = st.text_input(label, ", ".join(f"{value:g}" for value in default), key=key)
        try:
            return tuple(get_args(kind)[0](float(word)) for word in text.split(",") if word.strip())
        except ValueError:
            raise UserError(f"{label} takes numbers with commas between them; got {text!r}.") from None
    return default


def settings_of(paradigm: Paradigm[Any], fixed: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the settings that differ from the paradigm's defaults, as the widgets say."""
    hints = get_type_hints(paradigm.settings)
    found = dict(fixed)
    for each in fields(paradigm.settings):
        if each.name in fixed or each.default is MISSING:
            continue
        value = _setting(each.name, hints[each.name], each.default, f"{key}-set-{each.name}")
        if value != each.default:
            found[each.name] = value
    return found


def measured(
    paradigm: Paradigm[Any], design: Design, who: Participant, values: Mapping[str, float], measure: str, seed: int
) -> Curve:  # fmt: skip
    """Return the curve of a measure for somebody with these parameters who takes a design."""
    record = cm.run(design, who.make(**who.natural(values)), seed=seed)
    return cm.measure(paradigm.measure(measure), record).pool()


def panel_of(paradigm: Paradigm[Any], measure: str, made: Curve, label: str, people: tuple[Series, ...]) -> Panel:
    """Return the panel of a curve, with people's points beside it."""
    about = paradigm.measure(measure)
    x = np.concatenate([made.rows["x"].astype(float), *(each.rows["x"].astype(float) for each in people)])
    own = series(made, label, points=False)
    return Panel(f"{title_of(paradigm.name)}: {about.name.replace('_', ' ')}", about.x_label, about.y_label,
                 (*people, own), parts.scale_of(x))  # fmt: skip


def _lines(paradigm: str, settings: Mapping[str, Any], who: Participant, values: Mapping[str, float], measure: str,
           seed: int) -> list[str]:  # fmt: skip
    given = "".join(f", {name}={value!r}" for name, value in settings.items())
    return [
        "import cogmem as cm", *([who.imports] if who.imports else []), "",
        f"paradigm = cm.paradigms.{paradigm}", f"design = paradigm.design(seed={seed}{given})",
        f"subject = {who.code(who.natural(values))}", f"record = cm.run(design, subject, seed={seed})",
        f"curve = cm.measure(paradigm.measure({measure!r}), record).pool()", 'print(curve.rows["x"], curve.rows["y"])',
    ]  # fmt: skip


@st.cache_data(show_spinner="simulating ...")
def _first_measure(paradigm: str, name: str) -> str:
    """Return the first measure that can be taken of somebody who takes the design of the beginning."""
    experiment, who = catalogue.paradigms()[paradigm], participants(paradigm)[name]
    subject = who.make(**who.natural({knob.name: knob.value for knob in who.knobs}))
    record = cm.run(_design(paradigm, who.settings, 1), subject, seed=1)
    return str(curve(experiment, (record,), "").measure)


@st.fragment
def _live(paradigm: Paradigm[Any], who: Participant, people: tuple[Series, ...]) -> None:
    """Show sliders and the curve; a move runs this again and nothing else."""
    key = f"explore-{paradigm.name}-{who.name}"
    left, right = st.columns([1, 2])
    with left:
        values = {knob.name: _knob(knob, f"{key}-{knob.name}") for knob in who.knobs}
        names = [each.name for each in paradigm.measures]
        start = names.index(_first_measure(paradigm.name, who.name))
        measure = st.selectbox("Measure", names, start, key=f"{key}-measure")
        seed = int(st.number_input("Seed", min_value=0, value=1, key=f"{key}-seed"))
        with st.expander("Settings of the design"):
            try:
                settings = settings_of(paradigm, who.settings, key)
                design = _design(paradigm.name, settings, seed)
            except UserError as problem:
                st.error(str(problem))
                return
    with right:
        try:
            found = measured(paradigm, design, who, values, measure, seed)
        except UserError as problem:
            st.info(str(problem))
            return
        panel = panel_of(paradigm, measure, found, who.name, people)
        drawing = Drawing((panel,), f"{who.name}, simulated; seed {seed}.", columns=1)
        parts.show_panel(panel, looks_of(drawing), key=key)
        st.caption(f"{len(design.tests):,} tests. {who.about}")
        parts.downloads(Exhibit(f"{paradigm.name}-{who.name}", drawing), key=key)
        parts.script(_lines(paradigm.name, settings, who, values, measure, seed))


@st.cache_resource(max_entries=8, show_spinner=False)
def _design(paradigm: str, settings: Mapping[str, Any], seed: int) -> Design:
    return catalogue.paradigms()[paradigm].design(seed=seed, **settings)


def show() -> None:
    """Show the page."""
    st.title("Explore")
    st.markdown("Move a parameter and see somebody with it take the experiment. Trained networks and language models "
                "take minutes; they are on the page Compare.")  # fmt: skip
    names = list(catalogue.paradigms())
    name = st.sidebar.selectbox("Paradigm", names, key="paradigm", bind="query-params")
    paradigm = catalogue.paradigms()[name]
    everybody = participants(name)
    who = everybody[st.sidebar.selectbox("Subject", list(everybody), key=f"subject-{name}")]
    people: tuple[Series, ...] = ()
    if name == "forgetting_curve":
        data = st.sidebar.selectbox("People beside it", [NOBODY, *retention_data()], key="people", bind="query-params")
        if data != NOBODY:
            people = (series(cm.load(data).pool(), f"people: {data}"),)
    st.caption(paradigm.reference)
    _live(paradigm, who, people)
