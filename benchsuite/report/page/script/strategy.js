/** One line of the leaderboard: what it is, its runs, and how to repeat them. */

const RUN_COLUMNS = [
  ["seed", "count", "Seeds the strategy, and picks the recorded training runs"],
  ["cost", "seconds", "Seconds on the clock when the architecture was found"],
  ["error", "error", "Validation error that the search saw"],
  ["reported_error", "error", "The error to publish"],
  ["regret", "error", "Reported error less the best of the benchmark"],
  ["epochs", "count", "Epochs after which it was judged"],
  ["arch", "text", "What the run returned"],
  ["metrics", "text", "What else was observed"],
].map(([field, kind, meaning]) => ({ field, kind, meaning }));

/** The runs of a line as rows. */
function runsOf(line) {
  const { archs } = block(`runs-${line.contest.name}`);
  const columns = about("runs", line);
  return columns.seed.map((_, index) => ({
    index,
    ...Object.fromEntries(
      RUN_COLUMNS.map(({ field, kind }) => {
        const value = columns[field][index];
        return [field, isFigure(kind) ? decode(value) : value];
      }),
    ),
    arch: archs[columns.arch[index]],
  }));
}

/** Fill the dialog with a line. */
function showLine(line, body) {
  const facts = about("facts", line);
  const rows = runsOf(line);
  const place = element("div", { id: "runs" });
  const has = (found) => Object.keys(found).length > 0;
  const section = (title, ...content) => [element("h3", {}, title), ...content];
  body.append(
    element("p", { class: "quiet" }, contestWords(line)),
    facts.about ? element("p", {}, facts.about) : "",
    facts.paper ? element("p", {}, "Paper: ", linked(facts.paper)) : "",
    facts.defined
      ? element("p", {}, "Source: ", element("code", {}, facts.defined))
      : "",
    element(
      "p",
      { class: "tools" },
      button("Copy row as CSV", () => copyText(asCsv([line]), "the row as CSV")),
      button("Copy row as LaTeX", () => copyText(asLatex([line]), "the row as LaTeX")),
    ),
    terms(
      COLUMNS.filter(({ field }) => field in recorded && !FOLDED.has(field))
        .filter(({ field }) => !["strategy", "benchmark"].includes(field))
        .map(({ field, kind }) => [
          field,
          isFigure(kind) && kind !== "count"
            ? fullText(line[field])
            : String(line[field]),
        ]),
    ),
    ...(has(facts.settings)
      ? section("Settings", terms(Object.entries(facts.settings)))
      : []),
    ...section(counted(rows.length, "run"), place),
    ...(facts.command ? section("Doing it again", command(facts.command)) : []),
    ...(has(facts.versions)
      ? section("Versions", terms(Object.entries(facts.versions)))
      : []),
    ...(has(facts.machine)
      ? section("Machine that measured time", terms(Object.entries(facts.machine)))
      : []),
  );
  grid(place, {
    columns: RUN_COLUMNS.filter(({ field }) =>
      rows.some((row) => row[field] !== ""),
    ).map((column) => ({ ...column, ...runColumn(column.field, line) })),
    rows,
    label: `Runs of ${line.label}`,
    open: (row) => row.arch && go({ row: line.row, arch: row.arch }),
    sort: [{ column: "seed", dir: "asc" }],
    height: 320,
  });
}

/** How columns of runs differ from others. */
function runColumn(field, line) {
  if (field !== "arch") return {};
  const shown = ({ arch }) =>
    arch
      ? viewLink(
          arch,
          { row: line.row, arch },
          { class: "mono", title: arch, tabindex: -1 },
        )
      : document.createTextNode(MISSING);
  return { width: 300, shown };
}

const fullText = (value) => (Number.isNaN(value) ? MISSING : sixDigits(value));

function contestWords(line) {
  const { benchmark, rules, reports, backend, table } = line;
  const words = [
    benchmark,
    rules,
    `reports ${reports}`,
    `backend ${backend}`,
    `table ${table}`,
  ];
  return words.filter((word) => word).join(" · ");
}

function command(text) {
  return element(
    "div",
    { class: "command" },
    element("pre", { tabindex: 0 }, text),
    button("Copy", () => copyText(text, "the command"), {
      "aria-label": "Copy the command",
    }),
  );
}
