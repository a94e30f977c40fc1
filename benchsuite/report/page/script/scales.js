/** Scales of the chart: their limits, and how their ticks are spelt. */

const RAISED = { "-": "⁻", ...[..."⁰¹²³⁴⁵⁶⁷⁸⁹"] };

/** Limits of the vertical scale: what follows the first fifth of the time. */
function errorRange(means, lows) {
  const defined = means[0]
    .map((_, k) => k)
    .filter((k) => means.some((m) => m[k] !== null));
  const start = defined[Math.floor(defined.length / 5)] ?? 0;
  const known = (values) => values.filter((value) => value !== null);
  const top = Math.max(...means.flatMap((mean) => known(mean.slice(start))));
  const low = Math.min(...lows.flatMap(known), ...means.flatMap(known));
  if (!Number.isFinite(top)) return [0, 1]; // no mean is defined
  const margin = 0.06 * (top - low) || 0.01 * top || 0.01;
  return [low - margin, top + margin];
}

/** Limits of the log scale of regret: from the least mean above 0. */
function regretRange(means) {
  const above = means.flat().filter((value) => value > 0);
  return above.length
    ? [Math.min(...above) / 1.6, Math.max(...above) * 1.3]
    : [1e-4, 1];
}

/** Ticks of a log scale: powers of ten, and between them if there are few. */
function logTicks(low, high) {
  const few = Math.log10(high / low) < 2.5;
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    for (const factor of few ? [1, 2, 5] : [1]) ticks.push(factor * 10 ** power);
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** Spell a tick of a log scale, as the figures do: 0.002, 500, 2·10⁴. */
function logTick(value) {
  if (value > 9e-4 && value < 9999) return withoutZeros(value.toFixed(6));
  const [factor, power] = value.toExponential(0).split("e");
  const raised = [...String(Number(power))].map((sign) => RAISED[sign]).join("");
  return `${factor === "1" ? "" : `${factor}·`}10${raised}`;
}

/** Spell the ticks of a linear scale with equally many decimals. */
function linearTicks(ticks) {
  const texts = ticks.map((tick) => withoutZeros(tick.toFixed(6)));
  const decimals = Math.max(...texts.map((text) => (text.split(".")[1] ?? "").length));
  return ticks.map((tick) => tick.toFixed(decimals));
}

/** An axis with every tick named; uPlot would leave some out. */
const logAxis = (limits) => ({
  splits: () => logTicks(...limits),
  filter: (_, ticks) => ticks,
  values: (_, ticks) => ticks.map(logTick),
});
