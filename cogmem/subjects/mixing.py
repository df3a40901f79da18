"""All that a network may keep of a stream, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cogmem.subjects.mixers import MIXERS, Mixer
from cogmem.subjects.mixers_rules import RULE_MIXERS
from cogmem.subjects.mixers_states import STATE_MIXERS

ALL_MIXERS: Final[Mapping[str, Mixer]] = {**MIXERS, **RULE_MIXERS, **STATE_MIXERS}
"""The same names as in `updating_network.MIXER_NAMES`, which loads no torch."""
