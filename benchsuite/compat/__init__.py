"""The interfaces that people's scripts already use, over tables that were imported."""
