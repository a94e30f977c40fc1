/** Elements of the page. Data enters as text nodes and attributes, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element; keys that begin with "on" are listeners, false leaves one out. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat());
  return made;
}

const byId = (id) => document.getElementById(id);

function button(text, act, attributes = {}) {
  return element("button", { type: "button", onclick: act, ...attributes }, text);
}

/** Set pairs of texts as a list of terms; values may be elements. */
function terms(pairs) {
  return element(
    "dl",
    {},
    pairs.map(([term, value]) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, value)),
    ),
  );
}

/** A small table whose columns from `numeric` on hold figures. */
function plainTable(head, rows, numeric) {
  const kind = (place) => (place >= numeric ? { class: "figure" } : {});
  const line = (cells, name) =>
    element(
      "tr",
      {},
      cells.map((cell, place) => element(name, kind(place), cell)),
    );
  return element(
    "div",
    { class: "scroll", tabindex: 0 },
    element(
      "table",
      {},
      element("thead", {}, line(head, "th")),
      element(
        "tbody",
        {},
        rows.map((cells) => line(cells, "td")),
      ),
    ),
  );
}

/** Show text, with links where it has addresses of the web and nothing else. */
function linked(text) {
  return text
    .split(/((?<![^\s(<])https?:\/\/[^\s<>"']*[^\s<>"'.,;)])/)
    .map((part) =>
      /^https?:\/\//.test(part)
        ? element(
            "a",
            { href: part, rel: "noopener noreferrer", target: "_blank" },
            part,
          )
        : part,
    );
}

/** Say something to those who cannot see it happen, and for a while to all. */
function say(text) {
  const place = byId(byId("view").open ? "said-in-view" : "said"); // the rest is inert
  place.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (place.textContent = ""), 4000);
}

/** The line by which a strategy is known in figures. */
function swatch(style) {
  const line = { x1: 1, y1: 6, x2: 25, y2: 6, "stroke-width": 2.5 };
  const look = {
    stroke: onGround(style.colour),
    "stroke-dasharray": style.dash.join(" "),
  };
  return drawn(
    "svg",
    { class: "swatch", width: 26, height: 12, "aria-hidden": "true" },
    drawn("line", { ...line, ...look, "data-colour": style.colour }),
  );
}

/** Draw swatches again after light became dark. */
function recolour() {
  for (const line of document.querySelectorAll("[data-colour]"))
    line.setAttribute("stroke", onGround(line.dataset.colour));
}

/** What a colour of the theme is just now. */
function themed(name) {
  const probe = element("span", { class: `probe-${name}` });
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen
    ? chosen === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** A colour that was chosen for white, mixed with white until it stands out on dark. */
function onGround(colour) {
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  if (!isDark()) return colour;
  const linear = (part) => ((part / 255 + 0.055) / 1.055) ** 2.4;
  const light = (mixed) =>
    0.2126 * linear(mixed[0]) + 0.7152 * linear(mixed[1]) + 0.0722 * linear(mixed[2]);
  let mixed = parts;
  for (let white = 0; light(mixed) < 0.19 && white <= 1; white += 0.05)
    mixed = parts.map((part) => Math.round(part + white * (255 - part)));
  return `rgb(${mixed.join(" ")})`;
}
