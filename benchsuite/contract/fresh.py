"""A game in fresh processes, each of which hashes strings differently."""

import json
import os
import pickle
import subprocess
import sys
from contextlib import redirect_stdout

from benchsuite import catalogue
from benchsuite.contract.blame import BrokenError
from benchsuite.contract.game import COLD, Game, Subject
from benchsuite.contract.watchdog import Watchdog
from benchsuite.core import Trial

HASH_SEEDS = ("1", "2")
_CODE = "from benchsuite.contract.fresh import answer; answer()"


def elsewhere(subject: Subject, game: Game) -> list[list[Trial]]:
    """Play a game in a process for each of `HASH_SEEDS`; what was asked for in each.

    Raises:
        BrokenError: One of them does not come to the end.
    """
    subject.watchdog.rest()  # this process only waits
    asked = pickle.dumps((subject.entry.asked, COLD * subject.patience, game))
    processes = [_start(hash_seed) for hash_seed in HASH_SEEDS]
    for process in processes:  # so that all of them work at once
        assert process.stdin is not None  # it is a pipe
        process.stdin.write(asked)
        process.stdin.close()
        process.stdin = None
    answers = [process.communicate()[0] for process in processes]
    found = []
    for process, hash_seed, text in zip(processes, HASH_SEEDS, answers, strict=True):
        answer = json.loads(text) if text else {}
        if "asked" not in answer:
            what = answer.get("what", f"it ended with exit code {process.returncode}")
            what = f"in a fresh process with PYTHONHASHSEED={hash_seed}: {what}"
            raise BrokenError("same_run_in_a_fresh_process", what, "", game.trials)
        found.append([Trial(tuple(arch), epochs) for arch, epochs in answer["asked"]])
    return found


def _start(hash_seed: str) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, "-c", _CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
    )


def answer() -> None:
    """Play the game that comes on stdin, and print what was asked for as JSON."""
    # Pickled by the process that started this one: a class cannot be spelled otherwise.
    asked, patience, game = pickle.load(sys.stdin.buffer)
    with redirect_stdout(sys.stderr):
        try:
            subject = Subject(catalogue.find(asked), patience, Watchdog(2 * patience))
            found: dict[str, object] = {"asked": subject.search(game).asked}
        except BrokenError as error:
            found = {"what": str(error)}
    print(json.dumps(found))
