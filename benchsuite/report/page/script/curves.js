/** Anytime curves of a contest: mean and interval over time, read off by the cursor. */

const MOST_CURVES = 12;
const BASELINE = "random_search";
const FIGURE_NAMES = { error: "Reported error", regret: "Regret" };

const drawable = contests.filter((contest) => contest.clock.length);

const figureOf = (view) => (view.figure === "regret" ? "regret" : "error");

/** The contest of a view; else the first that what is chosen leaves. */
function contestOf(view) {
  const pass = passing(view);
  return (
    drawable.find((contest) => contest.name === view.contest) ??
    drawable.find((contest) => contest.own.some(pass)) ??
    drawable[0]
  );
}

/** Lines to draw: the best of those shown, and the baseline. */
function curveLines(view) {
  const own = contestOf(view).own.filter((line) => line.curves).filter(passing(view));
  const best = own.slice(0, MOST_CURVES);
  const baseline = own.slice(MOST_CURVES).filter((line) => line.label === BASELINE);
  return { shown: [...best, ...baseline], total: own.length };
}

/** Limits of the vertical scale: what follows the first fifth of the time. */
function errorRange(means, lows) {
  const defined = means[0].map((_, k) => k).filter((k) => means.some((m) => m[k] !== null));
  const start = defined[Math.floor(defined.length / 5)] ?? 0;
  const known = (values) => values.filter((value) => value !== null);
  const top = Math.max(...means.flatMap((mean) => known(mean.slice(start))));
  const low = Math.min(...lows.flatMap(known), ...means.flatMap(known));
  const margin = 0.06 * (top - low) || 0.01 * top || 0.01;
  return [low - margin, top + margin];
}

/** Limits of the log scale of regret: from the least mean above 0. */
function regretRange(means) {
  const above = means.flat().filter((value) => value > 0);
  return above.length ? [Math.min(...above) / 1.6, Math.max(...above) * 1.3] : [1e-4, 1];
}

/** Ticks of a log scale: powers of ten, and between them if there are few. */
function logTicks(low, high) {
  const few = Math.log10(high / low) < 2.5;
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    for (const factor of few ? [1, 2, 5] : [1]) ticks.push(factor * 10 ** power);
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** Spell a tick of a log scale, as the figures do: 0.002, 500, 2·10⁴. */
function logTick(value) {
  if (value > 9e-4 && value < 9999) return withoutZeros(value.toFixed(6));
  const [factor, power] = value.toExponential(0).split("e");
  const raised = String(Number(power)).replace(/[-\d]/g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);
  return `${factor === "1" ? "" : `${factor}·`}10${raised}`;
}

/** Spell the ticks of a linear scale with equally many decimals. */
function linearTicks(ticks) {
  const texts = ticks.map((tick) => withoutZeros(tick.toFixed(6)));
  const decimals = Math.max(...texts.map((text) => (text.split(".")[1] ?? "").length));
  return ticks.map((tick) => tick.toFixed(decimals));
}

/** An axis with every tick named; uPlot would leave some out. */
const logAxis = (limits) => ({
  splits: () => logTicks(...limits),
  filter: (_, ticks) => ticks,
  values: (_, ticks) => ticks.map(logTick),
});

/** Means and intervals of the lines to draw, from the first moment of the clock on. */
function curveData(view) {
  const contest = contestOf(view);
  const { shown } = curveLines(view);
  const { seconds } = block(`curves-${contest.name}`);
  const first = Math.max(0, seconds.findIndex((moment) => moment >= contest.clock[0]));
  const figure = figureOf(view);
  const later = (values) =>
    values.slice(first).map((value) => (typeof value === "number" ? value : null));
  const bands = shown.map((line) => about("curves", line)[figure].map(later));
  return { contest, shown, seconds: seconds.slice(first), figure, bands };
}

function curveOptions({ contest, shown, figure, bands }, place, onCursor) {
  const [ink, faint] = [themed("ink"), themed("rule")];
  const means = bands.map(([mean]) => mean);
  const isRegret = figure === "regret";
  const limits = isRegret
    ? regretRange(means)
    : errorRange(means, bands.map(([, low]) => low));
  const [first, last] = contest.clock;
  const ends = [first, Math.max(last, first * 1.01)];
  const paths = uPlot.paths.stepped({ align: 1 });
  const axis = {
    stroke: ink,
    grid: { stroke: faint, width: 1 },
    ticks: { stroke: faint, width: 1 },
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
  };
  const series = shown.flatMap(({ style }, k) => {
    const stroke = onGround(style.colour);
    const dash = style.dash.map((points) => points * 1.6);
    const none = { stroke: "transparent", width: 0, paths, points: { show: false } };
    return [{ stroke, dash, width: 2, paths, points: { show: false } }, none, none];
  });
  return {
    width: place.clientWidth,
    height: chartHeight(place),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: false, distr: 3, range: () => ends },
      y: { distr: isRegret ? 3 : 1, range: () => limits },
    },
    series: [{}, ...series],
    bands: shown.map(({ style }, k) => ({
      series: [3 * k + 3, 3 * k + 2],
      fill: translucent(onGround(style.colour)),
    })),
    axes: [
      {
        ...axis,
        label: "seconds of the searches' clock",
        size: 32,
        labelSize: 22,
        ...logAxis(ends),
      },
      {
        ...axis,
        size: 64,
        ...(isRegret ? logAxis(limits) : { values: (_, ticks) => linearTicks(ticks) }),
      },
    ],
    hooks: { setCursor: [onCursor], draw: [drawBudget] },
  };
}

const translucent = (colour) => `color-mix(in srgb, ${colour} 15%, transparent)`;

