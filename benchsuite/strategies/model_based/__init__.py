"""Strategies that fit a model of the error and train what it finds promising."""
