/** Tables of many rows, of which only those in view are in the document. */

const ROW_HEIGHT = 34;
const LETTER_WIDTH = 8.4; // of the widest of the usual fonts

/** How wide a column must be for its texts, within limits. */
function widthOf(texts) {
  const longest = texts.reduce((most, text) => Math.max(most, text.length), 0);
  return Math.min(280, LETTER_WIDTH * longest + 24);
}

/**
 * Make one. Columns are {field, kind, meaning}, and may have `shown`, which makes the
 * content of a cell, `width`, and `visible`. Arrows move from row to row, Enter opens,
 * the space bar selects.
 */
function grid(place, { columns, rows, label, open, sort, select = false, height }) {
  const table = new Tabulator(place, {
    data: rows,
    index: "index",
    layout: "fitColumns",
    rowHeight: ROW_HEIGHT,
    maxHeight: height,
    columns: columns.map(definition),
    columnHeaderSortMulti: false,
    keybindings: false,
    selectableRows: select,
    selectableRowsRangeMode: "click",
    placeholder: "Nothing to show",
    initialSort: sort,
  });
  const built = new Promise((resolve) => table.on("tableBuilt", resolve));
  built.then(() => {
    place.querySelector(".tabulator-tableholder").tabIndex = -1;
    place.tabIndex = 0;
    place.setAttribute("aria-label", label);
    walk(place, table, open, select);
  });
  return { table, built };
}

function definition({ field, kind, meaning, shown, width, visible = true, frozen }) {
  const figure = isFigure(kind);
  return {
    field,
    title: field,
    visible,
    frozen: Boolean(frozen),
    sorter: missingLast,
    hozAlign: figure ? "right" : "left",
    headerHozAlign: figure ? "right" : "left",
    formatter: (cell) => (shown ?? cellContent(kind))(cell.getData(), field),
    titleFormatter: () =>
      element("button", { type: "button", title: meaning, class: "sorter" }, field),
    minWidth: Math.max(width ?? WIDTHS[kind] ?? 120, LETTER_WIDTH * field.length + 36),
    widthGrow: figure ? 0.25 : 1,
  };
}

/** How a cell of a kind shows its value; the full one is what is copied. */
function cellContent(kind) {
  if (!isFigure(kind))
    return (row, field) => element("span", { title: row[field] }, row[field]);
  return (row, field) => figureCell(kind, row[field]);
}

function figureCell(kind, value) {
  const full = sixDigits(value);
  return element("span", { title: full, "data-full": full }, SHOWN_AS[kind](value));
}

/** Let the keyboard walk through the rows; the table itself keeps the focus. */
function walk(place, table, open, select) {
  let at = -1;
  let current = null;
  const move = (to) => {
    const rows = table.getRows("active");
    if (!rows.length) return;
    at = Math.max(0, Math.min(rows.length - 1, to));
    current?.classList.remove("current");
    const row = rows[at];
    current = row.getElement();
    current.classList.add("current");
    current.id ||= `${place.id}-row-${row.getIndex()}`;
    place.setAttribute("aria-activedescendant", current.id);
    table.scrollToRow(row, "nearest", false).catch(() => {}); // it is in view
  };
  const page = () =>
    Math.max(
      1,
      Math.floor(
        place.querySelector(".tabulator-tableholder").clientHeight / ROW_HEIGHT,
      ) - 1,
    );
  const side = (by) => (place.querySelector(".tabulator-tableholder").scrollLeft += by);
  const acts = {
    ArrowDown: () => move(at + 1),
    ArrowUp: () => move(at - 1),
    PageDown: () => move(at + page()),
    PageUp: () => move(at - page()),
    Home: () => move(0),
    End: () => move(Infinity),
    ArrowRight: () => side(80),
    ArrowLeft: () => side(-80),
    Enter: () => at >= 0 && open(table.getRows("active")[at].getData()),
    " ": () => select && at >= 0 && table.getRows("active")[at].toggleSelect(),
  };
  place.addEventListener("keydown", (event) => {
    if (event.target !== place || event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  });
  const forget = () => {
    at = -1;
    current?.classList.remove("current");
    place.removeAttribute("aria-activedescendant");
  };
  table.on("dataSorted", forget);
  table.on("dataFiltered", forget);
}
