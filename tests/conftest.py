"""Hypothesis draws the same cases in every run; search with other ones by `--hypothesis-seed`."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None)
settings.load_profile("repeatable")
