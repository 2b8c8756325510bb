"""Words of the shell, the transport and the shared widgets."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "common.app_name": ("Composer Studio", "Composer Studio"),
    "common.language": ("Language", "言語"),
    "page.generate": ("Generate", "生成"),
    "page.library": ("Library", "ライブラリ"),
    "page.label": ("Label", "ラベル付け"),
    "page.train": ("Train", "学習"),
    "transport.empty": (
        "Press ▶ beside a loop: it plays here without a gap, on every page.",
        "ループの ▶ を押すと、ここで途切れなく鳴り続けます。ページを移っても止まりません。",
    ),
    "transport.play": ("Play (Space)", "再生（スペース）"),
    "transport.stop": ("Stop (Space)", "停止（スペース）"),
    "transport.loop": ("Loop", "ループ"),
    "transport.volume": ("Volume", "音量"),
    "transport.loading": ("Loading …", "読み込み中…"),
    "transport.queued": ("From the next bar", "次の小節から"),
    "transport.failed": ("The sound could not be loaded", "音声を読み込めませんでした"),
    "transport.click": ("Click once to switch the sound on", "一度クリックすると音が出ます"),
    "transport.drawing": ("Notes of the loop with the playhead", "ループの音符と再生位置"),
    "transport.region": ("Transport", "トランスポート"),
    "transport.meta": ("{tempo} BPM · {bars} bars · {meter}", "{tempo} BPM・{bars} 小節・{meter}"),
    "role.kick": ("Kick", "キック"),
    "role.snare": ("Snare", "スネア"),
    "role.closed_hat": ("Hi-hat", "ハイハット"),
    "role.open_hat": ("Open hat", "オープン"),
    "role.low_tom": ("Low tom", "ロータム"),
    "role.mid_tom": ("Mid tom", "ミッドタム"),
    "role.high_tom": ("High tom", "ハイタム"),
    "role.crash": ("Crash", "クラッシュ"),
    "role.ride": ("Ride", "ライド"),
    "role.percussion": ("Perc.", "パーカス"),
    "common.play": ("Play", "再生"),
}
