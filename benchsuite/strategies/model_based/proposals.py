"""Where candidates come from: everywhere, chance, mutation, climbing, evolution.

Each constructor takes settings and returns a proposal for `loop.ModelBased`.
"""

import contextlib
import itertools
from collections.abc import Sequence

import numpy as np

from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.model_based.loop import Propose, Score


def exhaustive(
    space: SearchSpace,
    ranked: Sequence[Architecture],
    score: Score,
    rng: np.random.Generator,
) -> list[Architecture]:
    """List the whole space."""
    return list(space)


def uniform(candidates: int) -> Propose:
    """Draw uniformly from the space."""

    def propose(
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        return [space.sample(rng) for _ in range(candidates)]

    return propose


def mutants(parents: int, candidates: int) -> Propose:
    """Draw, without replacement, what differs in a decision from one of the best."""

    def propose(
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        near = dict.fromkeys(
            itertools.chain.from_iterable(map(space.neighbors, ranked[:parents]))
        )
        for arch in ranked:
            near.pop(arch, None)
        pool = list(near)
        order = rng.random(len(pool)).argsort()[:candidates]
        return [pool[n] for n in order.tolist()]

    return propose


def half_mutants(parents: int, candidates: int) -> Propose:
    """Fill half with mutants of the best and the rest with uniform draws."""
    near = mutants(parents, candidates // 2)

    def propose(
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        found = list(near(space, ranked, score, rng))
        found += [space.sample(rng) for _ in range(candidates - len(found))]
        return found

    return propose


def climbs(starts: int, candidates: int) -> Propose:
    """Climb from the best to higher scores, and draw the others uniformly.

    Every start moves to its best neighbour until none is better. Whatever was seen on
    the way is proposed.
    """
    draw = uniform(candidates)

    def propose(
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        known = dict.fromkeys(draw(space, ranked, score, rng), 0.0)
        standing = {}
        if ranked:
            first = ranked[:starts]
            standing = dict(zip(first, score(first).tolist(), strict=True))
        while standing:
            around = {arch: list(space.neighbors(arch)) for arch in standing}
            new = list(dict.fromkeys(itertools.chain.from_iterable(around.values())))
            scores = dict(zip(new, score(new).tolist(), strict=True)) if new else {}
            known |= scores
            moved = {}
            for arch, near in around.items():
                if near:
                    best = max(near, key=scores.__getitem__)
                    if scores[best] > standing[arch]:
                        moved[best] = scores[best]
            standing = moved
        return list(known)

    return propose


def evolved(population: int, generations: int) -> Propose:
    """Evolve the best under the scores; propose the last population.

    Parents win binary tournaments; a child takes each decision from one of two parents
    and is mutated in one. The best of parents and children survive. Where fewer have
    been trained than the population holds, newcomers join.
    """

    def propose(
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        members = list(ranked[:population])
        members += [space.sample(rng) for _ in range(population - len(members))]
        scores = dict(zip(members, score(members).tolist(), strict=True))
        trained = set(ranked)
        for _ in range(generations):
            rivals = (len(members) * rng.random((2 * population, 2))).astype(np.intp)
            parents = [
                max(members[n], members[m], key=scores.__getitem__)
                for n, m in rivals.tolist()
            ]
            children = []
            for a, b in zip(parents[::2], parents[1::2], strict=True):
                child = space.crossover(a, b, rng)
                with contextlib.suppress(ValueError):  # it may have no neighbour
                    child = space.mutate(child, rng)
                children.append(child)
            new = [arch for arch in dict.fromkeys(children) if arch not in scores]
            if new:
                scores |= zip(new, score(new).tolist(), strict=True)
            members = sorted(scores, key=scores.__getitem__, reverse=True)
            members = members[:population]
        offspring = [arch for arch in scores if arch not in trained]
        offspring.sort(key=scores.__getitem__, reverse=True)
        return offspring[:population]

    return propose
