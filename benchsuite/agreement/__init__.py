"""How good a surrogate benchmark is: its predictions, and the rankings that follow.

Read `predictions.py` (cross-validation, and cells of an optimiser that was left out),
then `rankings.py` (whether strategies rank as on the table), then `study.py`.
"""
