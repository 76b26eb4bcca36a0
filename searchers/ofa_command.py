"""``biglittle ofa``: train a supernet once, specialise it for many devices.

``train`` shrinks a supernet progressively; ``specialise`` finds the best pair of one for a device
and limits without any training, and hands it out as ONNX files. Each goes on from what is in its
folder. With the supernet that ships, accuracies are predicted by the surrogate that ships. Of other
weights a sample of networks is run on val, and a predictor fitted on what they answered.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..bench import DeviceProfile, Evaluator, load_device
from ..bench.errors import BigLittleError
from ..bench.files import file_hash
from ..bench.shipped_tables import companion, find_table
from ..bench.table import Table
from ..expand_options import with_limits, with_options
from ..output_option import with_output
from .console import point_text
from .judge import DEFAULT_TABLE
from .outcome import Progress
from .specialise import SpecialiseSettings, sampled_predictor
from .start_option import CouplingOption, StartOption, couplings_named

if TYPE_CHECKING:
    from .evaluators.live import LiveEvaluator
    from .ofa import Trained

SAMPLES = 100  # as many networks as a table's surrogate needs to rank well

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Trains a supernet once and specialises it for many devices.",
)

TableOption = Annotated[str, typer.Option("--table", help="Table name or .h5 file.")]
ImagesOption = Annotated[Path | None, typer.Option("--data", help="Folder of the images.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")]


@dataclass(frozen=True)
class TrainOptions:
    """What ``ofa train`` takes."""

    start: StartOption = "inherited"
    schedule: Annotated[
        Path | None, typer.Option(help="Schedule (.toml); by default the one for --from.")
    ] = None
    epochs: Annotated[int | None, typer.Option(help="Most epochs of each phase.")] = None
    out: Annotated[Path, typer.Option(help="Folder of the weights.")] = Path("out/ofa/supernet")
    threads: Annotated[int | None, typer.Option(help="Threads of PyTorch.")] = None
    train_device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu"
    table: TableOption = DEFAULT_TABLE
    data: ImagesOption = None


@dataclass(frozen=True)
class SpecialiseOptions:
    """What ``ofa specialise`` takes beside the limits."""

    device: Annotated[str, typer.Option(help="Device name or profile .json.")] = "raspberry-pi-4"
    weights: Annotated[
        Path | None, typer.Option(help="Weights of a supernet; by default those of the table.")
    ] = None
    samples: Annotated[
        int | None,
        typer.Option(
            help="Networks to run and fit a predictor on; by default the table's surrogate, or "
            f"{SAMPLES} networks with --weights."
        ),
    ] = None
    budget: Annotated[int, typer.Option(help="Pairs that the predictor is asked about.")] = (
        SpecialiseSettings.budget
    )
    few: Annotated[int, typer.Option(help="Pairs to run.")] = SpecialiseSettings.few
    coupling: CouplingOption = ""
    seed: Annotated[int, typer.Option(help="The same seed gives the same pair.")] = 0
    out: Annotated[Path, typer.Option(help="Folder of the files.")] = Path("out/ofa/pair")
    table: TableOption = DEFAULT_TABLE
    data: ImagesOption = None


@app.command()
@with_output("out", folder=True)
@with_options
def train(options: TrainOptions, as_json: JsonOption = False) -> None:
    """Shrinks a supernet progressively; goes on from what is in --out."""
    from ..bench.datasets import get_dataset
    from ..cotrain.progressive import FROM_SCRATCH, FROM_TRAINED, log_progress, shorter, shrink
    from ..cotrain.schedule import load_schedule

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    start = None if options.start == "scratch" else Path(options.start)
    if options.start == "inherited":
        start = companion(Table(find_table(options.table)), "supernet.safetensors")
    schedule = load_schedule(options.schedule or (FROM_SCRATCH if start is None else FROM_TRAINED))
    if options.epochs is not None:
        schedule = shorter(schedule, options.epochs)
    splits = get_dataset(schedule.dataset).load(options.data)
    weights = shrink(
        schedule, options.out, splits, start, options.train_device, options.threads, log_progress
    )
    report = {
        "weights": str(weights),
        "weights_sha256": file_hash(weights),
        "schedule": schedule.as_dict(),
        "start": options.start,
    }
    _emit(report, as_json, [f"weights: {weights}, SHA-256 {report['weights_sha256']}"])


@app.command("specialise")
@with_output("out", folder=True)
@with_options
@with_limits
def specialise_verb(
    options: SpecialiseOptions, limits: dict[str, float], as_json: JsonOption = False
) -> None:
    """Finds the best pair of a supernet within limits and writes it as ONNX."""
    if not limits:
        raise BigLittleError(
            "a pair is specialised for limits; give at least one, for example --latency-ms-max 20."
        )
    settings = SpecialiseSettings(
        limits,
        options.budget,
        options.few,
        seed=options.seed,
        couplings=couplings_named(options.coupling),
    )
    profile, out = load_device(options.device), options.out
    report = specialised(
        options.table, profile, settings, out, options.weights, options.samples, options.data
    )
    _emit(report, as_json, summary(report, out))


def summary(report: Mapping[str, Any], folder: Path) -> list[str]:
    """Lines for a reader about the pair that was handed out.

    Args:
        report: what stands in ``ofa.json``.
        folder: where the files of the pair are.
    """
    test, promise = report["test"], report["predicted"]
    return [
        f"{test['little']} -> {test['big']}, chosen on {report['threshold_chosen_on']}",
        f"promised: {point_text(promise) if promise else 'nothing; its exits were derived'}",
        f"on test: {point_text(test)}",
        f"Written: {folder}/little.onnx, big.onnx, cascade.onnx, ofa.json",
    ]


def specialised(
    table_name: str,
    profile: DeviceProfile,
    settings: SpecialiseSettings,
    out: Path,
    weights: Path | None = None,
    samples: int | None = None,
    data: Path | None = None,
) -> dict[str, Any]:
    """The report of a pair whose files are in ``out``, with the predictor that suits the weights.

    Args:
        table_name: name or file of the table, which has a supernet and its surrogate beside it.
        profile: what was measured on the device.
        settings: limits to meet, budget and seed of the search.
        out: folder of the files; made if need be.
        weights: file of a supernet; None: the one beside the table.
        samples: networks to run and fit a predictor on; None: the table's surrogate for its own
            supernet, `SAMPLES` networks for any other.
        data: folder of the images; None: where they were fetched to.
    """
    from ..surrogates import Surrogate, SurrogateEvaluator
    from .ofa import Trained, deliver

    table = Table(find_table(table_name))
    shipped = companion(table, "supernet.safetensors")
    weights = weights or shipped
    ours = weights.resolve() == shipped.resolve()
    trained = Trained.load(weights, data, table.dataset, table.choices if ours else None)
    folder = companion(table, "surrogate")
    if ours and samples is None:
        sources: dict[str, Any] = {
            "kind": "surrogate of the table",
            "surrogate_sha256": file_hash(folder / "surrogate.json"),
            "table_sha256": table.sha256,
        }
    else:
        n = SAMPLES if samples is None else samples
        sources = {"kind": "fitted on sampled networks of the supernet", "samples": n}

    def predictor(live: LiveEvaluator) -> Evaluator:
        if "samples" not in sources:
            return SurrogateEvaluator(Surrogate.load(folder), profile)
        return _fitted(live, trained, profile, sources["samples"], settings.seed)

    return deliver(trained, profile, settings, predictor, sources, out, _say, _move)


def _fitted(
    live: LiveEvaluator, trained: Trained, profile: DeviceProfile, samples: int, seed: int
) -> Evaluator:
    labels = trained.splits["val"].labels
    return sampled_predictor(live, labels, profile, trained.dataset.n_classes, samples, seed, _say)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _move(progress: Progress) -> None:
    if progress.n_evaluations % 1000 < 20 or progress.n_evaluations == progress.budget:
        _say(f"{progress.n_evaluations}/{progress.budget} pairs predicted")


def _emit(report: Mapping[str, Any], as_json: bool, lines: Sequence[str]) -> None:
    text = json.dumps(report, indent=1) if as_json else "\n".join(lines)
    sys.stdout.write(text + "\n")
