"""What the verbs of the command line take: options that many share, and the options of each.

Nothing heavy is imported here, so that ``biglittle --help`` stays quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from .output_option import WaitOption, written_as
from .plugin_options import plugins

DEFAULT_TABLE = "fbnet-cifar10"

GatesOption = Annotated[
    str,
    typer.Option(
        "--gate",
        help="Gates, comma-separated; by default all that tables store.",
        callback=plugins("gates"),
    ),
]
MemberOption = Annotated[
    list[str] | None,
    typer.Option(
        "--member",
        help="File of a surrogate of one's own, which --recipe names by its stem; may be repeated.",
        callback=plugins("surrogates"),
    ),
]

TableOption = Annotated[
    str, typer.Option("--table", help="Table name, .h5 file, or archive (.tar, https://...).")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="Device name or profile .json; by default raspberry-pi-4, or a table's own.",
    ),
]
FrontTableOption = Annotated[
    str | None,
    typer.Option("--table", help="Table name or .h5 file; by default that of the front."),
]
FrontDeviceOption = Annotated[
    str | None,
    typer.Option("--device", help="Device name or profile .json; by default that of the front."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")]
DrawingOption = Annotated[
    Path | None,
    typer.Option("--out", help="SVG file to draw it into.", callback=written_as(".svg")),
]
FrontOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="File to write the front to: .json, or a page, .html.",
        callback=written_as(".json", ".html"),
    ),
]
ProfileOutOption = Annotated[
    Path,
    typer.Option(
        "--out",
        help="Profile to write (.json); goes on from one that is there.",
        callback=written_as(".json"),
    ),
]
AllPointsOption = Annotated[bool, typer.Option("--all", help="Measure all points of a front.")]
ObjectivesOption = Annotated[
    str, typer.Option(help="Comma-separated figures to optimise, for example error,latency_ms.")
]
CouplingOption = Annotated[
    str, typer.Option(help="Couplings, comma-separated: sibling, nested, prefix; by default all.")
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        help="Precision of the table's networks: fp32, int8 or fp32,int8; by default fp32."
    ),
]
ImagesOption = Annotated[Path | None, typer.Option("--data", help="Folder of the images.")]
ThreadsOption = Annotated[int, typer.Option(min=1, help="Threads of each process.")]
RunnerOption = Annotated[
    str,
    typer.Option("--on", "--runner", help="Where jobs run: local, or ray[:ADDRESS] of a cluster."),
]


def names_of(text: str) -> tuple[str, ...]:
    """The names in a list that a user wrote with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


# ---- the table ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class StageOptions:
    """How the stages of ``table build`` and ``table extend`` are run."""

    name: Annotated[str, typer.Argument(help="Table name.")] = DEFAULT_TABLE
    working: Annotated[
        Path | None,
        typer.Option(
            help="Folder of checkpoints and evaluations; goes on from them. By default build/NAME."
        ),
    ] = None
    data: ImagesOption = None
    workers: Annotated[int, typer.Option(min=1, help="Processes that share a stage's jobs.")] = 1
    threads: ThreadsOption = 1
    train_device: Annotated[str, typer.Option(help="cpu or cuda, for trainings.")] = "cpu"
    limit: Annotated[int | None, typer.Option(min=0, help="Jobs of a stage at the most.")] = None
    shard: Annotated[str, typer.Option(help="i/n: only every n-th job, from the i-th on.")] = "0/1"
    on: RunnerOption = "local"
    out: Annotated[
        Path | None,
        typer.Option(
            help="Table file (.h5); by default the one that ships.",
            callback=written_as(".h5", ".hdf5"),
        ),
    ] = None
    schedule: Annotated[
        Path | None, typer.Option(help="Schedule of the supernet (.toml); by default the recipe's.")
    ] = None
    wait: WaitOption = False

    @property
    def folder(self) -> Path:
        """The working folder; by default one of the table's own, so that no two tables share it."""
        return self.working or Path("build", self.name)


@dataclass(frozen=True)
class QueryOptions:
    """What ``query`` takes."""

    little: Annotated[str, typer.Argument(help="Architecture id of the little network.")]
    big: Annotated[str, typer.Argument(help="Architecture id of the big network.")]
    gate: Annotated[str, typer.Option(help="Gate metric.", callback=plugins("gates"))] = "margin"
    threshold: Annotated[
        float | None,
        typer.Option(help="Threshold in the metric's unit; by default 0.5, or as guaranteed."),
    ] = None
    guarantee: Annotated[
        str,
        typer.Option(help="Instead of a threshold: accuracy=0.85, or loss=0.01 against big alone."),
    ] = ""
    delta: Annotated[
        float | None,
        typer.Option(help="Probability that the guarantee fails on new inputs; by default 0.1."),
    ] = None
    device: DeviceOption = None
    table: TableOption = DEFAULT_TABLE
    split: Annotated[str, typer.Option(help="val or test.")] = "test"
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what the gate does: routing, bounds, classes.")
    ] = False
    out: Annotated[
        Path | None,
        typer.Option(help="Page to write (.html) that says it.", callback=written_as(".html")),
    ] = None


