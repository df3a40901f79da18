"""What is asked of a language model and what comes back, whichever backend answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

from cogmem.errors import UserError

Mode: TypeAlias = Literal["completion", "chat"]
Options: TypeAlias = Mapping[str, float]

BYTES_PER_TOKEN: Final = 3
"""Estimate where a backend cannot count: English has about four bytes a token, so this errs on the long side."""
CHAT_TOKENS: Final = 16
"""Room for the marks that a chat puts around a message."""


@dataclass(frozen=True)
class Request:
    """One question: `prompt` is the text to go on from ("completion") or the user's message ("chat").

    The answer ends at any of the texts in `stop` or after `max_tokens`. With `top` above 0 the log-probabilities of
    that many tokens are asked for at each step. At a `temperature` of 0 the likeliest token is taken.
    """

    prompt: str
    mode: Mode = "completion"
    max_tokens: int = 16
    stop: tuple[str, ...] = ()
    top: int = 0
    temperature: float = 0.0
    seed: int | None = None


@dataclass(frozen=True)
class Step:
    """One token of an answer, and the log-probability (natural) of each token that could have come."""

    token: str
    options: Options


def step(chosen: tuple[str, float], top: Sequence[tuple[str, float]]) -> Step:
    """Return the step of a chosen token; tokens that read the same add up.

    >>> step((" a", -1.0), [(" b", -2.0)]).options
    {' b': -2.0, ' a': -1.0}
    """
    options: dict[str, float] = {}
    for text, logprob in top:
        before = options.get(text)
        options[text] = logprob if before is None else math.log(math.exp(before) + math.exp(logprob))
    options.setdefault(*chosen)
    return Step(chosen[0], options)


@dataclass(frozen=True)
class Completion:
    """An answer: its text, what it cost in tokens, why it ended ("stop", "length", ...), and its steps.

    `steps` is None where the backend gives no log-probabilities.
    """

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    finish: str = "stop"
    steps: tuple[Step, ...] | None = None


class Session(Protocol):
    """An open line to a model; it may be used from several threads."""

    @property
    def window(self) -> int | None:
        """Tokens that prompt and answer may have together, None where unknown."""
        ...

    def count(self, request: Request) -> int | None:
        """Return the tokens of the prompt, None where the backend cannot count."""
        ...

    def complete(self, request: Request, stopped: Event) -> Completion:
        """Return the answer; once `stopped` is set nothing is tried again."""
        ...


@runtime_checkable
class Backend(Protocol):
    """Where a model runs. Calling it opens a session, so that an address never depends on how it is reached."""

    @property
    def model(self) -> str: ...
    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once."""
        ...

    @property
    def top(self) -> int:
        """How many log-probabilities to ask for at each step of a forecast."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """What answers depend on: the model and its parameters, not where it runs."""
        ...

    def __call__(self) -> AbstractContextManager[Session]: ...


Ask: TypeAlias = Callable[[Request], Completion]


def estimate(request: Request) -> int:
    """Return about how many tokens a prompt has, at three bytes a token.

    >>> estimate(Request("bird: emu"))
    3
    """
    marks = CHAT_TOKENS if request.mode == "chat" else 0
    return -(-len(request.prompt.encode()) // BYTES_PER_TOKEN) + marks


def too_long(tokens: int, window: int, *, room: int = 0, about: str = "") -> UserError:
    """Return the error of a prompt that does not fit, `room` being kept for the answer."""
    answer = f" with {room} for the answer" if room else ""
    return UserError(
        f"The prompt of {about}{tokens} tokens{answer} is {tokens + room - window} longer than the context window of "
        f"{window}; ask with fewer updates or keys, or serve the model with a larger window."
    )


def check_window(session: Session, requests: Iterable[Request]) -> None:
    """Raise UserError, before anything is sent, where a prompt and its answer are longer than the context window."""
    window = session.window
    if window is None:
        return
    for request in requests:
        # A token has at least one byte, so what has fewer bytes than the window need not be counted.
        if len(request.prompt.encode()) + CHAT_TOKENS + request.max_tokens <= window:
            continue
        counted = session.count(request)
        tokens = estimate(request) if counted is None else counted
        if tokens + request.max_tokens > window:
            about = f"about (at {BYTES_PER_TOKEN} bytes a token) " if counted is None else ""
            raise too_long(tokens, window, room=request.max_tokens, about=about)
