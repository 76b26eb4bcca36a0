"""Which cascades lie beside a table, and handing one out: no images, no training, no PyTorch.

A card lies under the name of its cascade, a graph under its hash: cards that were made of one pair,
chosen on several devices, have one graph.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ...bench.documents import DocumentError, Line, Positive, Sha256, Share, json_text, read_json
from ...bench.errors import TableError, UnknownNameError
from ...bench.figures import FIGURES
from ...bench.files import why_unreadable, write_together
from ...bench.shipped_tables import companion
from ...bench.table import Table
from ...edge_profiler.deployable import CPP, PYTHON
from ...edge_profiler.validate_pairs import CARD, CASCADE

#: Folder of the cascades of a table, beside it.
FOLDER = "cascades"
FORMAT = "biglittle-ready-1"
_ANEW = "biglittle table build --stage cascades"
#: Names of graphs: the first digits of their SHA-256.
GRAPH_NAME = re.compile(r"[0-9a-f]{16}\.onnx")


class MadeAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a cascade says of one image of `images.made_images`."""

    logits: list[float]
    escalated: bool


class Card(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a cascade that ships.

    Attributes:
        format: version of the card.
        name: what it is called, such as ``pi4-5ms``.
        table: name of the table that recommended it.
        device: name of the device that it was chosen for.
        limits: largest value by figure that it was chosen within, on val.
        training: how its weights came about: ``inherited``, or a method of co-training.
        accuracy: share of the test images that the file has right, as ONNX Runtime runs it.
        accuracy_low: lower end of a 95 % Wilson interval.
        accuracy_high: upper end of that interval.
        escalation_rate: share of the test images that reach the big network.
        n_images: images of the test split.
        point: its figures on the device with their provenance, as ``query --json`` has them.
        single: the best single network within the limits; its accuracy is that of weights that
            came about as the pair's did.
        gain: accuracy gained over that one by the pair, a fraction.
        gain_low: lower end of that gain's interval.
        gain_high: upper end of that interval.
        interval: how the gain's interval came about.
        sha256: SHA-256 of the graph.
        bytes: size of the graph.
        input: how to feed it.
        made: what it says of the ten made images.
        origin: table, weights, recipe, versions and hardware.
        warning: what to beware of in the latencies of the device; "" for nothing.
    """

    format: Line
    name: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9.]+)*\Z", max_length=60)]
    table: Line
    device: Line
    limits: dict[str, Positive]
    training: Line
    accuracy: Share
    accuracy_low: Share
    accuracy_high: Share
    escalation_rate: Share
    n_images: int
    point: dict[str, Any]
    single: dict[str, Any]
    gain: float
    gain_low: float | None
    gain_high: float | None
    interval: str | None
    sha256: Sha256
    bytes: int
    input: dict[str, Any]
    made: list[MadeAnswer]
    origin: dict[str, Any]
    warning: str = ""

    @property
    def graph_name(self) -> str:
        """Name of the file of its graph, which cards with the same graph share."""
        return f"{self.sha256[:16]}.onnx"

    def figure(self, name: str) -> str:
        """A figure of the device as a reader sees it, with its provenance."""
        value, figure = self.point.get(name), FIGURES[name]
        if value is None:
            return "not available"
        word = self.point["provenance"].get(name, "unknown")
        return f"{figure.text(value)} {figure.shown_unit} ({word})".replace(" )", ")")

    def limits_text(self) -> str:
        """The limits in words, such as "mean latency of at most 5 ms"."""
        return " and ".join(
            f"{FIGURES[name].label} of at most {FIGURES[name].text(value)} "
            f"{FIGURES[name].shown_unit}".strip()
            for name, value in self.limits.items()
        )


@dataclass(frozen=True)
class Ready:
    """A cascade that ships.

    Attributes:
        card: what is known of it.
        folder: folder of its card and its graph.
    """

    card: Card
    folder: Path

    @property
    def graph(self) -> Path:
        """The file of its graph, which other cascades may have too."""
        return self.folder / self.card.graph_name

    def content(self) -> bytes:
        """The graph, serialised ONNX.

        Raises:
            TableError: it is not there, or not the one of the card.
        """
        try:
            content = self.graph.read_bytes()
        except FileNotFoundError as error:
            raise TableError(
                f"the graph of cascade {self.card.name} is missing: its card expects {self.graph}. "
                f"Install the package again, or make it anew: {_ANEW}."
            ) from error
        except OSError as error:
            raise TableError(
                f"the graph of cascade {self.card.name}, {self.graph}: "
                f"{why_unreadable(error, str(error))}"
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.card.sha256:
            raise TableError(
                f"{self.graph} has SHA-256 {digest}, the card of cascade {self.card.name} says "
                f"{self.card.sha256}: one of them was changed. Install the package again, or make "
                f"both anew: {_ANEW}."
            )
        return content


def read_card(path: Path, advice: str) -> Card:
    """The card in a file.

    Args:
        path: path of the card, ``.json``.
        advice: what to do about a damaged one, a sentence.

    Raises:
        TableError: the card cannot be read.
    """
    try:
        card = read_json(path, Card)
        if card.format != FORMAT:
            raise DocumentError(f"format is {card.format!r}, expected {FORMAT!r}")
    except (OSError, ValueError) as error:
        damaged = f"{error}. {advice}"
        raise TableError(
            f"{path} cannot be read as the card of a cascade: {why_unreadable(error, damaged)}"
        ) from error
    return card


def read_ready(path: Path) -> Ready:
    """The cascade of a card beside a table.

    Args:
        path: path of the card, ``.json``.

    Raises:
        TableError: the card cannot be read.
    """
    return Ready(
        read_card(path, f"Install the package again, or make it anew: {_ANEW}."), path.parent
    )


def ready_cascades(table: Table) -> tuple[Ready, ...]:
    """The cascades beside a table, in the order of their names; none where it has no such folder.

    Raises:
        TableError: a card cannot be read.
    """
    return tuple(read_ready(path) for path in sorted(companion(table, FOLDER).glob("*.json")))


def ready_cascade(table: Table, name: str) -> Ready:
    """The cascade of a name.

    Raises:
        UnknownNameError: there is none; the message names the nearest one.
    """
    named = {ready.card.name: ready for ready in ready_cascades(table)}
    if name not in named:
        raise UnknownNameError("cascade", name, named)
    return named[name]


def hand_out(ready: Ready, folder: Path) -> list[Path]:
    """Writes a cascade into a folder: ``cascade.onnx``, ``card.json`` and a page; returns them.

    Raises:
        TableError: the graph is not the one of its card.
        OSError: the folder cannot be written to.
    """
    card = json_text(msgspec.to_builtins(ready.card), indent=1) + "\n"
    contents: Mapping[str, bytes] = {
        CASCADE: ready.content(),
        CARD: card.encode(),
        "README.md": page(ready.card).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_together(folder, contents)
    return [folder / name for name in contents]


def page(card: Card) -> str:
    """The card as a reader sees it, Markdown."""
    point, single = card.point, card.single
    gain = f"{100 * card.gain:+.2f} points"
    if card.gain_low is not None and card.gain_high is not None:
        gain += f" ({100 * card.gain_low:+.2f} to {100 * card.gain_high:+.2f}, {card.interval})"
    dataset, runtime = card.origin["dataset"], card.origin["onnxruntime"]
    beware = f" On {card.device} {card.warning}" if card.warning else ""
    weights, alike = card.training, ""
    if training := card.origin.get("training"):
        weights = f"trained on as one from those of the supernet (`{card.training}`), with "
        weights += f"{training['images']:,} images"
        alike = ", trained as long"
    return f"""\
# {card.name}

The pair that table {card.table} names for {card.device} with {card.limits_text()}: little
`{point["little"]}`, big `{point["big"]}` ({point["coupling"]}), gate `{point["gate"]}` at
{point["threshold"]:.4g}. Weights: {weights}.

| figure | value |
|---|---|
| accuracy on {card.n_images:,} test images of {dataset} | {100 * card.accuracy:.2f} % \
({100 * card.accuracy_low:.2f} to {100 * card.accuracy_high:.2f}, 95 %; measured) |
| escalated | {100 * card.escalation_rate:.1f} % (measured) |
| mean latency | {card.figure("latency_ms")} |
| 95th percentile | {card.figure("latency_p95_ms")} |
| worst | {card.figure("latency_worst_ms")} |
| energy | {card.figure("energy_mj")} |
| memory | {card.figure("peak_memory_mib")} |
| file | {card.bytes / 2**20:.2f} MiB |

Over the best single network within the limits, `{single["architecture"]}`{alike}: {gain}.
Accuracy and escalation are those of this file in ONNX Runtime {runtime}; figures of the device have
their own provenance. On the board, `biglittle validate .` in this folder measures what an input
takes that is kept, and one that is escalated, and says whether answers and latency are as on this
card. A board with the profiler alone measures by
`python -m biglittle.edge_profiler --networks cascade.onnx --out board.json`, and
`biglittle validate . --profile board.json` compares on another machine.{beware}

```python
{PYTHON.rstrip()}
```

```cpp
{CPP.rstrip()}
```
"""
