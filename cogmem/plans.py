"""Plans of studies: a TOML file, or a Python file that binds `study`, becomes designs, subjects and seeds."""

from __future__ import annotations

import runpy
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Final, TypeGuard

from cogmem import catalogue
from cogmem.core import Measure, Subject
from cogmem.errors import UserError
from cogmem.models.reproducers import REPRODUCERS
from cogmem.names import nearest
from cogmem.studies import AnyDesign, PlannedDesign, Study

MOST: Final = 10_000_000
"""Cells of a plan; more are a mistake in a grid."""
WORDS: Final = ("name", "seeds", "measures", "designs", "subjects")
DESIGN_WORDS: Final = ("paradigm", "seed", "seeds", "settings", "grid")
SUBJECT_WORDS: Final = ("name", "parameters", "grid")


@dataclass(frozen=True, eq=False)
class Plan:
    """A study, and what is measured of its records (by paradigm, in the order asked for)."""

    study: Study
    measures: Mapping[str, tuple[Measure, ...]]


def read_plan(path: Path) -> Plan:
    """Return the plan in a file; UserError says in one sentence what is wrong with it.

    TOML: `name`; `seeds` (a list, or {first = 1, n = 100}); `measures` (default: the first of each paradigm);
    [[designs]] with `paradigm`, `seed` or `seeds`, `settings`, and `grid`, of whose lists every combination is a
    design; [[subjects]] with `name`, `parameters` and `grid`. Python: a file that binds `study` (a cogmem.Study) and
    may bind `measures`; it is run.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}; name a plan, a .toml or .py file.")
    if path.suffix == ".py":
        return _from_python(path)
    if path.suffix != ".toml":
        raise UserError(f"A plan is a .toml or a .py file; got {path.name}.")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as problem:
        raise UserError(f"{path.name} is no TOML that can be read: {problem}.") from None
    return _from_toml(path.name, content)


def _from_python(path: Path) -> Plan:
    try:
        found = runpy.run_path(str(path), run_name="cogmem_plan")
    except UserError:
        raise
    except (Exception, SystemExit) as problem:
        raise UserError(f"{path.name} could not be run ({type(problem).__name__}: {problem}).") from None
    study, names = found.get("study"), found.get("measures", ())
    if not isinstance(study, Study):
        raise UserError(f"{path.name} needs to bind `study` to a cogmem.Study; it binds {type(study).__name__}.")
    return Plan(study, _measures(path.name, study.designs, names))


def _from_toml(file: str, content: Mapping[str, Any]) -> Plan:
    _only(file, "The plan", content, WORDS)
    designs, subjects = _list(file, content, "designs"), _list(file, content, "subjects")
    seeds = _seeds(file, content.get("seeds", [1]))
    cells = len(seeds) * sum(_size(each) for each in designs) * sum(_size(each) for each in subjects)
    if cells > MOST:
        raise UserError(f"{file} has {cells:,} cells; {MOST:,} are the most: shorten a grid.")
    made = tuple(design for each in designs for design in _designs(file, each))
    name = content.get("name", Path(file).stem)
    if not isinstance(name, str) or not name:
        raise UserError(f"{file}: name is a text; got {name!r}.")
    people = tuple(subject for each in subjects for subject in _subjects(file, each))
    return Plan(Study(name, made, people, seeds), _measures(file, made, content.get("measures", ())))


def _only(file: str, what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise UserError(f"{file}: {what} has no {name!r}; {nearest(name, known)}")


def _list(file: str, content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = content.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise UserError(f"{file} needs one or more [[{name}]].")
    return found


def _table(file: str, given: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = given.get(name, {})
    if not isinstance(found, dict):
        raise UserError(f"{file}: {name} is a table of names and values; got {found!r}.")
    return found


def _size(given: Mapping[str, Any]) -> int:
    """Return how many designs or subjects an entry stands for, as far as it can be told before it is checked."""
    grid, seeds = given.get("grid"), given.get("seeds")
    sizes = [len(values) for values in grid.values() if isinstance(values, list)] if isinstance(grid, dict) else []
    n: Any = seeds.get("n") if isinstance(seeds, dict) else len(seeds) if isinstance(seeds, list) else 1
    return prod(sizes) * (int(n) if _whole(n) else 1)


def _whole(value: Any) -> TypeGuard[int]:
    """Return whether a value is a whole number from 0 (true and false are not)."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _seeds(file: str, given: Any) -> tuple[int, ...]:
    if isinstance(given, dict):
        _only(file, "seeds", given, ("first", "n"))
        first, n = given.get("first", 1), given.get("n")
        if _whole(first) and _whole(n) and 0 < n <= MOST:
            return tuple(range(first, first + n))
    elif isinstance(given, list) and given and all(_whole(each) for each in given) and len(set(given)) == len(given):
        return tuple(given)
    raise UserError(f"{file}: seeds are whole numbers from 0, each once, or {{first = 1, n = 100}}; got {given!r}.")


