"""Implementations as a textbook would have them: plain, on spellings and dicts."""

import copy
import random


class Table:
    """Every cell under its published spelling, with the figures of every run."""

    def __init__(self, benchmark):
        self.options = benchmark.space.choices[0]
        self.spell = benchmark.space.format
        self.cells = {}
        for arch in benchmark.space:
            record = benchmark.query(arch)
            self.cells[record.arch] = [
                {"accuracy": 1 - run.valid_error[-1], "seconds": run.seconds[-1]}
                for run in record.runs
            ]

    def query(self, arch, seed):
        """Look a list of option names up by its spelling."""
        runs = self.cells[self.spell([self.options.index(op) for op in arch])]
        return runs[seed % len(runs)]


def regularized_evolution(table, trials, seed, population_size=100, sample_size=25):
    """Algorithm 1 of Real et al. as it is printed; returns the best and the seconds."""
    dice = random.Random(seed)
    population, history, clock = [], [], 0.0
    while len(history) < trials:
        if len(population) < population_size:
            arch = [dice.choice(table.options) for _ in range(6)]
        else:
            sample = []
            while len(sample) < sample_size:
                sample.append(dice.choice(population))
            parent = max(sample, key=lambda model: model["accuracy"])
            arch = copy.deepcopy(parent["arch"])
            edge = dice.randrange(6)
            arch[edge] = dice.choice([op for op in table.options if op != arch[edge]])
        model = {"arch": arch, **table.query(arch, seed)}
        clock += model["seconds"]
        population.append(model)
        history.append(model)
        if len(population) > population_size:
            population.pop(0)
    return max(history, key=lambda model: model["accuracy"]), clock
