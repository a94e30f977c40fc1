/** The budget: what searches had found after so many seconds of their clock. */

const clocks = contests.map((contest) => contest.clock).filter((clock) => clock.length);
const SLIDES = 400;

/** Seconds of the budget of a view; nan for none. */
function budgetOf(view) {
  const seconds = Number(view.budget);
  return view.budget && seconds > 0 && Number.isFinite(seconds) ? seconds : NaN;
}

/** Mean error of what the runs of a line had at a moment; nan before one had any. */
function errorAt(line, seconds) {
  if (!line.curves) return NaN;
  const { seconds: times, error } = about("steps", line);
  let sum = 0;
  for (let run = 0; run < times.length; run++) {
    const place = countUpTo(times[run], seconds);
    if (!place) return NaN;
    const value = decode(error[run][place - 1]);
    sum += Number.isFinite(value) || Number.isNaN(value) ? value : 1; // diverged
  }
  return sum / times.length;
}

/** How many of ascending numbers are at most a limit. */
function countUpTo(numbers, limit) {
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (numbers[middle] <= limit) from = middle + 1;
    else to = middle;
  }
  return from;
}

function buildBudget() {
  const place = byId("budget");
  if (!clocks.length) {
    if (lines.length)
      place.append(
        element(
          "p",
          { class: "quiet" },
          "No curves are recorded: errors are those at the end.",
        ),
      );
    return;
  }
  const [first, last] = [0, 1].map((end) =>
    Math[end ? "max" : "min"](...clocks.map((clock) => clock[end])),
  );
  const span = Math.log(last / first) || 1;
  const toSeconds = (slide) => first * Math.exp((span * slide) / SLIDES);
  const slider = element("input", {
    type: "range",
    min: 0,
    max: SLIDES,
    "aria-label": "Budget on a log scale; the right end is the end of the searches",
    oninput: () => {
      const slide = Number(slider.value);
      const rounded = Number(toSeconds(slide).toPrecision(3));
      go({ budget: slide === SLIDES ? "" : sixDigits(rounded) }, { replace: true });
    },
  });
  const number = element("input", {
    type: "number",
    min: 0,
    step: "any",
    placeholder: "end",
    id: "seconds",
    onchange: () => go({ budget: number.value }),
  });
  const end = button("To the end", () => go({ budget: "" }));
  const show = (view) => {
    const seconds = budgetOf(view);
    const none = Number.isNaN(seconds);
    const slide = none ? SLIDES : (Math.log(seconds / first) / span) * SLIDES;
    slider.value = Math.round(slide);
    slider.setAttribute(
      "aria-valuetext",
      none ? "end" : `${secondsText(seconds)} seconds`,
    );
    if (Number(number.value) !== seconds) number.value = none ? "" : seconds;
    end.hidden = none;
  };
  onChange(show);
  show(state);
  place.append(
    element("label", { for: "seconds" }, "Budget"),
    slider,
    element("span", { class: "unit" }, number, " s"),
    end,
  );
}
