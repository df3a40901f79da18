"""Start the app: Streamlit on this machine only."""

from __future__ import annotations

import gc
import socket
import time
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Final

from cogmem.errors import UserError

UPLOAD_MB: Final = 20
LATER: Final = 5.0
OPTIONS: Final = {
    "server.maxUploadSize": str(UPLOAD_MB),
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",  # a page shows a sentence, never a traceback
    "client.toolbarMode": "viewer",
    "runner.magicEnabled": "false",  # no bare value is shown, and to look for one reads the sources of the whole stack
    "theme.light.primaryColor": "#0072B2",
    "theme.dark.primaryColor": "#56B4E9",
}


def serve(*, port: int, address: str = "127.0.0.1", browser: bool = True) -> int:
    """Run the app until it is stopped; return its exit code. It listens on this machine unless told otherwise."""
    if find_spec("streamlit") is None:
        raise UserError("The app needs streamlit, which is not installed; install cogmem with its extra 'app'.")
    if not 1 <= port <= 65535:
        raise UserError(f"A port is a number from 1 to 65535; got {port}.")
    given = {
        **OPTIONS,
        "server.address": address,
        "server.port": str(port),
        "server.headless": str(not browser).lower(),
    }
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    page = Path(__file__).with_name("main.py")
    return _streamlit(["run", str(page), *options], port)


def prepare(port: int) -> None:
    """Import what the pages need and read what they show first, once the server answers and a browser loads the rest.

    Before that it would only hold up the server's own start.
    """
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    import pandas  # noqa: F401  # Streamlit's charts do, when the first is drawn
    import pyarrow  # noqa: F401
    import streamlit.emojis  # noqa: F401  # a page's sign is looked up among all of them

    from cogmem import exhibits
    from cogmem.app import overview  # noqa: F401
    from cogmem.figures.looks import fixed_looks

    for name in exhibits.COMPARISONS:
        exhibits.shipped(name)
    fixed_looks()
    # Streamlit looks for garbage after every run of a page: a tenth of a second, unless what stays is left out of it.
    gc.freeze()
    # The other pages when the first is drawn.
    time.sleep(LATER)
    from cogmem.app import comparison, exploring, gallery  # noqa: F401

    gc.freeze()


def _without_search_for_components() -> None:
    """Keep Streamlit from reading the description of every installed package for components: the app has none.

    With two hundred packages that takes half a second before the server answers. Another version of Streamlit may have
    no such step, and then this changes nothing.
    """
    try:
        from streamlit.components.v2 import manifest_scanner
    except ImportError:
        return
    manifest_scanner.scan_component_manifests = lambda *_, **__: []


def _streamlit(words: list[str], port: int) -> int:
    """Be Streamlit's command line, with the pages on their way; return its exit code."""
    from streamlit.web.cli import main as streamlit

    _without_search_for_components()
    Thread(target=prepare, args=(port,), daemon=True).start()
    try:
        streamlit(words, prog_name="streamlit")
    except SystemExit as end:
        return int(end.code or 0)
    return 0
