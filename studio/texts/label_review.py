"""Words of the Label page's review: distributions, and raters side by side."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "label.why_from_chart": ("You chose it in the distributions", "分布から選んだループです"),
    "label.queued": ("{n} loops laid on the desk", "{n} 件をキューの先頭に入れました"),
    "label.spread_hint": (
        "Click a bar, a dot or a cell to hear its loops one by one (at most {most}).",
        "棒や点、マス目を押すと、そのループを1件ずつ聴けます（最大 {most} 件）。",
    ),
    "label.spread_counts": ("Loops by label", "ラベルごとの件数"),
    "label.spread_none": ("No loop has a label of this kind yet.", "この項目のラベルが付いたループはまだありません。"),
    "label.spread_scores": ("Score by label", "ラベルごとのスコア"),
    "label.spread_axis": ("Score", "スコア"),
    "label.spread_no_scores": (
        "No loop with such a label is scored yet.",
        "この項目のラベルがあり、採点済みのループはまだありません。",
    ),
    "label.spread_quartiles": ("Median, and the middle half of the loops", "中央値と、中央の半数が入る範囲"),
    "label.spread_plane": ("Valence and arousal", "明るさと激しさの分布"),
    "label.spread_missing": ("What is missing", "足りないラベル"),
    "label.spread_without": ("without any value", "値がない"),
    "label.spread_unapproved": ("not approved by a person", "人が承認していない"),
    "label.drift": ("Models against people", "モデルと人の判断の差"),
    "label.drift_by_month": ("By month", "月ごと"),
    "label.drift_none": (
        "Nobody has approved anything yet that a model has an opinion on.",
        "モデルの推定と比べられる、人が承認したラベルはまだありません。",
    ),
    "label.drift_hint": (
        "Distance: 0 the same, 1 nothing in common. Bias: model minus person.",
        "差：0 は同じ、1 は共通点なし。偏り：モデルの値−人の値。",
    ),
    "label.drift_field": ("Field", "項目"),
    "label.drift_source": ("Source", "推定元"),
    "label.drift_month": ("Month", "月"),
    "label.drift_always": ("all", "全期間"),
    "label.drift_apart": ("Apart", "不一致"),
    "label.drift_distance": ("Distance", "差"),
    "label.drift_bias": ("Bias", "偏り"),
    "label.drift_swaps": ("Most frequent (person → model)", "多い食い違い（人 → モデル）"),
    "label.apart": ("{apart} of {total}", "{total} 件中 {apart} 件"),
    "label.swap": ("{person} → {model} ({n})", "{person} → {model}（{n}）"),
    "label.hear": ("Hear {n}", "{n} 件を聴く"),
}
