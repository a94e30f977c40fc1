"""What is made of results: statistics and the leaderboard."""
