/** The columns of the leaderboard, in the order in which they are shown. */

const COLUMNS = [
  ["strategy", "name", "Who; with @source where versions of one name compete"],
  ["rank", "count", "1 has the lowest mean error; equal means share a rank"],
  ["settings", "text", "Hyper-parameters that differ from the defaults"],
  ["benchmark", "text", "What was searched"],
  ["error_mean", "error", "Mean over seeds of the reported error, a fraction"],
  ["error_low", "error", "Lower end of the 95 % bootstrap interval of the mean"],
  ["error_high", "error", "Upper end of the 95 % bootstrap interval of the mean"],
  ["error_at_budget", "error", "Mean reported error of what searches had by then"],
  ["error_std", "error", "Standard deviation over seeds, ddof 0"],
  ["regret_mean", "error", "Mean of reported error less the best of the benchmark"],
  ["seen_mean", "error", "Mean error that the searches saw of what they returned"],
  ["group", "text", "Strategies that share a letter cannot be told apart at 5 %"],
  ["seeds", "count", "Number of runs"],
  ["thought", "brief", "Seconds that the strategy took for a trial, on its machine"],
  ["backend", "text", "What answered the search"],
  ["reports", "text", "What the reported error is"],
  ["rules", "text", "Rules that differ from the defaults"],
  ["table", "text", "First digits of the sha256 of the benchmark's data"],
  ["row", "text", "Names the line, as for `benchsuite reproduce`"],
].map(([field, kind, meaning]) => ({ field, kind, meaning }));

const SHOWN_AS = {
  count: countText,
  error: errorText,
  seconds: secondsText,
  brief: briefText,
};

const WIDTHS = { count: 70, error: 100, seconds: 100, brief: 90 };

const isFigure = (kind) => kind in SHOWN_AS;

/** Order figures or texts; what is missing comes last in either direction. */
function missingLast(a, b, _one, _other, _column, direction) {
  const last = direction === "asc" ? 1 : -1;
  if (typeof a === "string") return compareTexts(a, b);
  if (Number.isNaN(a) || Number.isNaN(b))
    return Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.isNaN(a) ? last : -last;
  return a === b ? 0 : a < b ? -1 : 1; // infinities have no difference
}

const collator = new Intl.Collator("en", { numeric: true });

function compareTexts(a, b) {
  return a === b ? 0 : collator.compare(a, b);
}
