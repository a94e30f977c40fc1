/** What is shown, kept in the address after "#": a link to it opens the same view. */

const LISTS = ["benchmark", "strategy", "column"];
const WORDS = ["find", "sort", "budget", "figure", "contest", "row", "arch", "theme"];

function readAddress(text) {
  const given = new URLSearchParams(text.replace(/^#/, ""));
  return Object.fromEntries([
    ...LISTS.map((name) => [name, given.getAll(name)]),
    ...WORDS.map((name) => [name, given.get(name) ?? ""]),
  ]);
}

function address(view) {
  const given = new URLSearchParams();
  for (const name of LISTS) for (const value of view[name]) given.append(name, value);
  for (const name of WORDS) if (view[name]) given.set(name, view[name]);
  return `#${given.toString().replaceAll("%2F", "/").replaceAll("%3A", ":")}`;
}

let state = readAddress(location.hash);
const listeners = [];

/** Call a function with the view now and the one before, whenever it changes. */
function onChange(act) {
  listeners.push(act);
}

/** Change the view; the one before is where the back button leads, unless replaced. */
function go(change, { replace = false } = {}) {
  const next = { ...state, ...change };
  if (address(next) === address(state)) return;
  history[replace ? "replaceState" : "pushState"](null, "", address(next));
  arrive(next);
}

function arrive(next) {
  const before = state;
  state = next;
  for (const act of listeners) act(state, before);
}

function follow() {
  const next = readAddress(location.hash);
  if (address(next) !== address(state)) arrive(next);
}

addEventListener("popstate", follow);
addEventListener("hashchange", follow);

/** A link that changes the view, and that can be opened elsewhere or copied. */
function viewLink(text, change, attributes = {}) {
  const made = element("a", attributes, text);
  made.href = address({ ...state, ...change });
  made.addEventListener("click", (event) => {
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(change);
  });
  return made;
}

const same = (a, b) => a.length === b.length && a.every((value, k) => value === b[k]);
