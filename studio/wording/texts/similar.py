"""Words of the lists of similar loops."""

TEXTS: dict[str, tuple[str, str]] = {
    "similar.by": ("What is compared", "比べるもの"),
    "similar.by_fingerprint": ("Rhythm", "リズム"),
    "similar.by_metrics": ("Metrics", "計測値"),
    "similar.distance": ("Distance", "距離"),
    "similar.distance_fingerprint": (
        "0: the same rhythm; 1: no onset in common",
        "0 はリズムが同じ、1 は重なる音が一つもないことを表します",
    ),
    "similar.distance_metrics": (
        "0: the same measurements; 1: three standard deviations apart in every one",
        "0 は計測値が同じ、1 はすべての指標が標準偏差の 3 倍離れていることを表します",
    ),
    "similar.none": ("No other loop to compare with.", "比べられるループがほかにありません。"),
    "similar.hint_fingerprint": (
        "Nearest by where in the bar the low, middle and high voices sound and how far apart the notes lie, whatever "
        "the tempo, key and swing; loops of the same instrument.",
        "同じ楽器のループの中から、小節のどこで低・中・高の音が鳴るか、音の間隔がどう並ぶかが近い順に並べています。"
        "テンポ・キー・スウィングの違いは問いません。",
    ),
    "similar.hint_metrics": (
        "Nearest by measurements of rhythm, dynamics and line among loops of the same instrument.",
        "同じ楽器のループの中から、リズム・強弱・音の動きの計測値が近い順に並べています。",
    ),
}