def _grid(file: str, given: Mapping[str, Any], fixed: str) -> Iterator[dict[str, Any]]:
    """Yield the settings or parameters of every combination, in the order of the file."""
    base, grid = _table(file, given, fixed), _table(file, given, "grid")
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"{file}: grid.{name} is a list of the values to take; got {values!r}.")
        if name in base:
            raise UserError(f"{file}: {name} stands in {fixed} and in grid; take one of them.")
    for values in product(*grid.values()):
        yield base | dict(zip(grid, values, strict=True))


def _designs(file: str, given: Mapping[str, Any]) -> Iterator[PlannedDesign]:
    """Yield the designs of an entry; the first of each combination of settings is laid out, to see that it can be."""
    _only(file, "A design", given, DESIGN_WORDS)
    if "seed" in given and "seeds" in given:
        raise UserError(f"{file}: a design has seed or seeds; got both.")
    paradigm = catalogue.named("paradigm", str(given.get("paradigm", "")), catalogue.paradigms())
    seeds = _seeds(file, [given["seed"]] if "seed" in given else given.get("seeds", [1]))
    for settings in _grid(file, given, "settings"):
        tuples = {name: _as_tuple(value) for name, value in settings.items()}
        try:
            all_ = paradigm.design(seed=seeds[0], **tuples).settings
        except UserError:
            raise
        except (Exception, MemoryError) as problem:
            raise UserError(f"{file}: {paradigm.name} cannot be laid out with {settings} ({problem}).") from None
        for seed in seeds:
            yield PlannedDesign(paradigm.name, paradigm.version, all_, seed, tuples)


def _as_tuple(value: Any) -> Any:
    """Return lists as the tuples that settings hold."""
    return tuple(_as_tuple(each) for each in value) if isinstance(value, list) else value


def _subjects(file: str, given: Mapping[str, Any]) -> Iterator[Subject]:
    _only(file, "A subject", given, SUBJECT_WORDS)
    name = str(given.get("name", ""))
    models: dict[str, Any] = {**catalogue.models(), **catalogue.step_models()}
    networks = catalogue.networks()
    for parameters in _grid(file, given, "parameters"):
        try:
            if name in models:
                _numbers(file, name, parameters)
                yield models[name].subject(**parameters)
            elif name in REPRODUCERS:
                yield REPRODUCERS[name][0](**{key: _as_tuple(value) for key, value in parameters.items()})
            elif name in networks and not parameters:
                yield networks[name]
            elif name in networks:
                raise UserError(f"{file}: {name} has no parameters to set; got {parameters}.")
            else:
                every = dict.fromkeys([*models, *REPRODUCERS, *networks])
                raise UserError(f"{file}: there is no subject {name!r}; {nearest(name, every)}")
        except UserError:
            raise
        except Exception as problem:
            raise UserError(f"{file}: {name} cannot be made with {parameters} ({problem}).") from None


def _numbers(file: str, name: str, parameters: Mapping[str, Any]) -> None:
    for key, value in parameters.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{file}: the parameter {key} of {name} is a number; got {value!r}.")


def _measures(file: str, designs: tuple[AnyDesign, ...], names: Any) -> dict[str, tuple[Measure, ...]]:
    """Return the measures by paradigm: those named, as far as the paradigm has them; by default its first."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names or ()):
        raise UserError(f"{file}: measures are a list of names; got {names!r}.")
    found: dict[str, tuple[Measure, ...]] = {}
    known: dict[str, None] = {}
    for name in dict.fromkeys(design.paradigm for design in designs):
        every = catalogue.named("paradigm", name, catalogue.paradigms()).measures
        known |= dict.fromkeys(each.name for each in every)
        found[name] = tuple(each for each in every if each.name in names) if names else every[:1]
    for name in names or ():
        if name not in known:
            raise UserError(f"{file}: no paradigm of the plan has the measure {name!r}; {nearest(name, known)}")
    return found
