"""Speed of training: sixteen networks in step, against one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cogmem.benchmarks.fit import Row
from cogmem.benchmarks.timing import timed
from cogmem.subjects.updating_network import MixerName, UpdatingSettings
from cogmem.subjects.updating_training import train

SEEDS = tuple(range(1, 17))
MIXERS: tuple[MixerName, ...] = ("softmax_attention", "delta_rule", "gru")


def _rows(mixer: MixerName, settings: UpdatingSettings, repeats: int) -> list[Row]:
    """Return both ways to train the population; the ratio is that of their times."""

    def one_by_one() -> Any:
        return [train(settings, (seed,)) for seed in SEEDS]

    def together() -> Any:
        return train(settings, SEEDS)

    what = f"{mixer}: {settings.width} units, {settings.pairs[0]} pairs, batch {settings.batch}"
    apart = timed(what, "torch", one_by_one, items=len(SEEDS), unit="network", repeats=repeats)
    batched = timed(what, "torch", together, items=len(SEEDS), unit="network", repeats=repeats)
    ratio = apart.seconds / batched.seconds
    return [Row(f"{what}, one by one", apart.seconds),
            Row(f"{what}, together", batched.seconds, ratio=ratio, against="one by one")]  # fmt: skip


def bench(*, quick: bool = False, seed: int = 1) -> list[Row]:
    """Return the speed of 16 seeds batched: small networks gain what a step costs beside its arithmetic."""
    steps, repeats, rows = 10 if quick else 60, 1 if quick else 3, []
    base = UpdatingSettings(
        "gru", keys=256, values=256, width=32, layers=1, heads=1, steps=steps, batch=8, rate=1e-2, pairs=(8,)
    )
    for mixer in MIXERS[: 1 if quick else None]:
        rows += _rows(mixer, replace(base, mixer=mixer), repeats)
    if not quick:
        larger = replace(base, mixer="softmax_attention", width=64, batch=16, pairs=(16,), keys=512, values=512)
        rows += _rows("softmax_attention", larger, repeats)
    return rows
