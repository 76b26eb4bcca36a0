"""A network, or a pair, drawn layer by layer: as a table in the terminal and as an SVG strip."""

from __future__ import annotations

import html
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..bench.anatomy import NOT_RUN, Anatomy, LayerFacts, differing
from ..bench.figures import three_digits

# Okabe and Ito 2008: told apart under every common colour blindness
BY_KERNEL = {3: "#0072B2", 5: "#D55E00", 1: "#767676"}
OTHER, INK, FAINT, MARK, BAR = "#009E73", "#222222", "#767676", "#F0E442", "#8a8a8a"
LEFT, COLUMN, GAP, RIGHT = 128, 34, 4, 18
BLOCKS, BARS = 66, 46  # heights in pixels of the blocks' and of the latencies' band
STRIP = BLOCKS + BARS + 50
BAR_CELLS = 18
CONSTANT = "stem and head"


# ---- in the terminal ---------------------------------------------------------------------------
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
    longest = max((layer.latency_ms or 0.0 for layer in network.layers), default=0.0)
    table = _table("layer", "stage", "digit", "block", "output", "MACs, M", "params, k")
    timed = network.layer_provenance is not None
    if timed:
        table.add_column(f"ms, {network.layer_provenance}", justify="right")
        table.add_column("")
    before = 0
    for layer in network.layers:
        if layer.choice == NOT_RUN:
            continue
        cells = [layer.name, str(layer.stage) if layer.digit else "", layer.digit, _block(layer)]
        cells += [_shape(layer), f"{layer.macs / 1e6:.2f}", f"{layer.params / 1e3:.1f}"]
        if timed:
            cells += [_ms(layer), _bar(layer.latency_ms, longest)]
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
    console.print(table)
    if any(layer.choice == NOT_RUN for layer in network.layers):
        last = [layer.name for layer in network.layers[:-1] if layer.choice != NOT_RUN][-1]
        console.print(
            f"Exits count layers from 0: {network.architecture.partition('@')[2]} stands after "
            f"layer {last} of this list."
        )
    _print_whole(network, console)


def print_difference(little: Anatomy, big: Anatomy, console: Console) -> None:
    """Prints two networks side by side; layers that are not the same block are marked.

    Raises:
        TableError: networks of two spaces.
    """
    marks = differing(little, big)
    console.print(Text(f"little  {_heading(little)}", style="bold"))
    console.print(Text(f"big     {_heading(big)}", style="bold"))
    table = _table("layer", "output", "", "little", "big", "MACs, M", "MACs, M")
    timed = little.layer_provenance is not None
    if timed:
        for name in ("little", "big"):
            table.add_column(f"{name} ms, {little.layer_provenance}", justify="right")
    before = 0
    for mark, a, b in zip(marks, little.layers, big.layers, strict=True):
        cells = [a.name, _shape(a), "*" if mark else "", _block(a), _block(b)]
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
    console.print(table)
    for network in both:
        _print_whole(network, console)
    n_layers = len(little.layers) - 2
    console.print(f"*: {sum(marks[1:-1])} of {n_layers} layers are not the same block.")


def _print_whole(network: Anatomy, console: Console) -> None:
    """Says what a network takes whose latency is not the sum of its parts."""
    if network.parts_ms is None or network.provenance == network.layer_provenance:
        return
    console.print(
        f"{network.architecture} as a whole: {network.latency_ms:.3f} ms ({network.provenance}); "
        f"its parts are {network.layer_provenance}, and add up to {network.parts_ms:.3f} ms."
    )


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, header_style="bold")
    right = ("MACs, M", "params, k", "stage", "layer")
    for head in heads:
        table.add_column(head, justify="right" if head in right else "left", no_wrap=True)
    return table


def _heading(network: Anatomy) -> str:
    text = f"{network.architecture} ({network.space}): {network.macs / 1e6:.1f} M MACs, "
    text += f"{network.params / 1e6:.3f} M parameters"
    if network.latency_ms is None:
        return text
    return (
        f"{text}, {three_digits(network.latency_ms)} ms on {network.device} ({network.provenance})"
    )


