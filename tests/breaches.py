"""A strategy for each rule of the contract, which breaks that one and no other."""

import math
import os
from collections import deque

import numpy as np

from benchsuite import Trial


class Kept:
    """Draws at random, and keeps the contract."""

    def __init__(self, space, epochs, rng):
        self.space, self.epochs, self.rng = space, epochs, rng
        self.count = 0

    def arch(self):
        return self.space.sample(self.rng)

    def ask(self):
        self.count += 1
        return Trial(self.arch(), self.epochs[-1])

    def tell(self, trial, observation):
        pass


class Unbuilt(Kept):
    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        self.seventh = epochs[6]


class Async(Kept):
    async def tell(self, trial, observation):
        pass


class NoAsk:
    def __init__(self, space, epochs, rng):
        pass

    def tell(self, trial, observation):
        pass


class Pairs(Kept):
    def ask(self):
        trial = super().ask()
        return tuple(trial) if self.count == 4 else trial


class Raises(Kept):
    def ask(self):
        return super().ask() if self.count < 2 else 1 / 0


class Whole(Kept):
    def arch(self):
        return tuple(self.rng.integers(len(c)) for c in self.space.choices)


class Listed(Kept):
    def arch(self):
        return list(super().arch())


class Beyond(Kept):
    def arch(self):
        *rest, _ = super().arch()
        return (*rest, len(self.space.choices[-1]))


class Halved(Kept):
    def ask(self):
        return Trial(self.arch(), self.epochs[-1] // 2)


class Untold(Kept):
    told = 0

    def tell(self, trial, observation):
        self.told += 1
        if self.told == 5:
            raise ValueError("five\nare enough")


class Endless(Kept):
    def ask(self):
        trial = super().ask()
        while self.count == 4:
            pass
        return trial


class Stubborn(Kept):
    """What answers no signal: it catches whatever is to stop it."""

    def ask(self):
        trial = super().ask()
        while self.count == 2:
            try:
                while True:
                    pass
            except:  # noqa: E722
                pass
        return trial


class Deadly(Kept):
    def ask(self):
        if self.count == 3:
            os._exit(7)
        return super().ask()


class Global(Kept):
    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        np.random.seed(0)  # noqa: NPY002


class Entropy(Kept):
    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, np.random.default_rng())


class Leaking(Kept):
    runs = []  # noqa: RUF012

    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        self.runs.append(self)

    def arch(self):
        arch = super().arch()
        return tuple((a + len(self.runs)) % 4 for a in arch)


class Shared(Kept):
    """Begins anew, but in a place that all instances share."""

    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        type(self).known = []

    def arch(self):
        arch = super().arch()
        if len(self.known) > 2:
            arch = self.space.mutate(self.known[-1], self.rng)
        return arch

    def tell(self, trial, observation):
        self.known.append(trial.arch)


class Hashed(Kept):
    """Goes through a set of texts, and stops at one of them."""

    def arch(self):
        for direction in {"north", "east", "south", "west", "up", "down"}:
            if direction == "up":
                break
            self.rng.random()
        return super().arch()


class Writes(Kept):
    def tell(self, trial, observation):
        observation.metrics["seen"] = 1.0


class Finite(Kept):
    """An error of inf cannot be rounded."""

    def tell(self, trial, observation):
        self.last = round(1000 * observation.error)


class Alternates(Kept):
    """Holds that it is told before it is asked again."""

    pending = None

    def ask(self):
        assert self.pending is None
        self.pending = super().ask()
        return self.pending

    def tell(self, trial, observation):
        self.pending = None


class Waits(Kept):
    """Counts what runs, and forgets to count down: with several workers it stops."""

    running = 0

    def ask(self):
        if self.running > 1:
            return None
        self.running += 1
        return super().ask()

    def tell(self, trial, observation):
        if self.running == 1:
            self.running = 0


class InOrder(Kept):
    """Holds that outcomes come in the order of asking."""

    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        self.queue = deque()

    def ask(self):
        trial = super().ask()
        self.queue.append(trial)
        return trial

    def tell(self, trial, observation):
        assert trial == self.queue.popleft()


class Second(Kept):
    """Asks for a low fidelity too."""

    def ask(self):
        trial = super().ask()
        return Trial(trial.arch, self.epochs[-2]) if self.count % 2 else trial


class Thirds(Kept):
    """Holds that fidelities are powers of three."""

    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        assert math.log(epochs[0], 3).is_integer()


class New(Kept):
    """Draws until it has something that it has never asked for."""

    def arch(self):
        known = self.__dict__.setdefault("known", set())
        arch = super().arch()
        while arch in known:
            arch = super().arch()
        known.add(arch)
        return arch


class Two(Kept):
    """Changes two decisions."""

    def arch(self):
        self.rng.choice(len(self.space.choices), 2, replace=False)
        return super().arch()


class Enumerates(Kept):
    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        self.all = list(space)


class Divides(Kept):
    """Draws another option, as if there always was one."""

    def arch(self):
        for options in self.space.choices:
            self.rng.integers(len(options) - 1)
        return super().arch()


class Free(Kept):
    """Draws each decision by itself."""

    def arch(self):
        return tuple(int(self.rng.integers(len(c))) for c in self.space.choices)


class Grid(Kept):
    """Breaks nothing: has no use for its generator."""

    def arch(self):
        return next(iter(self.space))


class Twelve(Kept):
    """Breaks nothing: ends by itself."""

    def ask(self):
        return super().ask() if self.count < 12 else None


class Brief(Kept):
    """Breaks nothing: trains as little as it can."""

    def ask(self):
        return Trial(self.arch(), self.epochs[0])
