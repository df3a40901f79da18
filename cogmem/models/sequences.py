"""Every model of how sequences are learned: SEQUENCE_MODELS.

`subjects.sequence_reader.SequenceReader` makes a participant of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cogmem.models.chunk_based import chunk_based_learner
from cogmem.models.compressors import lz78, symbols_alone
from cogmem.models.compressors_grammar import bpe, sequitur
from cogmem.models.hvm import hcm, hvm, hvm_for_all, hvm_full
from cogmem.models.parser import parser_1998
from cogmem.models.sequence_networks import lstm_reader, transformer_reader
from cogmem.models.sequence_statistics import associative_learner, ngram
from cogmem.models.tracx import tracx2, tracx_2011
from cogmem.subjects.chunking import SequenceModel

SEQUENCE_MODELS: Final[tuple[SequenceModel, ...]] = (
    hvm,
    hvm_for_all,
    hvm_full,
    hcm,
    associative_learner,
    ngram,
    parser_1998,
    tracx2,
    tracx_2011,
    chunk_based_learner,
    lz78,
    bpe,
    sequitur,
    symbols_alone,
    lstm_reader,
    transformer_reader,
)

BY_NAME: Final[Mapping[str, SequenceModel]] = {model.name: model for model in SEQUENCE_MODELS}
