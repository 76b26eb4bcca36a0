"""``biglittle darts``: a differentiable search for one pair, which is then evaluated on val."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from ..bench import Benchmark, load_device
from ..bench.errors import CheckpointError, ConstraintError
from ..bench.figures import counted
from ..edge_profiler.accelerators.profile import CLOCK_MHZ
from ..expand_options import with_options
from .bits_pair import pair_lines
from .console import point_text
from .darts_chips import Chips, chip_lines, chips_named
from .darts_settings import DartsSettings
from .derived_pairs import check_heads
from .judge import DEFAULT_TABLE
from .start_option import CouplingOption, StartOption, couplings_named

if TYPE_CHECKING:
    from ..bench.datasets import Images
    from ..cotrain.supernet import Supernet

DEFAULT = DartsSettings()
ROWS = 8  # of a pair with bits, to print

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class DartsOptions:
    """What ``darts`` takes."""

    device: Annotated[
        str, typer.Option(help="Device name or profile .json; its latency is a sum over layers.")
    ] = "raspberry-pi-4"
    accelerators: Annotated[
        str,
        typer.Option(help="Instead of a device: a space of accelerators, of which one is derived."),
    ] = ""
    area_mm2: Annotated[
        float | None,
        typer.Option("--area-mm2", "--area-max", help="The most area that it may have."),
    ] = None
    clock_mhz: Annotated[
        float, typer.Option(min=0.001, max=100000, help="Clock of the accelerators.")
    ] = CLOCK_MHZ
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = DEFAULT_TABLE
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None
    start: StartOption = "inherited"
    coupling: CouplingOption = ""
    images: Annotated[
        int | None, typer.Option(help="Training images to use; by default all of them.")
    ] = None
    paths: Annotated[
        str, typer.Option(help="Choices of a layer that a step computes: two or all.")
    ] = DEFAULT.paths
    latency_ms: Annotated[
        float | None,
        typer.Option(help="Mean latency that the pair is to have; by default the less the better."),
    ] = DEFAULT.latency_ms
    steps: Annotated[int, typer.Option(help="Steps of the architecture.")] = DEFAULT.steps
    batch: Annotated[int, typer.Option(help="Images of each step.")] = DEFAULT.batch
    resolution: Annotated[int, typer.Option(help="Rows of the images.")] = DEFAULT.resolution
    seed: Annotated[int, typer.Option(help="The same seed gives the same pair.")] = DEFAULT.seed
    latency_weight: Annotated[
        float, typer.Option(help="Weight of the expected latency in the loss.")
    ] = DEFAULT.latency_weight
    entropy_weight: Annotated[
        float, typer.Option(help="Weight of the entropy bonus in the first step.")
    ] = DEFAULT.entropy_weight
    architecture_rate: Annotated[
        float, typer.Option(help="Learning rate of architecture weights and threshold.")
    ] = DEFAULT.architecture_rate
    weights_rate: Annotated[
        float, typer.Option(help="Learning rate of the supernet; 0: it stays as it is.")
    ] = DEFAULT.weights_rate
    threshold: Annotated[
        float, typer.Option(help="Threshold of max_prob with which the search begins.")
    ] = DEFAULT.threshold
    bits: Annotated[
        bool, typer.Option("--bits", help="Search for 4, 6 or 8 bits of every stage as well.")
    ] = DEFAULT.bits
    bitops_weight: Annotated[
        float, typer.Option(help="Weight of the expected BitOps in the loss.")
    ] = DEFAULT.bitops_weight
    gbitops: Annotated[
        float | None,
        typer.Option(help="Mean BitOps in billions to aim at; by default the fewer the better."),
    ] = DEFAULT.gbitops

    def settings(self) -> DartsSettings:
        """The settings of the search among these options.

        Raises:
            ConstraintError: a number cannot be searched with.
            UnknownNameError: the kind of paths is neither ``two`` nor ``all``.
        """
        names = {field.name for field in fields(DartsSettings)}
        return DartsSettings(**{n: value for n, value in vars(self).items() if n in names})


@app.command()
@with_options
def darts(
    options: DartsOptions,
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """Searches differentiably for little and big together, and runs the pair on val."""
    settings = options.settings()  # a bad number is said before anything is read
    chips = chips_named(options.accelerators, options.area_mm2, options.clock_mhz)
    bench = Benchmark.load(options.table)
    report = run(
        bench,
        chips or options.device,
        settings,
        options.start,
        options.data,
        options.images,
        couplings_named(options.coupling),
    )
    if as_json:
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
    else:
        sys.stdout.write("\n".join(summary(report)) + "\n")


def summary(report: dict[str, Any]) -> list[str]:
    """Lines for a reader about the pair that `run` derived."""
    lines = _of_operators(report)
    if "with_bits" in report:
        lines += pair_lines(report["with_bits"], ROWS)
    return lines + chip_lines(report)


def _of_operators(report: dict[str, Any]) -> list[str]:
    best, aim_ms = report["best"], report["settings"]["latency_ms"]
    n = len(report["front"])
    lines = [f"{report['little']} -> {report['big']}: {n} operating points (all: --json)"]
    if report.get("couplings") is not None:
        pairs = counted(report["pairs"], "pair")
        lines.append(f"evaluated: {pairs} of coupling {' or '.join(report['couplings'])}")
    if best is None:
        best = min(report["front"], key=lambda point: float(point["latency_ms"]))
        return [
            *lines,
            f"no operating point is within {aim_ms:g} ms on average; the fastest on val: "
            f"{_of_pair(report, best)}{point_text(best)}",
        ]
    within = "" if aim_ms is None else f" within {aim_ms:g} ms on average"
    return [*lines, f"the most accurate on val{within}: {_of_pair(report, best)}{point_text(best)}"]


def _of_pair(report: dict[str, Any], point: dict[str, Any]) -> str:
    """The pair of a point where it could be another one than that which was derived."""
    if report.get("couplings") is None:
        return ""
    return f"{point['little']} -> {point['big']}, {point['coupling']}, "


def run(
    bench: Benchmark,
    device: str | Chips,
    settings: DartsSettings,
    start: str = "inherited",
    data: Path | None = None,
    n_images: int | None = None,
    couplings: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """The derived pair with its operating points on val, as plain JSON.

    Args:
        bench: the table, whose space and data set are searched in.
        device: name or profile of the device, or accelerators to choose from.
        settings: how the search is run; the choices are those that the weights were trained for.
        start: ``inherited``, ``scratch`` or a ``.safetensors`` file.
        data: folder of the images; None: where they were fetched to.
        n_images: training images to use; None: all of them.
        couplings: the only ones that pairs may have; with ``prefix`` every exit of the derived big
            network is a little one. None: the derived pair, whatever it shares.

    Raises:
        CheckpointError: there are no such weights, or they are of another space.
        ConstraintError: there are too few images, no exit heads for ``prefix``, the derived pair
            has none of the couplings, or no accelerator has so little area.
        AcceleratorError: none of the accelerators runs every block.
        DeviceError: no such device, or its latency is not a sum over layers.
    """
    from ..bench.datasets import get_dataset
    from .darts import evaluated, search
    from .evaluators.live import LiveEvaluator, supernet_answers

    given = device if isinstance(device, Chips) else load_device(device)
    dataset = get_dataset(bench.table.dataset)
    net, choices = _start(start, settings.seed, bench)
    check_heads(net.exit_heads is not None, couplings)
    splits = dataset.load(data)
    if n_images is not None:
        splits = {**splits, "train": _few(splits["train"], n_images)}
    settings = replace(settings, choices=choices)

    def tell(step: int, figures: dict[str, float]) -> None:
        shown = ", ".join(f"{k} {v:.3f}" for k, v in figures.items())
        sys.stderr.write(f"step {step + 1}/{settings.steps}: {shown}\n")

    if isinstance(given, Chips):
        priced = given.prices(bench, settings.choices, settings.seed)
        derived = search(net, splits["train"], dataset, priced, settings, tell)
        assert derived.accelerator is not None
        chip = given.record(derived.accelerator)
        profile = given.device(derived.accelerator, bench)
    else:
        derived = search(net, splits["train"], dataset, given, settings, tell)
        chip, profile = {}, given
    sys.stderr.write(f"derived: {derived.little} -> {derived.big}\n")
    # a network that began at random is worth what the search has made of it
    weights = net if derived.net is None or start != "scratch" else derived.net
    live = LiveEvaluator(
        bench.table.space,
        settings.choices or bench.table.space.choices,
        supernet_answers(weights, splits, dataset),
        splits["val"].labels,
        profile,
        dataset.n_classes,
        exits=() if net.exit_heads is None else net.exit_heads.names,
    )
    report = {"start": start, **chip, **evaluated(derived, live, settings, couplings)}
    mixed = derived.mixed(bench.table.space.name)
    if mixed is not None:
        from .bits_lab import Lab
        from .bits_pair import pair_report

        sys.stderr.write(f"with bits: {mixed[0].name} -> {mixed[1].name}\n")
        lab = Lab(weights, "", splits, dataset, len(splits["val"]))
        report["with_bits"] = pair_report(lab, *mixed)
    return report


def _few(train: Images, n: int) -> Images:
    if n < 1:
        raise ConstraintError(f"{n} images; expected at least 1.")
    return train.subset(np.arange(min(n, len(train))))


def _start(start: str, seed: int, bench: Benchmark) -> tuple[Supernet, tuple[str, ...] | None]:
    """The supernet to search in, and the choices its weights were trained for."""
    import torch

    from ..cotrain.progressive import trained_choices
    from ..cotrain.supernet import Supernet
    from ..cotrain.weights import HEADS, load_weights, take_exit_heads

    space = bench.table.space
    if start == "scratch":
        torch.manual_seed(seed)
        return Supernet(space, bench.table.n_classes), None
    shipped = bench.beside("supernet.safetensors")
    weights = shipped if start == "inherited" else Path(start)
    if not weights.is_file():
        raise CheckpointError(
            f"there are no weights {weights}; expected inherited, scratch or a .safetensors file."
        )
    choices = bench.table.choices if weights.resolve() == shipped.resolve() else None
    net = load_weights(weights)
    if net.space.hash != space.hash:
        raise CheckpointError(f"{weights} is of space {net.space.name!r}, not {space.name!r}.")
    take_exit_heads(net, weights.with_name(HEADS))
    return net, trained_choices(weights, choices)
