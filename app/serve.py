"""Start the app: Streamlit on this machine only."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Final

from cogmem.errors import UserError

UPLOAD_MB: Final = 20
OPTIONS: Final = {
    "server.maxUploadSize": str(UPLOAD_MB),
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",  # a page shows a sentence, never a traceback
    "client.toolbarMode": "viewer",
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
    return subprocess.call([sys.executable, "-m", "cogmem.app.serve", "run", str(page), *options])


def prepare() -> None:
    """Import what the pages need and read what they show first, while the server starts and the browser opens."""
    from cogmem import exhibits
    from cogmem.app import comparison, exploring, gallery, overview  # noqa: F401

    for name in exhibits.shipped_names():
        exhibits.shipped(name)


def main() -> None:
    """Be Streamlit's command line, with the pages on their way."""
    Thread(target=prepare, daemon=True).start()
    from streamlit.web.cli import main as streamlit

    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
