"""The command line of language models: `cogmem llm serve | check | templates`."""

from __future__ import annotations

import json
import os
from threading import Event
from typing import Annotated, Any, Final

import typer

from cogmem.cli_arguments import Json
from cogmem.errors import UserError

llm_app: Final = typer.Typer(
    name="llm",
    help="Language models: serve a small one, check one, list the templates.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@llm_app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 is any that is free.")] = 8080,
    context: Annotated[int, typer.Option(help="Context window in tokens.")] = 4096,
    copies: Annotated[
        int | None, typer.Option(help="Copies, a core and a port each (default: cores, up to 4).")
    ] = None,
) -> None:
    """Serve Gemma 3 270M on this machine until Ctrl-C."""
    from cogmem.language_server import TERMS
    from cogmem.language_server import serve as serve_

    print(f"{TERMS}.", flush=True)
    with serve_(port=port, context=context, copies=copies) as served:
        print(f"{served.model} answers at {served.url}, with a window of {served.context} tokens. In another shell:")
        print(f"export COGMEM_LLM_URL={served.url} COGMEM_LLM_MODEL={served.model}")
        print("Ctrl-C ends it.", flush=True)
        try:
            Event().wait()
        except KeyboardInterrupt:
            print()


@llm_app.command()
def check(
    url: Annotated[str, typer.Option(help="Address of the server (default: COGMEM_LLM_URL).")] = "",
    model: Annotated[str, typer.Option(help="Name of the model (default: COGMEM_LLM_MODEL).")] = "",
    mode: Annotated[str, typer.Option(help="completion or chat.")] = "completion",
    as_json: Json = False,
) -> None:
    """Send one tiny request and say what the model can do."""
    from cogmem import printing
    from cogmem.names import nearest
    from cogmem.subjects.language_backends import URL, Patience, Request, from_environment

    if mode not in ("completion", "chat"):
        raise UserError(f"A model is asked as completion or chat; {nearest(mode, ('completion', 'chat'))}")
    backend = from_environment(url=url, model=model, top=5, patience=Patience(timeout=60.0, retries=1))
    prompt = "one: uno\ntwo: dos\none:" if mode == "completion" else "Answer with the one word: yes"
    request = Request(prompt, mode="chat" if mode == "chat" else "completion", max_tokens=8, stop=("\n",))
    with backend() as session:
        # Some servers refuse a request for log-probabilities, so the answer is asked for without them first.
        answer = session.complete(request, Event())
        found: dict[str, Any] = {
            "server": url or os.environ.get(URL, ""),
            "model": backend.model,
            "context_window": session.window,
        }
        found |= {"answer": answer.text.strip(), "log_probabilities": _gives(session, request)}
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        printing.table("language model", [{"what": name, "value": _shown(value)} for name, value in found.items()])


def _gives(session: Any, request: Any) -> bool:
    """Return whether the server gives log-probabilities."""
    from dataclasses import replace

    try:
        return session.complete(replace(request, top=5), Event()).steps is not None
    except UserError:
        return False


def _shown(value: Any) -> str:
    names = {None: "not told", True: "yes", False: "no"}
    return names[value] if value is None or isinstance(value, bool) else str(value)


@llm_app.command()
def templates(as_json: Json = False) -> None:
    """List the templates that come with cogmem; a .toml file of your own takes their place by its path."""
    from cogmem import printing
    from cogmem.subjects.language_templates import builtin

    rows = [{"name": name, "about": about} for name, about in builtin().items()]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        printing.table("templates", rows)
