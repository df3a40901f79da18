"""The stimulus dictionary of Wang and Sun (2025): 46 categories with 400 words each, no word twice."""

from __future__ import annotations

import csv
import hashlib
import io
from functools import cache
from typing import Final

from cogmem.errors import UserError
from cogmem.human_data.registry import tables_folder

N_CATEGORIES: Final = 46
WORDS: Final = 400
"""Words in each category."""
FILE: Final = "wang_sun_2025_words.csv"
SHA256: Final = "d2b64f5c897757e40f870e298a3f8e9a52d1b404d1c2c3e8490a6f1e9b1ee81c"


@cache
def words() -> tuple[str, ...]:
    """Return the names of the categories, then the words of the first, of the second, ...: 46 + 46 * 400 texts.

    UserError if the shipped file is not the registered one.

    >>> words()[0], words()[N_CATEGORIES], words()[N_CATEGORIES + WORDS]
    ('bird', 'emu', 'mat')
    """
    content = (tables_folder() / FILE).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise UserError(f"{FILE} has the sha256 {found}, expected {SHA256}; build the tables again.")
    _, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    return (*dict.fromkeys(category for category, _ in rows), *(word for _, word in rows))
