"""cogmem: memory experiments, defined once, taken by people, fitted models, trained networks and language models.

>>> import cogmem as cm
>>> design = cm.paradigms.forgetting_curve.design(n_items=10, seed=1)
>>> record = cm.run(design, cm.models.power.subject(a=1.0, b=0.15), seed=2)
>>> len(record.answers)
80

Importing this package loads numpy and nothing heavier; every name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cogmem import human_data, models, paradigms
    from cogmem.catalogue import Extras, load
    from cogmem.comparisons import compare
    from cogmem.core import (
        Agreement,
        Curve,
        Design,
        Forecaster,
        Measure,
        Paradigm,
        Record,
        Source,
        Subject,
        chain,
        measure,
        run,
    )
    from cogmem.errors import UserError
    from cogmem.figures.figure import Figure
    from cogmem.figures.regeneration import regenerate
    from cogmem.fitting.fits import Fit, Method, fit
    from cogmem.fitting.loo import elpd
    from cogmem.recall_tables import read_recalls
    from cogmem.store import Store
    from cogmem.studies import Results, Study, run_study
    from cogmem.subjects.equation import Equation
    from cogmem.subjects.parameters import Parameter
    from cogmem.tables import read_curve
    from cogmem.trials import Trials

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(("human_data", "models", "paradigms"), ""),
    **dict.fromkeys(("Agreement", "Curve", "Design", "Forecaster", "Measure", "Paradigm", "Record"), "cogmem.core"),
    **dict.fromkeys(("Source", "Subject", "chain", "measure", "run"), "cogmem.core"),
    **dict.fromkeys(("Fit", "Method", "fit"), "cogmem.fitting.fits"),
    **dict.fromkeys(("Results", "Study", "run_study"), "cogmem.studies"),
    "Equation": "cogmem.subjects.equation",
    "Extras": "cogmem.catalogue",
    "Figure": "cogmem.figures.figure",
    "Parameter": "cogmem.subjects.parameters",
    "regenerate": "cogmem.figures.regeneration",
    "Store": "cogmem.store",
    "Trials": "cogmem.trials",
    "UserError": "cogmem.errors",
    "compare": "cogmem.comparisons",
    "elpd": "cogmem.fitting.loo",
    "load": "cogmem.catalogue",
    "read_chains": "cogmem.chain_tables",
    "read_curve": "cogmem.tables",
    "read_recalls": "cogmem.recall_tables",
}

__all__ = [
    "Agreement",
    "Curve",
    "Design",
    "Equation",
    "Extras",
    "Figure",
    "Fit",
    "Forecaster",
    "Measure",
    "Method",
    "Paradigm",
    "Parameter",
    "Record",
    "Results",
    "Source",
    "Store",
    "Study",
    "Subject",
    "Trials",
    "UserError",
    "chain",
    "compare",
    "elpd",
    "fit",
    "human_data",
    "load",
    "measure",
    "models",
    "paradigms",
    "read_chains",
    "read_curve",
    "read_recalls",
    "regenerate",
    "run",
    "run_study",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'cogmem' has no attribute {name!r}")
    value = import_module(f"cogmem.{name}") if home == "" else getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
