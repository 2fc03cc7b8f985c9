"use strict";
// Draws the plots of a losslang report. Everything it needs is in the page; it asks nothing of any network.

const started = performance.now();
const state = { data: null, hidden: new Set(), seeds: false, range: null, drawn: new Map() };

async function unpacked(id) {
  const text = atob(document.getElementById(id).textContent), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at); // several times faster than Uint8Array.from
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function color(style) {
  const colors = state.data.colors[isDark() ? "dark" : "light"];
  return colors[style % colors.length];
}

const dash = style => state.data.dashes[Math.floor(style / state.data.colors.light.length) % state.data.dashes.length];

function faint(hex, share) {
  const [r, g, b] = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${share})`;
}

// ---------------------------------------------------------------- from a plot's data to plotly's

function shapes(plot, kind) {
  const hidden = name => kind === "curve" && state.hidden.has(name);
  const group = trace => trace.name.replace(/, seed \d+$/, "");
  const shown = plot.traces.filter(trace => !hidden(group(trace)) && (trace.kind !== "seed" || state.seeds));
  const bands = shown.filter(trace => trace.low.length).flatMap(trace => band(trace, plot.bounds));
  const seeds = shown.filter(trace => trace.kind === "seed").map(trace => line(trace, { width: 0.8, color: faint(color(trace.style), 0.55) }));
  const rest = shown.filter(trace => trace.kind !== "seed").map(trace => (trace.kind === "points" ? points(trace) : line(trace)));
  return [...bands, ...seeds, ...rest];
}

function band(trace, [least, most]) {
  const possible = value => Math.min(Math.max(value, least ?? -Infinity), most ?? Infinity);
  const x = [...trace.x, ...trace.x.toReversed()], y = [...trace.high, ...trace.low.toReversed()].map(possible);
  const look = { mode: "lines", line: { width: 0 }, fill: "toself", fillcolor: faint(color(trace.style), 0.18) };
  return [{ x, y, ...look, hoverinfo: "skip", showlegend: false }];
}

function line(trace, look = { width: 2, color: color(trace.style), dash: dash(trace.style) }) {
  const mode = trace.x.length === 1 ? "markers" : "lines";
  return { x: trace.x, y: trace.y, name: trace.name, mode, line: look, marker: { color: look.color }, showlegend: trace.kind === "line" };
}

function points(trace) {
  const symbols = ["circle", "square", "diamond", "cross", "x", "triangle-up", "star", "pentagon"];
  const marker = { size: 5, opacity: 0.75, color: color(trace.style), symbol: symbols[trace.style % symbols.length] };
  return { x: trace.x, y: trace.y, name: trace.name, mode: "markers", marker, showlegend: false };
}

function layout(plot, kind, drawn) {
  const look = getComputedStyle(document.documentElement);
  const ink = look.getPropertyValue("--faint").trim(), grid = look.getPropertyValue("--grid").trim();
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, tickfont: { size: 11 } };
  const title = text => ({ text, font: { size: 11 }, standoff: 6 });
  const found = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12, family: "system-ui, sans-serif" },
    margin: { l: 52, r: 18, t: 8, b: 38 }, hovermode: kind === "cloud" ? "closest" : "x", hoverlabel: { font: { size: 11 } },
    xaxis: { ...axis, title: title(plot.xlabel) }, yaxis: { ...axis, title: title(plot.ylabel), type: plot.ylog ? "log" : "-" },
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    legend: { orientation: "h", y: -0.28, font: { size: 11 } }, showlegend: kind === "force" || (kind === "line" && plot.traces.length <= 5),
  };
  if (plot.ylog) Object.assign(found.yaxis, { exponentformat: "power", dtick: undefined, nticks: 6 });
  found.yaxis.range = within(plot.bounds, drawn);
  if (plot.equal) Object.assign(found.yaxis, { scaleanchor: "x", scaleratio: 1 });
  if (kind === "curve" && state.range) found.xaxis.range = state.range;
  return found;
}

/** The range of an axis whose values have bounds: what is drawn, never far beyond them, and between two never less than 0.02. */
function within([least, most], drawn) {
  if (least === null && most === null) return undefined;
  const values = drawn.flatMap(trace => trace.y), low = Math.min(...values), high = Math.max(...values);
  const smallest = least === null || most === null ? 0 : 0.02;
  if (low === high && !smallest) return undefined;
  const missing = Math.max(smallest - (high - low), 0) / 2, room = 0.06 * (high - low + 2 * missing);
  return [Math.max(low - missing, least ?? -Infinity) - room, Math.min(high + missing, most ?? Infinity) + room];
}

async function draw(figure) {
  const plot = state.data.plots[figure.id], kind = figure.dataset.kind, canvas = figure.querySelector(".canvas");
  const drawn = shapes(plot, kind);
  await Plotly.react(canvas, drawn, layout(plot, kind, drawn), { responsive: true, displayModeBar: false });
  if (!state.drawn.has(figure.id) && kind === "curve") canvas.on("plotly_relayout", change => zoomAll(canvas, change));
  state.drawn.set(figure.id, figure);
  figure.dataset.drawn = "true";
}

const redraw = () => Promise.all([...state.drawn.values()].map(draw));

let zooming = false;
async function zoomAll(origin, change) {
  const all = "xaxis.autorange" in change, low = change["xaxis.range[0]"];
  if (zooming || !(all || low !== undefined)) return;
  zooming = true;
  state.range = all ? null : [low, change["xaxis.range[1]"]];
  const update = all ? { "xaxis.autorange": true } : { "xaxis.range": state.range };
  for (const figure of state.drawn.values()) {
    const canvas = figure.querySelector(".canvas");
    if (figure.dataset.kind === "curve" && canvas !== origin) await Plotly.relayout(canvas, update);
  }
  zooming = false;
}

// ---------------------------------------------------------------- what the reader may do

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const quoted = text => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function plotCsv(plot) {
  const rows = plot.traces.flatMap(t => t.x.map((x, at) => [quoted(t.name), x, t.y[at], t.low[at] ?? "", t.high[at] ?? ""].join(",")));
  return ["name,x,y,low,high", ...rows, ""].join("\n");
}

async function savePlot(figure, form) {
  const plot = state.data.plots[figure.id], name = plot.title.replace(/[^\w-]+/g, "_");
  if (form === "csv") return save(`${name}.csv`, "text/csv", plotCsv(plot));
  if (!state.drawn.has(figure.id)) await draw(figure);
  const image = await Plotly.toImage(figure.querySelector(".canvas"), { format: "svg", width: 720, height: 440 });
  return save(`${name}.svg`, "image/svg+xml", decodeURIComponent(image.slice(image.indexOf(",") + 1)));
}

function paintSwatches() {
  for (const swatch of document.querySelectorAll(".swatch")) {
    const style = Number(swatch.dataset.style);
    swatch.style.borderTopColor = color(style);
    swatch.style.borderTopStyle = { solid: "solid", dash: "dashed" }[dash(style)] ?? "dotted";
  }
}

function listen() {
  for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      const show = chip.getAttribute("aria-pressed") !== "true";
      chip.setAttribute("aria-pressed", show);
      state.hidden[show ? "delete" : "add"](chip.dataset.group);
      redraw();
    });
  }
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => savePlot(button.closest("figure"), button.dataset.save));
  }
  document.getElementById("seeds").addEventListener("change", event => { state.seeds = event.target.checked; redraw(); });
  document.getElementById("save-csv").addEventListener("click", async () => save("metrics.csv", "text/csv", await unpacked("csv")));
  document.getElementById("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    paintSwatches();
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { paintSwatches(); redraw(); });
  addEventListener("beforeprint", drawAll);
}

// ---------------------------------------------------------------- start

/** Draws every plot, seen or not; gives how many there are. */
async function drawAll() {
  for (const fold of document.querySelectorAll("details:has(figure)")) fold.open = true;
  const waiting = [...document.querySelectorAll("figure.plot")].filter(figure => !state.drawn.has(figure.id));
  for (const figure of waiting) await draw(figure);
  return document.querySelectorAll("figure.plot").length;
}

function watchFile() {
  let last = null;
  setInterval(async () => {
    const answer = await fetch("stamp").then(reply => reply.text(), () => last);
    if (last !== null && answer !== last) location.reload();
    last = answer;
  }, 2000);
}

async function start() {
  const [data, source] = await Promise.all([unpacked("data"), unpacked("plotly")]);
  state.data = JSON.parse(data);
  const script = document.createElement("script");
  script.textContent = source;
  document.head.append(script);
  paintSwatches();
  listen();
  const seen = new IntersectionObserver(entries => {
    const now = entries.filter(entry => entry.isIntersecting).map(entry => entry.target);
    for (const figure of now) { seen.unobserve(figure); draw(figure).then(() => figure.dispatchEvent(new Event("drawn"))); }
  }, { rootMargin: "300px" });
  for (const figure of document.querySelectorAll("figure.plot")) seen.observe(figure);
  document.documentElement.dataset.ready = Math.round(performance.now() - started);
  if (state.data.live) watchFile();
}

const ready = start();
