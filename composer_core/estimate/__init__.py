"""Estimate emotion, genre and techniques from a loop and its metrics, each with a confidence and reasons."""

from composer_core.estimate.affect import estimate_affect
from composer_core.estimate.key.estimator import KeyEstimate, estimate_key, estimate_keys
from composer_core.estimate.suggest import suggest
from composer_core.estimate.suggestion import Suggestion

__all__ = ["KeyEstimate", "Suggestion", "estimate_affect", "estimate_key", "estimate_keys", "suggest"]
