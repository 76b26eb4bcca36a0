// Plots that only show: lines, points, intervals, bands and bars, from what the page's data say.

function drawChart(figure, chart) {
  const svg = figure.querySelector("svg");
  const width = Math.max(280, figure.clientWidth);
  const { across, up, area, inside } = framed(svg, width, chart.height, chart.x, chart.y);
  const bars = chart.marks.filter((mark) => mark.kind === "bars");
  const places = [];
  for (const mark of chart.marks) {
    const colour = `var(--${mark.colour})`;
    const at = (k) => [across(mark.x[k]), up(mark.y[k])];
    if (mark.kind === "line") {
      const path = pathThrough(mark.x.map((_, k) => at(k)));
      area.append(drawn("path", { d: path, class: `line ${mark.dash || ""}`, stroke: colour }));
    } else if (mark.kind === "band") {
      const there = mark.x.map((x, k) => [across(x), up(mark.high[k])]);
      const back = mark.x.map((x, k) => [across(x), up(mark.low[k])]).reverse();
      area.append(drawn("path", { d: `${pathThrough([...there, ...back])}Z`, fill: colour, class: "band" }));
    } else if (mark.kind === "intervals") {
      mark.x.forEach((x, k) => area.append(drawn("line", {
        class: "interval", stroke: colour,
        x1: across(x), x2: across(x), y1: up(mark.low[k]), y2: up(mark.high[k]),
      })));
    } else if (mark.kind === "bars") {
      const room = (inside.width / chart.x.categories.length) * 0.8 / bars.length;
      mark.y.forEach((y, k) => {
        if (y === null) return;
        const x = across(k) + (bars.indexOf(mark) - bars.length / 2) * room;
        area.append(drawn("rect", { x, y: up(y), width: room - 1, height: up(0) - up(y), fill: colour }));
        places.push({ px: x + room / 2, py: up(y), text: mark.text[k] });
      });
    } else {
      mark.x.forEach((_, k) => {
        const [px, py] = at(k);
        if (!Number.isFinite(px) || !Number.isFinite(py)) return;
        area.append(symbol(mark.symbol, px, py, mark.size || 4.5, colour));
        places.push({ px, py, text: mark.text[k] });
      });
    }
  }
  svg.onpointermove = (event) => {
    const place = nearest(places, svg, event, bars.length ? 40 : 16);
    if (place) showTip(place.text.split("\n"), event); else hideTip();
  };
  svg.onpointerleave = hideTip;
}

/** A mark of a point: "circle", "ring", "square" or "diamond". */
function symbol(kind, x, y, size, colour) {
  const open = kind === "ring" || kind === "diamond";
  const attributes = { fill: open ? "none" : colour, stroke: open ? colour : "var(--outline)" };
  if (open) attributes["stroke-width"] = 2;
  if (kind === "square") {
    return drawn("rect", { fill: colour, opacity: 0.6, x: x - size, y: y - size, width: 2 * size, height: 2 * size });
  }
  if (kind === "diamond") {
    const d = `M${x} ${y - size}L${x + size} ${y}L${x} ${y + size}L${x - size} ${y}Z`;
    return drawn("path", { ...attributes, d });
  }
  return drawn("circle", { ...attributes, cx: x, cy: y, r: size });
}

for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const chart = page.charts[figure.dataset.chart];
  onWidth(figure, () => drawChart(figure, chart));
}
