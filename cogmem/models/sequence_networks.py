"""Networks that read sequences one after another and learn by each; nothing is known to them before the first.

Rates and steps are those at which they learn a sequence of 12 keys out of 6 that comes again and again about as fast as
people recall one (Wu et al., 2025: .63, .84, .92, .95 and .94 of keys right in blocks of 8 trials), on sequences drawn
at random.
"""

from __future__ import annotations

from typing import Final

from cogmem.subjects.chunking import Compression, Readings, SequenceModel, Streams, Symbols
from cogmem.subjects.network_settings import NetworkSettings

STEPS: Final = 3
LSTM_READER: Final = NetworkSettings("lstm", width=32, rate=1e-2, momentum=0.0, weight_decay=0.0)
TRANSFORMER_READER: Final = NetworkSettings("transformer", width=32, heads=4, rate=3e-3, momentum=0.0, weight_decay=0.0)
"""Without momentum: with it a sequence is still being learned some readings after it was read. At larger rates an LSTM
comes nearer to people, but then what it learns depends on the rounding of its numbers."""


def sequence_network(
    name: str, settings: NetworkSettings, reference: str, *, steps: int = STEPS, memory: int = 0,
    window: int = 16, window_steps: int = STEPS, rehearsed: int = 8,
) -> SequenceModel:  # fmt: skip
    """Return the model of a network that takes `steps` steps of Adam a sequence, which rehearse the `memory` before it.

    A text is compressed in windows of so many symbols, with `window_steps` steps each, which rehearse so many pieces.
    """

    def read(streams: Streams, seed: int, recall: bool = False) -> Readings:
        from cogmem.subjects.sequence_networks import read_online

        return read_online(streams, seed, recall, settings=settings, steps=steps, memory=memory)

    def compress(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
        from cogmem.subjects.sequence_networks import code_online

        choices = {"steps": window_steps, "window": window, "rehearsed": rehearsed}
        return code_online(sequence, n_symbols, seed, settings=settings, **choices)

    return SequenceModel(name, 1, "network", reference, read=read, compress=compress)


lstm_reader: Final = sequence_network("lstm_reader", LSTM_READER, "Hochreiter & Schmidhuber (1997)")
transformer_reader: Final = sequence_network(
    "transformer_reader", TRANSFORMER_READER, "Vaswani et al. (2017)", window_steps=8
)
