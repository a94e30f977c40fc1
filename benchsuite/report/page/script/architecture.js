/** One architecture: its cells, what is recorded of it, and which runs returned it. */

/** Fill the dialog with what the contest of a line has on an architecture. */
function showArchitecture(line, arch, body) {
  const facts = block(`architectures-${line.contest.name}`)[arch];
  body.append(
    element(
      "p",
      { class: "quiet" },
      viewLink(`← ${line.label}`, { arch: "" }, { class: "back" }),
      ` · ${line.benchmark}`,
    ),
    ...(facts
      ? recordedOf(facts)
      : [element("p", {}, "Nothing more is recorded of it.")]),
    ...returnedBy(line, arch),
  );
}

function recordedOf({ drawings, figures, runs, test_errors }) {
  const errors = test_errors.map((error) =>
    element("span", {}, fullText(decode(error)), " "),
  );
  return [
    ...drawings.map(drawCell),
    ...(Object.keys(figures).length ? [terms(Object.entries(figures))] : []),
    ...(runs.length ? [element("h3", {}, "Recorded trainings"), trainings(runs)] : []),
    ...(errors.length ? [element("p", {}, "Test errors: ", errors)] : []),
  ];
}

function trainings(runs) {
  return plainTable(
    ["seed", "epochs", "validation error", "seconds"],
    runs.map(([seed, epochs, error, seconds]) => [
      String(seed),
      String(epochs),
      figureCell("error", decode(error)),
      figureCell("seconds", decode(seconds)),
    ]),
    0,
  );
}

/** Count the runs of each line of the contest that returned an architecture. */
function returnedBy(line, arch) {
  const { archs, lines: columns } = block(`runs-${line.contest.name}`);
  const place = archs.indexOf(arch);
  const counts = line.contest.own
    .map((other) => [
      other,
      columns[other.place].arch.filter((a) => a === place).length,
    ])
    .filter(([, count]) => count);
  if (!counts.length) return [element("p", {}, "No run of this contest returned it.")];
  return [
    element("h3", {}, "Returned by"),
    plainTable(
      ["strategy", "runs", "of"],
      counts.map(([other, count]) => [
        viewLink(other.label, { row: other.row, arch: "" }),
        String(count),
        String(other.seeds),
      ]),
      1,
    ),
  ];
}
