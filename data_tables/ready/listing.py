"""What the command line says of the cascades that ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ...bench import Benchmark
from ...bench.device import load_device
from ...bench.errors import BigLittleError
from ...bench.shipped_tables import find_table
from ...bench.terminal import fitting, provenance_line
from .cards import FOLDER, Card, hand_out, ready_cascade, ready_cascades

_COSTS = ("latency_ms", "latency_worst_ms", "energy_mj")


def ready_names(table: str) -> set[str]:
    """Names of the cascades beside a table, by their files alone; none where there is no table."""
    try:
        folder = find_table(table).parent / FOLDER
    except BigLittleError:
        return set()
    return {path.stem for path in folder.glob("*.json")}


def card_records(table: str, device: str | None = None) -> list[dict[str, Any]]:
    """What a reader compares of each cascade beside a table, plain JSON.

    Args:
        table: name or file of the table.
        device: name of a device, or the path of a profile, whose figures are told; the cascades
            then come in the order of their latency. None: those that each was chosen for.

    Raises:
        UnknownNameError: no device has this name.
    """
    bench = Benchmark.load(table)
    cards = [ready.card for ready in ready_cascades(bench.table)]
    if device is None:
        return [_record(card, card.device, card.point, card.warning) for card in cards]
    there = device if device in bench.table.devices else load_device(device).name
    warning = bench.warning(device)
    records = [_record(card, there, _point_on(bench, card, device), warning) for card in cards]
    return sorted(records, key=lambda row: (row["latency_ms"] is None, row["latency_ms"]))


def _point_on(bench: Benchmark, card: Card, device: str) -> dict[str, Any]:
    """The figures of a cascade on another device, at the escalation rate that was measured."""
    pair = (card.point["little"], card.point["big"])
    costs = bench.pair_costs(pair, card.escalation_rate, device, card.point["gate"])
    return {**card.point, **costs}


def _record(card: Card, device: str, point: Mapping[str, Any], warning: str) -> dict[str, Any]:
    names = ("little", "big", "coupling", "gate", "threshold", *_COSTS)
    return {
        "name": card.name,
        "device": device,
        "chosen_for": card.device,
        "limits": dict(card.limits),
        "limits_text": card.limits_text(),
        "training": card.training,
        "accuracy": card.accuracy,
        "accuracy_low": card.accuracy_low,
        "accuracy_high": card.accuracy_high,
        "escalation_rate": card.escalation_rate,
        **{name: point.get(name) for name in names},
        "gain": card.gain,
        "gain_low": card.gain_low,
        "gain_high": card.gain_high,
        "warning": warning,
        "bytes": card.bytes,
        "sha256": card.sha256,
        "provenance": {
            "accuracy": "measured",
            "escalation_rate": "measured",
            **{n: w for n, w in point["provenance"].items() if n in names},
        },
    }


def print_cards(records: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints one row for each cascade, and how to get one."""
    if not records:
        console.print("No cascades lie beside this table. Make them: biglittle table build "
                      "--stage cascades")  # fmt: skip
        return
    narrow, table = fitting(lambda narrow: _cards_table(records, narrow), (False, True), console)
    console.print(table)
    if narrow:
        words: dict[str, list[str]] = {}
        for row in records:
            words.setdefault(_word(row), []).append(f"latency of {row['name']}")
        alike = {word: ["mean latency"] for word in words}
        console.print(provenance_line(words if len(words) > 1 else alike))
    console.print(
        "Accuracy and escalation: measured on the test images, by the file itself. MiB: the file."
    )
    gains = ", ".join(f"{row['name']} {_gain(row)}" for row in records)
    console.print(
        "Points of accuracy over the best single network within the limits, whose weights came "
        f"about alike: {gains}."
    )
    warnings = {row["device"]: row["warning"] for row in records}
    one_device = len(warnings) == 1
    for row in records:
        chosen = f"chosen for {row['chosen_for']} with " if one_device else ""
        own = "" if one_device or not row["warning"] else f" On {row['device']} {row['warning']}"
        console.print(f"{row['name']}: {chosen}{row['limits_text']}.{own}")
    for device, warning in warnings.items():
        if one_device and warning:
            console.print(f"On {device} {warning}")
    name = max(records, key=lambda row: float(row["gain"]))["name"]
    console.print(f"Get one: biglittle table extract {name} --out {name}", soft_wrap=True)


def _cards_table(records: Sequence[Mapping[str, Any]], narrow: bool) -> Table:
    blanks = 0 if narrow else 1
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, padding=(0, blanks))
    for head in ("name", "device", "accuracy (%)", "95 %", "escalated (%)", "mean (ms)", "MiB"):
        text = head.replace(" (", "\n(") if narrow else head
        table.add_column(text, justify="left" if head in ("name", "device") else "right")
    table.add_column("weights")
    for row in records:
        latency, word = row["latency_ms"], "" if narrow else f" {_word(row)}"
        table.add_row(
            row["name"],
            row["device"],
            f"{100 * row['accuracy']:.2f}",
            f"{100 * row['accuracy_low']:.2f} to {100 * row['accuracy_high']:.2f}",
            f"{100 * row['escalation_rate']:.1f}",
            "-" if latency is None else f"{latency:.3g}{word}",
            f"{row['bytes'] / 2**20:.2f}",
            row["training"],
        )
    return table


def _gain(row: Mapping[str, Any]) -> str:
    text = f"{100 * row['gain']:+.2f}"
    if row["gain_low"] is None:
        return text
    return f"{text} ({100 * row['gain_low']:+.2f} to {100 * row['gain_high']:+.2f})"


def _word(row: Mapping[str, Any]) -> str:
    return str(row["provenance"].get("latency_ms", "unknown"))


def hand_out_named(name: str, folder: Path, table: str) -> list[str]:
    """Writes a cascade into a folder; returns lines that say what lies there.

    Raises:
        UnknownNameError: there is no cascade of that name.
        TableError: its graph is not the one of its card.
    """
    ready = ready_cascade(Benchmark.load(table).table, name)
    card = ready.card
    files = hand_out(ready, folder)
    return [
        f"{folder}: {', '.join(path.name for path in files)}",
        f"accuracy {100 * card.accuracy:.2f} % ({100 * card.accuracy_low:.2f} to "
        f"{100 * card.accuracy_high:.2f}, measured), {100 * card.escalation_rate:.1f} % escalated, "
        f"mean latency on {card.device} {card.figure('latency_ms')}",
        f"{folder / 'README.md'} says how to run it",
        f"on the board, does it hold what its card says: biglittle validate {folder}",
    ]
