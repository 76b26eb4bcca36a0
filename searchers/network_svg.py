"""A network, or a pair, drawn layer by layer as an SVG; a trunk that two share stands once."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ..bench.anatomy import NOT_RUN, Anatomy, LayerFacts, differing
from ..bench.figures import three_digits
from ..bench.rows import NetworkKey

# Okabe and Ito 2008: told apart under every common colour blindness
BY_KERNEL = {3: "#0072B2", 5: "#D55E00", 1: "#767676"}
OTHER, INK, FAINT, MARK, BAR = "#009E73", "#222222", "#767676", "#F0E442", "#8a8a8a"
LEFT, COLUMN, GAP, RIGHT = 154, 34, 4, 18
BLOCKS, BARS = 66, 46  # heights in pixels of the blocks' and of the latencies' band
STRIP = BLOCKS + BARS + 50
BRANCH = 62  # height of the row of an exit's head, below the network it cuts
CONSTANT = "stem and head"


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
    parts = _opened(networks, len(networks) * STRIP + 64)
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
    parts += _legend(
        len(networks) * STRIP + 52, first, "layers that differ" if len(networks) == 2 else ""
    )
    return "\n".join([*parts, "</svg>"])


def trunk_svg(little: Anatomy, big: Anatomy) -> str | None:
    """A pair that shares its trunk, with the trunk drawn once; None where it shares none.

    Big's layers stand in a row. Those that little runs as well are tinted; below the last of them
    its head branches off.

    Args:
        little: network that is cut at an exit.
        big: the same network, whole or cut at a later exit.
    """
    keys = [NetworkKey.parse(network.architecture) for network in (little, big)]
    runs = [[layer.choice != NOT_RUN for layer in n.layers[1:-1]] for n in (little, big)]
    if keys[0].architecture != keys[1].architecture or sum(runs[0]) >= sum(runs[1]):
        return None
    last = max(i for i, run in enumerate(runs[0], start=1) if run)
    longest = max((layer.latency_ms or 0.0 for layer in big.layers), default=0.0)
    parts = _opened((little, big), STRIP + BRANCH + 64)
    width = (last + 1) * COLUMN - GAP
    parts.append(
        f'<rect x="{LEFT}" y="6" width="{width}" height="{STRIP - 8}" rx="4" fill="{MARK}" '
        'opacity=".28"/>'
    )
    parts += _strip(big, "big", 10, longest)
    branch, middle, row = LEFT + (last + 1) * COLUMN - GAP / 2, 10 + BLOCKS / 2, STRIP + 18
    parts.append(
        f'<path d="M{branch} {middle}V{row}H{branch + 10}" fill="none" stroke="{INK}" '
        'stroke-width="1.5"/>'
    )
    head = little.layers[-1]
    parts.append(f"<g><title>{html.escape(_tip(head, little))}</title>")
    wide = 12 + 6.4 * len(head.choice)
    box = f'<rect x="{branch + 10}" y="{row - 13}" width="{wide:.0f}" height="26" rx="3" '
    parts.append(f'{box}fill="{INK}"/>')
    parts.append(_text(branch + 10 + wide / 2, row + 4, head.choice, "#fff", "middle", 10))
    parts.append("</g>")
    figures = [f"{little.macs / 1e6:.1f} M MACs"]
    if little.latency_ms is not None:
        figures.append(f"{three_digits(little.latency_ms)} ms ({little.provenance})")
    says = f"little answers here, {', '.join(figures)}"
    after = branch + 10 + wide + 8
    if after + 6 * len(says) > LEFT + len(big.layers) * COLUMN + RIGHT:
        parts.append(_text(branch - 8, row + 4, says, anchor="end", size=12))
    else:
        parts.append(_text(after, row + 4, says, size=12))
    parts += _stages(big, STRIP + BRANCH - 12)
    parts += _legend(STRIP + BRANCH + 36, big, "trunk, run once by both")
    return "\n".join([*parts, "</svg>"])


def _opened(networks: Sequence[Anatomy], height: int) -> list[str]:
    """The first tags of a drawing: its size, title and ground."""
    width = LEFT + len(networks[0].layers) * COLUMN + RIGHT
    title = " and ".join(n.architecture for n in networks)
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="11" '
        f'fill="{INK}"><title>{html.escape(title)}, layer by layer</title>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]


def _strip(network: Anatomy, name: str, top: int, longest: float) -> list[str]:
    middle, base = top + BLOCKS / 2, top + BLOCKS + BARS + 18
    cut = NetworkKey.parse(network.architecture).exit
    parts = [_text(10, top + 22, f"{name} @{cut}" if cut else name, weight=600, size=14)]
    figures = [f"{network.macs / 1e6:.1f} M MACs"]
    if network.latency_ms is not None:
        figures.append(f"{three_digits(network.latency_ms)} ms ({network.provenance})")
    if network.fixed_ms is not None:
        figures.append(f"{CONSTANT}: {three_digits(network.fixed_ms)} ms")
    parts += [_text(10, top + 38 + 14 * i, line, FAINT) for i, line in enumerate(figures)]
    end = LEFT + len(network.layers) * COLUMN - GAP
    run = [layer for layer in network.layers if layer.choice != NOT_RUN]
    parts.append(
        f'<line x1="{LEFT}" x2="{LEFT + len(run) * COLUMN - GAP}" y1="{middle}" y2="{middle}" '
        f'stroke="{INK}" stroke-width="1.5"/>'
    )
    for i, layer in enumerate(run):  # the head of an exit stands where the next layer would
        x = LEFT + i * COLUMN
        centre = x + (COLUMN - GAP) / 2
        parts.append(f"<g><title>{html.escape(_tip(layer, network))}</title>")
        parts += _drawn(layer, x, centre, middle)
        if layer.digit:
            parts.append(_text(centre, top + BLOCKS + 12, layer.digit, anchor="middle", size=10))
        if cut and layer is run[-1]:
            parts.append(_text(centre, top + BLOCKS + 12, cut, anchor="middle", size=10))
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
    text = layer.choice.partition(" ")[0]  # "stem", "head", or "exit" of an exit's head
    if layer.digit:
        text = f"{layer.kernel}\u00d7{layer.kernel}"
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


def _legend(y: float, network: Anatomy, tinted: str) -> list[str]:
    entries = [(BY_KERNEL[3], "3\u00d73 kernel"), (BY_KERNEL[5], "5\u00d75 kernel")]
    entries.append((BY_KERNEL[1], "1\u00d71, no block"))
    if tinted:
        entries.append((MARK, tinted))
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
    text = (
        f"{'layer ' if layer.digit else ''}{layer.name}: {block_text(layer)}, {shape_text(layer)}, "
    )
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


def block_text(layer: LayerFacts) -> str:
    """The block of a layer in words."""
    if layer.identity and layer.choice != NOT_RUN:
        return f"{layer.choice} (hands on)"
    return f"{layer.choice} (1x1)" if layer.choice == "skip" else layer.choice


def shape_text(layer: LayerFacts) -> str:
    """The output of a layer: channels, rows and columns."""
    channels, rows, columns = layer.shape
    return f"{channels} x {rows} x {columns}"
