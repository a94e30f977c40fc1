"""Estimates of what a network will be worth once trained. Needs torch.

Read `functional.py`, then `zero_cost.py`, which lists the proxies.
"""