@dataclass(frozen=True)
class FrontOptions:
    """What ``front`` takes."""

    device: DeviceOption = None
    objectives: ObjectivesOption = "error,latency_ms"
    gates: GatesOption = ""
    coupling: CouplingOption = ""
    precision: PrecisionOption = ""
    little: Annotated[str, typer.Option(help="The only network that may answer first.")] = ""
    big: Annotated[str, typer.Option(help="The only network that may answer the rest.")] = ""
    table: TableOption = DEFAULT_TABLE
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20
    out: FrontOutOption = None


@dataclass(frozen=True)
class CascadeOptions:
    """What ``cascade`` takes beside the limits."""

    networks: Annotated[
        list[str],
        typer.Argument(
            metavar="NETWORK...",
            help="Two to four, in the order in which they are asked; or one, with its exits.",
        ),
    ]
    exits: Annotated[
        str, typer.Option(help="Exits of one network, comma-separated, from early to late.")
    ] = ""
    stages: Annotated[
        int, typer.Option(min=2, max=4, help="Most stages, of one network with all its exits.")
    ] = 4
    gates: Annotated[
        str,
        typer.Option(
            "--gate",
            help="Gate metric, of all gates or comma-separated.",
            callback=plugins("gates"),
        ),
    ] = "margin"
    thresholds: Annotated[
        str, typer.Option("--threshold", help="A threshold a gate, comma-separated.")
    ] = ""
    objectives: ObjectivesOption = "error,latency_ms"
    device: DeviceOption = None
    table: TableOption = DEFAULT_TABLE
    split: Annotated[
        str, typer.Option(help="Images that --threshold is asked about: val or test.")
    ] = "test"
    top: Annotated[int, typer.Option(min=1, help="Rows to print of a front.")] = 20


# ---- search ------------------------------------------------------------------------------------
def _repeated(context: typer.Context, path: Path | None) -> Path | None:
    """Makes the options of an earlier search the defaults of this one."""
    if path is not None:
        from .searchers.run_config import search_options

        context.default_map = search_options(path)
    return path


@dataclass(frozen=True)
class SearchOptions:
    """What ``search`` takes beside the limits."""

    device: Annotated[
        str,
        typer.Option(
            "--device",
            help="Device or profile .json; several: the worst of them; by default raspberry-pi-4, "
            "or a table's own.",
        ),
    ] = ""
    searcher: Annotated[
        str,
        typer.Option(
            help="nsga2, nsga3, regularized_evolution, local_search, reinforce, predictor, "
            "successive_halving, random; darts or ofa (live only); or a file, ./mine.py.",
            callback=plugins("searchers"),
        ),
    ] = "nsga2"
    on: Annotated[str, typer.Option(help="surrogate, table, live or nb201.")] = "surrogate"
    objectives: ObjectivesOption = "error,latency_ms"
    soft: Annotated[
        str, typer.Option(help="Score to maximise instead: 'accuracy - 0.01*latency_ms'.")
    ] = ""
    budget: Annotated[
        int | None,
        typer.Option(help="Candidates to evaluate; by default as many as what is searched needs."),
    ] = None
    population: Annotated[
        int | None,
        typer.Option(help="Candidates evaluated together; by default a share of the budget."),
    ] = None
    seed: Annotated[int, typer.Option(help="The same seed gives the same front.")] = 0
    budget_params: Annotated[
        float | None, typer.Option(help="Most parameters of each network to begin with.")
    ] = None
    budget_macs: Annotated[
        float | None, typer.Option(help="Most MACs of each network to begin with.")
    ] = None
    coupling: CouplingOption = ""
    precision: PrecisionOption = ""
    gate: Annotated[
        str, typer.Option("--gate-search", help="Gate and cut: auto, inside or gene.")
    ] = "auto"
    gates: Annotated[
        str,
        typer.Option(
            "--gate",
            help="Gates, comma-separated (table and live only).",
            callback=plugins("gates"),
        ),
    ] = ""
    proxy: Annotated[
        str, typer.Option(help="Live, rough evaluations: fewer images, resolution or epochs.")
    ] = "images"
    epochs: Annotated[
        float, typer.Option(help="Live: passes each network is trained for before it answers.")
    ] = 0.0
    warm: Annotated[
        bool, typer.Option("--warm-start", help="Begin with the table's exact front.")
    ] = False
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="Log of all evaluations (.npz); goes on from it.", callback=written_as(".npz")
        ),
    ] = None
    compare: Annotated[
        str,
        typer.Option(
            help="Searchers to set side by side, comma-separated, or all.",
            callback=plugins("searchers"),
        ),
    ] = ""
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each, with --compare.")] = 10
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the runs of --compare.")
    ] = 1
    runner: Annotated[
        str, typer.Option(help="Where they run: local, or ray[:ADDRESS] of a cluster.")
    ] = "local"
    out: Annotated[Path | None, typer.Option(help="Folder of the report and the files.")] = None
    table: TableOption = DEFAULT_TABLE
    data: ImagesOption = None
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20
    config: Annotated[
        Path | None,
        typer.Option(
            help="config.toml of an earlier search: repeats it; options beside it take precedence.",
            is_eager=True,
            callback=_repeated,
        ),
    ] = None


