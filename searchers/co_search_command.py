"""``biglittle accelerator search``: networks and the accelerator that they run on, together."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..bench import Benchmark
from ..bench.documents import json_text
from ..bench.errors import ConstraintError
from ..bench.figures import FIGURES, counted
from ..edge_profiler.accelerators.profile import CLOCK_MHZ
from ..edge_profiler.accelerators.space import load_space
from ..output_option import with_output
from .co_bits_run import EVALUATOR, BitsQuestion, run_bits_co_search
from .co_evaluator import AREA
from .co_run import FILE, FOLDER, run_co_search, shown_rows, write_co_search
from .co_search import CoOutcome, CoSettings
from .judge import DEFAULT_TABLE
from .start_option import CouplingOption, couplings_named

DEFAULT = CoSettings()
#: What is said of the accuracies, by where they come from.
OF_ACCURACY = {
    "surrogate": "Accuracy is predicted, for fp32",
    "table": "Accuracy is measured in fp32, chosen on val and shown on test",
}
#: What a search with bits as genes asks of networks unless told otherwise.
BITS_QUESTION = BitsQuestion(())


@with_output("out", folder=True, resumes=False)
def search(
    accelerators: Annotated[
        str,
        typer.Argument(metavar="[SPACE]", help="A space that ships, or a .toml file with lists."),
    ] = "edge",
    on: Annotated[
        str, typer.Option(help="What says what pairs answer: surrogate, or table (exact).")
    ] = "surrogate",
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    area_mm2: Annotated[
        float | None,
        typer.Option("--area-mm2", "--area-max", help="The most area that it may have."),
    ] = None,
    objectives: Annotated[
        str | None,
        typer.Option(help="Two to four of error, latency_ms, energy_mj, area_mm2 and others."),
    ] = None,
    searcher: Annotated[str, typer.Option(help="Name of the algorithm.")] = DEFAULT.searcher,
    evaluations: Annotated[
        int, typer.Option("--evaluations", "--budget", help="Pairs on accelerators to evaluate.")
    ] = DEFAULT.evaluations,
    population: Annotated[
        int, typer.Option(help="Candidates evaluated together.")
    ] = DEFAULT.population,
    seed: Annotated[int, typer.Option(help="The same seed gives the same front.")] = DEFAULT.seed,
    pair: Annotated[
        str, typer.Option(help="LITTLE,BIG: the only pair; the accelerator alone is searched.")
    ] = "",
    coupling: CouplingOption = "",
    clock_mhz: Annotated[
        float, typer.Option(min=0.001, max=100000, help="Clock of array and memories.")
    ] = CLOCK_MHZ,
    bits: Annotated[
        str | None,
        typer.Option(help="NETWORK,NETWORK,...: pairs of these, the bits of every stage searched."),
    ] = None,
    images: Annotated[
        int, typer.Option(help="Images of val that networks of --bits are run on.")
    ] = BITS_QUESTION.images,
    check: Annotated[
        int, typer.Option(help="Points of --bits among those printed that are run as well.")
    ] = BITS_QUESTION.check,
    start: Annotated[
        str,
        typer.Option("--from", help="Weights of --bits: inherited, or a .safetensors file."),
    ] = BITS_QUESTION.start,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the images of --bits.")
    ] = BITS_QUESTION.data,
    out: Annotated[
        Path | None,
        typer.Option(help=f"Folder of {FILE}, and of a .toml file of every accelerator."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """Searches for pairs of networks and their accelerator together (costs modelled)."""
    space = load_space(accelerators)
    named = tuple(part.strip() for part in (objectives or "").split(",") if part.strip())
    if not named:
        named = tuple(o for o in DEFAULT.objectives if o != AREA or len(space) > 1)
    settings = CoSettings(
        objectives=named,
        area_mm2=area_mm2,
        evaluations=evaluations,
        seed=seed,
        population=population,
        searcher=searcher.replace("-", "_"),
        couplings=couplings_named(coupling),
    )

    def progress(done: int, total: int) -> None:
        sys.stderr.write(f"\r{done:,} of {total:,} evaluated" + ("\n" if done == total else ""))

    if bits is not None:
        if pair or coupling or on != "surrogate":
            raise ConstraintError(
                "--bits says itself which networks there are and what they answer: --pair, "
                "--coupling and --on do not go with it."
            )
        named_networks = tuple(part.strip() for part in bits.split(",") if part.strip())
        question = BitsQuestion(named_networks, images, check, start, data)
        outcome, document = run_bits_co_search(
            Benchmark.load(table), space, settings, question, clock_mhz, top, out, _say, progress
        )
    else:
        outcome, document = run_co_search(
            on, Benchmark.load(table), space, settings, clock_mhz, _two(pair), progress
        )
    if out is not None:
        write_co_search(out, document)
    lines = summary(outcome, document, top, out, clock_mhz)
    sys.stdout.write(json_text(document, indent=2) + "\n" if as_json else "\n".join(lines) + "\n")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _two(text: str) -> tuple[str, str] | None:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        return None
    if len(names) != 2:
        raise ConstraintError(f"--pair {text!r} has {len(names)} networks; expected LITTLE,BIG.")
    return names[0], names[1]


def _alone(record: dict[str, Any]) -> str:
    """The only network that a point asks; empty where both are, however seldom the big one is."""
    return "" if record["escalation_rate"] else f"{record['little']} alone"


def _of_accuracy(config: dict[str, Any]) -> str:
    """Where the accuracies of a front come from, and what is not in them."""
    if config["evaluator"] == EVALUATOR:
        return (
            f"Accuracy and escalation are predicted from answers at 8 bits to "
            f"{config['images']:,} images of {config['chosen_on']}, less what stages lose with "
            "fewer bits, added up"
        )
    bits = f"{config['weight_bits']}-bit weights and {config['activation_bits']}-bit activations"
    return f"{OF_ACCURACY[config['evaluator']]}; what {bits} cost in accuracy is not in it"


def _of_run(run: dict[str, Any]) -> str:
    """What a point gave that was run with its bits."""
    latency, energy = (FIGURES[n].text(run[n]) for n in ("latency_ms", "energy_mj"))
    return (
        f"run: {100 * run['accuracy']:.2f} % and {100 * run['escalation_rate']:.1f} % escalated "
        f"(simulated), with that {latency} ms and {energy} mJ"
    )


def summary(
    outcome: CoOutcome, document: dict[str, Any], top: int, out: Path | None, clock_mhz: float
) -> list[str]:
    """Lines for a reader about what a co-search came to.

    Args:
        outcome: the front with its accelerators.
        document: the same as plain JSON.
        top: rows of the front at most.
        out: folder that it was written to; None: nowhere.
        clock_mhz: clock of the accelerators.
    """
    config, front = document["config"], document["front"]
    chosen = counted(len(document["accelerators"]), "accelerator")
    lines = [
        f"Front: {counted(len(front), 'point')} on {chosen}, of "
        f"{config['accelerators_to_choose_from']:,} to choose from; "
        f"{outcome.evaluations:,} evaluated in {outcome.seconds:.1f} s, seed {config['seed']}.",
        f"{_of_accuracy(config)}. Latency, energy and area are modelled, at {clock_mhz:g} MHz.",
        "",
        "  acc %  latency ms  energy mJ  area mm2  escalated  accelerator, little, big",
    ]
    shown = [front[row] for row in shown_rows(outcome, top)]
    for record in shown:
        latency, energy = (FIGURES[n].text(record[n]) for n in ("latency_ms", "energy_mj"))
        lines.append(
            f"  {100 * record['accuracy']:5.2f}  {latency:>10}  {energy:>9}  {record[AREA]:8.3f}"
            f"  {100 * record['escalation_rate']:7.1f} %  {record['accelerator']}"
        )
        networks = f"{record['little']}  {record['big']}"
        lines.append(f"         {_alone(record) or networks}")
        if "simulated" in record:
            lines.append(f"         {_of_run(record['simulated'])}")
    if out is not None:
        name = shown[0]["accelerator"]
        lines += [
            "",
            f"Written: {out}/{FILE}, {out}/{FOLDER}/*.toml. An accelerator of the front as a "
            + ("device of 8 bits:" if config["evaluator"] == EVALUATOR else "device:"),
            f"  biglittle accelerator profile {shlex.quote(f'{out}/{FOLDER}/{name}.toml')} "
            f"--out {name}.json"
            + (f" --clock-mhz {clock_mhz:g}" if clock_mhz != CLOCK_MHZ else ""),
            f"  biglittle front --device {name}.json",
        ]
    return lines
