"""Figures for print, of what `report.leaderboard` and its neighbours compute."""
