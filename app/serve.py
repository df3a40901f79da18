"""Start the app: Streamlit on this machine only."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from cogmem.errors import UserError


def serve(*, port: int) -> int:
    """Run the app until it is stopped; return its exit code."""
    if find_spec("streamlit") is None:
        raise UserError("The app needs streamlit, which is not installed; install cogmem with its extra 'app'.")
    page = Path(__file__).with_name("page.py")
    options = ["--server.address", "127.0.0.1", "--server.port", str(port), "--browser.gatherUsageStats", "false"]
    return subprocess.call([sys.executable, "-m", "streamlit", "run", str(page), *options])
