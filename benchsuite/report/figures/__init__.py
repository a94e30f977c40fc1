"""Figures for print, of what `report.leaderboard` and its neighbours compute.

`album.draw` makes all those of a report.
"""
