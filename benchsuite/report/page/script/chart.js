/** One chart: means and intervals of some lines over time, and its cursor. */

/** Means and intervals of the lines to draw, from the first moment of the clock on. */
function curveData(view) {
  const contest = contestOf(view);
  const { shown } = curveLines(view);
  const { seconds } = block(`curves-${contest.name}`);
  const first = Math.max(
    0,
    seconds.findIndex((moment) => moment >= contest.clock[0]),
  );
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
    : errorRange(
        means,
        bands.map(([, low]) => low),
      );
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
