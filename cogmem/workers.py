"""Processes beside this one: fresh interpreters that end with the process that started them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import cache
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from cogmem.notices import without_notices

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

ONE_THREAD: Final = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS"), "1"
)
"""Of a worker's products of matrices and networks: threads of workers that share the cores wait for one another."""

ROOM: Final = {"LOKY_MAX_MEMORY_LEAK_SIZE": "2e9"}
"""Bytes by which a worker may grow. loky takes 300 MB for a leak and starts it again, with a warning; torch, PyMC and
the models that a worker has compiled are more than that."""


@cache
def _libraries() -> ThreadpoolController:
    """Return the libraries that multiply matrices; to look for them takes milliseconds."""
    import scipy.linalg  # noqa: F401  numpy and scipy bring one each
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_LOCK = Lock()
_INSIDE: list[Any] = []
"""What sets the threads back, once for everybody who is inside: the number is the process's, not a thread's."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Multiply matrices in one thread inside, as workers do, so that results are the same bits on any number of cores.

    Threads share out a sum, whose last digits hang on their number; a search or a draw of a fit may grow another place
    from them.
    """
    with _LOCK:
        limit = _INSIDE[-1] if _INSIDE else _libraries().limit(limits=1, user_api="blas")
        _INSIDE.append(limit)
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.pop()
            if not _INSIDE:
                limit.restore_original_limits()


def as_worker(head: int) -> None:
    """Make this process a worker of the process `head`: without notices, and gone when the head is.

    A head that is killed cannot tell its workers, which would wait for work for ever.
    """
    without_notices()

    def watch() -> None:
        while os.getppid() == head:
            time.sleep(1.0)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def side_by_side(workers: int) -> Executor:
    """Return a pool of so many workers, each a fresh interpreter: a fork of threads that torch has run can hang.

    They take what is defined in a notebook, a script or a plan, and do not run the script of the head again, as the
    standard library's would. Each multiplies matrices and trains networks in one thread.
    """
    from loky import ProcessPoolExecutor

    env = ONE_THREAD | ROOM
    made: Executor = ProcessPoolExecutor(workers, initializer=as_worker, initargs=(os.getpid(),), env=env)
    return made


def end(executor: Executor, *, at_once: bool) -> None:
    """End an executor when its work is done; `at_once`: leave what is under way, and kill workers of our own."""
    from loky import ProcessPoolExecutor

    if at_once and isinstance(executor, ProcessPoolExecutor):
        executor.shutdown(wait=True, kill_workers=True)
    else:
        executor.shutdown(wait=not at_once)
