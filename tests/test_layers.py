"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = {"benchsuite.core", "benchsuite.spaces", "numpy"}
ALLOWED = {
    "surrogates": {"surrogates", "numpy", "pandas", "scipy"},
    "benchsuite.spaces": {"benchsuite.spaces", "numpy"},
    "benchsuite.core": {"benchsuite.spaces", "numpy"},
    "benchsuite.names": {"benchsuite.core"},
    # Estimators hold no benchmark: by_estimator.py asks them by name.
    "benchsuite.strategies": CORE | {"benchsuite.estimators", "benchsuite.strategies"},
    "benchsuite.benchmarks": CORE
    | {"benchsuite.benchmarks", "benchsuite.names", "benchsuite.supernet", "surrogates"}
    | {"torch"},
    "benchsuite.audit": {"benchsuite.benchmarks", "numpy", "surrogates"},
    "benchsuite.importer": CORE
    | {f"benchsuite.{room}" for room in ("benchmarks", "importer", "memory")}
    | {f"benchsuite.{room}" for room in ("names", "workers")}
    | {"surrogates"},
    "benchsuite.compat": CORE
    | {"benchsuite.benchmarks", "benchsuite.compat", "surrogates"},
    "benchsuite.runner": {"benchsuite.core", "benchsuite.names", "benchsuite.spaces"},
    "benchsuite.results": {"benchsuite.core"},
    "benchsuite.provenance": {"benchsuite.results"},
    "benchsuite.store": {"benchsuite.core", "benchsuite.results"},
    "benchsuite.recorded": {
        f"benchsuite.{room}" for room in ("core", "results", "store")
    },
    "benchsuite.catalogue": CORE | {"benchsuite.names", "benchsuite.strategies"},
    "benchsuite.workers": set(),
    "benchsuite.memory": set(),
    "benchsuite.campaign": CORE
    | {f"benchsuite.{room}" for room in ("benchmarks", "catalogue", "provenance")}
    | {f"benchsuite.{room}" for room in ("results", "runner", "store", "workers")}
    | {"pandas"},
    "benchsuite.contract": CORE
    | {f"benchsuite.{room}" for room in ("campaign", "catalogue", "contract", "names")}
    | {f"benchsuite.{room}" for room in ("runner", "workers")},
    "benchsuite.estimators": CORE
    | {"benchsuite.estimators", "benchsuite.names", "scipy", "surrogates", "torch"},
    "benchsuite.estimation": CORE
    | {f"benchsuite.{room}" for room in ("benchmarks", "estimation", "estimators")}
    | {f"benchsuite.{room}" for room in ("names", "report", "supernet")}
    | {"surrogates", "torch"},
    "benchsuite.supernet": CORE
    | {f"benchsuite.{room}" for room in ("estimators", "memory", "names", "supernet")}
    | {"torch"},
    "benchsuite.one_shot": CORE
    | {f"benchsuite.{room}" for room in ("benchmarks", "catalogue", "names")}
    | {f"benchsuite.{room}" for room in ("provenance", "results", "store")}
    | {"benchsuite.supernet", "torch"},
    "benchsuite.agreement": CORE
    | {f"benchsuite.{room}" for room in ("agreement", "benchmarks", "catalogue")}
    | {f"benchsuite.{room}" for room in ("estimation", "estimators", "fitting")}
    | {"benchsuite.results", "benchsuite.runner", "scipy"},
    "benchsuite.fitting": CORE
    | {f"benchsuite.{room}" for room in ("benchmarks", "estimators", "names")}
    | {"surrogates"},
    "benchsuite.report": {"benchsuite.report", "benchsuite.results"}
    | {"numpy", "pandas", "scipy"},
    "benchsuite.verdict": {
        f"benchsuite.{room}"
        for room in ("benchmarks", "campaign", "catalogue", "core", "report")
    }
    | {f"benchsuite.{room}" for room in ("results", "runner", "verdict")}
    | {"numpy", "scipy"},
    "benchsuite.drawings": {"benchsuite.report", "benchsuite.spaces"},
    "benchsuite.reproduce": {
        f"benchsuite.{room}"
        for room in (
            *("benchmarks", "campaign", "catalogue", "core", "one_shot", "provenance"),
            *("report", "results", "runner", "store", "supernet"),
        )
    },
    "benchsuite.dossier": CORE
    | {
        f"benchsuite.{room}"
        for room in (
            *("benchmarks", "catalogue", "drawings", "recorded", "report"),
            *("reproduce", "results", "runner", "strategies"),
        )
    },
    "benchsuite.publication": {
        f"benchsuite.{room}"
        for room in (
            *("benchmarks", "core", "dossier", "recorded", "report", "results"),
            "runner",
        )
    },
}
ABOVE = ("benchsuite.cli", "benchsuite.__init__", "benchsuite.__main__")  # of all rooms
WATCHED = {"benchsuite", "surrogates", "numpy", "scipy", "pandas", "torch", "typer"}


def imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively"
            assert node.module
            if node.module == "benchsuite":  # from benchsuite import room
                yield from (f"benchsuite.{alias.name}" for alias in node.names)
            else:
                yield node.module


def within(name, rooms):
    return any(name == room or name.startswith(room + ".") for room in rooms)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_is_below_it(room):
    path = ROOT / room.replace(".", "/")
    files = list(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    assert files
    for file in files:
        for name in imports(file):
            if name.split(".")[0] in WATCHED:
                assert within(name, ALLOWED[room]), (file, name)


def test_rooms_import_one_another_in_one_direction_only():
    def reaches(room, target, seen):
        below = {r for r in ALLOWED if r != room and within(r, ALLOWED[room])}
        return target in below or any(
            reaches(r, target, seen | {r}) for r in below - seen
        )

    assert not [room for room in ALLOWED if reaches(room, room, {room})]


def test_every_file_belongs_to_a_room():
    for file in (ROOT / "benchsuite").rglob("*.py"):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        assert within(module, [*ALLOWED, *ABOVE]), module


def test_help_and_import_load_no_heavy_room():
    code = (
        "import sys, benchsuite\n"
        "from typer.testing import CliRunner\n"
        "from benchsuite.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(sorted({'numpy', 'scipy', 'pandas', 'torch'} & sys.modules.keys()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"
