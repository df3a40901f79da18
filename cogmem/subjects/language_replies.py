"""How the answers of OpenAI-compatible servers are read, and what is said when they are no answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from cogmem.subjects.language_requests import Completion, Request, Step, step
from cogmem.subjects.language_retries import Failed

LONGEST = 200


class Refused(Exception):  # noqa: N818  (becomes a UserError once it is known what was asked)
    """An answer that will be the same the next time: the HTTP status and the server's words.

    `window` is (tokens of the prompt, context window) where the prompt was too long.
    """

    def __init__(self, status: int, message: str, *, window: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.status, self.window = status, window


def parsed(text: str) -> dict[str, Any]:
    """Return the JSON object in a server's answer; Failed where it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        raise Failed("answered with what is no JSON, or only a part of one") from None
    if not isinstance(found, dict):
        raise Failed("answered with JSON of another form")
    return found


def completion_of(content: Mapping[str, Any], request: Request) -> Completion:
    """Return the completion in a parsed answer; Failed where it has another form."""
    try:
        choice = content["choices"][0]
        text = choice["text"] if request.mode == "completion" else choice["message"]["content"] or ""
        usage = content.get("usage") or {}
        return Completion(
            text=_clean(text),
            tokens_in=int(usage.get("prompt_tokens") or 0),
            tokens_out=int(usage.get("completion_tokens") or 0),
            finish=str(choice.get("finish_reason") or "stop"),
            steps=steps_of(choice.get("logprobs")) if request.top else None,
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise Failed("answered with JSON of another form") from None


def steps_of(found: Any) -> tuple[Step, ...] | None:
    """Return the log-probabilities of an answer: a chat's form (llama.cpp's in both) or the older one of completions.

    >>> steps_of({"tokens": [" a"], "token_logprobs": [-0.5], "top_logprobs": [{" b": -1.0}]})[0].options
    {' b': -1.0, ' a': -0.5}
    """
    if not found:
        return None
    if found.get("content") is not None:
        rows = [(each["token"], each["logprob"], each.get("top_logprobs") or ()) for each in found["content"]]
        return tuple(
            _step(token, chosen, [(each["token"], each["logprob"]) for each in top]) for token, chosen, top in rows
        )
    if found.get("tokens") is None:
        return None
    tops = found.get("top_logprobs") or [{}] * len(found["tokens"])
    rows = list(zip(found["tokens"], found["token_logprobs"], tops, strict=True))
    return tuple(_step(token, chosen, list((top or {}).items())) for token, chosen, top in rows)


def _step(token: str, chosen: float, top: list[tuple[str, float]]) -> Step:
    return step((_clean(token), float(chosen)), [(_clean(text), float(logprob)) for text, logprob in top])


def _clean(text: str) -> str:
    """Return text that can be stored: half a surrogate pair has no UTF-8, and a trailing NUL no place in a table."""
    return str(text).encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def models_of(content: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the context window (None: not told) of each model in a server's list, by its names."""
    known: dict[str, int | None] = {}
    data = content.get("data")
    for each in data if isinstance(data, list) else ():
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            meta = each.get("meta")
            told = [each.get("max_model_len"), each.get("context_length")]
            told += [meta.get("n_ctx")] if isinstance(meta, dict) else []
            window = next((n for n in told if isinstance(n, int) and n > 0), None)
            aliases = each.get("aliases")
            names = [each["id"], *(aliases if isinstance(aliases, list) else [])]
            known |= dict.fromkeys([str(name) for name in names], window)
    return known


def window_of(properties: Mapping[str, Any]) -> int | None:
    """Return the context window in what llama.cpp's server says of itself, None where it does not."""
    settings = properties.get("default_generation_settings")
    n = settings.get("n_ctx") if isinstance(settings, dict) else None
    return n if isinstance(n, int) and n > 0 else None


def exceeded(body: Any) -> tuple[int, int] | None:
    """Return (tokens, window) where a refusal says that the prompt is too long, in llama.cpp's form."""
    error = body.get("error", body) if isinstance(body, dict) else {}
    tokens, window = (error.get(name) if isinstance(error, dict) else None for name in ("n_prompt_tokens", "n_ctx"))
    return (tokens, window) if isinstance(tokens, int) and isinstance(window, int) else None


def said(body: Any, text: str, *, hidden: str) -> str:
    """Return a server's words on one line, never with the key in them."""
    error = body.get("error", body) if isinstance(body, dict) else body or text
    words = error.get("message", text) if isinstance(error, dict) else error
    line = " ".join(str(words).split())
    return (line.replace(hidden, "***") if hidden else line)[:LONGEST].rstrip(".") or "no words"


def seconds(headers: Mapping[str, str]) -> float | None:
    """Return the wait in s that the header Retry-After asks for, a number or a date.

    >>> seconds({"retry-after": "2.5"}), seconds({})
    (2.5, None)
    """
    told = headers.get("retry-after")
    if not told:
        return None
    try:
        wait = float(told)
    except ValueError:
        try:
            wait = parsedate_to_datetime(told).timestamp() - time()
        except ValueError:
            return None
    return wait if 0 <= wait < float("inf") else None
