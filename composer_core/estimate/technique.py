"""Playing techniques suggested by rules, instrument by instrument."""

from __future__ import annotations

from collections.abc import Mapping

from composer_core.estimate import technique_drums, technique_pitched
from composer_core.estimate.evidence import Evidence, Rule
from composer_core.estimate.suggestion import Suggestion
from composer_core.music.loop import Loop

SOURCE = "rule:technique@1"
RULES: dict[str, dict[str, Rule]] = {"drums": technique_drums.RULES, **technique_pitched.RULES}
"""Rule of each technique code that notes can show, by instrument."""


def suggest_technique(loop: Loop, metrics: Mapping[str, float], known: Mapping[str, object]) -> Suggestion | None:
    """The techniques (codes in `known`) seen in the loop; None when there are none.

    The confidence is that of the least sure of them; the reasons are "rule:CODE".
    """
    if not len(loop.notes):
        return None
    evidence = Evidence(loop, metrics)
    rules = RULES.get(loop.instrument, {})
    seen = {code: rule(evidence) for code, rule in rules.items() if code in known}
    seen = {code: confidence for code, confidence in seen.items() if confidence > 0}
    if not seen:
        return None
    return Suggestion(sorted(seen), min(seen.values()), tuple(f"rule:{code}" for code in sorted(seen)), SOURCE)
