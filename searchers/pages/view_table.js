// The table of the linked view, and what it says of the selected point.

// ---- the table ---------------------------------------------------------------------------------
const columns = [
  ...view.columns.map((name) => ({ name, head: figures.get(name).head, unit: figures.get(name).unit })),
  { name: "gate", head: "gate", unit: "" },
  { name: "threshold", head: "threshold", unit: "" },
  { name: "coupling", head: "coupling", unit: "" },
  { name: "little", head: "little", unit: "" },
  { name: "big", head: "big", unit: "" },
];

const heads = columns.map(({ name, head, unit }) => {
  const button = element("button", { type: "button" }, head, ...(unit ? [element("small", {}, unit)] : []));
  const words = element("small", { class: "words" });
  const cell = element("th", { scope: "col" }, button, words);
  button.addEventListener("click", () => {
    state.sort = { by: name, up: state.sort.by === name ? !state.sort.up : true };
    render();
  });
  return { name, cell, words };
});
part("head").append(element("tr", {}, ...heads.map(({ cell }) => cell)));

function cellText(row, name) {
  if (unasked(row)) {
    if (name === "gate") return LITTLE_ALONE;
    if (["threshold", "coupling", "big"].includes(name)) return "";
  }
  if (name === "threshold") return row.alone ? "" : row.threshold.toFixed(4);
  if (name === "big" && row.alone) return "";
  return figures.has(name) ? shown(name, row.figures[name]) : row[name];
}

function drawTable(listed) {
  for (const { name, cell, words } of heads) {
    const sorted = state.sort.by === name ? (state.sort.up ? "ascending" : "descending") : "none";
    cell.setAttribute("aria-sort", sorted);
    const told = figures.has(name) ? listed.filter((row) => (row.figures[name] ?? null) !== null) : [];
    const all = new Set(told.map((row) => wordOf(row, name)));
    words.textContent = [...all].filter(Boolean).join(", ");
  }
  const most = state.every ? listed.length : MOST_ROWS;
  const chosen = listed.indexOf(state.selected);
  const first = Math.max(0, Math.min(chosen - most / 2, listed.length - most));
  const lines = listed.slice(first, first + most);
  part("body").replaceChildren(...lines.map((row) => {
    const cells = columns.map(({ name }) => {
      const kind = name === "little" || name === "big" ? "id" : figures.has(name) || name === "threshold" ? "" : "name";
      return element("td", { class: kind }, cellText(row, name));
    });
    const selected = row === state.selected;
    return element("tr", {
      "data-row": row.index, "aria-selected": String(selected), tabindex: selected ? "0" : "-1",
      class: row.why ? "chosen" : null, title: row.why ? `recommended ${row.why}` : null,
    }, ...cells);
  }));
  showSelected();
  if (chosen < 0) part("body").firstElementChild?.setAttribute("tabindex", "0");
  const hidden = listed.length - lines.length;
  part("every").hidden = hidden <= 0;
  part("every").textContent = `Show all ${listed.length.toLocaleString("en-US")} rows`;
  part("count").textContent = `${listed.length.toLocaleString("en-US")} points`;
}

/** Scrolls the table, and nothing else, to the selected row. */
function showSelected() {
  const [box, line] = [part("rows"), part("body").querySelector('[aria-selected="true"]')];
  if (!line) return;
  const top = line.offsetTop - part("head").offsetHeight;
  const bottom = line.offsetTop + line.offsetHeight - box.clientHeight;
  if (box.scrollTop > top || box.scrollTop < bottom) box.scrollTop = top - box.clientHeight / 3;
}

part("body").addEventListener("click", (event) => {
  const line = event.target.closest("tr");
  if (line) select(rows[line.dataset.row], { focus: true });
});
part("body").addEventListener("pointerover", (event) => {
  const line = event.target.closest("tr");
  highlight(line && rows[line.dataset.row]);
});
part("body").addEventListener("pointerleave", () => highlight(null));
part("body").addEventListener("keydown", (event) => {
  const line = event.target.closest("tr");
  const next = { ArrowDown: line?.nextElementSibling, ArrowUp: line?.previousElementSibling,
    Home: line?.parentElement.firstElementChild, End: line?.parentElement.lastElementChild, Enter: line, " ": line }[event.key];
  if (!next) return;
  event.preventDefault();
  select(rows[next.dataset.row], { focus: true });
});

// ---- the selected point ------------------------------------------------------------------------
const slider = part("threshold");

function drawDetail() {
  const row = state.selected;
  part("nothing").hidden = Boolean(row);
  part("point").hidden = !row;
  if (!row) return;
  const at = state.at ?? row.at;
  const values = figuresAt(row, state.at);
  const threshold = state.at === null ? row.threshold : thresholdAt(row, at);
  part("little").textContent = row.little;
  part("big").textContent = unasked(row, values) ? "-" : row.big;
  part("bigrow").hidden = row.alone;
  part("littlehead").textContent = row.alone ? "network" : "little";
  part("kind").textContent = [kindLabel(row.kind), !unasked(row, values) && row.coupling, row.why && `recommended ${row.why}`].filter(Boolean).join("; ");
  part("gaterow").hidden = row.alone;
  part("gate").textContent = gateText(row, threshold, values);
  part("moving").hidden = !row.curve;
  if (row.curve) {
    slider.max = placeCount(row) - 1;
    slider.value = at;
    slider.setAttribute("aria-valuetext", sentence(row, values, threshold));
    part("back").disabled = state.at === null || state.at === row.at;
    const { val } = row.curve;
    const onVal = val ? `Accuracy on val, which chooses: ${shown("accuracy", val.right[at] / val.n)} %. ` : "";
    part("val").textContent = onVal;
  }
  const single = row.alone ? null : bestSingle(row, values.latency_ms);
  const lines = view.columns.filter((name) => name !== "gain" && values[name] !== null && values[name] !== undefined).map((name) => {
    const beside = single && name !== "escalation_rate" ? single.figures[name] : null;
    const figure = figures.get(name);
    const difference = beside === null || beside === undefined ? "" : shownDifference(name, values[name] - beside);
    const head = element("th", { scope: "row" }, `${figure.label}, ${figure.unit} `, element("small", {}, wordOf(row, name)));
    return element("tr", {}, head, element("td", {}, shown(name, values[name])),
      element("td", {}, shown(name, beside)), element("td", {}, difference));
  });
  part("figures").replaceChildren(...lines);
  part("single").textContent = single ? single.little : row.alone ? "" : "none is as fast";
  part("singlerow").hidden = row.alone;
  part("commands").hidden = !templateOf(row).length;
  const spans = commandOf(row, threshold).map((word) => element("span", {}, word));
  part("command").replaceChildren(...spans.flatMap((span) => [span, " "]).slice(0, -1));
}

function shownDifference(name, value) {
  const { scale, digits } = figures.get(name);
  const text = (value * scale).toFixed(digits === null ? 3 : digits);
  return Number(text) === 0 ? "0" : value > 0 ? `+${text}` : text;
}

slider.addEventListener("input", () => {
  state.at = Number(slider.value);
  drawPlot(inOrder(rows.filter(admits).filter((row) => !state.hidden.has(row.kind))));
  drawDetail();
});
part("back").addEventListener("click", () => { state.at = null; render(); });
part("copy").addEventListener("click", () => copyText(part("command").textContent, part("command"), part("copy")));

for (const button of document.querySelectorAll("button[data-selects]")) {
  button.addEventListener("click", () => {
    select(rows[button.dataset.selects]);
    part("plot").scrollIntoView({ block: "start" });
  });
}

