"""A likelihood that is not written in PyTensor, made callable from a PyMC model, with its gradient."""

from __future__ import annotations

from itertools import count
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

import numpy as np
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.tensor import as_tensor, matrix, vector

from cogmem.fitting.objective import Array


class WithGradient(Protocol):
    """Something with the log likelihood of each person and its gradient."""

    def with_gradient(self, z: Array) -> tuple[Array, Array]: ...


_LIVE: Final[WeakValueDictionary[int, LogLikelihood]] = WeakValueDictionary()
"""The operations of this process by their number, see `LogLikelihood.__reduce__`."""
_NUMBERS: Final = count()


class LogLikelihood(Op):
    """z (people, parameters) -> the log likelihood (people,) and its gradient (people, parameters)."""

    __props__ = ()

    def __init__(self, density: WithGradient) -> None:
        self.density = density
        self.number = next(_NUMBERS)
        _LIVE[self.number] = self

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what finds this very operation again, in this process alone.

        Numba keeps what leaves compiled code as bytes and copies them at every call: with the tables of a population
        in them that took four milliseconds of five.
        """
        return (_live, (self.number,))

    def make_node(self, *inputs: Any) -> Any:
        return Apply(self, [as_tensor(inputs[0])], [vector(dtype="float64"), matrix(dtype="float64")])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        value, gradient = self.density.with_gradient(np.asarray(inputs[0], dtype=np.float64))
        outputs[0][0], outputs[1][0] = value, np.ascontiguousarray(gradient)

    def infer_shape(self, fgraph: Any, node: Any, shapes: Any) -> Any:
        (z,) = shapes
        return [(z[0],), z]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        return [[True, False]]

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:  # noqa: N802 - the name PyTensor calls
        """Return the gradient of a loss with respect to z: each person's, times that person's weight in the loss."""
        if isinstance(output_grads[0].type, DisconnectedType):
            return [disconnected_type()]
        return [output_grads[0][:, None] * outputs[1]]


def _live(number: int) -> LogLikelihood:
    return _LIVE[number]


def log_likelihood_of(density: WithGradient) -> Any:
    """Return a function of a PyTensor matrix z (people, parameters) to the log likelihood of each person (people,)."""
    op: Any = LogLikelihood(density)
    return lambda z: op(z)[0]
