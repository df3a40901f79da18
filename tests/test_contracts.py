"""What every paradigm, equation and data set of the catalogue promises; new ones are picked up by themselves."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cogmem import catalogue
from cogmem.columns import COLUMNS, study_ages
from cogmem.core import Curve, Design, Forecaster, Paradigm, Record, measure, run
from cogmem.errors import UserError
from cogmem.human_data import load
from cogmem.models.hvm import hcm
from cogmem.models.interference import cue_overload
from cogmem.models.reproducers import REPRODUCERS
from cogmem.models.sparsey import sparsey
from cogmem.paradigms import (
    chunking,
    forgetting_curve,
    iterated_learning,
    key_value,
    proactive_interference,
    serial_reproduction,
    superposition,
)  # fmt: skip
from cogmem.subjects.equation import Equation, EquationSubject
from cogmem.subjects.learner import LanguageLearner
from cogmem.subjects.parameters import constrain, unconstrain
from cogmem.subjects.reproducer import GaussianReproducer
from cogmem.subjects.sequence_reader import SequenceReader
from cogmem.subjects.stores import AssociativeStore
from cogmem.subjects.superposed import Superposed
from cogmem.trials import Trials

MODELS = list(catalogue.models().values())
PARADIGMS = list(catalogue.paradigms().values())
DATASETS = list(catalogue.datasets())

LOG_TIME = float(np.log([60.0, 3600.0, 86_400.0, 30 * 86_400.0]).mean())
"""Priors are centred on the delays of the tests below: a minute to a month."""

# Laws that leave [0, 1] at short or long delays by their own form: mu t^-a, a - b ln t and sums of strengths. Their
# likelihood reads them as probabilities just inside [0, 1], and their subjects clip.
UNBOUNDED = {"power", "power_boost", "logarithmic", "sum_of_exponentials"}
# A jump upward at one day is what this one is for.
RISING = {"power_boost"}

every_model = pytest.mark.parametrize("equation", MODELS, ids=lambda equation: equation.name)
every_paradigm = pytest.mark.parametrize("paradigm", PARADIGMS, ids=lambda paradigm: paradigm.name)


def prior_mean(equation: Equation) -> dict[str, float]:
    z = [np.array(parameter.prior(LOG_TIME)[0]) for parameter in equation.parameters]
    return {name: float(value) for name, value in constrain(np, equation.parameters, z).items()}


def prior_draws(equation: Equation, n: int, seed: int) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    pairs = [parameter.prior(LOG_TIME) for parameter in equation.parameters]
    return constrain(np, equation.parameters, [loc + scale * rng.standard_normal(n) for loc, scale in pairs])


def trials_at(delays: NDArray[np.float64]) -> Trials:
    """Return tests after each delay, each of items studied once, twice massed and three times spaced."""
    parts = [(k, gap) for k, gap in ((1, 0.0), (2, 1.0), (3, 3600.0))]
    return Trials({
        "retention_interval": np.tile(delays, len(parts)),
        "repetitions": np.repeat([k for k, _ in parts], len(delays)),
        "spacing_gap": np.repeat([gap for _, gap in parts], len(delays)),
    })  # fmt: skip


def columns(equation: Equation, delays: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    table = trials_at(delays)
    every = {name: table[name].astype(float) for name in table} | {"study_age": study_ages(table)}
    return {name: every[name] for name in equation.needs}


def predicted(equation: Equation, theta: dict[str, Any], delays: NDArray[np.float64]) -> NDArray[np.float64]:
    arrays = {name: np.atleast_1d(value) for name, value in theta.items()}
    return np.asarray(equation.predict(np, arrays, columns(equation, delays)))


# ---- paradigms ------------------------------------------------------------------------------------------------------


@every_paradigm
def test_a_paradigm_builds_its_default_design(paradigm: Paradigm[Any]) -> None:
    design = paradigm.design(seed=1)
    assert (design.paradigm, design.version, design.seed) == (paradigm.name, paradigm.version, 1)
    assert isinstance(paradigm.version, int)
    assert paradigm.version >= 1
    assert paradigm.reference
    assert len(design.tests) > 0
    assert dict(design.settings) == asdict(paradigm.settings())
    assert set(np.unique(design.trials["phase"])) <= {"study", "test"}
    assert set(design.trials) <= set(COLUMNS)


@every_paradigm
def test_the_same_seed_gives_the_same_design(paradigm: Paradigm[Any]) -> None:
    one, again, other = (paradigm.design(seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one.trials[name], again.trials[name]) for name in one.trials)
    assert np.array_equal(one.items, again.items)
    assert not np.array_equal(one.items, other.items)


@every_paradigm
def test_columns_that_name_items_name_items_that_there_are(paradigm: Paradigm[Any]) -> None:
    design = paradigm.design(seed=1)
    for name in ("item", "cue", "target", "lure"):
        if name in design.trials:
            assert design.trials[name].max() < len(design.items)
            assert design.trials[name].min() >= -1


def design_for(paradigm: Paradigm[Any], measure_name: str) -> Design:
    """Return a small design on which the measure can be taken."""
    settings: dict[str, Any] = {"n_items": 8, "n_participants": 2, "n_roots": 3, "chains_per_root": 2, "n_chains": 20}
    if paradigm is serial_reproduction and measure_name == "value":
        settings["space"] = "line"
    if paradigm is forgetting_curve:
        settings["test_type"] = {"savings": "savings", "d_prime": "recognition"}.get(measure_name, "recall")
    if paradigm is proactive_interference:
        settings |= {"accuracy_by_list": {"order": "lists", "test_after": "list"},
                     "recognition": {"test_type": "recognition"}}.get(measure_name, {})  # fmt: skip
    if paradigm is key_value:
        # Cues of which so little is left that some pairs are not recalled.
        settings |= {"tests": ("recall", "recognition", "reinstated"), "cue_noise": (1.0, 3.0), "n_pairs": (8, 16)}
    if paradigm is superposition:
        settings |= {"list_length": (6, 12), "overlap": (0.5, 0.9), "n_ratings": 6}
        if measure_name in ("completion", "recalled_by_length"):
            settings |= {"test": "completion", "probes": ("old", "partial")}
        elif measure_name in ("code_similarity", "mantel"):
            settings |= {"test": "code", "probes": ("old", "similar"), "category_share": 0.5, "n_categories": 2}
        else:
            settings |= {"probes": ("old", "new", "similar", "prototype"), "category_share": 0.5, "n_categories": 2}
    if paradigm is chunking:
        if measure_name in ("units_by_block", "nats_by_block", "nats_by_trial"):
            settings["test"] = "reading"
        elif measure_name == "words_chosen":
            settings |= {"material": "words", "test": "choice"}
        elif measure_name not in ("accuracy_by_block", "edit_accuracy_by_block", "seconds_by_block"):
            settings |= {"material": "nested", "test": "compression", "depth": (2, 3), "length": 120}
    known = paradigm.settings.__dataclass_fields__
    return paradigm.design(seed=1, **{name: value for name, value in settings.items() if name in known})


@every_paradigm
def test_every_measure_reads_the_record_of_a_subject(paradigm: Paradigm[Any]) -> None:
    subject: Any = {
        forgetting_curve: catalogue.models()["exponential"].subject(a=0.8, b=1e-5),
        serial_reproduction: GaussianReproducer(0.0, 1.0, 0.3),
        iterated_learning: LanguageLearner(0.5),
        proactive_interference: cue_overload.subject(decay=0.7, leak=0.1, omission=0.1, lists=3),
        key_value: AssociativeStore("linear", carry=True),
        superposition: Superposed(sparsey),
        chunking: SequenceReader(hcm),
    }[paradigm]
    assert len({each.name for each in paradigm.measures}) == len(paradigm.measures)
    for each in paradigm.measures:
        record = run(design_for(paradigm, each.name), subject, seed=1)
        if each.name.startswith("seconds"):
            record = replace(record, seconds=np.full(len(record.answers), 1.0))
        curve = measure(each, record)
        assert isinstance(curve, Curve)
        for name in ("x", "y", "n", "sd"):
            assert np.isfinite(curve.rows[name].astype(float)).all(), (each.name, name)
        assert (curve.rows["n"] > 0).all()
        if "correct" in curve.rows:
            assert curve.rows["y"] == pytest.approx(curve.rows["correct"] / curve.rows["n"])
        assert each.x_label
        assert each.y_label


# ---- equations ------------------------------------------------------------------------------------------------------


@every_model
def test_an_equation_says_what_it_is(equation: Equation) -> None:
    assert isinstance(equation.version, int)
    assert equation.version >= 1
    assert equation.reference
    assert equation.formula
    assert equation.needs <= set(COLUMNS)
    names = [parameter.name for parameter in equation.parameters]
    assert len(set(names)) == len(names)
    assert all(parameter.meaning and parameter.unit for parameter in equation.parameters)


@every_model
def test_predictions_are_finite_proportions(equation: Equation) -> None:
    delays = np.concatenate([[0.0, 0.5, 1.0], np.geomspace(2.0, 3e9, 40)])  # Nothing to a hundred years.
    everywhere = predicted(equation, prior_mean(equation), delays)
    assert np.isfinite(everywhere).all()
    natural = everywhere
    if equation.name in UNBOUNDED:
        natural = predicted(equation, prior_mean(equation), np.geomspace(1800.0, 30 * 86_400.0, 20))
    assert natural.min() >= 0.0
    assert natural.max() <= 1.0
    wild = {name: value[:, None] for name, value in prior_draws(equation, 200, 1).items()}
    with np.errstate(under="ignore"):
        anybody = equation.predict(np, wild, columns(equation, delays))
    assert np.isfinite(anybody).all()
    if equation.name not in UNBOUNDED:
        assert anybody.min() >= 0.0
        assert anybody.max() <= 1.0 + 1e-12


@every_model
def test_nothing_is_better_remembered_later(equation: Equation) -> None:
    delays = np.geomspace(1.0, 3e9, 200)
    drawn = prior_draws(equation, 20, 2)
    for theta in (prior_mean(equation), *({name: value[i] for name, value in drawn.items()} for i in range(20))):
        curves = predicted(equation, theta, delays)
        curves = curves.reshape(-1, len(delays)) if "study_age" in equation.needs else curves[: len(delays)][None]
        rises = np.diff(curves, axis=1) > 1e-12
        if equation.name in RISING:
            assert rises.sum() <= 1
            assert (delays[1:][rises[0]] >= 86_400.0).all()
        elif equation.name == "memory_chain":
            continue  # Consolidation from the first store can outrun its loss for a while; that is the model.
        else:
            assert not rises.any(), equation.name


@every_model
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS")
def test_numpy_pytensor_and_torch_agree(equation: Equation) -> None:
    import pytensor.tensor as pt
    import torch

    delays = np.concatenate([[0.0, 0.5, 1.0], np.geomspace(2.0, 3e9, 20)])
    data = columns(equation, delays)
    rows = len(next(iter(data.values())))
    theta = {name: np.full(rows, value) for name, value in prior_mean(equation).items()}
    for name in ("retention", *equation.measures):
        predict = equation.read_out(name)
        expected = predict(np, theta, data)
        symbolic = predict(pt, {key: pt.as_tensor_variable(value) for key, value in theta.items()}, data)
        assert symbolic.eval(mode="FAST_COMPILE") == pytest.approx(expected, abs=1e-12)
        tensors = ({key: torch.tensor(value) for key, value in table.items()} for table in (theta, data))
        assert predict(torch, *tensors).numpy() == pytest.approx(expected, abs=1e-12)


@every_model
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS")
def test_an_equation_can_stand_in_the_hierarchical_model(equation: Equation) -> None:
    # The log density that nuts samples, at its start: built and evaluated, not sampled.
    from cogmem.fitting.bayes import hierarchical_model
    from cogmem.fitting.objective import Objective
    from cogmem.fitting.observations import observe

    table = trials_at(np.array([60.0, 3600.0, 86_400.0]))
    rows = table.with_columns({"participant": ["a", "b", "a"] * 3, "x": table["retention_interval"], "n": [10.0] * 9})
    rows = rows.with_columns({"correct": [8.0, 5.0, 3.0] * 3, "y": [0.8, 0.5, 0.3] * 3, "sd": [0.4, 0.5, 0.46] * 3})
    model = hierarchical_model(Objective(equation, observe(equation, Curve("retention", "people", rows))))
    logp = model.compile_fn(model.logp(), mode="FAST_COMPILE")
    assert np.isfinite(logp(model.initial_point()))


@every_model
def test_parameters_survive_the_way_to_the_line_and_back(equation: Equation) -> None:
    values = prior_draws(equation, 100, 3)
    back = constrain(np, equation.parameters, list(unconstrain(equation.parameters, values)))
    for name, value in values.items():
        assert back[name] == pytest.approx(value, rel=1e-9)


def small(equation: Equation) -> tuple[EquationSubject, Design]:
    design = forgetting_curve.design(
        seed=1, n_items=4, retention_intervals=(60.0, 86_400.0), repetitions=(1, 3), spacing_gaps=(600.0,)
    )
    return equation.subject(**prior_mean(equation)), design


@every_model
def test_answers_are_reproducible_and_right_or_wrong(equation: Equation) -> None:
    subject, design = small(equation)
    one, again = (run(design, subject, seed=5) for _ in range(2))
    assert isinstance(one, Record)
    assert np.array_equal(one.answers, again.answers)
    assert set(np.unique(one.answers)) <= {0, 1}


@every_model
def test_forecasts_are_probabilities_and_what_answers_come_to(equation: Equation) -> None:
    subject, design = small(equation)
    assert isinstance(subject, Forecaster)
    forecast = subject.forecast(design)
    assert forecast.shape == (len(design.tests), 2)
    assert forecast.min() >= 0
    assert forecast.sum(axis=1) == pytest.approx(np.ones(len(design.tests)))
    rng = np.random.default_rng(6)
    n = 2000
    right = np.mean([subject.answer(design, rng) for _ in range(n)], axis=0)
    # Four standard errors of a proportion of n; a certain answer has none, and is given n times in n.
    error = np.sqrt(forecast[:, 1] * forecast[:, 0] / n)
    assert (np.abs(right - forecast[:, 1]) <= 4 * error + 1e-12).all()


# ---- reproducers ----------------------------------------------------------------------------------------------------

TAKES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "gaussian_reproducer": ({"prior_mean": 0.5, "prior_sd": 0.2, "noise_sd": 0.1}, {"space": "line"}),
    "mixture_reproducer": (
        {"means": (0.2, 0.8), "sds": (0.1, 0.1), "weights": (1.0, 1.0), "noise_sd": 0.1}, {"space": "line"},
    ),
    "von_mises_reproducer": (
        {"means": (90.0,), "sds": (30.0,), "weights": (1.0,), "noise_sd": 10.0, "spread": 0.2}, {"space": "circle"},
    ),
    "dots_reproducer": ({"location_sd": 20.0, "noise": 0.3, "between": 1.0}, {"space": "dots"}),
    "language_learner": ({"alpha": 0.4}, {}),
    "dae": ({"noise": 0.3, "updates": 5}, {"space": "plane"}),
    "vae": ({"noise": 0.3, "updates": 5}, {"space": "plane"}),
    "ddpm": ({"noise": 0.3, "updates": 5}, {"space": "plane"}),
}  # fmt: skip
"""Each reproducer's parameters and a design that it takes: who is added needs a line here."""


