"""Processes beside this one: fresh interpreters that end with the process that started them."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import Thread

from cogmem.notices import without_notices


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


def side_by_side(workers: int) -> ProcessPoolExecutor:
    """Return a pool of so many workers, each a fresh interpreter: a fork of threads that torch has run can hang."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=as_worker, initargs=(os.getpid(),))
