// What the linked view shows: its rows, the curves they lie on, and figures as a reader sees them.

const view = page.view;
const figures = new Map(view.figures.map((figure) => [figure.name, figure]));
const part = (name) => document.getElementById(`view-${name}`);
const LITTLE_ALONE = "little alone"; // in place of a gate, as a printed front says it

// ---- rows --------------------------------------------------------------------------------------
for (const curve of view.curves) unpack(curve);
// A single network stands beside pairs of one kind: what is predicted is not held against what is measured.
const besideOf = Object.fromEntries(Object.entries(view.alone).map(([kind, single]) => [single, kind]));
const isAlone = (index) => view.kinds[view.rows.kind[index]].name in besideOf;
const firstAlone = view.rows.kind.findIndex((_, index) => isAlone(index));
const rows = view.rows.kind.map((kind, index) => {
  const curve = view.curves[view.rows.curve[index]] || null;
  const [at, gate] = [view.rows.at[index], view.gates[view.rows.gate[index]]];
  return {
    index, curve, at, gate,
    kind: view.kinds[kind].name,
    alone: isAlone(index),
    device: view.devices[view.rows.device[index]],
    little: view.networks[view.rows.little[index]],
    big: view.networks[view.rows.big[index]],
    coupling: view.couplings[view.rows.coupling[index]],
    threshold: view.rows.threshold[index] ?? view.thresholds[gate][curve.cuts[at]],
    chosen: isAlone(index) ? view.rows.chosen[index - firstAlone] : null,
    fronts: view.rows.fronts[index],
    why: view.why[index] || "",
    figures: Object.fromEntries(view.figures.map(({ name }) => [name, view.rows.figures[name]?.[index] ?? null])),
  };
});
const steps = Object.fromEntries(view.devices.map((device) => [device, Object.fromEntries(
  Object.entries(view.alone).map(([kind, single]) => [kind, singleSteps(device, single)]))]));
for (const row of rows) if (!row.alone) row.figures.gain = gainOf(row, row.figures);

/** Sums up the differences in which a curve's counts are kept, and lists its cuts. */
function unpack(curve) {
  const { step, more } = curve.cuts;
  const even = Array.from({ length: 256 / step + 1 }, (_, k) => k * step);
  curve.cuts = [...even, ...more].sort((a, b) => a - b);
  const summed = (differences) => {
    let sum = 0;
    return curve.cuts.map((_, place) => (sum += differences[place] || 0));
  };
  curve.escalated = summed(curve.escalated);
  curve.right = summed(curve.right);
  if (curve.val) curve.val.right = summed(curve.val.right);
}

/** How a figure of a row came about. */
function wordOf(row, name) {
  const words = view.rows.words[name === "gain" ? "accuracy" : name];
  if (words === undefined) return "";
  return view.words[Array.isArray(words) ? words[row.index] : words] || "";
}

/** The single networks of a kind on a device, each better than all as fast, by what chooses. */
function singleSteps(device, kind) {
  const alone = rows.filter((row) => row.kind === kind && row.device === device);
  const usable = alone.filter((row) => row.figures.latency_ms !== null && row.chosen !== null);
  usable.sort((a, b) => a.figures.latency_ms - b.figures.latency_ms || b.chosen - a.chosen);
  const best = [];
  for (const row of usable) {
    if (!best.length || row.chosen > best[best.length - 1].chosen) best.push(row);
  }
  return best;
}

/** The best single network to set beside a row at a latency; null where none is as fast. */
function bestSingle(row, latency) {
  let best = null;
  if (latency === null) return best;
  for (const single of steps[row.device][row.kind]) {
    if (single.figures.latency_ms > latency) break;
    best = single;
  }
  return best;
}

function gainOf(row, values) {
  const single = bestSingle(row, values.latency_ms);
  return single ? values.accuracy - single.figures.accuracy : null;
}

// ---- one point along its curve -----------------------------------------------------------------
/** The threshold at a place of a curve. */
function thresholdAt(row, at) {
  return at === row.at ? row.threshold : view.thresholds[row.gate][row.curve.cuts[at]];
}

/** All figures of a row's pair at a place of its curve; its own where that is the row's place. */
function figuresAt(row, at) {
  if (at === null || at === row.at) return row.figures;
  const { curve } = row;
  const rate = curve.escalated[at] / curve.n;
  const values = { ...row.figures, accuracy: curve.right[at] / curve.n, escalation_rate: rate };
  for (const [name, column] of Object.entries({ ...curve.everywhere, ...curve.costs[row.device] })) {
    if (column.line) values[name] = column.line[0] + column.line[1] * rate;
    else if (column.steps) values[name] = column.steps.filter(([from]) => from <= at).pop()[1];
    else values[name] = column.values[at];
  }
  values.gain = gainOf(row, values);
  return values;
}

const placeCount = (row) => (row.curve ? row.curve.cuts.length : 0);

// ---- texts -------------------------------------------------------------------------------------
const formats = [];

/** Writes numbers with a comma a thousand; such a writer is slow to make, so that each is kept. */
function grouped(places) {
  const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
  formats[places] = formats[places] || new Intl.NumberFormat("en-US", digits);
  return formats[places];
}

/** A figure as a reader sees it, without its unit. */
function shown(name, value) {
  if (value === null || value === undefined) return "";
  const { scale, digits, signed } = figures.get(name);
  const scaledValue = value * scale;
  const size = Math.abs(scaledValue);
  const places = digits === null ? (size >= 1000 ? 0 : size < 10 ? 3 : 1) : digits;
  const text = size >= 1000 ? grouped(places).format(scaledValue) : scaledValue.toFixed(places);
  return (signed && scaledValue >= 0 ? "+" : "") + text;
}

const named = (name) => `${figures.get(name).label}, ${figures.get(name).unit}`;
const kindLabel = (name) => view.kinds.find((kind) => kind.name === name).label;

/** Whether the big network of a pair is never asked, so that little answers all. */
function unasked(row, values = row.figures) {
  return !row.alone && row.gate !== view.no_gate && (values.escalation_rate === 0 || row.little === row.big);
}

function title(row, values = row.figures) {
  const one = row.alone || row.little === row.big || unasked(row, values);
  return one ? row.little : `${row.little} \u2192 ${row.big}`;
}

function gateText(row, threshold, values = row.figures) {
  if (row.alone) return "";
  return `${row.gate} ${threshold.toFixed(4)}${unasked(row, values) ? ` (${LITTLE_ALONE})` : ""}`;
}

function sentence(row, values, threshold) {
  const parts = ["accuracy", "latency_ms", "escalation_rate"].filter((name) => values[name] !== null);
  const texts = parts.map((name) => `${figures.get(name).label} ${shown(name, values[name])} ${figures.get(name).unit}`);
  return [title(row, values), gateText(row, threshold, values), ...texts].filter(Boolean).join(", ");
}

/** The words of the command about a row, not yet filled in; none where there is no command. */
const templateOf = (row) => view.commands[row.alone ? "single" : row.kind];

/** The words of a command, each quoted where a shell would split or change it. */
function commandOf(row, threshold) {
  const words = { "{little}": row.little, "{big}": row.big, "{gate}": row.gate, "{threshold}": String(threshold), "{device}": view.commands.devices[row.device] };
  const template = templateOf(row);
  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`);
  return template.map((word) => quoted(words[word] ?? word));
}

