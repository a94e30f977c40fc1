/** Anytime curves of a contest: which are drawn, and when they are drawn again. */

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
  const own = contestOf(view)
    .own.filter((line) => line.curves)
    .filter(passing(view));
  const best = own.slice(0, MOST_CURVES);
  const baseline = own.slice(MOST_CURVES).filter((line) => line.label === BASELINE);
  return { shown: [...best, ...baseline], total: own.length };
}

function buildCurves() {
  const place = byId("curves");
  if (!drawable.length) {
    place.append(
      element(
        "p",
        { class: "quiet" },
        "No curves are recorded: `benchsuite run` makes them.",
      ),
    );
    return;
  }
  const frame = element("div", {
    id: "chart",
    tabindex: 0,
    role: "group",
    "aria-label":
      "Chart; left and right arrow move through time, Enter sets the budget",
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

function buildCurveTools() {
  const choice = element(
    "select",
    {
      "aria-label": "Contest",
      id: "contest",
      onchange: () => go({ contest: choice.value }),
    },
    drawable.map((contest) =>
      element("option", { value: contest.name }, titled(contest)),
    ),
  );
  const figures = Object.entries(FIGURE_NAMES).map(([name, text]) =>
    button(text, () => go({ figure: name === "error" ? "" : name }), {
      id: `show-${name}`,
    }),
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