# ---- training ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class CotrainOptions:
    """What ``cotrain`` takes."""

    front: Annotated[
        Path | None, typer.Argument(metavar="[FRONT]", help="front.csv or front.json.")
    ] = None
    little: Annotated[str, typer.Option(help="Instead of a front: ARCH or ARCH@EXIT.")] = ""
    big: Annotated[str, typer.Option(help="The big network beside --little.")] = ""
    coupling: Annotated[
        str, typer.Option(help="prefix or sibling; by default what the names say.")
    ] = ""
    escalation: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Escalation rate at which --little with --big is promised."
        ),
    ] = 0.2
    top: Annotated[int, typer.Option(min=1, help="Pairs to train at most.")] = 5
    method: Annotated[
        str,
        typer.Option(
            help="joint, distilled, gated, independent or all of them.", callback=plugins("methods")
        ),
    ] = "joint"
    start: Annotated[str, typer.Option("--from", help="inherited or scratch.")] = "inherited"
    epochs: Annotated[float | None, typer.Option(help="Passes over the training images.")] = None
    images: Annotated[
        int | None, typer.Option(help="Training images to be seen, instead of --epochs.")
    ] = None
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (.toml); by default the one for --from.")
    ] = None
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0
    table: FrontTableOption = None
    device: FrontDeviceOption = None
    out: Annotated[Path, typer.Option(help="Folder of the pairs; goes on from what is there.")] = (
        Path("out/cotrain")
    )
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None
    threads: Annotated[
        int | None, typer.Option(help="Threads of the training; others round otherwise.")
    ] = None
    train_device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu"


@dataclass(frozen=True)
class ScoreOptions:
    """What ``score`` takes."""

    arch: Annotated[
        str, typer.Option(help="'table', a file with one id a line, or ids separated by commas.")
    ] = ""
    sample: Annotated[int, typer.Option(min=0, help="Architectures to draw instead.")] = 0
    space: Annotated[
        str, typer.Option(help="Search space of the ids.", callback=plugins("spaces"))
    ] = "fbnet"
    proxies: Annotated[
        str,
        typer.Option(help="'all', or names separated by commas.", callback=plugins("proxies")),
    ] = "all"
    batch: Annotated[str, typer.Option(help="'noise', or a data set's name.")] = "noise"
    batch_size: Annotated[int, typer.Option(min=2, help="Images in the batch.")] = 64
    n_classes: Annotated[
        int | None,
        typer.Option(min=2, help="Classes; by default those of the data set, 10 for noise."),
    ] = None
    seed: Annotated[
        int, typer.Option(help="Seed of the batch, the draw and the first weights.")
    ] = 0
    seeds: Annotated[int, typer.Option(min=1, help="Initialisations of every network.")] = 1
    out: Annotated[
        Path | None,
        typer.Option(
            help="HDF5 file (.h5); goes on from what is there.", callback=written_as(".h5", ".hdf5")
        ),
    ] = None
    data: ImagesOption = None
    threads: ThreadsOption = 1
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the networks.")] = 1
    on: RunnerOption = "local"
    train_device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu"
    table: TableOption = DEFAULT_TABLE


