/** Blocks of JSON in the document, and the lines of the leaderboard made of them. */

const parsed = new Map();

/** Read a block of data, parsed when it is first asked for. */
function block(name) {
  if (!parsed.has(name)) parsed.set(name, JSON.parse(byId(name).textContent));
  return parsed.get(name);
}

/** A figure as it was before JSON, which has neither nan nor infinity. */
function decode(value) {
  if (value === null) return NaN;
  return typeof value === "string" ? (value === "inf" ? Infinity : -Infinity) : value;
}

const { columns: recorded, contests, styles, recorded: whole } = block("leaderboard");

/** The columns of the CSV; `thought` differs from one machine to the next. */
const CANONICAL = Object.keys(recorded).filter((field) => field !== "thought");

const FIGURES = new Set(
  COLUMNS.filter(({ kind }) => isFigure(kind)).map(({ field }) => field),
);

/** Every line of the leaderboard, in order, and what belongs to it. */
const lines = contests.flatMap((contest) =>
  Array.from({ length: contest.lines }, (_, place) => ({ contest, place })),
);

for (const [field, values] of Object.entries(recorded))
  values.forEach((value, index) => {
    lines[index][field] = FIGURES.has(field) ? decode(value) : value;
  });

lines.forEach((line, index) => {
  line.index = index;
  line.label = line.settings ? `${line.strategy}[${line.settings}]` : line.strategy;
  const [colour, dash, marker] = styles[line.label];
  line.style = { colour, dash, marker };
  line.curves = whole[index];
  line.error_at_budget = NaN;
});

for (const contest of contests) contest.own = [];
for (const line of lines) line.contest.own.push(line);

/** Name a contest by as much as tells it from the others. */
function titled(contest) {
  const told = ({ own: [line] }, fields) =>
    fields
      .map((field) => line[field])
      .filter((word) => word)
      .join(", ");
  const usual = ["benchmark", "rules"];
  const twin = contests.some(
    (other) => other !== contest && told(other, usual) === told(contest, usual),
  );
  return told(contest, twin ? [...usual, "reports", "table"] : usual);
}

const distinct = (values) => [...new Set(values)];

/** The part of a block that is about one line. */
function about(kind, line) {
  const found = block(`${kind}-${line.contest.name}`);
  return (found.lines ?? found)[line.place];
}
