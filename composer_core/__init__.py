"""Composer: measure, label, generate and render symbolic loops."""

__version__ = "0.1.0"
