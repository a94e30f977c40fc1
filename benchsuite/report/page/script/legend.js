/** The table beside the chart, with the figures where its cursor stands. */

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
