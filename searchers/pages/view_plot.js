// The plot of the linked view, and its legend.

const svg = part("svg");
const SYMBOLS = {
  measured: (x, y) => symbol("diamond", x, y, 5.5, "var(--vermilion)"),
  single: (x, y) => symbol("square", x, y, 2.2, "var(--faint)"),
  single_measured: (x, y) => symbol("square", x, y, 2.2, "var(--vermilion)"),
};
const CIVIDIS = [[0, 34, 78], [59, 73, 108], [112, 113, 115], [165, 156, 116], [225, 204, 85], [254, 232, 56]];
const CATEGORIES = ["var(--blue)", "var(--vermilion)", "var(--green)", "var(--purple)", "var(--grey)"];
const halo = drawn("circle", { class: "hovered", r: 9 });
let marks = [];

/** Marks what the pointer is on, in the plot and in the table alike. */
function highlight(row) {
  const mark = row && marks.find((one) => one.row === row);
  halo.style.visibility = mark ? "visible" : "hidden";
  if (mark) {
    halo.setAttribute("cx", mark.px);
    halo.setAttribute("cy", mark.py);
  }
  part("body").querySelector(".hovered")?.classList.remove("hovered");
  if (row) part("body").querySelector(`[data-row="${row.index}"]`)?.classList.add("hovered");
}

function ramp(share) {
  const at = Math.min(1, Math.max(0, share)) * (CIVIDIS.length - 1);
  const k = Math.min(CIVIDIS.length - 2, Math.floor(at));
  const mix = CIVIDIS[k].map((from, c) => Math.round(from + (at - k) * (CIVIDIS[k + 1][c] - from)));
  return `rgb(${mix.join(",")})`;
}

function extent(some, name) {
  const values = some.map((row) => row.figures[name]).filter((value) => value !== null && value !== undefined);
  return values.length ? [Math.min(...values), Math.max(...values)] : null;
}

/**
 * What an axis shows: all, or where the points differ from one another. Networks that are next to
 * useless reach far down and squeeze what is compared: of accuracy the better half is shown.
 */
function rangesOf(listed) {
  const pairs = listed.filter((row) => !row.alone);
  const compared = state.whole || !pairs.length ? listed : pairs;
  const needed = listed.filter((row) => row === state.selected);
  let up = extent(compared, state.y) || [0, 1];
  let inside = compared;
  if (!state.whole && state.y === "accuracy" && pairs.length > 2) {
    const sorted = pairs.map((row) => row.figures.accuracy).sort((a, b) => a - b);
    const low = Math.min(sorted[Math.floor(sorted.length / 2)], ...needed.map((row) => row.figures.accuracy));
    up = [low, up[1]];
    inside = compared.filter((row) => row.figures.accuracy >= low);
  }
  if (pairs.length < 3 && state.selected?.curve && !state.whole) {
    inside = Array.from({ length: placeCount(state.selected) }, (_, at) => ({ figures: figuresAt(state.selected, at) }));
    up = extent(inside, state.y) || up;
  }
  const across = extent([...inside, ...needed], state.x) || extent(compared, state.x) || [0, 1];
  return { x: roomy(...across), y: roomy(...up) };
}

