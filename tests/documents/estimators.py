"""docs/estimators.md: its tables follow from results/estimators/nb201/*.csv."""

import csv
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "estimators.md"
RESULTS = ROOT / "results" / "estimators" / "nb201"
TASKS = ("cifar10", "cifar100", "imagenet16_120")
COLUMNS = {
    "estimator": "estimator",
    "train_size": "learns from",
    "spearman": "Spearman",
    "kendall": "Kendall",
    "sparse_kendall": "sparse",
    "pearson": "Pearson",
    "r2": "R2",
    "mae": "MAE",
    "precision_at_k": "P@10",
    "n_at_k": "N@10",
    "regret_at_k": "regret@10",
    "spearman_top": "Spearman, best tenth",
    "precision_at_k_top": "P@10, best tenth",
    "coverage": "covers",
    "setup_seconds": "set-up, h",
    "query_seconds": "query, s",
}
_DIGITS = {"mae": 4, "regret_at_k": 5, "n_at_k": 1, "setup_seconds": 0}
_DIGITS |= {"query_seconds": 0, "precision_at_k": 2, "precision_at_k_top": 2}
_BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(task: str) -> str:
    """Write the table of a task, the best ranking first."""
    with (RESULTS / f"{task}.csv").open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: -float(row["spearman"]))
    lines = [" | ".join(COLUMNS.values()), "|".join("---" for _ in COLUMNS)]
    lines += [" | ".join(_cell(name, row) for name in COLUMNS) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


def _cell(name: str, row: dict[str, str]) -> str:
    if name == "estimator":
        return f"`{row[name]}`"
    if name == "train_size":
        return f"{int(row[name]):,}" if row[name] != "0" else ""
    if not row[name]:
        return ""
    value = float(row[name]) / (3600 if name == "setup_seconds" else 1)
    text = f"{value:,.{_DIGITS.get(name, 3)}f}"
    if name == "spearman":
        text += (
            f" ({float(row['spearman_low']):.3f} to {float(row['spearman_high']):.3f})"
        )
    return text


def estimators() -> str:
    """Put the tables where the document has marks for them."""
    text = FILE.read_text(encoding="utf-8")
    return _BLOCK.sub(
        lambda m: m[1] + table(m[2]) + m[3] if m[2] in TASKS else m[0], text
    )
