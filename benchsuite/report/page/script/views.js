/** The dialog in which a line or an architecture is open. */

const lineOf = (view) => lines.find((line) => line.row === view.row);

/** Open what the view says, or close the dialog. */
function showView(view) {
  const dialog = byId("view");
  const line = view.row ? lineOf(view) : undefined;
  if (!line) {
    dialog.close();
    if (view.row) say("There is no such line in this report");
    return;
  }
  const title = byId("view-title");
  const body = byId("view-body");
  body.replaceChildren();
  if (!dialog.open) dialog.showModal();
  if (view.arch) {
    title.replaceChildren(element("span", { class: "mono" }, view.arch));
    showArchitecture(line, view.arch, body);
  } else {
    title.replaceChildren(swatch(line.style), " ", line.label);
    showLine(line, body);
  }
  body.scrollTop = 0;
  title.focus();
}

function buildViews() {
  const dialog = byId("view");
  const close = () => go({ row: "", arch: "" });
  byId("close").addEventListener("click", close);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) close();
  });
  onChange((now, before) => {
    if (now.row !== before.row || now.arch !== before.arch) showView(now);
  });
  showView(state);
}
