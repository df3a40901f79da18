"""First words and last words: one equation for numpy, PyTensor and torch."""

from collections.abc import Mapping
from typing import Any

from cogmem import Equation, Parameter


def predict(xp: Any, theta: Mapping[str, Any], columns: Mapping[str, Any]) -> Any:
    """Return the probability of recall: from the list's own trace (stronger at its head), or from its last words."""
    before, after = columns["serial_position"] - 1, columns["list_length"] - columns["serial_position"]
    trace = theta["a"] + (1 - theta["a"]) * theta["p"] * xp.exp(-before)
    return 1 - (1 - trace) * (1 - xp.exp(-theta["d"] * (after + 0.3)))


primacy_recency = Equation(
    "primacy_recency", 1, "after Glanzer & Cunitz (1966)",
    "P = 1 - (1 - a - (1 - a) p e^-before)(1 - e^-d(after + .3))",
    (
        Parameter("a", "unit", -1.0, 1.0, "1", "recall of the middle of a list"),
        Parameter("p", "unit", 0.0, 1.0, "1", "what the first word gains"),
        Parameter("d", "positive", -1.0, 0.7, "1", "loss of the last words, for each word that follows"),
    ),
    frozenset({"serial_position", "list_length"}), predict,
)  # fmt: skip
