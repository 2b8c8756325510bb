"""Words that arrive as values of an error, in Japanese: names of values, what was expected, why two things clash."""

from __future__ import annotations

import re

from studio.wording.import_reasons import PARTS, PATTERNS

_NAMES = {
    "valence": "明るさ（感情価）",
    "arousal": "激しさ（覚醒度）",
    "density": "密度",
    "syncopation": "シンコペーション",
    "complexity": "複雑さ",
    "register": "音域",
    "technique": "奏法",
    "key": "キー",
    "chord": "コード",
    "chords": "コード進行",
    "chord line": "コード進行",
    "note name": "音名",
    "key root": "キーの主音",
    "key mode": "モード",
    "instrument": "楽器",
    "bars": "小節数",
    "bars to continue": "続きの小節数",
    "strength": "変化の強さ",
    "best of": "候補数",
    "metre": "拍子",
    "metre numerator": "拍子の分子",
    "metre denominator": "拍子の分母",
    "tempo": "テンポ",
    "swing": "スウィング",
    "swing grid": "スウィングのグリッド",
    "humanise": "ヒューマナイズ",
    "genre": "ジャンル",
    "seed": "シード",
    "takes": "テイク数",
    "steps": "ステップ数",
    "size": "モデルの大きさ",
    "device": "計算装置",
    "name": "名前",
    "run name": "学習の名前",
    "data": "学習データ",
    "velocity": "ベロシティ",
    "pitch": "音高",
    "onset": "発音位置",
    "duration": "音の長さ",
    "program": "プログラム番号",
    "groove": "グルーヴ",
    "groove template": "グルーヴのテンプレート",
    "adapter": "アダプター",
    "no start": "元のモデルの指定なし",
    "drums": "ドラム",
    "bass": "ベース",
    "guitar": "ギター",
    "piano": "ピアノ",
    "strings": "ストリングス",
    "finger": "指弾き",
    "harmonics": "ハーモニクス",
    "legato": "レガート",
    "detache": "デタシェ",
    "mute": "ミュート",
    "palm_mute": "ブリッジミュート",
    "pick": "ピック弾き",
    "pizzicato": "ピチカート",
    "slap": "スラップ",
    "spiccato": "スピッカート",
    "staccato": "スタッカート",
    "tremolo": "トレモロ",
    "any instrument": "対象の楽器",
    "vary": "書き換え",
    "train": "学習",
    "train on": "学習",
    "compare": "比較",
    " BPM": " BPM",
    " onsets a quarter": "（4分音符あたりの発音数）",
    " levels a bar": "（1小節あたりのレベル）",
    " (MIDI note number)": "（MIDI ノート番号）",
    " ticks": " ティック",
    "name of the recipe": "レシピの名前",
    "read-only": "読み取り専用です",
}
_EXPECTED = {
    "a file's name of at most 120 bytes without signs such as / : * ?": (
        "120 バイト以内で、/ : * ? などの記号を含まないファイル名"
    ),
    "a finite number": "有限の数値",
    "a chord such as Em, G7, F#m7b5 or C/E": "Em、G7、F#m7b5、C/E のようなコードネーム",
    "a chord such as Em, G7 or C/E, or a numeral such as i, VI or bVII": (
        "Em、G7、C/E のようなコードネーム、または i、VI、bVII のようなローマ数字"
    ),
    "a numeral such as i, VI, V7 or bVII": "i、VI、V7、bVII のようなローマ数字",
    "chords such as 'Em C G D' or 'i VI III VII'": "「Em C G D」や「i VI III VII」のようなコードの並び",
    "either symbols or numerals, not both": "コードネームかローマ数字のどちらか一方",
    "a letter A to G with # or b": "A〜G の文字と # または b",
    "a key such as E:minor, Bb:major or D:dorian": "E:minor、Bb:major、D:dorian のようなキー",
    "a metre such as 4/4 or 7/8": "4/4、7/8 のような拍子",
    "a genre or weights such as funk=0.7,jazz=0.3": "ジャンル名、または funk=0.7,jazz=0.3 のような重み",
    "different instruments, as drums,bass": "drums,bass のように重複のない楽器",
    "a groove template": "グルーヴのテンプレート",
    "a list of numbers for each role": "役割ごとの数値の並び",
    "at least one loop with notes": "音符のあるループ 1 つ以上",
    "a name and a list of steps": "名前と手順（steps）の並び",
    "rule: NAME and its parameters": "rule: 名前 とその設定",
    "a list of instruments": "楽器の並び",
    "letters, digits, . _ -": "英数字と . _ -",
    "true or false": "true または false",
    "a number": "数値",
    "a whole number": "整数",
    "a value": "値",
    "a key such as E:minor": "E:minor のようなキー",
}
_REASONS = {
    "a drum kit has neither key nor chords": "ドラムにはキーもコードもありません",
    "a chord line gives one chord a bar, or repeats where it divides the bars": (
        "コード進行は 1 小節に 1 コードで、短い場合は小節数を割り切れる長さにします"
    ),
    "notes are either joined or short": "音はつなげるか短く切るかのどちらかです",
    "notes are either joined or bounced": "音はつなげるか弓を跳ねさせるかのどちらかです",
    "a plucked string is not bowed": "指ではじく音は弓では弾けません",
    "one hand plays one way": "右手の弾き方は 1 つです",
    "muted notes do not ring into each other": "ミュートした音はつながりません",
    "a muted string does not ring": "ミュートした弦は響きません",
    "it needs other notes; ask the generator for it": "音符そのものが変わるため、生成時に指定してください",
    "all parts of a song share it": "全パートに共通の設定です",
    "a groove has one metre": "グルーヴの拍子は 1 つです",
    "a groove fits loops of its own metre": "グルーヴは同じ拍子のループにだけ使えます",
    "it exists": "同じ名前がすでにあります",
    "adapters adapt a model": "アダプターには元になるモデルが必要です",
    "each head needs an even share of the width": "モデルの幅をヘッド数で偶数に分けられません",
}
_PATTERNS = (
    (r"technique (?:for|of) (\w+)", "{0}の奏法"),
    (r"register of (\w+)", "{0}の音域"),
    (r"(\d+) chords", "コード {0} 個"),
    (r"(\d+) bars", "{0} 小節"),
    (r"(\d+), one a bar", "1 小節に 1 つ、計 {0} 個"),
    (r"run name (.+)", "学習の名前 {0}"),
    (r"CPU \((\d+) threads?\)", "CPU（{0} スレッド）"),
)
"""Values made of a word and a number or name."""
IN_JAPANESE = _NAMES | _EXPECTED | _REASONS | PARTS


def in_japanese(value: str) -> str:
    """The Japanese of a word or sentence an error carries; what is not known (a file's name) stays as it is."""
    if value in IN_JAPANESE:
        return IN_JAPANESE[value]
    for pattern, japanese in (*_PATTERNS, *PATTERNS):
        match = re.fullmatch(pattern, value, re.DOTALL)
        if match is not None:
            return japanese.format(*(IN_JAPANESE.get(part, part) for part in match.groups()))
    return value
