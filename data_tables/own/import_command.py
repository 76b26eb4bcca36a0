"""``biglittle import answers``: what anybody's networks answered becomes a table, and a verdict."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ...bench import Benchmark
from ...bench.errors import AnswersError, ConstraintError
from ...bench.figures import counted
from ...bench.files import check_writable
from ...bench.own.contents import given_contents, write_given
from ...bench.own.costs import DEVICE, NetworkCost
from ...bench.own.split import SEED, VAL_SHARE
from ...expand_options import with_limits, with_options
from .escalation_verdict import EscalationVerdict, escalation_verdict
from .sources import AnswerSet, ReadSet, answer_set, both_splits, read_set
from .verdict import Verdict, comparable_cost, verdict

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Makes a table of what anybody's networks answered, and says which pair to use.",
)


@dataclass(frozen=True)
class ImportOptions:
    """What ``import answers`` takes beside the limits."""

    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER|FILE...",
            help="A file a network, .npy, .npz, .csv or .parquet, as FILE or NAME=FILE; or a "
            "folder of them, perhaps with the folders val and test. With --inputs, .onnx too.",
        ),
    ]
    labels: Annotated[
        Path | None, typer.Option(help="True classes; by default labels.* of the folder.")
    ] = None
    val: Annotated[
        list[str] | None,
        typer.Option(help="Answers to other images, which are val; may be repeated."),
    ] = None
    val_labels: Annotated[Path | None, typer.Option(help="True classes of --val.")] = None
    ids: Annotated[
        Path | None, typer.Option(help="Ids of the images, or the images: none is on both sides.")
    ] = None
    val_ids: Annotated[Path | None, typer.Option(help="The same of --val.")] = None
    inputs: Annotated[
        Path | None, typer.Option(help="Inputs, .npy, on which networks in .onnx files are run.")
    ] = None
    val_inputs: Annotated[Path | None, typer.Option(help="The same of --val.")] = None
    kind: Annotated[
        str,
        typer.Option(help="probabilities, logits or percent; of one network NAME=KIND, commas."),
    ] = ""
    split: Annotated[float, typer.Option(help="Share of the images that are val.")] = VAL_SHARE
    seed: Annotated[int, typer.Option(help="Seed of the draw of val.")] = SEED
    cost: Annotated[
        list[str] | None, typer.Option(help="Latency of a network, NAME=MS; may be repeated.")
    ] = None
    costs: Annotated[
        Path | None,
        typer.Option(help="CSV: network, latency_ms, energy_mj, macs ...; by default costs.csv."),
    ] = None
    onnx: Annotated[
        list[str] | None,
        typer.Option(help="ONNX file of a network, NAME=FILE, for --predict-on or --measure."),
    ] = None
    predict_on: Annotated[
        str, typer.Option(help="Device whose profile predicts the latency of the ONNX files.")
    ] = ""
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure the ONNX files on this machine.")
    ] = False
    device: Annotated[str, typer.Option(help="Name of the device of --cost and --costs.")] = DEVICE
    gate_ms: Annotated[float, typer.Option(min=0.0, help="Latency of the gate itself.")] = 0.0
    dataset: Annotated[str, typer.Option(help="Name of the data set.")] = "given"
    out: Annotated[Path, typer.Option(help="Table file to write.")] = Path("mine.h5")
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a file that holds other answers.")
    ] = False


@app.callback()
def import_() -> None:
    """Makes a table of what anybody's networks answered, and says which pair to use."""