def _block(layer: LayerFacts) -> str:
    if layer.identity and layer.choice != NOT_RUN:
        return f"{layer.choice} (hands on)"
    return f"{layer.choice} (1x1)" if layer.choice == "skip" else layer.choice


def _shape(layer: LayerFacts) -> str:
    channels, rows, columns = layer.shape
    return f"{channels} x {rows} x {columns}"


def _ms(layer: LayerFacts) -> str:
    return "" if layer.latency_ms is None else f"{layer.latency_ms:.3f}"


def _bar(value: float | None, longest: float) -> str:
    return "" if not value or not longest else "#" * max(1, round(BAR_CELLS * value / longest))


# ---- as an SVG strip ---------------------------------------------------------------------------
def network_svg(networks: Sequence[Anatomy], names: Sequence[str] = ("little", "big")) -> str:
    """One network, or two above one another on one scale of latency, as an SVG of its own.

    A block is as high as it expands, and coloured by its kernel; one in two groups is split; what
    hands its input on is a line. Below stands each layer's latency. In a pair the layers that are
    not the same block have a tinted ground.

    Args:
        networks: one, or little and big.
        names: what stands beside each of two.

    Raises:
        TableError: networks of two spaces.
    """
    first = networks[0]
    marks: tuple[bool, ...] = (False,) * len(first.layers)
    if len(networks) == 2:
        marks = differing(*networks)
    longest = max((y.latency_ms or 0.0 for n in networks for y in n.layers), default=0.0)
    width = LEFT + len(first.layers) * COLUMN + RIGHT
    height = len(networks) * STRIP + 64
    title = " and ".join(n.architecture for n in networks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="11" '
        f'fill="{INK}"><title>{html.escape(title)}, layer by layer</title>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for i, mark in enumerate(marks):
        if mark:
            x = LEFT + i * COLUMN
            parts.append(
                f'<rect x="{x}" y="6" width="{COLUMN - GAP}" height="{len(networks) * STRIP - 8}" '
                f'rx="4" fill="{MARK}" opacity=".28"/>'
            )
    for k, network in enumerate(networks):
        name = names[k] if len(networks) > 1 else "network"
        parts += _strip(network, name, 10 + k * STRIP, longest)
    parts += _stages(first, len(networks) * STRIP + 8)
    parts += _legend(len(networks) * STRIP + 52, first, len(networks) == 2)
    return "\n".join([*parts, "</svg>"])


def _strip(network: Anatomy, name: str, top: int, longest: float) -> list[str]:
    middle, base = top + BLOCKS / 2, top + BLOCKS + BARS + 18
    parts = [_text(10, top + 22, name, weight=600, size=14)]
    figures = [f"{network.macs / 1e6:.1f} M MACs"]
    if network.latency_ms is not None:
        figures.append(f"{three_digits(network.latency_ms)} ms")
        figures.append(f"({network.provenance})")
    if network.fixed_ms is not None:
        figures.append(f"{CONSTANT}: {three_digits(network.fixed_ms)} ms")
    parts += [_text(10, top + 38 + 14 * i, line, FAINT) for i, line in enumerate(figures)]
    end = LEFT + len(network.layers) * COLUMN - GAP
    parts.append(
        f'<line x1="{LEFT}" x2="{end}" y1="{middle}" y2="{middle}" stroke="{INK}" '
        'stroke-width="1.5"/>'
    )
    for i, layer in enumerate(network.layers):
        x = LEFT + i * COLUMN
        centre = x + (COLUMN - GAP) / 2
        parts.append(f"<g><title>{html.escape(_tip(layer, network))}</title>")
        parts += _drawn(layer, x, centre, middle)
        if layer.digit:
            parts.append(_text(centre, top + BLOCKS + 12, layer.digit, anchor="middle", size=10))
        if layer.latency_ms and longest:
            high = max(1.0, BARS * 0.72 * layer.latency_ms / longest)
            parts.append(
                f'<rect x="{x + 6}" y="{base - high:.1f}" width="{COLUMN - GAP - 12}" '
                f'height="{high:.1f}" fill="{BAR}"/>'
            )
            label = f"{layer.latency_ms:.2f}".lstrip("0")
            parts.append(_text(centre, base - high - 3, label, FAINT, "middle", 9))
        parts.append("</g>")
    if network.layer_provenance is not None:
        parts.append(_text(10, base - 12, "ms a layer", FAINT))
        parts.append(_text(10, base, f"({network.layer_provenance})", FAINT))
        parts.append(f'<line x1="{LEFT}" x2="{end}" y1="{base}" y2="{base}" stroke="#ccc"/>')
    return parts


def _drawn(layer: LayerFacts, x: float, centre: float, middle: float) -> list[str]:
    if layer.choice == NOT_RUN:
        return []
    if layer.identity:
        return [f'<circle cx="{centre}" cy="{middle}" r="2.5" fill="#fff" stroke="{INK}"/>']
    wide, colour = COLUMN - GAP, BY_KERNEL.get(layer.kernel, OTHER)
    if not layer.digit:
        colour = INK
    high = min(BLOCKS, 18 + 8.5 * (layer.expansion - 1))
    if layer.kernel <= 1:
        high = 14
    if not layer.digit:
        high = 30
    top, each = middle - high / 2, high
    parts = []
    halves = 2 if layer.groups == 2 else 1
    if halves == 2:
        each = high / 2 - 1.5
    for half in range(halves):
        y = top + half * (each + 3)
        parts.append(
            f'<rect x="{x}" y="{y:.1f}" width="{wide}" height="{each:.1f}" rx="3" fill="{colour}"/>'
        )
    text = layer.name if not layer.digit else f"{layer.kernel}\u00d7{layer.kernel}"
    if halves == 1 and layer.kernel:
        parts.append(_text(centre, middle + 3.5, text, "#fff", "middle", 10))
    return parts


def _stages(network: Anatomy, y: float) -> list[str]:
    parts, layers = [], network.layers
    for stage in dict.fromkeys(layer.stage for layer in layers if layer.digit):
        rows = [i for i, layer in enumerate(layers) if layer.digit and layer.stage == stage]
        left, right = LEFT + rows[0] * COLUMN, LEFT + (rows[-1] + 1) * COLUMN - GAP
        channels, high, _ = layers[rows[0]].shape
        parts.append(f'<path d="M{left} {y - 4}v4H{right}v-4" fill="none" stroke="{FAINT}"/>')
        centre = (left + right) / 2
        one = len(rows) == 1
        parts.append(
            _text(centre, y + 13, f"{channels}" if one else f"{channels} channels", anchor="middle")
        )
        size = f"{high}\u00d7{high}"
        parts.append(_text(centre, y + 26, size, FAINT, "middle", 10))
    return parts


def _legend(y: float, network: Anatomy, pair: bool) -> list[str]:
    entries = [(BY_KERNEL[3], "3\u00d73 kernel"), (BY_KERNEL[5], "5\u00d75 kernel")]
    entries.append((BY_KERNEL[1], "1\u00d71, no block"))
    if pair:
        entries.append((MARK, "layers that differ"))
    parts, x = [], float(LEFT)
    for colour, text in entries:
        parts.append(f'<rect x="{x}" y="{y - 9}" width="11" height="11" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 16, y, text))
        x += 30 + 6.4 * len(text)
    parts.append(
        _text(x + 6, y, "height: expansion 1, 3, 6; split: two groups; ring: handed on", FAINT)
    )
    return parts


def _tip(layer: LayerFacts, network: Anatomy) -> str:
    text = f"{'layer ' if layer.digit else ''}{layer.name}: {_block(layer)}, {_shape(layer)}, "
    text += f"{layer.macs / 1e6:.2f} M MACs, {layer.params / 1e3:.1f} k parameters"
    if layer.latency_ms is None:
        return text
    return f"{text}, {layer.latency_ms:.3f} ms ({network.layer_provenance})"


def _text(
    x: float,
    y: float,
    text: str,
    colour: str = INK,
    anchor: str = "start",
    size: int = 11,
    weight: int = 400,
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" '
        f'font-size="{size}" font-weight="{weight}">{html.escape(text)}</text>'
    )
