"""One model at several addresses, asked side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, get_ident
from typing import Any

from cogmem.errors import UserError
from cogmem.subjects.language_requests import Backend, Completion, Request, Session


@dataclass(frozen=True)
class Several:
    """Backends that run the same model; each thread keeps to one of them, so that prompts which begin alike do too."""

    backends: tuple[Backend, ...]

    def __post_init__(self) -> None:
        if not self.backends or any(each.identity != self.backends[0].identity for each in self.backends):
            raise UserError("Several addresses are asked for one model; these run different ones, or there are none.")

    @property
    def model(self) -> str:
        return self.backends[0].model

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once."""
        return sum(each.concurrency for each in self.backends)

    @property
    def top(self) -> int:
        return self.backends[0].top

    @property
    def identity(self) -> Mapping[str, Any]:
        """What answers depend on."""
        return self.backends[0].identity

    @contextmanager
    def __call__(self) -> Iterator[Session]:
        """Open a session with each."""
        with ExitStack() as stack:
            yield Sessions(tuple(stack.enter_context(each()) for each in self.backends))


@dataclass(frozen=True, eq=False)
class Sessions:
    """Open lines to one model; a thread that asks for the first time takes the next one in turn."""

    sessions: tuple[Session, ...]
    turns: dict[int, Session] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @property
    def window(self) -> int | None:
        """The smallest context window, None where unknown."""
        told = [each.window for each in self.sessions]
        return min((each for each in told if each is not None), default=None)

    def count(self, request: Request) -> int | None:
        """Return the tokens of the prompt, None where the backend cannot count."""
        return self.sessions[0].count(request)

    def complete(self, request: Request, stopped: Event) -> Completion:
        """Return the answer of this thread's session."""
        with self.lock:
            mine = self.turns.setdefault(get_ident(), self.sessions[len(self.turns) % len(self.sessions)])
        return mine.complete(request, stopped)
