"""A verdict on a strategy, against three baselines, for the same time of training."""

from benchsuite.verdict.gaps import Against, Gap, Thinking, Verdict, judge
from benchsuite.verdict.runs import BASELINES, TRAININGS, Plan, check, plan
from benchsuite.verdict.words import points, sentences

__all__ = [
    "BASELINES",
    "TRAININGS",
    "Against",
    "Gap",
    "Plan",
    "Thinking",
    "Verdict",
    "check",
    "judge",
    "plan",
    "points",
    "sentences",
]
