"""Words of the Generate page."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "generate.feeling": ("Feeling", "感情"),
    "generate.style": ("Style", "スタイル"),
    "generate.performance": ("Performance", "演奏"),
    "generate.performance_is_cheap": (
        "Heard at once: the same notes, played differently. Nothing is generated anew.",
        "すぐに反映されます。音符はそのまま、弾き方だけが変わります（再生成はしません）。",
    ),
    "generate.use_valence": ("Ask for valence", "明るさを指定"),
    "generate.use_arousal": ("Ask for arousal", "激しさを指定"),
    "generate.instrument": ("Instrument", "楽器"),
    "generate.no_model_yet": ("{instrument} (no model yet)", "{instrument}（モデル未学習）"),
    "generate.no_model": (
        "No model plays this yet: {instrument}. Train one from your own MIDI files.",
        "この楽器（{instrument}）のモデルはまだありません。手持ちの MIDI から学習できます。",
    ),
    "generate.to_train": ("To the Train page", "学習ページへ"),
    "generate.model": ("Model", "モデル"),
    "generate.model_shipped": ("{name} · {size}, included", "{name}（{size}、付属）"),
    "generate.model_run": ("{name} · {size}, trained here", "{name}（{size}、ここで学習）"),
    "generate.genre": ("Genre", "ジャンル"),
    "generate.any_genre": ("Any genre", "ジャンル指定なし"),
    "generate.bars": ("Bars", "小節数"),
    "generate.meter": ("Metre", "拍子"),
    "generate.use_density": ("Ask for density", "密度を指定"),
    "generate.density": ("Density", "密度"),
    "generate.density_format": ("%.2f onsets a quarter", "1拍あたり %.2f 音"),
    "generate.tempo": ("Tempo", "テンポ"),
    "generate.swing": ("Swing", "スウィング"),
    "generate.swing_help": (
        "50 % is straight, 66.7 % a triplet shuffle, 75 % dotted.",
        "50 % でストレート、66.7 % で三連のシャッフル、75 % で付点になります。",
    ),
    "generate.swing_grid": ("Swing on", "スウィングの単位"),
    "generate.grid8": ("8th notes", "8分音符"),
    "generate.grid16": ("16th notes", "16分音符"),
    "generate.humanise": ("Humanise", "ヒューマナイズ"),
    "generate.humanise_help": (
        "How much of the player's small early and late offsets is kept: 0 % is on the grid.",
        "演奏者らしいわずかな前ノリ・後ノリをどれだけ残すか。0 % でグリッドぴったりです。",
    ),
    "generate.seed": ("Seed", "シード"),
    "generate.seed_help": (
        "The same seed and settings give the same takes, note for note.",
        "シードと設定が同じなら、まったく同じテイクになります。",
    ),
    "generate.new_seed": ("New seed each time", "毎回シードを変える"),
    "generate.takes": ("Takes", "テイク数"),
    "generate.generate": ("Generate", "生成する"),
    "generate.generate_help": (
        "Feeling, style, density and seed need new samples from the model.",
        "感情・スタイル・密度・シードの変更には、モデルによる再生成が必要です。",
    ),
    "generate.working": ("Generating {takes} takes …", "{takes} テイクを生成しています…"),
    "generate.no_takes": (
        "Choose a feeling and press Generate: the takes appear here side by side.",
        "感情を選んで「生成する」を押すと、ここにテイクが並びます。",
    ),
    "generate.take": ("Take {number}", "テイク {number}"),
    "generate.take_title": ("Take {number} · {instrument} · {genre}", "テイク {number}・{instrument}・{genre}"),
    "generate.download": ("Download as MIDI", "MIDI をダウンロード"),
    "generate.keep": ("Add to the library", "ライブラリに追加"),
    "generate.kept": ("Added to the library", "ライブラリに追加しました"),
    "generate.kept_already": ("Already in the library", "すでにライブラリにあります"),
    "generate.asked": ("asked", "指定"),
    "generate.measured": ("measured", "実測"),
    "generate.swing_row8": ("Swing (8ths)", "スウィング（8分）"),
    "generate.swing_row16": ("Swing (16ths)", "スウィング（16分）"),
    "generate.density_row": ("Density", "密度"),
    "generate.score": ("Score", "スコア"),
    "generate.uncalibrated": ("not yet calibrated", "未校正"),
    "generate.drawn": ("Drawn to suit the feeling: {fields}", "感情に合わせて自動で決めたもの: {fields}"),
    "generate.drawn_density": ("{value} notes a beat", "1 拍あたり {value} 音"),
    "generate.made": ("Seed {seed} · {seconds} s · {hash}", "シード {seed}・{seconds} 秒・{hash}"),
    "generate.notice_unlearnt_valence": (
        "This model never learnt the valence, so it had no effect on the notes.",
        "このモデルは快・不快を学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_arousal": (
        "This model never learnt the arousal, so it had no effect on the notes.",
        "このモデルは活発さを学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_genre": (
        "This model never learnt the genre, so it had no effect on the notes.",
        "このモデルはジャンルを学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_density": (
        "This model never learnt the density, so it had no effect on the notes.",
        "このモデルは密度を学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_key": (
        "This model never learnt the key, so it had no effect on the notes.",
        "このモデルはキーを学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_syncopation": (
        "This model never learnt the syncopation, so it had no effect on the notes.",
        "このモデルはシンコペーションを学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_register": (
        "This model never learnt the register, so it had no effect on the notes.",
        "このモデルは音域を学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_complexity": (
        "This model never learnt the complexity, so it had no effect on the notes.",
        "このモデルは複雑さを学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_technique": (
        "This model never learnt the technique, so it had no effect on the notes.",
        "このモデルは奏法を学習していないため、音には反映されていません。",
    ),
    "generate.notice_unlearnt_chords": (
        "This model never learnt the chord line, so it had no effect on the notes.",
        "このモデルはコード進行を学習していないため、音には反映されていません。",
    ),
    "generate.notice_rare_meter": (
        "The training data hardly hold this metre: expect less than in 4/4.",
        "この拍子は学習データにほとんどないため、4/4 拍子ほどの出来は期待できません。",
    ),
    "generate.notice_mode_by_scale": (
        "This mode was not learnt: the nearest of major and minor was played with the notes of the scale only.",
        "このモードは学習していないため、長調・短調のうち近いほうを、スケール内の音だけで演奏しています。",
    ),
    "generate.notice_velocity_only": (
        "This instrument's performer learned from sequenced music: it shapes loudness, and the timing is the grid's.",
        "この楽器の演奏モデルは打ち込みデータから学習しています。強弱はつきますが、タイミングはグリッド通りです。",
    ),
    "generate.notice_no_performer": (
        "No performer for this instrument yet: even velocities, no offsets.",
        "この楽器の演奏モデルはまだないため、ベロシティは一定でタイミングの揺れもありません。",
    ),
    "generate.notice_floor_acted": (
        "At this tempo some notes would be too short; they swing less.",
        "このテンポでは短くなりすぎる音があるため、一部のスウィングを弱めています。",
    ),
    "generate.notice_swing_not_applicable": (
        "This metre has no such pairs, so nothing swings.",
        "この拍子にはこの単位の組がないため、スウィングはかかりません。",
    ),
    "generate.notice_triplets_kept": (
        "Triplets stay where they are.",
        "三連符はそのままの位置で演奏しています。",
    ),
    "generate.notice_triplets_folded": (
        "Triplets were moved onto the swung grid.",
        "三連符はスウィングの位置に合わせました。",
    ),
    "generate.notice_offsets_limited": (
        "Some offsets were limited so that no note crosses another.",
        "音の順序が入れ替わらないよう、一部の揺れを抑えました。",
    ),
    "generate.history": ("Earlier takes", "これまでのテイク"),
    "generate.no_history": (
        "Nothing has been generated in this workspace yet.",
        "このワークスペースではまだ何も生成していません。",
    ),
    "generate.bring_back": ("Bring back", "呼び戻す"),
    "generate.not_given": ("free", "指定なし"),
    "generate.request": (
        "**{instrument}** · {genre} · {bars} bars · {tempo} BPM · swing {swing} % · valence {valence} · "
        "arousal {arousal} · seed {seed} · takes: {takes}",
        "**{instrument}**・{genre}・{bars} 小節・{tempo} BPM・スウィング {swing} %・明るさ {valence}・"
        "激しさ {arousal}・シード {seed}・{takes} テイク",
    ),
    "generate.key": ("Key", "キー"),
    "generate.mode": ("Mode", "モード"),
    "generate.chords": ("Chord line", "コード進行"),
    "generate.chords_example": ("i VI III VII or Em C G D", "i VI III VII または Em C G D"),
    "generate.chords_help": (
        "One chord a bar; a shorter line repeats. Without a key, the key that fits the chords best is asked for.",
        "1 小節に 1 コード。短い進行は繰り返します。キーの指定がなければ、コードに最も合うキーを使います。",
    ),
    "generate.chords_read": ("Reads as {chords} in {tonic}", "{tonic} の {chords} と読みました"),
    "generate.mode_major": ("major", "メジャー"),
    "generate.mode_minor": ("minor", "マイナー"),
    "generate.mode_dorian": ("Dorian", "ドリアン"),
    "generate.mode_phrygian": ("Phrygian", "フリジアン"),
    "generate.mode_lydian": ("Lydian", "リディアン"),
    "generate.mode_mixolydian": ("Mixolydian", "ミクソリディアン"),
    "generate.mode_locrian": ("Locrian", "ロクリアン"),
}
