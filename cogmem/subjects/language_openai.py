"""A language model behind an OpenAI-compatible server: llama.cpp, vLLM, Ollama, OpenAI itself and many others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from threading import Event
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.subjects.language_replies import (
    Refused,
    completion_of,
    exceeded,
    models_of,
    parsed,
    said,
    seconds,
    window_of,
)  # fmt: skip
from cogmem.subjects.language_requests import Completion, Request, too_long
from cogmem.subjects.language_retries import Failed, Patience

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

KEY: Final = "COGMEM_LLM_KEY"
AGAIN: Final = frozenset({408, 409, 425, 429})


@dataclass(frozen=True)
class OpenAIServer:
    """A model of a server; the key is read from the environment when a session opens and kept nowhere else.

    `extra` is added to every request's body, and an entry of None takes one out (`max_tokens` for models that want
    `max_completion_tokens`). `top` log-probabilities are asked for in a forecast: OpenAI gives 20 in a chat, llama.cpp
    as many as you like. `concurrency` requests are under way at once; 0 is one on this machine (a small server keeps
    the last prompt alone, and would read streams that take turns again and again) and 4 elsewhere. `context_window` in
    tokens is asked of the server where it is not given.
    """

    url: str
    model: str
    top: int = 20
    concurrency: int = 0
    context_window: int | None = None
    patience: Patience = field(default_factory=Patience)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password or parts.query:
            raise UserError(f"The address of a server holds no key or password; put it in {KEY} instead.")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"The server {self.url!r} is no address; one looks like http://127.0.0.1:8080/v1.")
        if not self.model:
            raise UserError("A server has many models; name one (model=, or COGMEM_LLM_MODEL).")
        if self.concurrency < 0 or self.top < 1:
            raise UserError(f"concurrency is 0 or more and top 1 or more; got {self.concurrency} and {self.top}.")
        object.__setattr__(self, "concurrency", self.concurrency or (1 if _loopback(parts.hostname) else 4))
        base = self.url.rstrip("/")
        object.__setattr__(self, "url", base if parts.path.strip("/") else f"{base}/v1")

    @property
    def identity(self) -> Mapping[str, Any]:
        """What answers depend on."""
        return {"model": self.model, "extra": dict(self.extra)}

    @contextmanager
    def __call__(self) -> Iterator[OpenAISession]:
        """Open a session; UserError where there is no server, the key is wrong or the model unknown."""
        try:
            import openai
        except ImportError:
            raise UserError('A language model\'s server needs the client; pip install "cogmem[llm]".') from None
        host = str(urlsplit(self.url).hostname)
        key = _key(host)
        # A proxy of the environment does not know this machine's own servers.
        http = openai.DefaultHttpxClient(trust_env=not _loopback(host))
        with openai.OpenAI(api_key=key or "none", base_url=self.url, max_retries=0, http_client=http) as client:
            session = OpenAISession(self, client, key)
            session.check()
            yield session


def _key(host: str) -> str:
    """Return the key of the environment; OpenAI's own is sent to OpenAI alone."""
    own = os.environ.get("OPENAI_API_KEY", "") if host == "openai.com" or host.endswith(".openai.com") else ""
    return os.environ.get(KEY, "") or own


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, eq=False, repr=False)
class OpenAISession:
    """An open line to a server; threads may share it."""

    server: OpenAIServer
    client: OpenAI
    key: str

    @cached_property
    def who(self) -> str:
        return f"The server at {self.server.url}"

    @cached_property
    def known(self) -> Mapping[str, int | None]:
        """The names of the server's models and the window of each, empty where it does not tell.

        UserError where nobody answers or the key is wrong.
        """
        try:
            return models_of(self._send("/models"))
        except Refused as refused:
            if refused.status in (401, 403):
                raise self._refusal(refused) from None
        except Failed as failed:
            if failed.gone:
                raise UserError(
                    f"There is no server at {self.server.url} ({failed}); start one (cogmem llm serve), or put the "
                    "right address in COGMEM_LLM_URL."
                ) from None
        return {}

    def check(self) -> None:
        """Raise UserError where nobody answers, the key is wrong or the server's list lacks the model."""
        if self.known and self.server.model not in self.known:
            raise UserError(f"{self.who} has no model {self.server.model!r}; {nearest(self.server.model, self.known)}")

    @cached_property
    def window(self) -> int | None:
        """Tokens that prompt and answer may have together."""
        given = self.server.context_window or self.known.get(self.server.model)
        return given or window_of(self._lookup("props"))

    def count(self, request: Request) -> int | None:
        """Return the tokens of the prompt, as llama.cpp's server counts them, None where it cannot."""
        if not self._counts:
            return None
        text: Any = request.prompt
        if request.mode == "chat":
            text = self._lookup("apply-template", {"messages": _messages(request)}).get("prompt")
        tokens = self._lookup("tokenize", {"content": text, "add_special": True}).get("tokens") if text else None
        return len(tokens) if isinstance(tokens, list) else None

    @cached_property
    def _counts(self) -> bool:
        return "tokens" in self._lookup("tokenize", {"content": "a"})

    def complete(self, request: Request, stopped: Event) -> Completion:
        """Return the answer; UserError where the server refuses, or fails again and again."""
        path = "/completions" if request.mode == "completion" else "/chat/completions"
        body = _body(request, self.server)

        def attempt() -> Completion:
            return completion_of(self._send(path, body), request)

        try:
            return self.server.patience.keep(attempt, who=self.who, stopped=stopped)
        except Refused as refused:
            raise self._refusal(refused) from None

    def _lookup(self, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return what llama.cpp's server says beside the common paths, nothing where it does not."""
        try:
            return self._send(f"{self.server.url.removesuffix('/v1')}/{path}", body)
        except (Refused, Failed):
            return {}

    def _send(self, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return the parsed answer to one request; Failed where another attempt may go better, else Refused."""
        import openai

        options: Any = {"timeout": self.server.patience.timeout}
        try:
            if body is None:
                text = self.client.get(path, cast_to=str, options=options)
            else:
                text = self.client.post(path, cast_to=str, body=dict(body), options=options)
        except openai.APITimeoutError:
            raise Failed(f"did not answer within {self.server.patience.timeout:g} s") from None
        except openai.APIConnectionError as error:
            gone = type(error.__cause__).__name__ == "ConnectError"
            raise Failed("cannot be reached" if gone else "cut the connection", gone=gone) from None
        except openai.APIStatusError as error:
            raise self._status(error) from None
        return parsed(text)

    def _status(self, error: APIStatusError) -> Exception:
        """Return what an answer that is no success means: try again, or do not."""
        message = said(error.body, error.response.text, hidden=self.key)
        if error.status_code in AGAIN or error.status_code >= 500:
            after = seconds(error.response.headers)
            return Failed(f"answered {error.status_code} ({message})", wait=after)
        return Refused(error.status_code, message, window=exceeded(error.body))

    def _refusal(self, refused: Refused) -> UserError:
        """Return the sentence for a request that the server will not take."""
        model = self.server.model
        if refused.status in (401, 403):
            state = "is not accepted" if self.key else "is missing"
            return UserError(f"{self.who} says {refused.status}: the key {state}; put the right one in {KEY}.")
        if refused.status == 404:
            near = f"; {nearest(model, self.known)}" if self.known else "; put the right name in COGMEM_LLM_MODEL."
            return UserError(f"{self.who} has no model {model!r} for this (404: {refused}){near}")
        if refused.window:
            return too_long(*refused.window)
        return UserError(f"{self.who} refuses the request ({refused.status}: {refused}); change what it names.")


def _messages(request: Request) -> list[dict[str, str]]:
    return [{"role": "user", "content": request.prompt}]


def _body(request: Request, server: OpenAIServer) -> dict[str, Any]:
    """Return the JSON of a request."""
    chat = request.mode == "chat"
    body: dict[str, Any] = {"model": server.model, "max_tokens": request.max_tokens, "temperature": request.temperature}
    body |= {"messages": _messages(request)} if chat else {"prompt": request.prompt}
    if request.stop:
        body["stop"] = list(request.stop)
    if request.seed is not None:
        body["seed"] = request.seed
    if request.top:
        body |= {"logprobs": True, "top_logprobs": request.top} if chat else {"logprobs": request.top}
    body |= server.extra
    return {name: value for name, value in body.items() if value is not None}
