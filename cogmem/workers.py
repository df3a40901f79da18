"""Processes beside this one: fresh interpreters that end with the process that started them."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor
from threading import Thread
from typing import Final

from cogmem.notices import without_notices

ONE_THREAD: Final = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
"""Of a worker's products of matrices: threads of workers that share the cores wait for one another."""


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
    standard library's would. Each multiplies matrices in one thread.
    """
    from loky import ProcessPoolExecutor

    made: Executor = ProcessPoolExecutor(workers, initializer=as_worker, initargs=(os.getpid(),), env=ONE_THREAD)
    return made


def end(executor: Executor, *, at_once: bool) -> None:
    """End an executor when its work is done; `at_once`: leave what is under way, and kill workers of our own."""
    from loky import ProcessPoolExecutor

    if at_once and isinstance(executor, ProcessPoolExecutor):
        executor.shutdown(wait=True, kill_workers=True)
    else:
        executor.shutdown(wait=not at_once)
