"""Loop and metrics -> emotion, genre, technique, each with a confidence and reasons."""

from composer_core.estimate.affect import estimate_affect
from composer_core.estimate.suggest import suggest
from composer_core.estimate.suggestion import Suggestion

__all__ = ["Suggestion", "estimate_affect", "suggest"]
