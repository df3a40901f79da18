"""Figures: what is plotted is data first (panels of series), drawn and written by one module."""
