"""What a strategy must do, as rules that are tried, and what breaks them.

from benchsuite.contract import contract

for finding in contract("./my_strategy.py:MyStrategy").findings:
    print(finding.status, finding.rule)
"""

from benchsuite.contract.blame import BrokenError
from benchsuite.contract.check import contract, play
from benchsuite.contract.findings import Breach, Contract, Finding
from benchsuite.contract.registry import RULES, Rule

__all__ = [
    "RULES",
    "Breach",
    "BrokenError",
    "Contract",
    "Finding",
    "Rule",
    "contract",
    "play",
]
