"""The command line: `cogmem list | compare | fit | compress | run | data | figures | bench | app`, each with --json.

What a user must put right is one sentence on the error stream and exit code 2; never a traceback.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cogmem import cli_arguments as given
from cogmem.cli_arguments import Json, StoreRoot
from cogmem.cli_llm import llm_app
from cogmem.cli_study import study
from cogmem.errors import UserError
from cogmem.notices import without_notices

app: Final = typer.Typer(
    name="cogmem",
    help="Memory experiments, defined once, taken by people, fitted models, networks and language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same result.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write to.")]


def say(value: Any) -> None:
    """Print a value as JSON; NaN and infinity are not JSON and raise."""
    print(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="paradigms, models, step_models, networks, ...")] = "",
    as_json: Json = False,
) -> None:
    """List what there is to run."""
    from cogmem import catalogue, printing
    from cogmem.figures.gallery import FIGURES
    from cogmem.models.reproducers import REPRODUCERS

    parts: dict[str, list[dict[str, str]]] = {
        "paradigms": [{"name": p.name, "about": p.reference} for p in catalogue.paradigms().values()],
        "models": [{"name": m.name, "about": f"{m.formula} [{m.reference}]"} for m in catalogue.models().values()],
        "step_models": [{"name": m.name, "about": m.formula} for m in catalogue.step_models().values()],
        "networks": [{"name": n.name, "about": n.kind} for n in catalogue.networks().values()],
        "reproducers": [{"name": name, "about": about} for name, (_, about) in REPRODUCERS.items()],
        "datasets": [{"name": d.name, "about": d.citation} for d in catalogue.datasets().values()],
        "figures": [{"name": f.name, "about": f.reference} for f in FIGURES],
    }
    if what:
        parts = {what: catalogue.named("list", what, parts)}
    if as_json:
        say(parts)
        return
    for title, rows in parts.items():
        printing.table(title, rows)


@app.command()
def fit(
    model: str,
    data: Annotated[str, typer.Argument(help="Name of a data set, or a CSV file of your own.")],
    method: Annotated[str, typer.Option(help="laplace, nuts or mle.")] = "laplace",
    likelihood: Annotated[
        str, typer.Option(help="auto, binomial, beta_binomial, gaussian, gaussian_free, ...")
    ] = "auto",
    pooled: Annotated[bool, typer.Option(help="Fit all people as one.")] = False,
    table: Annotated[str | None, typer.Option(help="Table of the data set (default: its first).")] = None,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option(help="File for the parameters (CSV).")] = None,
    as_json: Json = False,
) -> None:
    """Fit a model to a data set or to your own CSV."""
    from cogmem import catalogue, printing
    from cogmem.exports import write_csv
    from cogmem.fitting.fits import Method
    from cogmem.fitting.fits import fit as fit_
    from cogmem.fitting.loo import elpd
    from cogmem.progress import bar

    equation = catalogue.named("model", model, catalogue.models())
    how = Method(name=method, likelihood=likelihood, pooled=pooled)  # type: ignore[arg-type]
    with bar(f"fit {model}", shown=not as_json) as report:
        done = fit_(equation, given.data(data, table), method=how, seed=seed, report=report)
    score = elpd(done) if method != "mle" else None
    intervals = done.intervals()
    if out:
        write_csv(intervals, out)
    document = printing.fit_document(done, score, intervals)
    if as_json:
        say(document)
    else:
        printing.fit(done, document, intervals)


@app.command()
def compare(
    paradigm: Annotated[str, typer.Argument(help="Name of a paradigm.")],
    data: Annotated[
        str | None, typer.Option(help="Data set, or a CSV file of your own (default: the paradigm's own data).")
    ] = None,
    table: Annotated[str | None, typer.Option(help="Table of the data set (default: its first).")] = None,
    models: Annotated[str, typer.Option(help="Names of models, comma-separated (default: all).")] = "",
    networks: Annotated[bool, typer.Option(help="Train networks too.")] = True,
    language_model: Annotated[
        bool | None, typer.Option(help="Ask a language model too (default: where there is one).")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that compute; no result depends on it.")] = 2,
    seed: Seed = 1,
    out: Out = None,
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """Put people, fitted models and trained networks through one experiment and lay the results side by side."""
    from cogmem import catalogue
    from cogmem.cli_jobs import COMPARABLE
    from cogmem.figures.page import write
    from cogmem.progress import bar

    catalogue.named("paradigm", paradigm, catalogue.paradigms())
    job = COMPARABLE.get(paradigm)
    if job is None:
        raise UserError(f"No people have taken {paradigm} here, so there is nothing to compare with; "
                        f"compare takes {', '.join(COMPARABLE)}.")  # fmt: skip
    human = given.data(data, table) if data else None
    chosen = [name.strip() for name in models.split(",") if name.strip()]
    choices = given.language_model(job, language_model)
    with bar("comparing people, models and networks", shown=not as_json) as report:
        results = job.compute(
            human, models=chosen or None, networks=networks, seed=seed, store=given.store(store), workers=workers,
            report=report, **choices,
        )  # fmt: skip
    written = write(job.draw(results), paradigm, out) if out else None
    if as_json:
        say(job.document(results))
    else:
        job.show(results)
        if written:
            print(f"Figure and plotted points: {written} (also .svg and .csv)")


@app.command()
def compress(
    file: Annotated[Path, typer.Argument(help="A UTF-8 text file of any size; it is read slice by slice.")],
    by: Annotated[str, typer.Option(help="Symbols of the text: characters or words.")] = "characters",
    models: Annotated[str, typer.Option(help="Names of models, comma-separated (default: all but networks).")] = "",
    slice_length: Annotated[int, typer.Option(help="Symbols of a slice, which is compressed by itself.")] = 1000,
    slices: Annotated[int, typer.Option(help="How many slices, from the beginning (0: all).")] = 10,
    as_json: Json = False,
) -> None:
    """Compress a text by models of chunking: units, bits, dictionary, and all that is needed to tell it."""
    from itertools import islice

    from cogmem import printing
    from cogmem.exports import rows_of
    from cogmem.jobs.compressions import COMPRESSING, SLOW, of_slices
    from cogmem.names import selected
    from cogmem.progress import bar
    from cogmem.texts import read_text

    if slices < 0:
        raise UserError(f"--slices is 0 (all) or more; got {slices}.")
    wanted = [name.strip() for name in models.split(",") if name.strip()]
    known = tuple(COMPRESSING)
    names = selected(wanted or [name for name in known if name not in SLOW], known, "model that compresses")
    pieces = read_text(file, by=by, slice_length=slice_length)  # type: ignore[arg-type]  # it checks the word
    with bar("compressing slices", shown=not as_json) as report:
        table = of_slices(
            islice(pieces, slices or None), names, few=slices or 2**31, done=lambda k: report(k, max(k, slices))
        )
    if as_json:
        say({"file": file.name, "by": by, "models": rows_of(table)})
    else:
        printing.table(f"{file.name}: means over slices of up to {slice_length} {by}", rows_of(table))


@app.command()
def run(
    paradigm: str,
    subject: Annotated[
        str,
        typer.Argument(
            help="A network, a model with parameters ('power(a=1.2,b=0.15)', 'dae(noise=0.3)'), or language_model."
        ),
    ],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, a design setting; repeatable.")
    ] = None,
    generations: Annotated[int, typer.Option(help="Generations of a chain, for paradigms that have them.")] = 1,
    measured: Annotated[
        str, typer.Option("--measure", help="Measure to print (default: the first that can be taken).")
    ] = "",
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option(help="File for the trials with their answers (CSV).")] = None,
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """Let a subject take an experiment, or a chain of generations; print its curve."""
    from cogmem import catalogue, printing
    from cogmem.core import Record, chain
    from cogmem.core import run as run_
    from cogmem.exports import answered, rows_of, write_csv
    from cogmem.trials import concatenate

    experiment = catalogue.named("paradigm", paradigm, catalogue.paradigms())
    design = experiment.design(seed=seed, **given.settings(settings or []))
    with given.taking(subject, store, shown=not as_json) as who:
        if generations == 1:
            records: tuple[Record, ...] = (run_(design, who, seed=seed),)
        else:
            records = chain(experiment, [who], design, generations=generations, seed=seed)
    curve = given.curve(experiment, records, measured)
    if out:
        write_csv(concatenate([answered(record) for record in records]), out)
    if as_json:
        say({"subject": who.name, "measure": curve.measure, "curve": rows_of(curve.rows)})
    else:
        shown = curve if experiment.follow is None else curve.pool()
        printing.table(f"{who.name}: {curve.measure}", rows_of(shown.rows))


store_app: Final = typer.Typer(
    help="The store of results: what is in it, what is damaged, what may go.", no_args_is_help=True
)
app.add_typer(store_app, name="store")


@store_app.command("ls")
def store_ls(
    kind: Annotated[str | None, typer.Option(help="List the entries of this kind (default: kinds).")] = None,
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """List what is stored."""
    from cogmem import printing, store_care

    rows = store_care.entries(given.store(store), kind) if kind else store_care.summary(given.store(store))
    if as_json:
        say(rows)
    else:
        printing.table(str(given.store(store).root), rows)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help='Such as "select subject, avg(answer) from responses group by subject".')],
    out: Annotated[Path | None, typer.Option(help="File for the answer (.csv or .parquet).")] = None,
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """Ask the store in SQL (DuckDB): views responses, entries, and KIND_TABLE."""
    from cogmem import printing
    from cogmem.exports import write_frame
    from cogmem.store_queries import query as query_

    found = query_(given.store(store), sql)
    if out:
        write_frame(found, out)
    elif as_json:
        say(json.loads(found.to_json(orient="records")))
    else:
        rows = [
            {str(name): value for name, value in row.items()} for row in found.head(printing.ROWS).to_dict("records")
        ]
        printing.table(f"{len(found)} rows", rows)


@store_app.command("verify")
def store_verify(
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    aside: Annotated[bool, typer.Option(help="Move what is damaged out of the way, so that it is made again.")] = False,
    plan: Annotated[Path | None, typer.Option(help="Compute a sample of the cells of this plan again.")] = None,
    sample: Annotated[int, typer.Option(min=1, help="Cells of the plan that are computed again.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed that draws the sample.")] = 0,
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """Read every file and compare its hash; exit with 1 if one is not what was stored.

    With --plan a sample of its cells is also computed again, by numpy, and compared with the stored answers.
    """
    from cogmem import printing, store_care

    where = given.store(store)
    if plan is not None:
        from cogmem.plans import read_plan
        from cogmem.progress import bar
        from cogmem.recomputing import recompute

        study = read_plan(plan).study
        with bar("cells again", shown=not as_json) as report:
            again = recompute(study, where, sample=sample, seed=seed, report=report)
    rows = store_care.verify(where, kind=kind, aside=aside)
    if as_json:
        say(rows if plan is None else {"damaged": rows, "recomputed": again})
    elif rows:
        printing.table("not what was stored", rows)
    else:
        print("Every entry is what was stored.")
    if plan is not None:
        wrong = [row for row in again if row["problem"]]
        if not as_json:
            print(f"{len(again)} cells of {study.name} were computed again; {len(again) - len(wrong)} gave the same.")
            if wrong:
                printing.table("other than stored", wrong)
        rows = [*rows, *wrong]
    if rows:
        raise typer.Exit(1)


@store_app.command("gc")
def store_gc(
    older_than: Annotated[float | None, typer.Option(help="Also remove entries older than so many days.")] = None,
    kind: Annotated[str | None, typer.Option(help="With --older-than: only this kind.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """Remove what killed runs left, what was put aside as damaged, and, if asked, what is old."""
    from cogmem import printing, store_care

    if older_than is not None and older_than < 0:
        raise UserError(f"--older-than is a number of days, 0 or more; got {older_than:g}.")
    age = None if older_than is None else older_than * store_care.DAY
    rows = store_care.sweep(given.store(store), kind=kind, older_than=age, dry_run=dry_run)
    if as_json:
        say(rows)
    else:
        printing.table("would go" if dry_run else "removed", rows)


@store_app.command("export")
def store_export(
    out: Annotated[Path, typer.Argument(help="New folder.")],
    kind: Annotated[list[str] | None, typer.Option(help="Only these kinds.")] = None,
    store: StoreRoot = None,
) -> None:
    """Copy entries, checked, into a new folder, which is a store too."""
    from cogmem import store_care

    print(store_care.export(given.store(store), out, kind or ()))


data_app: Final = typer.Typer(
    help="Human data sets: list, fetch the full files, check the shipped tables.", no_args_is_help=True
)
app.add_typer(data_app, name="data")
app.add_typer(llm_app, name="llm")


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """List the data sets with their tables, citation and licence."""
    from cogmem import catalogue, printing

    rows = printing.dataset_rows(catalogue.datasets().values())
    if as_json:
        say(rows)
    else:
        printing.table("datasets", rows)


@data_app.command("fetch")
def data_fetch(name: str, folder: Out = None, as_json: Json = False) -> None:
    """Fetch the full files of a data set (COGMEM_DATA first, then the network) and verify their hashes."""
    from cogmem.human_data.fetching import fetch

    found = {key: str(path) for key, path in fetch(name, folder=folder).items()}
    if as_json:
        say(found)
    else:
        for key, path in found.items():
            print(f"{key}: {path}")


@data_app.command("export")
def data_export(
    name: Annotated[str, typer.Argument(help="Name of a data set.")],
    out: Annotated[Path | None, typer.Option(help="New folder (default: the data set's name).")] = None,
) -> None:
    """Write the shipped tables of a data set as a folder of the Psych-DS form."""
    from cogmem.psych_ds import export

    print(export(name, out or Path(name)))


@data_app.command("check")
def data_check(
    sources: Annotated[Path | None, typer.Option(help="Folder of the sources.")] = None, as_json: Json = False
) -> None:
    """Recompute the hashes and, where the sources are, the shipped tables; say what differs."""
    from cogmem import printing
    from cogmem.human_data.fetching import check

    rows = check(sources=sources)
    if as_json:
        say(rows)
    else:
        printing.table("check", rows)
    if any(row["status"] == "differs" for row in rows):
        raise typer.Exit(1)


@app.command()
def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Names of figures (default: all).")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("figures"),
    check: Annotated[bool, typer.Option(help="Say which plotted points moved since the golden tables.")] = False,
    golden: Annotated[Path, typer.Option(help="Folder of the golden tables.")] = Path("tests/golden"),
    workers: Annotated[int | None, typer.Option(min=1, help="Figures at once (default: one a core).")] = None,
    seed: Seed = 1,
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """Regenerate figures: PDF, SVG, caption and the CSV of every plotted point."""
    from dataclasses import asdict

    from cogmem import printing
    from cogmem.exports import plain_value
    from cogmem.figures.regeneration import regenerate_all
    from cogmem.progress import bar

    if check and not golden.is_dir():
        raise UserError(f"There is no folder {golden} of golden tables; name it with --golden, or leave out --check.")
    with bar("figures", shown=not as_json) as report:
        made = regenerate_all(names or (), store=given.store(store), out=out, seed=seed, workers=workers,
                              golden=golden if check else None, report=report)  # fmt: skip
    moved = [{name: plain_value(value) for name, value in asdict(point).items()}
             for each in made for point in each.moved or ()]  # fmt: skip
    if as_json:
        say({"figures": [{"name": each.name, "path": str(each.path), "seconds": each.seconds,
                          "checked": each.moved is not None} for each in made], "moved": moved})  # fmt: skip
    else:
        for each in made:
            print(each.path)
        if check:
            unknown = [each.name for each in made if each.moved is None]
            print(f"Points that moved since the golden tables in {golden}: {len(moved) or 'none'}.")
            if unknown:
                print(f"Without a golden table: {', '.join(unknown)}.")
            if moved:
                printing.table("moved", moved)
    if moved:
        raise typer.Exit(1)


app.command()(study)


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("report"),
    store: StoreRoot = None,
    as_json: Json = False,
) -> None:
    """Write one self-contained HTML page: paradigms by subjects, every figure, every table of scores."""
    from cogmem import reports
    from cogmem.progress import bar

    with bar("report", shown=not as_json) as tell:
        path = reports.write(out, store=given.store(store), report=tell)
    if as_json:
        say({"path": str(path)})
    else:
        print(path)


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="fit, kernels (random, chains, ...), app (default: all but app)")
    ] = None,
    quick: Annotated[bool, typer.Option(help="A small part of the work: does it run, not how fast.")] = False,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Measure speed on this machine: ratios within one run, to numpy and to the machine's own limits."""
    from cogmem import benchmarks, catalogue, printing
    from cogmem.benchmarks import timing
    from cogmem.progress import bar

    every = [name for name in benchmarks.BENCHMARKS if name not in benchmarks.BY_NAME_ALONE]
    chosen = {name: catalogue.named("benchmark", name, benchmarks.BENCHMARKS) for name in names or every}
    made = {}
    for name, run_ in chosen.items():
        with bar(f"bench {name}", shown=not as_json):
            made[name] = [asdict(row) for row in run_(quick=quick, seed=seed)]
        if not as_json:
            printing.table(f"bench {name}", timing.table(made[name]))
    if as_json:
        say(made)


@app.command("app")
def app_(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8501,
    address: Annotated[str, typer.Option(help="Address to listen on; anybody who reaches it can compute here.")] = (
        "127.0.0.1"
    ),
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open the app in a browser; unless told otherwise it listens on this machine only."""
    from cogmem.app.serve import serve

    raise typer.Exit(serve(port=port, address=address, browser=browser))


def main() -> None:
    """Run the command line; a UserError becomes one sentence and exit code 2."""
    without_notices()
    try:
        app()
    except UserError as problem:
        print(f"cogmem: {problem}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader (head, less) went away; that is not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
