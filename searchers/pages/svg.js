// What every drawing of a page shares: its data, elements, scales, ticks and colours.

const page = JSON.parse(document.getElementById("page-data").textContent);

/** An HTML element with attributes and children. Texts stay texts: nothing is read as markup. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An SVG element, likewise. */
function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** A function from values between `low` and `high` to pixels between `from` and `to`. */
function scaled(low, high, from, to, log = false) {
  const bend = log ? Math.log10 : (value) => value;
  const [first, last] = [bend(low), bend(high)];
  return (value) => from + ((bend(value) - first) / (last - first || 1)) * (to - from);
}

/** Round values between two ends, about `count` of them. */
function ticks(low, high, count, log = false) {
  if (log) {
    const powers = [];
    for (let k = Math.ceil(Math.log10(low)); k <= Math.log10(high); k++) powers.push(10 ** k);
    return powers;
  }
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((k) => k * power >= raw) || 10);
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) values.push(k * step);
  return values;
}

/** A tick as it is written, without the noise of binary fractions. */
function tickText(value) {
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(0);
  return Number(value.toPrecision(10)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

/** Two ends with some room on either side. */
function roomy(low, high, share = 0.04) {
  const room = (high - low) * share || Math.abs(high) * share || share;
  return [low - room, high + room];
}

/**
 * The frame of a plot in `svg`: grid, ticks and titles of both axes.
 * Gives the scales, the area that is drawn into, and its size.
 */
function framed(svg, width, height, x, y) {
  const margin = { left: 62, right: 14, top: 12, bottom: 48 };
  const [right, bottom] = [width - margin.right, height - margin.bottom];
  const across = scaled(x.range[0], x.range[1], margin.left, right);
  const up = scaled(y.range[0], y.range[1], bottom, margin.top, y.log);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  const grid = drawn("g", { class: "grid" });
  for (const value of ticks(...y.range, Math.max(3, height / 70), y.log)) {
    const at = up(value);
    grid.append(
      drawn("line", { x1: margin.left, x2: right, y1: at, y2: at }),
      drawn("text", { x: margin.left - 6, y: at + 4, "text-anchor": "end" }, tickText(value)),
    );
  }
  const names = x.categories;
  const marks = names ? names.map((_, k) => k) : ticks(...x.range, Math.max(3, width / 110));
  for (const value of marks) {
    const at = across(value);
    if (!names) grid.append(drawn("line", { x1: at, x2: at, y1: margin.top, y2: bottom }));
    const text = names ? names[value] : tickText(value);
    grid.append(drawn("text", { x: at, y: bottom + 17, "text-anchor": "middle" }, text));
  }
  const middle = (margin.left + right) / 2;
  const turned = `rotate(-90 14 ${bottom / 2})`;
  grid.append(
    drawn("path", { class: "axis", d: `M${margin.left} ${margin.top}V${bottom}H${right}` }),
    drawn("text", { class: "title", x: middle, y: height - 8, "text-anchor": "middle" }, x.label),
    drawn("text", { class: "title", x: 14, y: bottom / 2, "text-anchor": "middle", transform: turned }, y.label),
  );
  const inside = { x: margin.left, y: margin.top, width: right - margin.left, height: bottom - margin.top };
  const name = `inside-${svg.id}`;
  const clip = drawn("clipPath", { id: name }, drawn("rect", inside));
  const area = drawn("g", { "clip-path": `url(#${name})` });
  svg.replaceChildren(clip, grid, area);
  return { across, up, area, inside };
}

/** The path of a line through points, cut where one is missing. */
function pathThrough(points) {
  let [path, pen] = ["", "M"];
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) { pen = "M"; continue; }
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/** Draws now, and again whenever the width of a box changes. */
function onWidth(box, draw) {
  let width = 0;
  new ResizeObserver(() => requestAnimationFrame(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw();
  })).observe(box);
}

// ---- what is said of the mark under the pointer ---------------------------------------------
const tip = element("div", { class: "tip", role: "status", hidden: "" });
document.body.append(tip);

function showTip(lines, event) {
  tip.replaceChildren(...lines.map((line) => element("div", {}, line)));
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const top = Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 8);
  tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
}

function hideTip() {
  tip.hidden = true;
}

/** Of marks with a place (`px`, `py`) the one that is nearest to the pointer, if one is near. */
function nearest(marks, svg, event, within = 16) {
  const box = svg.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  let best = null;
  let least = within ** 2;
  for (const mark of marks) {
    const distance = (mark.px - x) ** 2 + (mark.py - y) ** 2;
    if (distance < least) [best, least] = [mark, distance];
  }
  return best;
}

// ---- light and dark --------------------------------------------------------------------------
const theme = document.getElementById("theme");
if (theme) {
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  };
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
  });
}

/** Copies a text; where the browser does not allow it, selects it for the reader to copy. */
async function copyText(text, from, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    window.getSelection().selectAllChildren(from);
    button.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => { button.textContent = before; }, 2000);
}

for (const button of document.querySelectorAll("button[data-copies]")) {
  const from = document.getElementById(button.dataset.copies);
  button.addEventListener("click", () => copyText(from.textContent, from, button));
}
