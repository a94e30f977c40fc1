/** Which lines are shown: words to find, benchmarks and strategies to choose. */

const CONDITION = /^(\w+)(<=|>=|<|>|=)(.+)$/;
const COMPARE = {
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "=": (a, b) => a === b,
};
const TEXTS = COLUMNS.filter(({ kind }) => !isFigure(kind)).map(({ field }) => field);

/** What all words ask for: to be in a line somewhere, or such as error_mean<0.09. */
function finder(text) {
  const tests = text.trim().split(/\s+/).filter(Boolean).map(condition);
  return (line) => tests.every((test) => test(line));
}

function condition(word) {
  const [, field, sign, value] = CONDITION.exec(word) ?? [];
  if (FIGURES.has(field) && value.trim() && !Number.isNaN(Number(value)))
    return (line) => COMPARE[sign](line[field], Number(value));
  if (TEXTS.includes(field) && sign === "=") return (line) => line[field] === value;
  const low = word.toLowerCase();
  return (line) => TEXTS.some((name) => line[name].toLowerCase().includes(low));
}

/** Whether a line passes what is chosen in a view. */
function passing(view) {
  const found = finder(view.find);
  const benchmarks = new Set(view.benchmark);
  const strategies = new Set(view.strategy);
  return (line) =>
    (!benchmarks.size || benchmarks.has(line.benchmark)) &&
    (!strategies.size || strategies.has(line.label)) &&
    found(line);
}

const choiceChanged = (now, before) =>
  now.find !== before.find ||
  !same(now.benchmark, before.benchmark) ||
  !same(now.strategy, before.strategy);

/**
 * Choose some of many values of a list of the view. `ticked` tells which are chosen in a
 * view, `title` how that is summed up. What can be chosen is made when first opened.
 */
function menu(name, values, { noun, ticked, title, clear, shown = (value) => value }) {
  const summary = element("summary");
  const reset = button(clear, () => go({ [name]: [] }));
  const list = element("div", { class: "list", role: "group", "aria-label": noun });
  const made = element("details", { class: "menu", id: `menu-${name}` }, summary, list);
  const choose = () =>
    go({ [name]: boxes.filter((box) => box.checked).map((box) => box.value) });
  let boxes = [];
  const fill = () => {
    boxes = values.map((value) =>
      element("input", { type: "checkbox", value, onchange: choose }),
    );
    const labels = boxes.map((box, k) => element("label", {}, box, shown(values[k])));
    const within = values.length > 20 ? [findWithin(noun, values, labels)] : [];
    list.append(...within, element("div", { class: "boxes" }, labels), reset);
    show(state);
  };
  const show = (view) => {
    const chosen = new Set(ticked(view));
    for (const box of boxes) box.checked = chosen.has(box.value);
    summary.textContent = title(view[name].length);
    reset.hidden = !view[name].length;
  };
  made.addEventListener("toggle", fill, { once: true });
  onChange(show);
  show(state);
  return made;
}

/** A field that leaves those labels whose values contain what is typed. */
function findWithin(noun, values, labels) {
  const field = element("input", {
    type: "search",
    placeholder: `Find ${noun}`,
    "aria-label": `Find ${noun}`,
    oninput: () =>
      labels.forEach((label, k) => {
        label.hidden = !values[k].toLowerCase().includes(field.value.toLowerCase());
      }),
  });
  return field;
}

/** A menu that narrows what is shown; with none ticked, all is. */
function narrowing(noun, name, values, shown) {
  const all = values.length.toLocaleString("en-US");
  return menu(name, values, {
    noun,
    shown,
    ticked: (view) => view[name],
    title: (ticked) => (ticked ? `${ticked} of ${all} ${noun}` : `All ${noun}`),
    clear: "Show all",
  });
}

/** Menus close like menus: by Escape, and by a click elsewhere. */
function closeMenus(event) {
  for (const open of document.querySelectorAll("details.menu[open]")) {
    if (event.type === "keydown" && event.key === "Escape") {
      open.open = false;
      open.querySelector("summary").focus();
    } else if (event.type === "click" && !open.contains(event.target))
      open.open = false;
  }
}

document.addEventListener("keydown", closeMenus);
document.addEventListener("click", closeMenus);

function buildFilters() {
  const find = element("input", {
    type: "search",
    id: "find",
    placeholder: "Find, or error_mean<0.09",
    "aria-label": "Find lines by words, or by conditions such as error_mean<0.09",
    spellcheck: "false",
    autocomplete: "off",
    oninput: () => go({ find: find.value }, { replace: true }),
  });
  const show = (view) => {
    if (find.value !== view.find) find.value = view.find;
  };
  onChange(show);
  show(state);
  const labels = distinct(lines.map((line) => line.label)).sort(compareTexts);
  const look = new Map(lines.map((line) => [line.label, line.style]));
  byId("controls").append(
    find,
    narrowing("benchmarks", "benchmark", distinct(lines.map((line) => line.benchmark))),
    narrowing("strategies", "strategy", labels, (label) =>
      element("span", {}, swatch(look.get(label)), " ", label),
    ),
  );
}