@pytest.mark.parametrize("name", list(REPRODUCERS))
def test_a_reproducer_answers_every_test_in_the_stimulus_s_shape_and_repeats(name: str) -> None:
    theta, settings = TAKES[name]
    make, about = REPRODUCERS[name]
    subject = make(**theta)
    assert subject.name == name
    assert about
    paradigm = iterated_learning if name == "language_learner" else serial_reproduction
    design = paradigm.design(seed=1, **settings)
    assert subject.needs <= set(design.tests)
    one, two, other = (run(design, subject, seed=seed).answers for seed in (2, 2, 3))
    stimuli = design.items[design.tests["target"]] if paradigm is serial_reproduction else one
    assert one.shape == stimuli.shape
    assert np.isfinite(one).all()
    assert one.tobytes() == two.tobytes()
    # The mean rule of an autoencoder draws what is seen, so nobody gives the same answers twice.
    assert one.tobytes() != other.tobytes()


# ---- data sets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_loads_as_a_curve(name: str) -> None:
    curve = load(name)
    assert curve.subject
    assert curve.measure
    assert len(curve.rows) > 0
    for column in ("x", "y", "n"):
        assert np.isfinite(curve.rows[column].astype(float)).all(), column
    assert (curve.rows["n"] > 0).all()
    # A published mean may lack its standard error; then it stands for one observation and says so by NaN.
    known = np.isfinite(curve.rows["sd"])
    assert (curve.rows["n"][~known] == 1).all()
    assert (curve.rows["sd"][known] >= 0).all()
    if "correct" in curve.rows:
        assert curve.rows["y"] == pytest.approx(curve.rows["correct"] / curve.rows["n"])
        assert (curve.rows["correct"] <= curve.rows["n"]).all()
    assert curve.source.citation
    assert curve.source.sha256


# ---- names ----------------------------------------------------------------------------------------------------------


def test_names_are_found_or_the_nearest_is_named() -> None:
    assert catalogue.named("model", "power", catalogue.models()).name == "power"
    with pytest.raises(UserError, match=r"no model 'powr'; did you mean 'power'\?"):
        catalogue.named("model", "powr", catalogue.models())
    for things in (catalogue.models(), catalogue.step_models(), catalogue.paradigms(), catalogue.networks(),
                   catalogue.datasets()):  # fmt: skip
        assert all(name == thing.name for name, thing in things.items())


def test_two_things_of_one_name_are_refused_with_both_origins() -> None:
    with pytest.raises(UserError, match="'power' is given by cogmem itself and by the entry point 'mine'; rename one"):
        catalogue.collect("model", MODELS, [("the entry point 'mine'", [catalogue.models()["power"]])])
