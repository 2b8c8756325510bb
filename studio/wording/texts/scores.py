"""Words of scores: what they judge, why one is missing, the retry queue and its rules."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "profile.performed": ("Performed", "生演奏"),
    "profile.programmed": ("Programmed", "打ち込み"),
    "profile.measured": ("As measured", "自動判定"),
    "profile.performed_judges": (
        "The score judges how much this sounds like a person playing. Timing and velocity count.",
        "人が弾いたように聞こえるかを見るスコアです。タイミングと強弱も評価します。",
    ),
    "profile.programmed_judges": (
        "The score judges the writing, against sequenced and notated music by people. "
        "Velocity does not count, and timing has no axis.",
        "人が打ち込んだ曲や楽譜と比べて、音の並びを見るスコアです。強弱は評価せず、タイミングの軸もありません。",
    ),
    "profile.choose": ("What the score judges", "スコアの見方"),
    "profile.choose_help": (
        "Found by measurement (how many onsets lie off the grid, how many velocities there are), unless you choose.",
        "グリッドから外れた音の割合とベロシティの種類から自動で判定します。ここで選ぶと、その選択が優先されます。",
    ),
    "profile.by_hand": ("chosen by hand; measured: {profile}", "手動で選択。自動判定では「{profile}」"),
    "profile.unknown": ("not measured yet", "未判定"),
    "profile.selection": ("Judge as", "スコアの見方"),
    "profile.selection_hint": (
        "The {n} selected loops are judged by this profile from now on. One undo on the Label page takes it back.",
        "選択した {n} 件のスコアを、これからこの見方で表示します。ラベルのページの取り消しで一度に元に戻せます。",
    ),
    "profile.set": ("{n} loops are judged by another profile now.", "{n} 件のスコアの見方を変えました。"),
    "profile.no_rater": (
        "Choose a name on the Label page first: the profile is kept as a label.",
        "スコアの見方はラベルとして保存されます。先にラベルのページで名前を選んでください。",
    ),
    "rescore.waiting": (
        "{n} loops have scores of an earlier version, or none by profile. Until they are scored again, they are "
        "judged as performed.",
        "{n} 件のスコアが古いか、見方がまだ判定されていません。再採点するまでは生演奏として評価されます。",
    ),
    "rescore.now": ("Score them again", "再採点する"),
    "rescore.running": ("Scoring again: {percent} %", "再採点中：{percent} %"),
    "rescore.done": ("{n} loops are scored again.", "{n} 件を再採点しました。"),
    "missing.axes": ("{axes}: {why}", "{axes}：{why}"),
    "missing.no_calibration": (
        "there is no calibrated reference for this instrument.",
        "この楽器には校正済みの基準がありません。",
    ),
    "missing.too_few_notes": (
        "too few notes to judge how it is played.",
        "音数が少なく、演奏を評価できません。",
    ),
    "missing.not_played": (
        "not judged: the reference of this instrument is sequenced or notated music, which has no human timing.",
        "評価対象外：この楽器の基準は打ち込みや楽譜の曲で、人の演奏タイミングを含まないためです。",
    ),
    "missing.not_counted": (
        "not counted: only the writing of a programmed loop is judged.",
        "評価対象外：打ち込みとして評価するときは、音の並びだけを見るためです。",
    ),
    "missing.not_calibrated": (
        "not judged: this instrument's calibration is older than the axis.",
        "評価対象外：この楽器の校正が、この軸より古いためです。",
    ),
    "missing.flat_material": (
        "not judged: the velocities of this instrument's reference hardly vary.",
        "評価対象外：この楽器の基準はベロシティがほとんど変化しないためです。",
    ),
    "retry.pass_mark": ("Pass mark", "合格点"),
    "retry.pass_mark_help": (
        "Loops whose total by their own profile is below it wait in the retry queue; 70 is the 25th percentile of "
        "human loops of that profile.",
        "それぞれの見方での総合スコアがこれより低いループは再調整待ちになります。"
        "70 は、同じ見方の人間のループの下から 25 % の位置です。",
    ),
    "retry.weighted": ("Weigh the axes myself", "評価軸に重みを付ける"),
    "retry.weighted_help": (
        "The total becomes the weighted mean of the axes instead of the calibrated total.",
        "総合スコアを、校正済みの値ではなく各軸の加重平均にします。",
    ),
    "retry.waiting": ("Loops in the retry queue", "再調整待ちのループ"),
    "retry.counts": ("{passing} pass, {without} have no score", "合格 {passing} 件、スコアなし {without} 件"),
    "retry.of": ("Which loops", "対象のループ"),
    "retry.of_all": ("All", "すべて"),
    "retry.now": ("Now", "現在"),
    "retry.then": ("These settings", "この設定の場合"),
    "retry.save": ("Use these settings", "この設定を使う"),
    "retry.saved": ("The pass mark and weights are saved.", "合格点と重みを保存しました。"),
    "retry.show": ("Show the queue", "再調整待ちを表示"),
    "retry.mend": ("Mend by rules", "ルールで再調整"),
    "retry.mend_help": (
        "Tries the rules that fit the worst axis and keeps what scores better. This loop stays as it is.",
        "いちばん低い軸に合うルールを試し、スコアが上がるものを採用します。元のループは変わりません。",
    ),
    "retry.none_better": (
        "No rule made this loop score better.",
        "スコアを上げられるルールはありませんでした。",
    ),
    "retry.done": ("Mended by: {steps}", "適用したルール：{steps}"),
    "retry.before": ("Before", "調整前"),
    "retry.after": ("After", "調整後"),
    "retry.hear": ("Compare by ear", "聴き比べる"),
    "retry.recipe": ("Save recipe", "レシピを保存"),
    "retry.keep": ("Add to the library", "ライブラリに追加"),
    "retry.kept": (
        "The mended loop (score {total}) is in the library, with its notes only. To keep pedal and bends, save the "
        "recipe and apply it to the file.",
        "調整したループ（スコア {total}）を追加しました。入るのは音符だけです。ペダルやベンドも残すには、"
        "レシピを保存して元のファイルに適用してください。",
    ),
    "rule.quantise": ("Quantise", "クオンタイズ"),
    "rule.groove": ("Groove template", "グルーヴテンプレート"),
    "rule.straighten": ("Straighten", "スウィング除去"),
    "rule.velocity_curve": ("Velocity curve", "ベロシティカーブ"),
    "rule.accent": ("Accents", "アクセント"),
    "rule.snap_to_key": ("Snap to key", "スケール補正"),
    "rule.fit_range": ("Fit into the range", "音域に収める"),
    "rule.make_playable": ("Make playable", "演奏可能に整える"),
    "rule.seal_seam": ("Seal the seam", "ループのつなぎ目を整える"),
    "score.total": ("Total", "総合"),
    "score.timing": ("Timing", "タイミング"),
    "score.velocity": ("Velocity", "ベロシティ"),
    "score.groove_harmony": ("Groove harmony", "グルーヴの調和"),
    "score.cohesion": ("Cohesion", "まとまり"),
    "score.structure": ("Structure", "構成"),
}
