"""Composer: symbolic loops measured, labelled, generated and heard."""

__version__ = "0.1.0"
