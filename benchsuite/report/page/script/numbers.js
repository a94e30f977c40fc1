/** How figures are spelt: six digits for programs, fewer on the screen. */

const MISSING = "–";

/** Spell a figure as the CSV does, which is "%.6g" of C. */
function sixDigits(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const [digits, power] = value.toExponential(5).split("e");
  const size = Math.abs(power);
  if (power >= -4 && power < 6) return withoutZeros(value.toFixed(5 - power));
  const sign = power < 0 ? "-" : "+";
  return `${withoutZeros(digits)}e${sign}${String(size).padStart(2, "0")}`;
}

function withoutZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Spell what is no ordinary number; null if it is one. */
function special(value) {
  if (Number.isNaN(value)) return MISSING;
  return Number.isFinite(value) ? null : value > 0 ? "∞" : "−∞";
}

/** Spell an error with as many decimals as every other, so that columns line up. */
function errorText(value) {
  const tiny = value !== 0 && Math.abs(value) < 5e-6;
  return special(value) ?? (tiny ? value.toExponential(1) : value.toFixed(5));
}

/** Spell seconds with three digits, or whole ones beyond that. */
function secondsText(value) {
  if (special(value)) return special(value);
  if (Math.abs(value) < 100)
    return withoutZeros(Number(value.toPrecision(3)).toFixed(7));
  return Math.round(value).toLocaleString("en-US");
}

/** Spell a small measured time, of which two digits mean something. */
function briefText(value) {
  return special(value) ?? withoutZeros(Number(value.toPrecision(2)).toFixed(9));
}

function countText(value) {
  return special(value) ?? String(value);
}

/** Say how many there are: "1 run", "2 runs". */
function counted(number, noun) {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
