"""Who can take an experiment at once, with which parameters: what a slider moves, and the line that a script writes.

Trained networks and language models are not here: they take minutes. `participants(paradigm)` gives the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np

from cogmem import catalogue
from cogmem.core import Paradigm, Subject
from cogmem.kernels.chunk_rules import Rule
from cogmem.models.hvm import chunk_learner
from cogmem.models.reproducers import REPRODUCERS
from cogmem.models.sparsey_hierarchy import IMAGE, two_levels
from cogmem.subjects.equation import Equation
from cogmem.subjects.interference import InterferenceModel
from cogmem.subjects.pairs import PairModel
from cogmem.subjects.parameters import Parameter
from cogmem.subjects.sequence_reader import SequenceReader
from cogmem.subjects.stepwise import StepModel
from cogmem.subjects.stores import AssociativeStore
from cogmem.subjects.superposed import Superposed

HOUR: Final = 3600.0
SPREAD: Final = 2.5
"""Half of a slider, in standard deviations of the parameter's prior."""
DIGITS: Final = 3


@dataclass(frozen=True)
class Knob:
    """A parameter that may be moved from `low` to `high`, on a logarithmic scale if `log`; `value` is where it begins.

    `share_of`: what is moved is the share of that other parameter, which this one lies below.
    """

    name: str
    low: float
    high: float
    value: float
    log: bool = False
    unit: str = "1"
    meaning: str = ""
    share_of: str = ""


@dataclass(frozen=True)
class Participant:
    """Somebody who answers at once. `make` takes the parameters by name; `settings` are those of a design for them.

    `code` gives the Python line that makes the same subject, from `import cogmem as cm` on; `imports` what it needs
    beside that.
    """

    name: str
    kind: str
    about: str
    knobs: tuple[Knob, ...]
    make: Callable[..., Subject]
    code: Callable[[Mapping[str, float]], str]
    imports: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def natural(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the parameters themselves for the knobs' values: shares become what they are shares of."""
        found = dict(values)
        for knob in self.knobs:
            if knob.share_of:
                found[knob.name] = found[knob.name] * found[knob.share_of]
        return found


def knob_of(parameter: Parameter, log_time: float = np.log(HOUR)) -> Knob:
    """Return the knob of a model's parameter: as far as its prior goes, in data of delays around e^log_time seconds."""
    # What lies below another parameter is a share of it, from 0 to 1.
    own = parameter if parameter.below is None else replace(parameter, below=None, support="unit")
    loc, scale = own.prior(log_time)
    places = (float(own.value(np, np.float64(loc + k * SPREAD * scale), {})) for k in (-1, 0, 1))
    low, middle, high = (float(f"{value:.{DIGITS}g}") for value in places)
    meaning = f"{parameter.meaning}; share of {parameter.below}" if parameter.below else parameter.meaning
    return Knob(parameter.name, low, high, middle, own.support == "positive", own.unit, meaning, parameter.below or "")


def _arguments(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value!r}"
                     for name, value in values.items())  # fmt: skip


def _fitted(model: Any) -> Participant:
    """Return a model with parameters and priors, as somebody with the parameters given."""
    if isinstance(model, Equation):
        imports, home = "", f"cm.models.{model.name}"
    else:
        imports, home = "from cogmem import catalogue", f'catalogue.step_models()["{model.name}"]'
    knobs = tuple(knob_of(each) for each in model.parameters)
    return Participant(
        model.name, model.kind, f"{model.formula} ({model.reference})", knobs, model.subject,
        lambda values: f"{home}.subject({_arguments(values)})", imports,
    )  # fmt: skip


REPRODUCER_KNOBS: Final[Mapping[str, tuple[tuple[Knob, ...], Mapping[str, Any], Mapping[str, Any]]]] = {
    "gaussian_reproducer": (
        (Knob("prior_mean", 0.0, 1.0, 0.5, meaning="where the category lies"),
         Knob("prior_sd", 0.02, 0.5, 0.2, meaning="how wide the category is"),
         Knob("noise_sd", 0.01, 0.3, 0.1, meaning="noise of memory")), {}, {"space": "line"},
    ),
    "mixture_reproducer": (
        (Knob("noise_sd", 0.01, 0.3, 0.1, meaning="noise of memory"),),
        {"means": (0.2, 0.8), "sds": (0.1, 0.1), "weights": (1.0, 1.0)}, {"space": "line"},
    ),
    "von_mises_reproducer": (
        (Knob("noise_sd", 2.0, 40.0, 10.0, unit="degrees", meaning="noise of memory"),
         Knob("spread", 0.01, 0.9, 0.2, meaning="share that no category has")),
        {"means": (90.0, 210.0, 330.0), "sds": (30.0, 30.0, 30.0), "weights": (1.0, 1.0, 1.0)}, {"space": "circle"},
    ),
    "dots_reproducer": (
        (Knob("location_sd", 2.0, 60.0, 20.0, unit="pixels", meaning="noise of where a dot is"),
         Knob("noise", 0.05, 1.0, 0.3, meaning="noise of groups"),
         Knob("between", 0.1, 3.0, 1.0, meaning="how far groups lie apart")), {}, {"space": "dots", "n_dots": 8},
    ),
    "language_learner": ((Knob("alpha", 0.05, 5.0, 0.4, True, meaning="prior count of every language"),), {}, {}),
}  # fmt: skip
"""What may be moved of reproducers that need no training, what stays, and the design that they take."""


