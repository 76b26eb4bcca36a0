"""``biglittle table join``: a network of one's own beside those of a table's space."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ...bench import Benchmark
from ...bench.errors import AnswersError
from ...bench.files import check_writable
from ...bench.plain_text import plain
from ...expand_options import with_options
from ...output_option import with_output
from .answer_files import read_answers

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class JoinOptions:
    """What ``table join`` takes."""

    name: Annotated[str, typer.Argument(metavar="NAME", help="What the network is called.")]
    val: Annotated[
        Path, typer.Option(help="Its answers to the val images of the table: .npy, .npz, CSV.")
    ]
    test: Annotated[Path, typer.Option(help="Its answers to the test images.")]
    kind: Annotated[str, typer.Option(help="probabilities, logits or percent.")] = ""
    cost: Annotated[
        list[str] | None,
        typer.Option(help="Its latency on a device, DEVICE=MS; may be repeated."),
    ] = None
    macs: Annotated[int, typer.Option(help="Its multiply-accumulates; 0: not known.")] = 0
    params: Annotated[int, typer.Option(help="Number of its weights; 0: not known.")] = 0
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = "fbnet-cifar10"
    out: Annotated[Path, typer.Option(help="Table file to write.")] = Path("joined.h5")
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file if it exists.")] = (
        False
    )


@app.command()
@with_output("out", resumes=False)
@with_options
def join(
    options: JoinOptions,
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """A table with a network of your own beside those of its space, to escalate to or from."""
    result = joined(options)
    if as_json:
        sys.stdout.write(json.dumps(result.record(), indent=2) + "\n")
    else:
        sys.stdout.write(plain("\n".join(result.text()), lines=True) + "\n")


@dataclass(frozen=True)
class Joined:
    """A table with a network that is none of its space.

    Attributes:
        path: file of the table.
        bench: the table, opened for questions.
        name: name of the network.
    """

    path: Path
    bench: Benchmark
    name: str

    @property
    def accuracy(self) -> dict[str, float]:
        """Accuracy of the network by split."""
        row = self.bench.row(self.name)
        return {split: float(self.bench.accuracy(split)[row]) for split in ("val", "test")}

    def record(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "table": str(self.path),
            "network": self.name,
            "accuracy": self.accuracy,
            "provenance": {"accuracy": "given"},
            "sha256": self.bench.table.sha256,
        }

    def text(self) -> Sequence[str]:
        """Lines for a reader: what was written, and what to do next."""
        of, name, table = self.accuracy, shlex.quote(self.name), shlex.quote(str(self.path))
        little = self.bench.architectures[0]
        return [
            f"{self.path}: {self.bench.table.name} with {self.name}, {of['test']:.2%} right on "
            f"test and {of['val']:.2%} on val (given). Fronts and searches leave it out.",
            "Next:",
            f"  biglittle query {little} {name} --table {table}",
        ]


def _latencies(texts: Sequence[str]) -> dict[str, float]:
    """Latencies in ms by device, of texts ``DEVICE=MS``."""
    out: dict[str, float] = {}
    for text in texts:
        device, equals, value = text.rpartition("=")
        try:
            out[device] = float(value if equals else "")
        except ValueError as error:
            raise AnswersError(
                f"--cost {text!r} is not DEVICE=MS, such as raspberry-pi-4=42."
            ) from error
    return out


def joined(options: JoinOptions) -> Joined:
    """The table with the network, written.

    Raises:
        AnswersError: files that cannot be read or do not fit the table, or a file in the way.
        ArchitectureError: a name that cannot stand beside ids of the space.
        TableError: a table of given networks, or one that has a network of this name.
    """
    if options.out.suffix not in (".h5", ".hdf5"):
        raise AnswersError(
            f"--out {options.out} is not a table file; expected one that ends in .h5."
        )
    check_writable(options.out.parent, options.out.name)
    if options.out.exists() and not options.replace:
        raise AnswersError(f"{options.out} exists; add --replace, or another --out.")
    bench = Benchmark.load(options.table)
    files = {"val": options.val, "test": options.test}
    answers = {split: read_answers(path) for split, path in files.items()}
    for split, one in answers.items():
        if one.ids is not None:
            raise AnswersError(
                f"{files[split]} says which images its rows are of, which the table does not know; "
                f"give a row for each of its {bench.table.n_images[split]:,} {split} images, in "
                "its order, and no ids."
            )
    costs = _latencies(options.cost or ())
    more = bench.with_network(
        options.name,
        {split: one.given for split, one in answers.items()},
        out=options.out,
        replace=options.replace,
        kind=options.kind or answers["test"].kind or "probabilities",
        latency_ms=costs,
        macs=options.macs,
        params=options.params,
    )
    return Joined(options.out, more, options.name)