function drawPlot(listed) {
  const width = Math.max(300, svg.parentElement.clientWidth);
  const height = Math.max(320, Math.min(470, Math.round(width * 0.62)));
  const [fx, fy] = [figures.get(state.x), figures.get(state.y)];
  const ranges = rangesOf(listed);
  const scaledEnds = (ends, figure) => ends.map((end) => end * figure.scale);
  const frame = framed(svg, width, height,
    { range: scaledEnds(ranges.x, fx), label: named(state.x) },
    { range: scaledEnds(ranges.y, fy), label: named(state.y) });
  const across = (value) => frame.across(value * fx.scale);
  const up = (value) => frame.up(value * fy.scale);
  const { area, inside } = frame;
  drawLimits(area, inside, across, up);
  drawSteps(area, across, up, ranges.x[1]);
  const colour = colours(listed);
  const radius = sizes(listed);
  marks = [];
  let outside = 0;
  for (const kind of ["single_measured", "single", "measured", "pair"]) {
    for (const row of listed) {
      const [x, y] = [row.figures[state.x], row.figures[state.y]];
      if (row.kind !== kind || x === null || y === null || x === undefined || y === undefined) continue;
      const [px, py] = [across(x), up(y)];
      const there = px >= inside.x && px <= inside.x + inside.width && py >= inside.y && py <= inside.y + inside.height;
      if (!there) { outside += !row.alone; continue; }
      area.append(kind === "pair" ? symbol("circle", px, py, radius(row), colour(row)) : SYMBOLS[kind](px, py));
      marks.push({ row, px, py });
      if (row.why) area.append(drawn("circle", { class: "recommended", cx: px, cy: py, r: 11 }));
    }
  }
  drawSelected(area, across, up);
  area.append(halo);
  highlight(null);
  part("outside").textContent = outside ? `${outside} points lie outside this range.` : "";
  part("range").textContent = state.whole ? "Zoom to where they differ" : "Show all";
  svg.setAttribute("aria-label", `${fy.label} against ${fx.label}, ${listed.length} points. Arrow keys go from point to point.`);
}

function drawLimits(area, inside, across, up) {
  const texts = Object.entries(view.limits);
  for (const [name, value] of texts) {
    const figure = figures.get(name);
    if (!figure) continue;
    const text = `limit ${shown(name, value)} ${figure.unit}`;
    if (name === state.x) {
      area.append(drawn("line", { class: "limit", x1: across(value), x2: across(value), y1: inside.y, y2: inside.y + inside.height }),
        drawn("text", { class: "limit", x: across(value) - 5, y: inside.y + inside.height - 6, "text-anchor": "end" }, text));
    } else if (name === state.y) {
      area.append(drawn("line", { class: "limit", y1: up(value), y2: up(value), x1: inside.x, x2: inside.x + inside.width }),
        drawn("text", { class: "limit", x: inside.x + 6, y: up(value) - 5 }, text));
    }
  }
}

/** The best single networks at each latency, as a step line for each kind of them. */
function drawSteps(area, across, up, end) {
  if (state.x !== "latency_ms" || state.y !== "accuracy") return;
  for (const [kind, single] of Object.entries(view.alone)) {
    if (!state.hidden.has(single)) drawStep(area, across, up, end, steps[state.device][kind], single);
  }
}

function drawStep(area, across, up, end, every, kind) {
  const best = every.filter((row) => row.figures.latency_ms <= end);
  let path = "";
  for (const row of best) {
    const [px, py] = [across(row.figures.latency_ms).toFixed(1), up(row.figures.accuracy).toFixed(1)];
    path += path ? `H${px}V${py}` : `M${px} ${py}`;
  }
  if (path) area.append(drawn("path", { class: "line dots", d: `${path}H${across(end).toFixed(1)}`, stroke: kind === "single" ? "var(--ink)" : "var(--vermilion)" }));
}

function colours(listed) {
  const key = part("key");
  const pairs = listed.filter((row) => row.kind === "pair");
  const categories = { coupling: view.couplings, gate: view.gates }[state.colour];
  if (categories) {
    const names = categories.filter(Boolean);
    key.replaceChildren(...names.map((name, k) => {
      const swatch = drawn("svg", { width: 12, height: 12, "aria-hidden": "true" }, symbol("circle", 6, 6, 5, CATEGORIES[k]));
      return element("span", { class: "entry" }, swatch, ` ${name}`);
    }));
    return (row) => CATEGORIES[Math.max(0, names.indexOf(row[state.colour]))];
  }
  const ends = extent(pairs, state.colour);
  if (!ends) { key.replaceChildren(); return () => "var(--blue)"; }
  const bar = drawn("svg", { width: 96, height: 10, "aria-hidden": "true" });
  for (let k = 0; k < 24; k++) bar.append(drawn("rect", { x: 4 * k, width: 4.5, height: 10, fill: ramp(k / 23) }));
  const { label, unit } = figures.get(state.colour);
  if (ends[0] === ends[1]) key.replaceChildren(`${label} ${shown(state.colour, ends[0])} ${unit} everywhere`);
  else key.replaceChildren(`${label} ${shown(state.colour, ends[0])} `, bar, ` ${shown(state.colour, ends[1])} ${unit}`);
  const share = scaled(ends[0], ends[1], 0, 1);
  return (row) => (row.figures[state.colour] === null ? "var(--grey)" : ramp(share(row.figures[state.colour])));
}

