/** The leaderboard: lines to sort, to select, to open and to copy. */

const FOLDED = new Set(["backend", "reports", "rules", "table", "settings"]);

/** Columns of text that say the same in every line are told once, above the table. */
const common = [...FOLDED].filter(
  (field) => lines.length && distinct(lines.map((line) => line[field])).length === 1,
);
const USUAL = COLUMNS.map(({ field }) => field).filter(
  (field) =>
    !common.includes(field) &&
    field !== "row" &&
    field !== "error_at_budget" &&
    !(field === "thought" && lines.every((line) => Number.isNaN(line.thought))),
);
const DEFAULT_SORT = lines.length && contests.length > 1 ? "benchmark:asc" : "rank:asc";

/** Fields of the columns of a view. */
function columnsOf(view) {
  const chosen = view.column.length ? view.column : USUAL;
  const budget = Number.isNaN(budgetOf(view)) ? [] : ["error_at_budget"];
  return new Set([...chosen, ...budget, "strategy"]);
}

/** What a view is sorted by, if that is a column. */
function sortOf(view) {
  const [field, dir] = (view.sort || DEFAULT_SORT).split(":");
  const known = COLUMNS.some((column) => column.field === field);
  return known ? [{ column: field, dir: dir === "desc" ? "desc" : "asc" }] : [];
}

const budgetCells = new Map(); // line -> the cell that shows its error at the budget

/** Show errors at the budget in cells that are there already. */
function refreshBudget(view) {
  const seconds = budgetOf(view);
  for (const line of lines)
    line.error_at_budget = Number.isNaN(seconds) ? NaN : errorAt(line, seconds);
  for (const [line, cell] of budgetCells) {
    const fresh = figureCell("error", line.error_at_budget);
    cell.replaceWith(fresh);
    budgetCells.set(line, fresh);
  }
}

function boardColumns(view) {
  const visible = columnsOf(view);
  const wide = matchMedia("(min-width: 700px)").matches;
  const special = {
    strategy: {
      width: wide ? Math.min(340, 34 + widthOf(recorded.strategy)) : 180,
      frozen: wide,
      shown: (line) =>
        element(
          "span",
          { class: "named", title: line.label },
          swatch(line.style),
          viewLink(line.strategy, { row: line.row, arch: "" }, { tabindex: -1 }),
        ),
    },
    error_at_budget: {
      shown: (line) => {
        budgetCells.set(line, figureCell("error", line.error_at_budget));
        return budgetCells.get(line);
      },
    },
  };
  return COLUMNS.map((column) => ({
    ...column,
    ...(isFigure(column.kind) ? {} : { width: widthOf(recorded[column.field]) }),
    ...special[column.field],
    visible: visible.has(column.field),
  }));
}

function buildBoard() {
  refreshBudget(state);
  const { table, built } = grid(byId("board"), {
    columns: boardColumns(state),
    rows: lines,
    label: "Leaderboard",
    select: true,
    open: (line) => go({ row: line.row, arch: "" }),
    sort: sortOf(state),
    height: "min(72vh, 680px)",
  });
  const count = () => {
    const shown = table.getDataCount("active");
    const all = counted(lines.length, "line");
    byId("count").textContent =
      shown === lines.length ? all : `${shown.toLocaleString("en-US")} of ${all}`;
  };
  const chosen = () => {
    const selected = table.getSelectedData();
    return selected.length ? selected : table.getData("active");
  };
  buildTools(table, chosen);
  built.then(() => {
    table.setFilter(passing(state));
    count();
    table.on("dataSorted", ([sorter]) => {
      if (!sorter) return;
      const sort = `${sorter.field}:${sorter.dir}`;
      if (sort !== (state.sort || DEFAULT_SORT)) go({ sort });
    });
    onChange((now, before) => updateBoard(table, count, now, before));
  });
  tellCommon();
  return built;
}

/** Follow a change of the view. */
function updateBoard(table, count, now, before) {
  const budget = now.budget !== before.budget;
  if (budget) refreshBudget(now);
  const visible = columnsOf(now);
  if (!same([...visible], [...columnsOf(before)])) {
    table.blockRedraw();
    for (const { field } of COLUMNS)
      table[visible.has(field) ? "showColumn" : "hideColumn"](field);
    table.restoreRedraw();
    table.redraw(true);
  }
  const [sorter] = sortOf(now);
  const [current] = table.getSorters();
  const resort = sorter?.column !== current?.field || sorter?.dir !== current?.dir;
  if (sorter && (resort || (budget && sorter.column === "error_at_budget")))
    table.setSort([sorter]);
  if (choiceChanged(now, before) || (budget && now.find.includes("error_at_budget"))) {
    table.setFilter(passing(now));
    count();
  }
}

/** Buttons that copy what is selected, or all that is shown. */
function buildTools(table, chosen) {
  const what = element("span", { class: "quiet" }, "Copy shown lines as");
  const copy = (form, name) => () =>
    copyText(form(chosen()), `${counted(chosen().length, "line")} as ${name}`);
  const clear = button("Select none", () => table.deselectRow());
  clear.hidden = true;
  table.on("rowSelectionChanged", (data) => {
    what.textContent = data.length
      ? `Copy ${counted(data.length, "selected line")} as`
      : "Copy shown lines as";
    clear.hidden = !data.length;
  });
  const fields = COLUMNS.map(({ field }) => field).filter(
    (field) => !["strategy", "error_at_budget"].includes(field),
  );
  byId("tools").append(
    menu("column", fields, {
      noun: "columns",
      ticked: (view) => (view.column.length ? view.column : USUAL),
      title: () => "Columns",
      clear: "Usual columns",
    }),
    what,
    button("CSV", copy(asCsv, "CSV"), { id: "copy-csv" }),
    button("LaTeX", copy(asLatex, "LaTeX"), { id: "copy-latex" }),
    clear,
  );
}

function tellCommon() {
  const told = common.filter((field) => lines[0][field]);
  if (told.length)
    byId("common").textContent =
      "The same in every line: " +
      told.map((field) => `${field} ${lines[0][field]}`).join("; ") +
      ".";
}