@app.command("answers")
@with_options
@with_limits
def answers(
    options: ImportOptions,
    limits: dict[str, float],
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """Makes a table of answers, labels and costs, and says which pair to use.

    From then on --table takes it: front, query, cascade, search --on table, table info.
    """
    result = imported(options, limits)
    if as_json:
        sys.stdout.write(json.dumps(result.record(), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(result.text()) + "\n")


@dataclass(frozen=True)
class Imported:
    """A table of somebody's networks, and what it says.

    Attributes:
        path: file of the table.
        bench: the table, opened for questions.
        verdicts: which pair to use, on each device.
        notes: what was done to the answers, and what is not known.
        onnx: ONNX files of networks, by their name, where some are known.
    """

    path: Path
    bench: Benchmark
    verdicts: Sequence[Verdict | EscalationVerdict]
    notes: Sequence[str]
    onnx: Mapping[str, Path] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "table": str(self.path),
            "info": self.bench.info(),
            "accuracy": dict(zip(self.bench, self.bench.accuracy().tolist(), strict=True)),
            "verdicts": [one.record() for one in self.verdicts],
            "notes": list(self.notes),
        }

    def text(self) -> list[str]:
        """Lines for a reader: the table, each network, the verdict, and what to do next."""
        table = self.bench.table
        images = table.n_images
        lines = [
            f"{self.path}: {counted(len(self.bench), 'network')}, {table.n_classes:,} classes, "
            f"{images['val']:,} images of val and {images['test']:,} of test "
            f"({table.training['split']}).",
            *self._networks(),
            *self.notes,
        ]
        for one in self.verdicts:
            lines += ["", one.text()]
        if self.verdicts:
            steps = self.verdicts[0].next_steps(str(self.path), self.onnx)
            lines += ["", "Next:", *(f"  {step}" for step in steps)]
        return lines

    def _networks(self) -> list[str]:
        width = max(len(name) for name in self.bench)
        columns = [self.bench.costs(device) for device in self.bench.devices]
        lines = []
        for row, (name, accuracy) in enumerate(zip(self.bench, self.bench.accuracy(), strict=True)):
            parts = [f"{accuracy:7.2%} right on test (given)"]
            for device, costs in zip(self.bench.devices, columns, strict=True):
                one = costs.one(row)
                if one.latency_ms == one.latency_ms:
                    word = one.provenance["latency_ms"]
                    where = "" if device == DEVICE else f" on {device}"
                    parts.append(f"{one.latency_ms:.4g} ms{where} ({word})")
            lines.append(f"  {name:{width}}  {', '.join(parts)}")
        return lines


def imported(options: ImportOptions, limits: Mapping[str, float]) -> Imported:
    """The table of somebody's answers, written, and what it says.

    Raises:
        AnswersError: files, labels or costs that do not fit together, or a file of other answers
            in the place of the table.
        ConstraintError: nothing meets the limits; the table is written.
        BigLittleError: a file that cannot be written.
    """
    if options.out.suffix not in (".h5", ".hdf5"):
        raise AnswersError(
            f"--out {options.out} is not a table file; expected one that ends in .h5."
        )
    check_writable(options.out.parent, options.out.name)
    sides = _sides(options)
    sets = {side: read_set(given, side) for side, given in sides.items()}
    main = sides["test" if "test" in sides else ""]
    costs = _costs(options, main)
    contents = given_contents(
        _answers(sets),
        _each(sets, lambda one: one.labels),
        costs,
        options.split,
        options.seed,
        _kinds(options.kind, sets, list(main.networks)),
        _ids(sets),
        options.device,
        options.gate_ms,
        options.out.stem,
        options.dataset,
    )
    write_given(options.out, contents, options.replace, "--replace, or another --out")
    bench = Benchmark.load(options.out)
    notes = [note for one in sets.values() for note in one.notes]
    if not costs:
        notes.append(
            "No cost is known, so that no pair can be chosen by what it costs: add --cost NAME=MS "
            "for each, --costs FILE, or ONNX files with --predict-on DEVICE or --measure. The best "
            "pair that escalates at most so many images: --escalation-rate-max SHARE."
        )
    else:
        notes += _uncompared(bench)
    try:
        verdicts: list[Verdict | EscalationVerdict] = [
            verdict(bench, device, limits) for device in bench.devices if _has_cost(bench, device)
        ]
        if limits and not verdicts:
            verdicts = [escalation_verdict(bench, bench.devices[0], limits)]
    except ConstraintError as error:
        timed = any(_has_cost(bench, device) for device in bench.devices)
        figures = "" if timed else " --objectives error,escalation_rate"
        raise ConstraintError(
            f"{error} The table is written: {options.out}. Ask it within other limits: biglittle "
            f"front --table {shlex.quote(str(options.out))}{figures}."
        ) from error
    return Imported(options.out, bench, verdicts, notes, _onnx(options, main))


def _uncompared(bench: Benchmark) -> list[str]:
    """Why there is no verdict on a device: a cost of some networks is not known."""
    notes = []
    for device in bench.devices:
        if _has_cost(bench, device):
            continue
        latency = bench.costs(device).latency_ms
        unknown = [name for name, ms in zip(bench.architectures, latency, strict=True) if ms != ms]
        some = ", ".join(unknown[:5]) + (" ..." if len(unknown) > 5 else "")
        notes.append(
            f"No verdict on {device}: the latency of {some} is not known there, so that no pair "
            "can be compared with a network alone. Give it by --cost NAME=MS or in --costs FILE, "
            "or leave those networks out."
        )
    return notes


def _has_cost(bench: Benchmark, device: str) -> bool:
    try:
        return bool(comparable_cost(bench, device))
    except ConstraintError:
        return False


def _sides(options: ImportOptions) -> dict[str, AnswerSet]:
    """The sets of images that files are of: one, or val and test."""
    folders = both_splits(options.sources)
    if options.val and folders is None:
        return {
            "val": answer_set(options.val, options.val_labels, options.val_ids, options.val_inputs),
            "test": answer_set(options.sources, options.labels, options.ids, options.inputs),
        }
    if options.val_inputs:
        raise AnswersError("--val-inputs are those of --val, which names no networks here.")
    if folders is None:
        return {"": answer_set(options.sources, options.labels, options.ids, options.inputs)}
    if options.inputs:
        raise AnswersError(
            f"{options.sources[0]} has folders val and test; of networks in ONNX files name them "
            "by --val and --val-inputs beside --inputs."
        )
    if options.val:
        raise AnswersError(f"{options.sources[0]} has folders val and test; leave --val out.")
    val, test = (answer_set([folder]) for folder in folders)
    above = Path(options.sources[0])
    beside = above / "costs.csv"
    onnx = {p.stem: p for p in sorted(above.glob("*.onnx"))}
    test = replace(
        test,
        labels=options.labels or test.labels,
        ids=options.ids or test.ids,
        costs=test.costs or (beside if beside.is_file() else None),
        onnx={**onnx, **test.onnx},
    )
    val = replace(val, labels=options.val_labels or val.labels, ids=options.val_ids or val.ids)
    return {"val": val, "test": test}


def _each(sets: Mapping[str, ReadSet], part: Any) -> Any:
    """A part of the one set, or that of val and test by name."""
    return part(sets[""]) if "" in sets else {side: part(one) for side, one in sets.items()}


def _answers(sets: Mapping[str, ReadSet]) -> Any:
    return _each(sets, lambda one: one.answers)


def _ids(sets: Mapping[str, ReadSet]) -> Any:
    """Ids of the images where all sets have them."""
    if any(one.ids is None for one in sets.values()):
        return None
    return _each(sets, lambda one: one.ids)


def _kinds(text: str, sets: Mapping[str, ReadSet], names: Sequence[str]) -> dict[str, str]:
    """What the arrays of each network hold: as a user says, else as its file does."""
    out: dict[str, str] = {}
    for one in sets.values():
        out |= one.kinds
    for part in (p.strip() for p in text.split(",") if p.strip()):
        name, equals, kind = part.rpartition("=")
        if equals and name not in names:
            raise AnswersError(f"--kind names {name!r}, of which there are no answers.")
        out |= {name: kind} if equals else dict.fromkeys(names, kind)
    return out


def _onnx(options: ImportOptions, given: AnswerSet) -> dict[str, Path]:
    """The ONNX files of networks, by their name."""
    files = {n: p for n, p in given.onnx.items() if n in given.networks}
    for text in options.onnx or ():
        name, equals, path = text.partition("=")
        files[name if equals else Path(text).stem] = Path(path if equals else text)
    return files


def _costs(options: ImportOptions, given: AnswerSet) -> list[NetworkCost]:
    """Costs from everywhere that a user names."""
    from .cost_files import measured_costs, named_costs, predicted_costs, read_costs

    out = named_costs(options.cost or (), options.device)
    file = options.costs or (None if out else given.costs)
    if file is not None:
        out += read_costs(file, options.device)
    files = _onnx(options, given)
    if options.onnx and not (options.predict_on or options.measure):
        raise AnswersError("--onnx names files; add --predict-on DEVICE, --measure, or both.")
    if options.measure:
        if not files:
            raise AnswersError("--measure needs ONNX files: --onnx NAME=FILE.")
        out += measured_costs(files)
    if options.predict_on:  # a name may also be that of an architecture of the device's space
        every = {n: files.get(n, Path(n)) for n in dict.fromkeys([*given.networks, *files])}
        out += predicted_costs(options.predict_on, every)
    return out
