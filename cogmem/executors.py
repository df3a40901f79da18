"""Engines that compute the cells of a study: processes of this machine, Dask, SLURM, or any Executor that can be named.

All of them are `concurrent.futures.Executor`s; which one it is changes nothing but the time.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures import wait as _wait
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.workers import side_by_side

KNOWN: Final = ("local", "dask", "slurm")
Engine = tuple[Callable[[], Executor], int]
"""What makes an executor, and how many workers it has."""


@contextmanager
def engine(name: str = "local", *, address: str | None = None, workers: int | None = None) -> Iterator[Engine]:
    """Give what makes the executor of that name, and its number of workers; end what was started for it.

    local: processes of this machine (default: one a processor). dask: the cluster at `address` (tcp://...), or one on
    this machine. slurm: `workers` jobs through dask-jobqueue, as its own configuration says. MODULE:NAME: any callable
    that gives an Executor, such as mpi4py.futures:MPIPoolExecutor. UserError for what is not there.
    """
    many = workers or os.cpu_count() or 1
    if many < 1:
        raise UserError(f"A study needs at least 1 worker; got {workers}.")
    if address and name != "dask":
        raise UserError(f"An address belongs to --executor dask; got {address} with {name}.")
    if name == "local":
        yield partial(side_by_side, many), many
    elif name in ("dask", "slurm"):
        with _dask(name, address, many) as found:
            yield found
    elif ":" in name:
        yield _named(name, workers), many
    else:
        raise UserError(f"There is no executor {name!r}; {nearest(name, KNOWN)} Any other is written MODULE:NAME.")


class DaskExecutor(Executor):
    """A Dask client as an executor whose every future ends, with a result or with what went wrong.

    Dask's own (`Client.get_executor`) leaves a future unanswered for ever whose result was lost with a worker while it
    was fetched and whose task is then given up (distributed 2026.8.0).
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self._here: WeakSet[Future[Any]] = WeakSet()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future of `fn(*args, **kwargs)`, which a worker of the cluster computes.

        To Dask a task that is pure is its arguments: tried again, it would be answered with the old failure.
        """
        here: Future[Any] = Future()
        there = self.client.submit(fn, *args, **kwargs, pure=False)

        def done(there: Any) -> None:
            if not here.set_running_or_notify_cancel():
                return
            try:
                result = there.result()
            except BaseException as problem:
                here.set_exception(problem)
            else:
                here.set_result(result)

        def left(here: Future[Any]) -> None:
            if here.cancelled():
                there.cancel()

        here.add_done_callback(left)
        there.add_done_callback(done)
        self._here.add(here)
        return here

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End without closing the client, which is not ours; `wait`: when all is done."""
        futures = tuple(self._here)
        if cancel_futures:
            for future in futures:
                future.cancel()
        if wait:
            _wait(futures)


@contextmanager
def _dask(name: str, address: str | None, workers: int) -> Iterator[Engine]:
    try:
        from distributed import Client, LocalCluster

        cluster: Any = None
        if name == "slurm":
            from dask_jobqueue.slurm import SLURMCluster

            cluster = SLURMCluster()
            cluster.scale(jobs=workers)
        elif address is None:
            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    except ImportError:
        raise UserError(
            "This executor needs Dask, which is not installed; install cogmem with its extra 'dask'."
        ) from None
    except (OSError, ValueError, RuntimeError) as problem:
        raise UserError(f"The cluster could not be started ({problem}).") from None
    try:
        try:
            client = Client(cluster or address, timeout="20s")
        except (OSError, ValueError, TimeoutError) as problem:
            raise UserError(
                f"No Dask scheduler answers at {address} ({problem}); start one, or leave out --address."
            ) from None
        with client:
            many = sum(client.ncores().values()) or workers
            yield partial(DaskExecutor, client), many
    finally:
        if cluster is not None:
            cluster.close()


def _named(name: str, workers: int | None) -> Callable[[], Executor]:
    module, _, attribute = name.partition(":")
    try:
        make = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as problem:
        raise UserError(f"The executor {name} cannot be imported ({problem}).") from None

    def made() -> Executor:
        executor = make(workers) if workers else make()
        if not isinstance(executor, Executor):
            raise UserError(f"{name} gives {type(executor).__name__}, not a concurrent.futures.Executor.")
        return executor

    return made