def _reproducer(name: str) -> Participant:
    make, about = REPRODUCERS[name]
    knobs, fixed, settings = REPRODUCER_KNOBS[name]
    return Participant(
        name, make(**fixed, **{knob.name: knob.value for knob in knobs}).kind, about, knobs, partial(make, **fixed),
        lambda values: f'REPRODUCERS["{name}"][0]({_arguments({**fixed, **values})})',
        "from cogmem.models.reproducers import REPRODUCERS", settings,
    )  # fmt: skip


def _store(store: AssociativeStore) -> Participant:
    knobs = (
        Knob("keep", 0.5, 1.0, store.keep, meaning="share that stays from pair to pair"),
        Knob("strength", 0.05, 1.0, store.strength, meaning="strength with which a pair is written"),
        Knob("temperature", 0.01, 0.5, store.temperature, True, meaning="noise of the choice among values"),
        Knob("threshold", 0.0, 0.9, store.threshold, meaning="cosine of giving no answer"),
    )
    return Participant(
        store.name, store.kind, f"an associative store with the rule {store.rule}", knobs,
        partial(AssociativeStore, store.rule),
        lambda values: f'AssociativeStore("{store.rule}", {_arguments(values)})',
        "from cogmem.subjects.stores import AssociativeStore",
    )  # fmt: skip


def _superposed(subject: Superposed) -> Participant:
    settings = {"features": IMAGE[0] * IMAGE[1]} if subject.name == two_levels(IMAGE).name else {}
    return Participant(
        subject.name, subject.kind, "a memory of superposed codes", (), lambda: subject,
        lambda values: f'catalogue.networks()["{subject.name}"]', "from cogmem import catalogue", settings,
    )  # fmt: skip


def _chunker(name: str, *, abstraction: bool) -> Participant:
    knobs = (
        Knob("theta", 0.9, 1.0, 0.996, meaning="share of every count that is left after a unit"),
        Knob("repeats", 0.0, 20.0, 6.0, meaning="times two units must come together before they are a chunk"),
    )

    def make(theta: float, repeats: float) -> Subject:
        rule = Rule(theta=theta, repeats=repeats)
        # A person or two: plain Python is done before a kernel is compiled.
        return SequenceReader(chunk_learner(name, lambda streams: np.full(len(streams.sequences), abstraction),
                                            abstraction=abstraction, rule=rule, backend="numpy"))  # fmt: skip

    return Participant(
        name, "step", "chunks and variables" if abstraction else "chunks", knobs, make,
        lambda values: f'participants.participants("chunking")["{name}"].make({_arguments(values)})',
        "from cogmem import participants",
    )  # fmt: skip


def participants(paradigm: Paradigm[Any] | str) -> dict[str, Participant]:
    """Return by name everybody who can take a paradigm at once."""
    name = paradigm if isinstance(paradigm, str) else paradigm.name
    experiment = catalogue.named("paradigm", name, catalogue.paradigms())
    found: Sequence[Participant]
    if name == "serial_reproduction":
        found = [_reproducer(each) for each in REPRODUCER_KNOBS if each != "language_learner"]
    elif name == "iterated_learning":
        found = [_reproducer("language_learner")]
    elif name == "superposition":
        found = [_superposed(each) for each in catalogue.networks().values() if isinstance(each, Superposed)]
    elif name == "chunking":
        found = [_chunker("hvm_for_all", abstraction=True), _chunker("hcm", abstraction=False)]
    elif name == "proactive_interference":
        found = [_fitted(each) for each in catalogue.step_models().values() if isinstance(each, InterferenceModel)]
    elif name == "key_value":
        found = [_fitted(each) for each in catalogue.step_models().values() if isinstance(each, PairModel)]
        found += [_store(each) for each in catalogue.networks().values() if isinstance(each, AssociativeStore)]
    else:
        # Equations and models of steps take whatever has the columns that they need.
        columns = set(experiment.design(seed=1).tests)
        every: list[Equation | StepModel] = [*catalogue.models().values()]
        every += [each for each in catalogue.step_models().values() if isinstance(each, StepModel)]
        found = [_fitted(each) for each in every if each.needs <= columns]
    return {each.name: each for each in found}
