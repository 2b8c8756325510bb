"""The closed sets of label codes that are music theory, not taste: modes, swing, tempo, feel."""

from __future__ import annotations

from composer_core.music.key import MODES
from composer_core.music.timing import Meter

TAG_CODES: dict[str, tuple[str, ...]] = {
    "key_mode": tuple(MODES),
    "tempo_bucket": ("slow", "medium", "fast"),
    "swing_phase": ("straight", "swing_8", "swing_16", "triplet"),
    "feel": ("on_beat", "off_beat"),
    "section": ("intro", "verse", "pre_chorus", "chorus", "bridge", "interlude", "break", "fill", "solo", "outro"),
    "intensity": ("low", "medium", "high"),
    "license": ("user_owned", "public_domain", "cc", "restricted", "research_only"),
    "score_profile": ("performed", "programmed"),
}
"""Label fields that hold one code, with the codes every vocabulary knows: `section` is what a loop is for
in a song, `license` where it comes from as far as its use goes, `score_profile` what its scores judge."""
OPEN_TAGS = ("section",)
"""Tags a user's vocabulary may add codes to."""

SLOW_BELOW_BPM, FAST_ABOVE_BPM = 90.0, 130.0


def tempo_bucket(tempo_bpm: float, meter: Meter) -> str:
    """slow below 90, medium to 130, fast above, in beats a minute of the metre.

    `tempo_bpm` counts quarters. A compound metre (6/8) beats in dotted quarters, so 120
    quarters per minute there are 80 beats: slow.
    """
    beats_bpm = tempo_bpm * 2.0 / 3.0 if meter.compound else tempo_bpm
    if beats_bpm < SLOW_BELOW_BPM:
        return "slow"
    return "fast" if beats_bpm > FAST_ABOVE_BPM else "medium"
