"""How long to wait for a server, and when to try again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from cogmem.errors import UserError

T = TypeVar("T")


class Failed(Exception):  # noqa: N818  (what went wrong once may go well the next time; it is no error yet)
    """One attempt that may go better the next time: what happened, and the wait in s that the server asked for.

    `gone` says that nobody took the connection at all.
    """

    def __init__(self, what: str, *, wait: float | None = None, gone: bool = False) -> None:
        super().__init__(what)
        self.wait, self.gone = wait, gone


@dataclass(frozen=True)
class Patience:
    """A request may take `timeout` s and is tried again `retries` times, after waits that double.

    The first wait is about `first` s, none is longer than `longest` s; each is shortened at random by up to half, so
    that many clients do not come back at once. A wait that the server asks for is kept to, up to `told` s.
    """

    timeout: float = 300.0
    retries: int = 6
    first: float = 0.5
    longest: float = 30.0
    told: float = 120.0

    def __post_init__(self) -> None:
        if min(self.timeout, self.first, self.longest, self.told) <= 0 or self.retries < 0:
            raise UserError(f"Waits are more than 0 s and retries 0 or more; got {self}.")

    def delay(self, attempt: int, told: float | None) -> float:
        """Return the wait in s before attempt number `attempt` + 1, numbered from 0."""
        own = min(self.longest, self.first * 2.0**attempt) * random.uniform(0.5, 1.0)
        return own if told is None else max(told, 0.0)

    def keep(self, attempt: Callable[[], T], *, who: str, stopped: Event) -> T:
        """Return what `attempt` returns; UserError after the last one, or where the server asks for too long a wait."""
        for number in range(self.retries + 1):
            try:
                return attempt()
            except Failed as failed:
                what, told = str(failed), failed.wait
            if told is not None and told > self.told:
                raise UserError(f"{who} {what} and asks for a wait of {told:g} s; run this again after that.")
            if number < self.retries and stopped.wait(self.delay(number, told)):
                break
        times = f" {number + 1} times, the last time" if number else ""
        raise UserError(f"{who} failed{times}: it {what}; run this again when it is well.")
