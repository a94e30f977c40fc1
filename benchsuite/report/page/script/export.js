/** Lines as text to paste: CSV that no spreadsheet computes, rows of LaTeX. */

const IN_LATEX = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
};

/** Put an apostrophe before what a spreadsheet would compute; a number stays one. */
function neutral(text) {
  if (!/^[=+\-@\t\r]/.test(text)) return text;
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  return isNumber || /^[+-]?(inf|nan)$/.test(text) ? text : `'${text}`;
}

function csvCell(text) {
  const safe = neutral(text);
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function cellText(line, field) {
  const value = line[field];
  return typeof value === "number" ? numberText(field, value) : value;
}

function numberText(field, value) {
  return ["seeds", "rank"].includes(field) ? String(value) : sixDigits(value);
}

/** Lines with a header, in the columns of leaderboard.csv. */
function asCsv(chosen) {
  const rows = chosen.map((line) => CANONICAL.map((field) => cellText(line, field)));
  return [CANONICAL, ...rows]
    .map((cells) => `${cells.map(csvCell).join(",")}\n`)
    .join("");
}

function latexText(text) {
  return text.replace(/[\\&%$#_{}~^<>]/g, (sign) => IN_LATEX[sign] ?? `\\${sign}`);
}

/** A row of a LaTeX table for each line; errors in per cent. */
function asLatex(chosen) {
  const percent = (value) => (Number.isFinite(value) ? (100 * value).toFixed(2) : "--");
  const row = (line) => [
    latexText(line.label),
    latexText(line.benchmark),
    `${percent(line.error_mean)} $\\pm$ ${percent(line.error_std)}`,
    `[${percent(line.error_low)}, ${percent(line.error_high)}]`,
    percent(line.regret_mean),
    String(line.seeds),
  ];
  const head =
    "% strategy & benchmark & error in %, mean and deviation & 95 % interval of the" +
    " mean & regret in % & seeds";
  return [head, ...chosen.map((line) => `${row(line).join(" & ")} \\\\`), ""].join(
    "\n",
  );
}

/** Copy text, also where the browser gives pages from disk no clipboard. */
async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) {
      say("This browser lets the page copy nothing");
      return;
    }
  }
  say(`Copied ${what}`);
}

function copyBySelection(text) {
  const area = element("textarea", { class: "aside", readonly: true });
  area.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}

/** A selection inside one figure is copied with all its digits. */
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection || selection.isCollapsed) return;
  const end = (node) =>
    (node instanceof Element ? node : node.parentElement)?.closest("[data-full]");
  const [from, to] = [end(selection.anchorNode), end(selection.focusNode)];
  if (!from || from !== to) return;
  event.clipboardData.setData("text/plain", from.dataset.full);
  event.preventDefault();
});