@dataclass(frozen=True)
class ImproveOptions:
    """What ``surrogate improve`` takes."""

    out: Annotated[Path, typer.Option(help="Folder of the run, which goes on from what is there.")]
    table: TableOption = DEFAULT_TABLE
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of search and evaluation.")] = 3
    batch: Annotated[int, typer.Option(min=1, help="Networks to evaluate in a round.")] = 16
    device: Annotated[str, typer.Option(help="Device to search for.")] = "raspberry-pi-4"
    latency_ms_max: Annotated[
        float, typer.Option(help="Most mean latency of the pairs searched.")
    ] = 30.0
    budget: Annotated[int, typer.Option(min=1, help="Pairs that each search may ask for.")] = 5000
    recipe: Annotated[str | None, typer.Option(help="Recipe, as 'surrogate fit' takes it.")] = None
    seed: Annotated[int, typer.Option(help="Seed of fits and searches.")] = 0
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the images.")] = None
    threads: Annotated[
        int, typer.Option(min=1, help="Threads of the networks that are evaluated.")
    ] = 1
    val_only: Annotated[
        bool, typer.Option("--val-only", help="A third of the time, but no table is extended.")
    ] = False


# ---- measuring ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class ProfileOptions:
    """What ``profile`` asks of a machine or a board."""

    networks: Annotated[
        str,
        typer.Option(help="'anchors', 'table', ids or a file of them, ONNX files, or a front."),
    ] = "anchors"
    blocks: Annotated[
        bool,
        typer.Option("--blocks", help="Measure every block of the space: a table of all networks."),
    ] = False
    pairs: Annotated[
        str,
        typer.Option(help="Pairs to measure end to end: LITTLE:BIG,... or a file of 'LITTLE BIG'."),
    ] = ""
    gate: Annotated[str, typer.Option(help="Metric of the gate of --pairs.")] = "margin"
    runtime: Annotated[
        str,
        typer.Option(
            help="ort-cpu, ort-cuda, ort-tensorrt or tensorrt.", callback=plugins("runtimes")
        ),
    ] = "ort-cpu"
    precision: Annotated[str | None, typer.Option(help="fp32, fp16 or int8.")] = None
    threads: Annotated[int, typer.Option(min=1, help="Threads inside an operator.")] = 1
    meter: Annotated[
        str,
        typer.Option(
            help="Energy meter: auto, none, or ina3221, rapl, nvml ...", callback=plugins("meters")
        ),
    ] = "none"
    space: Annotated[
        str,
        typer.Option(
            help="Search space, if not that of a table or a front.", callback=plugins("spaces")
        ),
    ] = "fbnet"
    n_classes: Annotated[
        int, typer.Option("--classes", min=1, help="Classes, if not those of a table or a front.")
    ] = 10
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds that count.")] = None
    author: Annotated[str | None, typer.Option(help="Who measured, for the profile.")] = None
    name: Annotated[
        str | None, typer.Option(help="Name of the device; by default that of its processor.")
    ] = None
    again: Annotated[
        str,
        typer.Option(
            help="Networks of --out to measure once more: 'noisy', ids and commas, or a file."
        ),
    ] = ""
    shape: Annotated[
        str, typer.Option(help="Input shape of ONNX files that leave it open: 1,3,224,224.")
    ] = ""


@dataclass(frozen=True)
class ValidateOptions:
    """What ``validate`` takes."""

    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET",
            help="front.csv, front.json, a co-trained folder, or a cascade's folder with its card.",
        ),
    ]
    device: FrontDeviceOption = None
    measure: Annotated[
        str, typer.Option(help="'here': measure the front's networks and pairs on this machine.")
    ] = ""
    profile_file: Annotated[
        Path | None, typer.Option("--profile", help="Profile .json that was measured, instead.")
    ] = None
    top: Annotated[
        int | None, typer.Option(min=1, help="Points of a front to measure; by default 5.")
    ] = None
    every: AllPointsOption = False
    tolerance: Annotated[
        float, typer.Option(help="Error of latency allowed where the device states no interval.")
    ] = 0.10
    threads: Annotated[int, typer.Option(min=1, help="Threads of what is measured.")] = 1
    meter: Annotated[
        str,
        typer.Option(help="Energy meter of what is measured.", callback=plugins("meters")),
    ] = "none"
    accuracy: Annotated[
        int,
        typer.Option(min=0, help="Points whose exported pair answers every test image again."),
    ] = 0
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images for pairs and cascades; by default all.")
    ] = None
    table: FrontTableOption = None
    data: ImagesOption = None
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of report and measurements; by default 'validated' in the front's."
        ),
    ] = None
    wait: WaitOption = False

    def given(self) -> dict[str, object]:
        """What was given of options that not every target has a use for; else None or False."""
        return {
            "--top": self.top,
            "--all": self.every,
            "--accuracy": self.accuracy or None,
            "--images": self.images,
            "--table": self.table,
            "--data": self.data,
            "--meter": self.meter != "none",
            "--threads": self.threads != 1,
        }
