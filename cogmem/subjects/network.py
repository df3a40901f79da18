"""A trained network as a participant: it studies the design's strings, goes on learning, and is probed on the way.

Time is learning: between study and test a network trains on strings it has never seen. The longest interval of a
design is played as `most_updates` updates of such training and every other interval in proportion, unless
`seconds_per_update` says otherwise. This file loads no torch; the training is in `network_study`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.materials import Language
from cogmem.subjects.network_settings import NetworkSettings
from cogmem.trials import Trials

if TYPE_CHECKING:
    from cogmem.subjects.network_study import Probes

# Members of a population have the seeds seed * STRIDE + 0, 1, 2, ...
STRIDE: Final = 1000


@dataclass(frozen=True)
class Network:
    """A population of networks of one architecture; participant k of a design is answered by member k.

    The `population` members differ in their first weights and in every string they were trained on. A design of more
    participants uses them again in turn. `study_batch` studied strings make an update, `fillers` new ones an update
    between study and test. Repetitions at one moment follow one another in as many updates or, `at_once`, are in one
    (see `design_timeline`). Participants share one schedule, in whose places each may have other items. At savings
    tests a list counts as learned when its second half is recalled without error.
    """

    name: str
    version: int
    settings: NetworkSettings
    seed: int = 1
    population: int = 4
    most_updates: int = 200
    seconds_per_update: float | None = None
    study_batch: int = 4
    fillers: int = 16
    most_repetitions: int = 30
    at_once: bool = False
    kind: Kind = "network"
    needs: frozenset[str] = frozenset({"retention_interval", "item", "test_type", "time"})

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each member."""
        return tuple(self.seed * STRIDE + member for member in range(self.population))

    def _unit(self, design: Design) -> float:
        """Return the seconds that one update stands for in this design."""
        longest = float(design.tests["retention_interval"].max())
        return self.seconds_per_update or max(longest, 1e-300) / self.most_updates

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return 1 or 0 for recall and recognition, repetitions to criterion for learning and relearning."""
        who = np.unique(design.tests.get("participant", "all"), return_inverse=True)[1]
        member = np.asarray(who % self.population)
        if np.isin(design.tests["test_type"], ["learning", "relearning"]).any():
            return self._to_criterion(design)[member, np.arange(len(member))]
        right = self._right(design)[member, np.arange(len(member))]
        # A test asks for one word of the second half; where the design names none of them, any may be asked for.
        words = right.shape[-1]
        asked = (
            design.tests["element"] if design.settings.get("n_elements", 1) > 1 else rng.integers(0, words, len(right))
        )
        return np.asarray(right[np.arange(len(right)), np.asarray(asked) % words], dtype=np.int64)

    def forecast(self, design: Design) -> NDArray[np.float64]:
        """Return (n_tests, 2): the share of members, and of second-half words, that are wrong and right."""
        if np.isin(design.tests["test_type"], ["learning", "relearning"]).any():
            raise UserError(f"{self.name} forecasts recall and recognition; savings are counts: run() the design.")
        if len(self._studied(design)) > 1:
            raise UserError(f"{self.name} forecasts participants who study the same items; run() the design instead.")
        right = self._right(design).mean(axis=(0, 2))
        return np.stack([1.0 - right, right], axis=1)

    def _studied(self, design: Design) -> NDArray[np.int64]:
        """Return the item of each study, in order: (1, studies) where all take the same, else (population, studies)."""
        studies = design.studies
        who = np.unique(studies.get("participant", "all"), return_inverse=True)[1]
        people = [studies.where(who == number) for number in range(int(who.max(initial=0)) + 1)]
        items, times = ([person[name] for person in people] for name in ("item", "time"))
        if all(np.array_equal(each, items[0]) for each in items):
            return np.stack(items[:1])
        if len(people) != self.population or not all(np.array_equal(each, times[0]) for each in times):
            raise UserError(
                f"Participants who study other items need a member each and one schedule; got {len(people)} "
                f"participants for the {self.population} members of {self.name}."
            )
        return np.stack(items)

    def _right(self, design: Design) -> NDArray[np.bool_]:
        """Return whether each word of each test is right: (population, tests, words); recognition has one word."""
        tests, studied = design.tests, self._studied(design)
        rows = np.unique(np.concatenate([studied.ravel(), tests["item"]]))
        lure_of = dict(zip(tests["item"].tolist(), tests.get("lure", 0).astype(int).tolist(), strict=True))
        moments = np.unique(tests["time"])
        probes, places = _probes(
            self,
            self._unit(design),
            _language(design),
            _key(design.items[rows]),
            _key(design.items[[lure_of.get(int(row), 0) for row in rows]]),
            _key(_one_person(design.studies)["time"]),
            _key(np.searchsorted(rows, studied)),
            _key(moments),
        )
        probe, place = places[np.searchsorted(moments, tests["time"])], np.searchsorted(rows, tests["item"])
        recalled = np.moveaxis(probes.recalled[probe, :, place], 1, 0)
        chosen = probes.recognised("lure")[probe, :, place].T[..., None]
        return np.where((tests["test_type"] == "recognition")[None, :, None], chosen, recalled)

    def _to_criterion(self, design: Design) -> NDArray[np.int64]:
        """Return repetitions to criterion of each test: (population, tests)."""
        from cogmem.subjects.network_study import relearn

        tests = design.tests
        answers = np.zeros((self.population, len(tests)), dtype=np.int64)
        again = tests["test_type"] == "relearning"
        for delay in np.unique(tests["retention_interval"][again]):
            chosen = np.unique(tests["item"][again & (tests["retention_interval"] == delay)])
            learning, relearning = relearn(
                _pretrained(self.settings, _language(design), self.seeds), self.settings, _language(design),
                design.items[chosen], updates=round(float(delay) / self._unit(design)), batch=self.study_batch,
                fillers=self.fillers, most=self.most_repetitions, seeds=self.seeds,
            )  # fmt: skip
            rows = np.flatnonzero(np.isin(tests["item"], chosen))
            place = np.searchsorted(chosen, tests["item"][rows])
            first = (tests["test_type"][rows] == "learning")[None]
            answers[:, rows] = np.where(first, learning[:, place], relearning[:, place])
        return answers


def _one_person(table: Trials) -> Trials:
    """Return the rows of the first participant: all of them take the same trials."""
    names = table.get("participant", "all")
    return table.where(names == names[0]) if len(names) else table


def _language(design: Design) -> Language:
    stored = design.settings.get("language", {})
    return Language(**stored) if isinstance(stored, dict) else Language()


Key = tuple[bytes, tuple[int, ...], str]


def _key(array: NDArray[Any]) -> Key:
    """Return an array in a form that a cache can use as a key."""
    whole = np.ascontiguousarray(array)
    return whole.tobytes(), whole.shape, whole.dtype.str


def _array(key: Key) -> NDArray[Any]:
    return np.frombuffer(key[0], dtype=key[2]).reshape(key[1])


@lru_cache(maxsize=8)
def _pretrained(settings: NetworkSettings, language: Language, seeds: tuple[int, ...]) -> Any:
    from cogmem.subjects.training import pretrain

    return pretrain(settings, language, seeds=seeds)


@lru_cache(maxsize=32)
def _probes(
    network: Network, unit: float, language: Language, items: Key, lures: Key, times: Key, studied: Key, moments: Key
) -> tuple[Probes, NDArray[np.int64]]:
    """Return what the population knew at each probe, and the probe of each moment.

    Cached, since recall and recognition share one course of study.
    """
    from cogmem.subjects.network_study import study_and_probe
    from cogmem.subjects.timelines import design_timeline, relabelled

    own = _array(studied)
    timeline, places = design_timeline(
        _array(times), own[0], _array(moments), lambda moment: round(moment / unit), batch=network.study_batch,
        fillers=network.fillers, rng=np.random.default_rng([network.seed, 21]), at_once=network.at_once,
    )  # fmt: skip
    if len(own) > 1:
        timeline = relabelled(timeline, own)
    weights = _pretrained(network.settings, language, network.seeds)
    foils = {"lure": _array(lures)[None]}
    probes = study_and_probe(
        weights, network.settings, timeline, _array(items)[None], foils, language, seeds=network.seeds
    )
    return probes, places
