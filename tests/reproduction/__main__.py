"""Run the published protocols and write docs/reproduction.md: `make reproduce`."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys
from pathlib import Path

from tests.reproduction.document import FILE, reproduce, tables

if __name__ == "__main__":
    root = Path(__file__).parents[2]
    shared = Path(os.environ.get("BENCHSUITE_SHARED", root.parent / "shared"))
    if not (shared / "data").is_dir():
        sys.stderr.write(
            f"no development tables in {shared / 'data'}: set BENCHSUITE_SHARED to the"
            " folder that has them\n"
        )
        sys.exit(2)
    with tables(shared):
        text = reproduce()
    FILE.write_text(text, encoding="utf-8")
    print(text)
