// The linked view: whatever changes goes through `state` and `render`.

// ---- state -------------------------------------------------------------------------------------
const MOST_ROWS = 300;
const state = {
  x: view.axes.x, y: view.axes.y, colour: view.axes.colour, size: view.axes.size,
  device: view.devices[0], coupling: "", gate: "", figure: "latency_ms", budget: null, text: "",
  hidden: new Set(), sort: { by: view.axes.x, up: true }, whole: false, every: false,
  selected: view.selected === null ? null : rows[view.selected], at: null,
};

/** Which bit of `fronts` says that a row is on the front of all pairs that the filters admit. */
function frontBit() {
  return (state.coupling ? 0 : 2) + (state.gate ? 0 : 1);
}

function admits(row) {
  if (row.device !== state.device) return false;
  if (!row.alone) {
    if (state.coupling && row.coupling !== state.coupling) return false;
    if (state.gate && row.gate !== state.gate) return false;
    if (!((row.fronts >> frontBit()) & 1)) return false;
  }
  if (state.budget !== null) {
    const value = row.figures[state.figure];
    if (value === null || value === undefined) return false;
    if (figures.get(state.figure).better === "max" ? value < state.budget : value > state.budget) return false;
  }
  return !state.text || row.little.includes(state.text) || (!unasked(row) && row.big.includes(state.text));
}

function sortKey(row) {
  const { by } = state.sort;
  if (figures.has(by)) return row.figures[by] ?? null;
  return by === "threshold" ? row.threshold : cellText(row, by);
}

function inOrder(some) {
  const sign = state.sort.up ? 1 : -1;
  return [...some].sort((a, b) => {
    const [one, other] = [sortKey(a), sortKey(b)];
    if (one === null || other === null) return (one === null) - (other === null);
    return sign * (one < other ? -1 : one > other ? 1 : 0) || a.index - b.index;
  });
}

function render() {
  const admitted = rows.filter(admits);
  const listed = inOrder(admitted.filter((row) => !state.hidden.has(row.kind)));
  drawLegend(admitted);
  drawPlot(listed);
  drawTable(listed);
  drawDetail();
}

function select(row, { focus = false } = {}) {
  state.selected = row;
  state.at = null;
  render();
  if (focus) part("body").querySelector('[aria-selected="true"]')?.focus();
}

// ---- filters and axes --------------------------------------------------------------------------
function offer(name, options, value, change) {
  const choice = part(name);
  choice.append(...options.map(([key, text]) => element("option", { value: key }, text)));
  choice.value = value;
  choice.addEventListener("change", () => { change(choice.value); render(); });
  choice.closest("label").hidden = options.length < 2;
}

const available = view.figures.filter(({ name }) => name === "gain" || rows.some((row) => row.figures[name] !== null));
const byFigure = available.map(({ name }) => [name, figures.get(name).label]);
const used = (names) => names.filter((name) => name && rows.some((row) => row.gate === name || row.coupling === name));
offer("x", byFigure, state.x, (value) => { state.x = value; });
offer("y", byFigure, state.y, (value) => { state.y = value; });
offer("colour", [...byFigure, ["coupling", "coupling"], ["gate", "gate"]], state.colour, (value) => { state.colour = value; });
offer("size", [["", "all alike"], ...byFigure], state.size, (value) => { state.size = value; });
offer("device", view.devices.map((name) => [name, name]), state.device, (value) => {
  state.device = value;
  state.selected = rows.find((row) => row.device === value && row.why) || null;
  state.at = null;
});
const gates = used(view.gates);
const couplings = used(view.couplings);
offer("gates", gates.length > 1 ? [["", "all gates"], ...gates.map((name) => [name, name])] : [["", "all"]], "", (value) => { state.gate = value; });
offer("couplings", couplings.length > 1 ? [["", "all couplings"], ...couplings.map((name) => [name, name])] : [["", "all"]], "", (value) => { state.coupling = value; });
offer("budgeted", byFigure.map(([name, label]) => [name, `${label} ${figures.get(name).better === "max" ? "\u2265" : "\u2264"}`]), state.figure, (value) => {
  state.figure = value;
  part("unit").textContent = figures.get(value).unit;
  readBudget();
});
part("unit").textContent = figures.get(state.figure).unit;

function readBudget() {
  const value = part("budget").value.trim() === "" ? NaN : Number(part("budget").value);
  state.budget = Number.isFinite(value) ? value / figures.get(state.figure).scale : null;
}

part("budget").addEventListener("input", () => { readBudget(); render(); });
part("text").addEventListener("input", () => { state.text = part("text").value.trim(); render(); });
part("range").addEventListener("click", () => { state.whole = !state.whole; render(); });
part("every").addEventListener("click", () => { state.every = true; render(); });

// ---- download ----------------------------------------------------------------------------------
/** The pairs that are shown, with the columns of a `front.csv`. */
function csvText() {
  const pairs = inOrder(rows.filter((row) => admits(row) && !row.alone && !state.hidden.has(row.kind)));
  const names = view.figures.map(({ name }) => name).filter((name) => name !== "gain");
  const head = ["little", "big", "gate", "threshold", ...names, "coupling", ...names.map((name) => `${name}_provenance`), "device", "table"];
  const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${String(cell).replace(/"/g, '""')}"` : cell);
  const lines = pairs.map((row) => [
    row.little, row.big, row.gate, row.threshold, ...names.map((name) => row.figures[name] ?? ""), row.coupling,
    ...names.map((name) => wordOf(row, name)), view.commands.devices[row.device], view.commands.table,
  ]);
  return [head, ...lines].map((line) => line.map(quoted).join(",")).join("\n") + "\n";
}

part("csv").addEventListener("click", () => {
  const address = URL.createObjectURL(new Blob([csvText()], { type: "text/csv" }));
  element("a", { href: address, download: "front.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
});

onWidth(svg.parentElement, render);
