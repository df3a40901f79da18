"""The backends of a language model, and the one that the environment names."""

from __future__ import annotations

import os
from typing import Any, Final

from cogmem.errors import UserError
from cogmem.subjects.language_local import LocalFolder
from cogmem.subjects.language_openai import KEY, OpenAIServer
from cogmem.subjects.language_requests import Backend, Completion, Request, Session, Step
from cogmem.subjects.language_retries import Patience
from cogmem.subjects.language_several import Several

URL: Final = "COGMEM_LLM_URL"
MODEL: Final = "COGMEM_LLM_MODEL"

__all__ = [
    "KEY",
    "MODEL",
    "URL",
    "Backend",
    "Completion",
    "LocalFolder",
    "OpenAIServer",
    "Patience",
    "Request",
    "Session",
    "Several",
    "Step",
    "from_environment",
]  # fmt: skip


def from_environment(*, url: str = "", model: str = "", **settings: Any) -> OpenAIServer | Several:
    """Return the server that COGMEM_LLM_URL and COGMEM_LLM_MODEL name, where no other is given.

    A URL may be several addresses with commas between them, at which the same model is served. `settings` are those of
    OpenAIServer. The key, COGMEM_LLM_KEY, is read when a session opens; for OpenAI's own server OPENAI_API_KEY will do.
    """
    found = {URL: url or os.environ.get(URL, ""), MODEL: model or os.environ.get(MODEL, "")}
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise UserError(
            f"No language model is named: set {' and '.join(missing)} (`cogmem llm serve` starts a small one and says "
            "what to set)."
        )
    every = [each.strip() for each in found[URL].split(",") if each.strip()]
    servers = tuple(OpenAIServer(each, found[MODEL], **settings) for each in every)
    return servers[0] if len(servers) == 1 else Several(servers)
