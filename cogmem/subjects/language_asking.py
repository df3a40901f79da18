"""Requests to a model, each sent once: remembered ones are not sent, the others side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Source
from cogmem.errors import UserError
from cogmem.progress import Report
from cogmem.subjects.language_requests import Backend, Completion, Options, Request, Session, Step, check_window
from cogmem.trials import Trials

KIND: Final = "completion"
J = TypeVar("J")
R = TypeVar("R")
Made: TypeAlias = tuple[Mapping[str, Trials], Mapping[str, NDArray[Any]], Source]


class Memory(Protocol):
    """Where answers are kept; a `Store` is one."""

    def has(self, kind: str, spec: Any) -> bool: ...
    def remember(
        self, kind: str, spec: Any, make: Callable[[], Made]
    ) -> tuple[Mapping[str, Trials], Mapping[str, NDArray[Any]], Source]: ...


@dataclass(frozen=True)
class Remembered:
    """A memory, or none, that is called: like a backend it is behaviour, so no address depends on it."""

    memory: Memory | None = None

    def __call__(self, spec: Any, make: Callable[[], Completion], who: Source) -> Completion:
        """Return the completion that is kept for `spec`, else what `make` returns, which is kept from now on."""
        if self.memory is None:
            return make()
        tables, _, _ = self.memory.remember(KIND, spec, lambda: (_tables(make()), {}, who))
        return _completion(tables)

    def has(self, spec: Any) -> bool:
        """Return whether the completion of `spec` is kept."""
        return self.memory is not None and self.memory.has(KIND, spec)


def _tables(completion: Completion) -> dict[str, Trials]:
    """Return a completion as tables: one row of the answer, and one row for each token that could have come."""
    steps = completion.steps or ()
    answer = {
        "text": np.array([completion.text]),
        "tokens_in": np.array([completion.tokens_in]),
        "tokens_out": np.array([completion.tokens_out]),
        "finish": np.array([completion.finish]),
        "steps": np.array([-1 if completion.steps is None else len(steps)]),
    }
    rows = [(k, each.token, text, value) for k, each in enumerate(steps) for text, value in each.options.items()]
    tables = {"answer": Trials(answer)}
    if rows:
        names = ("step", "token", "option", "logprob")
        tables["steps"] = Trials(
            {name: np.array(each) for name, each in zip(names, zip(*rows, strict=True), strict=True)}
        )
    return tables


def _completion(tables: Mapping[str, Trials]) -> Completion:
    answer = {name: values[0] for name, values in tables["answer"].columns.items()}
    steps: list[Step] = []
    for _, rows in tables["steps"].groups(["step"]) if "steps" in tables else ():
        part = tables["steps"].where(rows)
        options: Options = dict(zip(part["option"].tolist(), part["logprob"].tolist(), strict=True))
        steps.append(Step(str(part["token"][0]), options))
    known = tuple(steps) if int(answer["steps"]) >= 0 else None
    tokens = int(answer["tokens_in"]), int(answer["tokens_out"])
    return Completion(str(answer["text"]), *tokens, str(answer["finish"]), known)


@dataclass(frozen=True, eq=False)
class Line:
    """A line to a model that opens when the first request has to be sent; threads share it.

    `content` is what a completion depends on beside its request. `sent` grows by one with each request sent.
    """

    backend: Backend
    memory: Remembered
    content: Mapping[str, Any]
    closing: ExitStack
    stopped: Event = field(default_factory=Event)
    sent: list[Request] = field(default_factory=list)
    answers: dict[Request, Future[Completion]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    opened: list[Session] = field(default_factory=list)

    @property
    def session(self) -> Session:
        with self.lock:
            if not self.opened:
                self.opened.append(self.closing.enter_context(self.backend()))
            return self.opened[0]

    def spec(self, request: Request) -> dict[str, Any]:
        """Return what determines a completion."""
        return {**self.content, "request": request}

    def remembers(self, request: Request) -> bool:
        """Return whether the request need not be sent."""
        return self.memory.has(self.spec(request))

    def ask(self, request: Request) -> Completion:
        """Return the completion, sending the request only where none is remembered."""
        answer: Future[Completion] = Future()
        # Two threads that want the same share one answer.
        first = self.answers.setdefault(request, answer)
        if first is answer:
            who = Source(who=self.backend.model, kind="language_model")
            try:
                answer.set_result(self.memory(self.spec(request), lambda: self._send(request), who))
            except BaseException as error:
                answer.set_exception(error)
        return first.result()

    @property
    def known(self) -> list[Completion]:
        """Every completion that was asked for."""
        return [answer.result() for answer in self.answers.values()]

    def _send(self, request: Request) -> Completion:
        answer = self.session.complete(request, self.stopped)
        self.sent.append(request)
        return answer


def check(line: Line, requests: Sequence[Request]) -> None:
    """Raise UserError, before anything is sent, where a request that is not remembered does not fit the window."""
    new = [request for request in dict.fromkeys(requests) if not line.remembers(request)]
    if new:
        check_window(line.session, new)


def side_by_side(line: Line, batches: Sequence[Sequence[J]], do: Callable[[J], R], *, report: Report) -> list[list[R]]:
    """Return what `do` returns for each job; the jobs of a batch one after another, batches side by side.

    The prompts of a batch begin alike, so that a server that keeps the last prompt need not read it all again. Where
    one job fails those under way are finished and kept, and no other begins.
    """
    total, done = sum(len(batch) for batch in batches), list[int]()

    def run(batch: Sequence[J]) -> list[R]:
        found: list[R] = []
        for job in batch:
            if line.stopped.is_set():
                break
            found.append(do(job))
            done.append(1)
        return found

    with ThreadPoolExecutor(line.backend.concurrency) as pool:
        futures = [pool.submit(run, batch) for batch in batches]
        try:
            pending = set(futures)
            while pending:
                finished, pending = wait(pending, timeout=0.5, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                report(len(done), total)
            return [future.result() for future in futures]
        except UserError as error:
            kept = f"; the {len(done)} of {total} that are answered are kept, and a rerun asks only the others"
            lost = f"; the {len(done)} answers so far are lost, for want of a memory (memory=Store())"
            raise UserError(
                str(error).rstrip(".") + (kept if line.memory.memory else lost) * bool(done) + "."
            ) from error
        finally:
            line.stopped.set()
            for future in futures:
                future.cancel()


def in_batches(sizes: Sequence[Sequence[J]], workers: int) -> list[list[J]]:
    """Return streams as batches, cut so far that every worker has something to do.

    >>> in_batches([[1, 2, 3, 4], [5, 6]], 3)
    [[1, 2], [3, 4], [5, 6]]
    """
    longest = max(-(-sum(len(each) for each in sizes) // workers), 1)
    return [list(each[k : k + longest]) for each in sizes for k in range(0, len(each), longest)]
