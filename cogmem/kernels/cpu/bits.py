"""Ones counted in machine words: what numba has no name for, written in LLVM's own."""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES: Final = 8
"""Codes counted side by side: 8 words fill the widest registers, and narrower machines take them in turns."""
TOGETHER: Final = 8
"""Queries that share each load of a code."""

_WORD: Final = ir.IntType(64)
_VECTOR: Final = ir.VectorType(_WORD, LANES)
_UNDEFINED: Final = ir.Constant(_VECTOR, ir.Undefined)
_FIRST: Final = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)


@intrinsic
def ones(typing: Any, word: Any) -> Any:
    """Return the number of ones in a uint64: one instruction where the machine has it."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function = ir.FunctionType(_WORD, [_WORD])
        return builder.call(cgutils.get_or_insert_function(builder.module, function, "llvm.ctpop.i64"), arguments)

    return types.int64(types.uint64), lower


def _every(builder: Any, word: Any) -> Any:
    """Return a vector of one word."""
    one = builder.insert_element(_UNDEFINED, word, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, _UNDEFINED, _FIRST)


def _loop(builder: Any, n_words: Any, rows: list[Any], lanes: Any) -> list[Any]:
    """Return for each query the vector of what it shares with LANES codes: the counts stay in registers."""
    ctpop = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), "llvm.ctpop.v8i64")
    before, head = builder.basic_block, builder.append_basic_block("word")
    after = builder.append_basic_block("counted")
    builder.branch(head)
    builder.position_at_end(head)
    word = builder.phi(_WORD)
    word.add_incoming(_WORD(0), before)
    counts = [builder.phi(_VECTOR) for _ in rows]
    place = builder.bitcast(builder.gep(lanes, [builder.mul(word, _WORD(LANES))]), _VECTOR.as_pointer())
    codes = builder.load(place, align=8)
    added = []
    for count, row in zip(counts, rows, strict=True):
        count.add_incoming(ir.Constant(_VECTOR, [0] * LANES), before)
        shared = builder.and_(codes, _every(builder, builder.load(builder.gep(row, [word]))))
        added.append(builder.add(count, builder.call(ctpop, [shared])))
        count.add_incoming(added[-1], head)
    following = builder.add(word, _WORD(1))
    word.add_incoming(following, head)
    builder.cbranch(builder.icmp_unsigned("<", following, n_words), head, after)
    builder.position_at_end(after)
    return added


@intrinsic
def count_shared(typing: Any, queries: Any, first: Any, turned: Any, group: Any, counts: Any) -> Any:
    """Fill counts[k, LANES group + i] with the ones that queries[first + k] shares with code i of turned[group].

    `queries` (queries, words), of which TOGETHER from `first` on are taken; `turned` (groups, words, LANES) uint64;
    `counts` (TOGETHER, LANES groups) int64; at least one word. LLVM's vectoriser does not find this loop by itself:
    words outside, codes in the lanes, so that no sum crosses lanes and each load of codes serves all queries.
    """

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = [context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 2, 4)]
        asked, codes, out = made
        n_words = cgutils.unpack_tuple(builder, asked.shape)[1]
        n_counts = cgutils.unpack_tuple(builder, out.shape)[1]
        lane = builder.mul(arguments[3], _WORD(LANES))
        rows = [
            builder.gep(asked.data, [builder.mul(builder.add(arguments[1], _WORD(k)), n_words)])
            for k in range(TOGETHER)
        ]
        lanes = builder.gep(codes.data, [builder.mul(lane, n_words)])
        for k, counted in enumerate(_loop(builder, n_words, rows, lanes)):
            cell = builder.gep(out.data, [builder.add(builder.mul(_WORD(k), n_counts), lane)])
            builder.store(counted, builder.bitcast(cell, _VECTOR.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(queries, types.int64, turned, types.int64, counts), lower
