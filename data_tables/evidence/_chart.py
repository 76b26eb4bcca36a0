"""A line chart as SVG, for pages of figures; no plotting package is needed to make it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, LEGEND = 760, 440, 56, 16, 16, 48, 22
#: Okabe and Ito 2008: told apart by colour-blind readers, and in grey by their dashes.
COLOURS = ("#999999", "#56b4e9", "#e69f00", "#d55e00", "#009e73", "#0072b2", "#cc79a7")
DASHES = ("2 3", "6 3", "2 3", "", "6 3", "", "4 2")


def line_chart(
    series: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str
) -> str:
    """An SVG document; x is logarithmic and marked where there are points, y begins at 0.

    Args:
        series: points (x, y) by label, x above 0.
        x_label: of the x axis, with its unit.
        y_label: of the y axis, with its unit.
    """
    points = [p for line in series.values() for p in line]
    xs = sorted({x for x, _ in points})
    top = max(y for _, y in points)
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100) if top / s <= 10)
    top = math.ceil(top / step) * step
    bottom = HEIGHT - BOTTOM
    spread = math.log(xs[-1] / xs[0]) or 1.0

    def x_at(x: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * math.log(x / xs[0]) / spread, 1)

    def y_at(y: float) -> float:
        return round(bottom - (bottom - TOP) * y / top, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
        f'{HEIGHT + LEGEND * len(series)}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for i in range(round(top / step) + 1):
        y = y_at(i * step)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{i * step:g}</text>')
    for x in xs:
        parts.append(f'<text x="{x_at(x)}" y="{bottom + 18}" text-anchor="middle">{x:g}</text>')
    middle = (TOP + bottom) / 2
    parts += [
        f'<text x="{(LEFT + WIDTH) / 2}" y="{bottom + 38}" text-anchor="middle">'
        f"{escape(x_label)}</text>",
        f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>",
    ]
    for i, (label, line) in enumerate(series.items()):
        colour, dash = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        drawn = " ".join(f"{x_at(x)},{y_at(y)}" for x, y in line)
        style = f'stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' * bool(dash))
        parts.append(f'<polyline points="{drawn}" fill="none" {style}/>')
        parts += [f'<circle cx="{x_at(x)}" cy="{y_at(y)}" r="3" fill="{colour}"/>' for x, y in line]
        y = HEIGHT + LEGEND * i + 6
        parts.append(f'<path d="M{LEFT} {y}h30" {style}/>')
        parts.append(f'<text x="{LEFT + 40}" y="{y + 4}">{escape(label)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