const chartHeight = (place) => (place.clientWidth < 500 ? 260 : 380);

/** Mark the budget by an upright line. */
function drawBudget(chart) {
  const seconds = budgetOf(state);
  const { left, top, width, height } = chart.bbox;
  const x = chart.valToPos(seconds, "x", true);
  if (!(x >= left && x <= left + width)) return;
  const { ctx } = chart;
  ctx.save();
  ctx.strokeStyle = themed("ink");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.restore();
}

function buildCurves() {
  const place = byId("curves");
  if (!drawable.length) {
    place.append(
      element("p", { class: "quiet" }, "No curves are recorded: `benchsuite run` makes them."),
    );
    return;
  }
  const frame = element("div", {
    id: "chart",
    tabindex: 0,
    role: "group",
    "aria-label": "Chart; left and right arrow move through time, Enter sets the budget",
  });
  const legend = element("div", { id: "legend" });
  const note = element("p", { class: "quiet", id: "curve-note" });
  place.append(element("div", { class: "figure-row" }, frame, legend), note);
  buildCurveTools();
  let chart = null;
  const draw = () => {
    chart?.destroy();
    chart = drawCurves(frame, legend, note);
  };
  draw();
  onChange((now, before) => {
    const again =
      choiceChanged(now, before) ||
      ["contest", "figure", "theme"].some((name) => now[name] !== before[name]);
    if (again) draw();
    else if (now.budget !== before.budget) chart?.redraw(false);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => {
    const size = { width: frame.clientWidth, height: chartHeight(frame) };
    if (chart && (chart.width !== size.width || chart.height !== size.height))
      chart.setSize(size);
  }).observe(frame);
  steer(frame, () => chart);
}

/** Draw the curves of the view; null if there are none. */
function drawCurves(frame, legend, note) {
  const { shown, total } = curveLines(state);
  frame.hidden = !shown.length;
  note.textContent = curveNote(shown, total);
  if (!shown.length) {
    legend.replaceChildren();
    return null;
  }
  const data = curveData(state);
  const tell = buildLegend(legend, data);
  const options = curveOptions(data, frame, (chart) => tell(chart.cursor.idx));
  return new uPlot(options, [data.seconds, ...data.bands.flat()], frame);
}

function curveNote(shown, total) {
  if (!shown.length) return "Nothing of what is chosen has curves in this contest.";
  const part =
    shown.length < total
      ? `The best of the ${total} lines that are chosen, and the baseline; choose` +
        " strategies to see others. "
      : "";
  return (
    `${part}Mean over seeds and its 95 % bootstrap interval of what a search would have` +
    " returned at each moment; a curve begins when every run has something to return."
  );
}

/** What each curve is, and its value where the cursor stands, or at the end. */
function buildLegend(place, { shown, seconds, bands }) {
  const moment = element("caption");
  const cells = shown.map(() => [element("td"), element("td")]);
  const rows = shown.map((line, k) =>
    element(
      "tr",
      {},
      element(
        "th",
        { scope: "row", title: line.label },
        element(
          "span",
          { class: "named" },
          swatch(line.style),
          viewLink(line.label, { row: line.row, arch: "" }),
        ),
      ),
      cells[k],
    ),
  );
  place.replaceChildren(element("table", {}, moment, element("tbody", {}, rows)));
  const tell = (at) => {
    const k = at ?? seconds.length - 1;
    moment.textContent = `${at === null ? "At the end" : "At"} ${secondsText(seconds[k])} s`;
    bands.forEach(([mean, low, high], line) => {
      const text = (values) => errorText(values[k] ?? NaN);
      cells[line][0].textContent = text(mean);
      cells[line][1].textContent =
        low[k] === null ? "" : `${text(low)} to ${text(high)}`;
    });
  };
  tell(null);
  return tell;
}

/** Move the cursor by keys, and set the budget where it stands. */
function steer(frame, current) {
  const set = () => {
    const chart = current();
    if (!chart || chart.cursor.idx === null) return;
    go({ budget: sixDigits(Number(chart.data[0][chart.cursor.idx].toPrecision(3))) });
  };
  const moveTo = (chart, at) => {
    const last = chart.data[0].length - 1;
    const place = Math.max(0, Math.min(last, at));
    chart.setCursor({ left: chart.valToPos(chart.data[0][place], "x"), top: 10 });
  };
  frame.addEventListener("keydown", (event) => {
    const chart = current();
    const at = chart?.cursor.idx ?? chart?.data[0].length - 1;
    const acts = {
      ArrowLeft: () => moveTo(chart, at - 1),
      ArrowRight: () => moveTo(chart, at + 1),
      Home: () => moveTo(chart, 0),
      End: () => moveTo(chart, Infinity),
      Enter: set,
    };
    if (!chart || !(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  });
  frame.addEventListener("dblclick", set);
}

function buildCurveTools() {
  const choice = element(
    "select",
    { "aria-label": "Contest", id: "contest", onchange: () => go({ contest: choice.value }) },
    drawable.map((contest) => element("option", { value: contest.name }, contest.title)),
  );
  const figures = Object.entries(FIGURE_NAMES).map(([name, text]) =>
    button(text, () => go({ figure: name === "error" ? "" : name }), { id: `show-${name}` }),
  );
  const show = (view) => {
    choice.value = contestOf(view).name;
    figures.forEach((made) =>
      made.setAttribute("aria-pressed", made.id === `show-${figureOf(view)}`),
    );
  };
  onChange(show);
  show(state);
  byId("curve-tools").append(choice, element("span", { class: "pair" }, figures));
}
