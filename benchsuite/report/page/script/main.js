/** Builds the page. */

const THEMES = { "": "light", light: "dark", dark: "" };

function applyTheme({ theme }) {
  const known = theme === "light" || theme === "dark" ? theme : "";
  if (known) document.documentElement.dataset.theme = known;
  else delete document.documentElement.dataset.theme;
  byId("theme").textContent = `Theme: ${known || "auto"}`;
  recolour();
}

function buildTheme() {
  byId("theme").addEventListener("click", () =>
    go({ theme: THEMES[state.theme] ?? "" }),
  );
  onChange((now, before) => now.theme !== before.theme && applyTheme(now));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  applyTheme(state);
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("board").focus();
});

buildTheme();
buildFilters();
buildBudget();
const ready = buildBoard();
buildCurves();
buildViews();
ready.then(() => document.documentElement.setAttribute("data-ready", ""));