function sizes(listed) {
  if (!state.size) return () => 4.6;
  const ends = extent(listed.filter((row) => row.kind === "pair"), state.size);
  if (!ends) return () => 4.6;
  const { label, unit } = figures.get(state.size);
  part("key").append(element("span", { class: "entry" }, `size: ${label} ${shown(state.size, ends[0])} to ${shown(state.size, ends[1])} ${unit}`));
  return (row) => (row.figures[state.size] === null ? 3 : scaled(ends[0], ends[1], 3, 9)(row.figures[state.size]));
}

/** The selected point, its curve, and where it has moved on it. */
function drawSelected(area, across, up) {
  const row = state.selected;
  if (!row || row.device !== state.device) return;
  if (row.curve) {
    const places = Array.from({ length: placeCount(row) }, (_, at) => figuresAt(row, at));
    const path = pathThrough(places.map((values) => [across(values[state.x]), up(values[state.y])]));
    area.append(drawn("path", { class: "curve", d: path }));
  }
  const values = figuresAt(row, state.at);
  const [x, y] = [values[state.x], values[state.y]];
  if (x === null || y === null || x === undefined || y === undefined) return;
  area.append(drawn("circle", { class: "selected", cx: across(x), cy: up(y), r: 8 }));
}

svg.addEventListener("pointermove", (event) => {
  const mark = nearest(marks, svg, event);
  highlight(mark && mark.row);
  if (!mark) { hideTip(); return; }
  const { row } = mark;
  const lines = [kindLabel(row.kind), title(row), gateText(row, row.threshold)];
  for (const name of new Set([state.y, state.x, "accuracy", "latency_ms", "escalation_rate"])) {
    if (row.figures[name] === null || row.figures[name] === undefined) continue;
    lines.push(`${figures.get(name).label} ${shown(name, row.figures[name])} ${figures.get(name).unit} (${wordOf(row, name)})`);
  }
  if (row.why) lines.push(`recommended ${row.why}`);
  showTip(lines.filter(Boolean), event);
});
svg.addEventListener("pointerleave", () => { hideTip(); highlight(null); });
svg.addEventListener("click", (event) => {
  const mark = nearest(marks, svg, event);
  if (mark) select(mark.row);
});
svg.addEventListener("keydown", (event) => {
  const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -Infinity, End: Infinity }[event.key];
  const reachable = marks.filter(({ row }) => !row.alone).sort((a, b) => a.px - b.px || b.py - a.py);
  if (move === undefined || !reachable.length) return;
  event.preventDefault();
  const now = reachable.findIndex(({ row }) => row === state.selected);
  const next = Math.min(reachable.length - 1, Math.max(0, (now < 0 && move < 0 ? reachable.length : now) + move));
  select(reachable[next].row);
});

// ---- legend ------------------------------------------------------------------------------------
function drawLegend(admitted) {
  for (const box of part("kinds").querySelectorAll("input")) {
    const count = admitted.filter((row) => row.kind === box.value).length;
    box.checked = !state.hidden.has(box.value);
    box.parentElement.querySelector("output").textContent = ` (${count.toLocaleString("en-US")})`;
  }
}

for (const kind of view.kinds.filter(({ name }) => rows.some((row) => row.kind === name))) {
  const box = element("input", { type: "checkbox", value: kind.name, checked: "" });
  box.addEventListener("change", () => {
    state.hidden[box.checked ? "delete" : "add"](kind.name);
    render();
  });
  const sample = (SYMBOLS[kind.name] || ((x, y) => symbol("circle", x, y, 5, "var(--blue)")))(8, 8);
  const swatch = drawn("svg", { width: 16, height: 16, "aria-hidden": "true" }, sample);
  part("kinds").append(element("label", {}, box, swatch, ` ${kind.label}`, element("output")));
}

