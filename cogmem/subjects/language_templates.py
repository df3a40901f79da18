"""Templates: how an experiment is put into words for a language model, and how its answer is read. They are data."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any, Final, Literal, get_args

from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.subjects.language_requests import Mode

Per = Literal["test", "stream"]
QUERIES: Final = ("last", "first")
NEEDED: Final = ("name", "version", "mode", "per", "study", "answer", "last")
KNOWN: Final = (*NEEDED, "about", "forget", "first", "stop", "max_tokens")
ROOT: Final = files("cogmem.subjects") / "templates"


@dataclass(frozen=True)
class Wording:
    """How one question is asked: `instruction` before the stream, `test` after it."""

    instruction: str
    test: str


@dataclass(frozen=True)
class Template:
    """The words around the pairs of a stream, and the pattern that finds the answer.

    `study` is one pair with {cue} and {value}; `forget` stands before a pair whose row says that earlier values of its
    key no longer count. `last` and `first` ask for the last and the first value. With `per` "test" every test is a
    prompt of its own and the test has the slot {cue}; with "stream" one prompt asks for all keys, {cues}. `answer` is
    a regular expression with the group `value`, and `cue` where one answer is about several keys.
    """

    name: str
    version: int
    mode: Mode
    per: Per
    study: str
    answer: str
    last: Wording
    first: Wording | None = None
    forget: str = ""
    stop: tuple[str, ...] = ()
    max_tokens: int = 16
    about: str = ""

    def __post_init__(self) -> None:
        for what, value, known in (("mode", self.mode, get_args(Mode)), ("per", self.per, get_args(Per))):
            if value not in known:
                raise UserError(f"The template {self.name!r} has {what} {value!r}; {nearest(str(value), known)}")
        if self.max_tokens < 1:
            raise UserError(f"The template {self.name!r} has max_tokens {self.max_tokens}; an answer needs 1 or more.")
        slot = "cue" if self.per == "test" else "cues"
        self._slots("study", self.study, {"cue", "value"}, {"cue", "value"})
        self._slots("forget", self.forget, {"cue"}, set())
        for query in QUERIES:
            words = getattr(self, query)
            if words:
                # What stands before the stream may not name the key of one test: its prompts share their beginning.
                self._slots(f"{query}.instruction", words.instruction, {"cues"}, set())
                self._slots(f"{query}.test", words.test, {slot}, {slot})
        self._check_answer()

    def _slots(self, part: str, text: str, allowed: set[str], needed: set[str]) -> None:
        """Raise UserError where a text lacks a slot that it needs or has one that nothing fills."""
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise UserError(f"The template {self.name!r} has in {part} a brace alone ({error}); write {{{{.") from None
        found = {name for _, name, _, _ in parts if name is not None}
        if needed - found:
            slots = " and ".join(f"{{{name}}}" for name in sorted(needed - found))
            raise UserError(f"The template {self.name!r} has no slot {slots} in {part} ({text!r}); write it there.")
        plain = all(not form and conversion is None for _, name, form, conversion in parts if name is not None)
        if found - allowed or not plain:
            slots = ", ".join(f"{{{name}}}" for name in sorted(allowed))
            raise UserError(f"The template {self.name!r} may have in {part} only the slots {slots}; it has {text!r}.")

    def _check_answer(self) -> None:
        try:
            groups = set(re.compile(self.answer).groupindex)
        except re.error as error:
            raise UserError(f"The template {self.name!r} has an answer that is no pattern: {error}.") from None
        for group in ("value",) if self.per == "test" else ("value", "cue"):
            if group not in groups:
                raise UserError(f"The template {self.name!r} has an answer without the group (?P<{group}>...); add it.")

    @property
    def sha256(self) -> str:
        """The hash of all that shapes a prompt: how an answer is read may change without asking again."""
        kept = {name: getattr(self, name) for name in ("mode", "per", "study", "forget", "stop", "max_tokens")}
        kept |= {query: vars(getattr(self, query)) if getattr(self, query) else None for query in QUERIES}
        return hashlib.sha256(json.dumps(kept | {"version": self.version}, sort_keys=True).encode()).hexdigest()

    def wording(self, query: str) -> Wording:
        """Return the words for a query, "last" or "first"; UserError where the template has none."""
        words: Wording | None = getattr(self, query) if query in QUERIES else None
        if words is None:
            raise UserError(f"The template {self.name!r} has no words to ask for the {query} value; add [{query}].")
        return words

    def opening(self, query: str, cues: Sequence[str], pairs: Sequence[tuple[str, str, bool]]) -> str:
        """Return instruction and stream, `pairs` being (cue, value, whether earlier values no longer count)."""
        if not self.forget and any(forget for _, _, forget in pairs):
            raise UserError(f"The template {self.name!r} has no words for an instruction to forget; add `forget`.")
        lines = [self.wording(query).instruction.format(cues=listed(cues))]
        for cue, value, forget in pairs:
            lines.append((self.forget.format(cue=cue) if forget else "") + self.study.format(cue=cue, value=value))
        return "".join(lines)

    def question(self, query: str, cues: Sequence[str]) -> str:
        """Return what asks for the value of the key, or of all keys, in `cues`."""
        test = self.wording(query).test
        return test.format(cue=cues[0]) if self.per == "test" else test.format(cues=listed(cues))


def listed(words: Sequence[str]) -> str:
    return ", ".join(words)


def builtin() -> dict[str, str]:
    """Return what each template that comes with cogmem is about, by its name."""
    names = sorted(each.name.removesuffix(".toml") for each in ROOT.iterdir() if each.name.endswith(".toml"))
    return {name: load_template(name).about for name in names}


def load_template(name: str | Path) -> Template:
    """Return a template by its name, or from a .toml file of your own."""
    if str(name).endswith(".toml"):
        return _read(Path(name))
    known = [each.name.removesuffix(".toml") for each in ROOT.iterdir() if each.name.endswith(".toml")]
    if name not in known:
        raise UserError(f"There is no template {str(name)!r} (and it is no .toml file); {nearest(str(name), known)}")
    return parse_template((ROOT / f"{name}.toml").read_text("utf-8"), where=f"the template {name!r}")


def _read(path: Path) -> Template:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"The template {path} cannot be read: {reason}.") from None
    return parse_template(text, where=str(path))


def parse_template(text: str, *, where: str) -> Template:
    """Return the template in a TOML text; UserError says what is missing."""
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{where} is no TOML: {error}.") from None
    for name in content:
        if name not in KNOWN:
            raise UserError(f"{where} has an entry {name!r} that means nothing; {nearest(name, KNOWN)}")
    missing = [name for name in NEEDED if name not in content]
    if missing:
        raise UserError(f"{where} lacks {', '.join(missing)}; a template needs {', '.join(NEEDED)}.")
    _check_types(content, where)
    for query in QUERIES:
        if query in content:
            content[query] = _wording(content[query], f"{where}, [{query}]")
    return Template(**content | {"stop": tuple(content.get("stop", ()))})


def _check_types(content: Mapping[str, Any], where: str) -> None:
    kinds: dict[str, type[Any]] = {"version": int, "max_tokens": int, "stop": list, "last": dict, "first": dict}
    for name, value in content.items():
        kind = kinds.get(name, str)
        if not isinstance(value, kind) or (
            name == "stop" and not all(isinstance(each, str) and each for each in value)
        ):
            raise UserError(f"{where} has {name} = {value!r}, but {kind.__name__} is needed; put that right.")


def _wording(given: Mapping[str, Any], where: str) -> Wording:
    extra = [name for name in given if name not in ("instruction", "test")]
    if extra or not all(isinstance(value, str) for value in given.values()):
        raise UserError(f"{where} has {sorted(given)}, but takes the texts `instruction` and `test` alone.")
    return Wording(given.get("instruction", ""), given.get("test", ""))
