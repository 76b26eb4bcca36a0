"""A network, or a pair, layer by layer in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..bench.anatomy import NOT_RUN, Anatomy, LayerFacts, differing
from ..bench.figures import three_digits
from ..bench.precision import split_precision
from ..bench.terminal import fitting, provenance_line
from .network_svg import CONSTANT, block_text, shape_text

UNKNOWN = "unknown"  # latency that no profile gives
BAR_CELLS, NARROW_CELLS = 18, 10


def print_networks(networks: Sequence[Anatomy], console: Console) -> None:
    """Prints one network layer by layer, or of two how they differ.

    Raises:
        TableError: the two networks are of different spaces.
    """
    if len(networks) == 1:
        print_network(networks[0], console)
    else:
        print_difference(networks[0], networks[1], console)


def print_network(network: Anatomy, console: Console) -> None:
    """Prints one network as a table, a layer a line."""
    console.print(Text(_heading(network), style="bold"))
    _print_fitting(lambda narrow: _network_table(network, narrow), [network], console)
    if any(layer.choice == NOT_RUN for layer in network.layers):
        last = [layer.name for layer in network.layers[:-1] if layer.choice != NOT_RUN][-1]
        cut = split_precision(network.architecture)[0].partition("@")[2]
        console.print(f"Exits count layers from 0: {cut} stands after layer {last} of this list.")
    _print_whole(network, console)


def _network_table(network: Anatomy, narrow: bool) -> Table:
    longest = max((layer.latency_ms or 0.0 for layer in network.layers), default=0.0)
    heads = ("layer", "stage", "digit", "block", "output", "MACs, M", "params, k")
    timed = network.layer_provenance is not None
    table = _table(heads, [f"ms, {network.layer_provenance}"] if timed else [], narrow)
    if timed:
        table.add_column("")
    before = 0
    for layer in network.layers:
        if layer.choice == NOT_RUN:
            continue
        cells = [
            layer.name,
            str(layer.stage) if layer.digit else "",
            layer.digit,
            block_text(layer),
        ]
        cells += [shape_text(layer), f"{layer.macs / 1e6:.2f}", f"{layer.params / 1e3:.1f}"]
        if timed:
            cells += [_ms(layer), _bar(layer.latency_ms, longest, narrow)]
        if layer.stage != before:
            table.add_section()
        before = layer.stage
        table.add_row(*cells, style="dim" if layer.identity else None)
    parts = network.parts_ms
    table.add_section()
    if network.fixed_ms is not None:
        table.add_row("const", "", "", CONSTANT, "", "", "", f"{network.fixed_ms:.3f}", "")
    totals = [f"{network.macs / 1e6:.2f}", f"{network.params / 1e3:.1f}"]
    ms = [] if not timed else ["" if parts is None else f"{parts:.3f}", ""]
    table.add_row("sum", "", "", "", "", *totals, *ms, style="bold")
    return table


def print_difference(little: Anatomy, big: Anatomy, console: Console) -> None:
    """Prints two networks side by side; layers that are not the same block are marked.

    Raises:
        TableError: networks of two spaces.
    """
    marks = differing(little, big)
    console.print(Text(f"little  {_heading(little)}", style="bold"))
    console.print(Text(f"big     {_heading(big)}", style="bold"))
    both = (little, big)
    _print_fitting(lambda narrow: _difference_table(*both, marks, narrow), both, console)
    for network in both:
        _print_whole(network, console)
    n_layers = len(little.layers) - 2
    console.print(f"*: {sum(marks[1:-1])} of {n_layers} layers are not the same block.")


def _difference_table(little: Anatomy, big: Anatomy, marks: Sequence[bool], narrow: bool) -> Table:
    heads = ("layer", "output", "", "little", "big", "MACs, M", "MACs, M")
    named = {"little": little.layer_provenance, "big": big.layer_provenance}
    timed = any(word is not None for word in named.values())
    times = [f"{name} ms, {word or UNKNOWN}" for name, word in named.items() if timed]
    table = _table(heads, times, narrow)
    before = 0
    for mark, a, b in zip(marks, little.layers, big.layers, strict=True):
        cells = [a.name, shape_text(a), "*" if mark else "", block_text(a), block_text(b)]
        cells += [f"{x.macs / 1e6:.2f}" for x in (a, b)]
        cells += [_ms(x) for x in (a, b)] if timed else []
        if a.stage != before:
            table.add_section()
        before = a.stage
        table.add_row(*cells, style=None if mark else "dim")
    table.add_section()
    both = (little, big)
    if timed:
        fixed = ["" if n.fixed_ms is None else f"{n.fixed_ms:.3f}" for n in both]
        table.add_row("const", "", "", CONSTANT, CONSTANT, "", "", *fixed)
    totals = [f"{n.macs / 1e6:.2f}" for n in both]
    parts = ["" if n.parts_ms is None else f"{n.parts_ms:.3f}" for n in both] if timed else []
    table.add_row("sum", "", "", "", "", *totals, *parts, style="bold")
    return table


def _print_whole(network: Anatomy, console: Console) -> None:
    """Says what a network takes whose latency is not the sum of its parts."""
    if network.parts_ms is None or network.provenance == network.layer_provenance:
        return
    console.print(
        f"{network.architecture} as a whole: {network.latency_ms:.3f} ms ({network.provenance}); "
        f"its parts are {network.layer_provenance}, and add up to {network.parts_ms:.3f} ms."
    )


def _print_fitting(
    build: Callable[[bool], Table], networks: Sequence[Anatomy], console: Console
) -> None:
    """Prints the table; where the terminal is narrow, the provenance stands below it."""
    narrow, table = fitting(build, (False, True), console)
    console.print(table)
    words: dict[str, list[str]] = {}
    for name, network in zip(("little ms", "big ms"), networks, strict=False):
        if network.layer_provenance is not None:
            name = name if len(networks) > 1 else "ms"
            words.setdefault(network.layer_provenance, []).append(name)
    if narrow and words:
        console.print(provenance_line(words))


def _table(heads: Sequence[str], times: Sequence[str], narrow: bool) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, header_style="bold", padding=(0, 0 if narrow else 1)
    )
    right = ("MACs, M", "params, k", "stage", "layer")
    for head in heads:
        text = head.replace(", ", ",\n") if narrow else head
        table.add_column(text, justify="right" if head in right else "left", no_wrap=True)
    for head in times:
        text = head.partition(",")[0].replace(" ", "\n") if narrow else head
        table.add_column(text, justify="right", no_wrap=True)
    return table


def _heading(network: Anatomy) -> str:
    text = f"{network.architecture} ({network.space}): {network.macs / 1e6:.1f} M MACs, "
    text += f"{network.params / 1e6:.3f} M parameters, {network.weights_mib:.3g} MiB of weights, "
    text += f"{network.activation_mib:.3g} MiB of activations"
    if network.latency_ms is None:
        return text
    return (
        f"{text}, {three_digits(network.latency_ms)} ms on {network.device} ({network.provenance})"
    )


def _ms(layer: LayerFacts) -> str:
    return "" if layer.latency_ms is None else f"{layer.latency_ms:.3f}"


def _bar(value: float | None, longest: float, narrow: bool) -> str:
    cells = NARROW_CELLS if narrow else BAR_CELLS
    return "" if not value or not longest else "#" * max(1, round(cells * value / longest))
