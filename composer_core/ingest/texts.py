"""Text of other programs, in whatever encoding it was written: names in MIDI files and archives, tables, labels."""

from __future__ import annotations

import codecs
import re
import unicodedata

_SCHOOL = (
    "一右雨円王音下火花貝学気九休玉金空月犬見五口校左三山子四糸字耳七車手十出女小上森人水正生青夕石赤千川先早草足村"
    "大男竹中虫町天田土二日入年白八百文木本名目立力林六引羽雲園遠何科夏家歌画回会海絵外角楽活間丸岩顔汽記帰弓牛魚京"
    "強教近兄形計元言原戸古午後語工公広交光考行高黄合谷国黒今才細作算止市矢姉思紙寺自時室社弱首秋週春書少場色食心新"
    "親図数西声星晴切雪船線前組走多太体台地池知茶昼長鳥朝直通弟店点電刀冬当東答頭同道読内南肉馬売買麦半番父風分聞米"
    "歩母方北毎妹万明鳴毛門夜野友用曜来里理話悪安暗医委意育員院飲運泳駅央横屋温化荷界開階寒感漢館岸起期客究急級宮球"
    "去橋業曲局銀区苦具君係軽血決研県庫湖向幸港号根祭皿仕死使始指歯詩次事持式実写者主守取酒受州拾終習集住重宿所暑助"
    "昭消商章勝乗植申身神真深進世整昔全相送想息速族他打対待代第題炭短談着注柱丁帳調追定庭笛鉄転都度投豆島湯登等動童"
    "農波配倍箱畑発反坂板皮悲美鼻筆氷表秒病品負部服福物平返勉放味命面問役薬由油有遊予羊洋葉陽様落流旅両緑礼列練路和"
    "愛案以衣位印英栄塩億加果貨課芽改械害街各覚完官管関観願希季紀喜旗器機議求泣救給挙漁共協鏡競極訓軍郡径型景芸欠結"
    "建健験固功好候航康告差菜最材昨札刷殺察参産散残士氏史司試児治辞失借種周祝順初松笑唱焼象照賞臣信成省清静席積折節"
    "説浅戦選然争倉巣束側続卒孫帯隊達単置仲貯兆腸低底停的典伝徒努灯堂働特得毒熱念敗梅博飯飛費必票標不夫付府副粉兵別"
    "辺変便包法望牧末満未脈民無約勇要養浴利陸良料量輪類令冷例歴連老労録"
)
_MUSIC = (
    "奏弾弦鍵盤鼓琴笙箏尺律譜拍符旋響伴独吹詞編演鈴鐘尼拳津琉謡序幕幻夢涙恋影舞踊宴桜菊紅蓮鶴亀龍虎狐即興狂域混雅祈"
    "翼瞳僕俺私誰永刹那奇跡軌輝煌嵐雷霧霞虹露霜雫渚潮汐丘峠郷故暁曙昏宵闇魂剣盾騎魔姫城塔迷洞窟砂漠闘槍踏替遅緩穏優"
    "寂激烈爽快哀怒眠醒繰了版仮素拡張補備"
)
COMMON_KANJI = frozenset(_SCHOOL + _MUSIC)


MAX_NAME_LENGTH = 200
_SAMPLE_BYTES = 20_000
"""So much of a table decides its encoding."""
_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_VOICEABLE, _HALF_VOICEABLE = "ｳｶ-ﾄﾊ-ﾎ", "ﾊ-ﾎ"
_VOICED_PAIR = re.compile(f"[{_VOICEABLE}]ﾞ|[{_HALF_VOICEABLE}]ﾟ")
_IMPOSSIBLE_NARROW = re.compile(
    f"(?<![{_VOICEABLE}])ﾞ|(?<![{_HALF_VOICEABLE}])ﾟ"  # a voicing mark on what cannot be voiced
    "|(?<![ｦ-ﾟ])[ｧ-ｯｰ]"  # small kana and the long mark begin no word
    "|[ｧ-ｫ][ｧ-ｫ]|ｯ(?![ｶ-ﾄﾊ-ﾎ])|ｰｰ|ﾝﾝ|[｡-･]|(?<![ｦ-ﾟ])[ｦﾝ]"
)
_NARROW = re.compile("[ｦ-ﾟ]")
_ACCENT = "[áàâäãåæçéèêëíìîïñóòôöõøœúùûüýÿßÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜÝ]"
_IN_WORD = re.compile(f"(?<=[A-Za-z]){_ACCENT}(?=[A-Za-z])|{_ACCENT}(?=[a-z])|(?<=[A-Za-z])ß")
_RARE, _LONE_NARROW = 0.1, 0.2
"""What a rare kanji weighs, and half-width katakana that cannot be read aloud."""


def decode_text(data: bytes) -> str:
    """Text out of bytes: UTF-8, UTF-16, then the Japanese encodings, then latin-1. Never raises.

    cp932 also accepts most EUC-JP and much latin-1, so among the Japanese encodings the one
    that yields the most usual characters wins: kana and everyday kanji before rare kanji, and
    half-width katakana only where they could be read aloud. NUL and other control characters
    are dropped.
    """
    if data.isascii() and b"\x1b" not in data:
        return _clean(data.decode("ascii"))
    encoding = guess_encoding(data)
    mark = next((mark for mark in (*_UTF16_MARKS, codecs.BOM_UTF8) if data.startswith(mark)), b"")
    return _clean(data[len(mark) :].decode(encoding, errors="replace"))


def decode_table(data: bytes) -> str:
    """Text of a whole table, a mark at its beginning taken off; nothing is dropped from it."""
    encoding = "ascii" if data.isascii() else guess_encoding(data)
    return data.decode(encoding, errors="replace").removeprefix("\ufeff")


def guess_encoding(data: bytes) -> str:
    """The Python name of the encoding in which `data` looks most like text; latin-1 when in none."""
    for mark, name in _UTF16_MARKS.items():
        if data.startswith(mark):
            return name
    if (text := _try(data, "utf-8")) is not None and "\x1b" not in text and not unicodedata.combining(text[:1]):
        return "utf-8"
    if b"\x1b$" in data and _try(data, "iso2022_jp") is not None:
        return "iso2022_jp"
    names = [name for name in ("cp932", "euc_jp", *_wide_names(data)) if _try(data, name) is not None]
    likelihood = {name: _likelihood(_sample(data, name)) for name in names}
    best = max(names, key=lambda name: likelihood[name], default=None)
    if best is None or likelihood[best] <= 0.0:
        return "latin-1"
    return "latin-1" if likelihood[best] <= _LONE_NARROW and _is_accented(data) else best


def _is_accented(data: bytes) -> bool:
    """Whether the bytes are words of a Latin alphabet with an accented letter among plain ones: Batería, électrique.

    To cp932 they are rare kanji or single half-width katakana.
    """
    return _IN_WORD.sub("", _sample(data, "latin-1")).isascii()


def short_name(data: bytes) -> str:
    """A track name: decoded, on one line, at most 200 characters."""
    return " ".join(decode_text(data[: 4 * MAX_NAME_LENGTH]).split())[:MAX_NAME_LENGTH]


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _wide_names(data: bytes) -> list[str]:
    """UTF-16 without a mark is thought of only where it gives nothing but ASCII, kana and everyday kanji."""
    if len(data) % 2 or len(data) < 4:
        return []
    return [name for name in ("utf-16-be", "utf-16-le") if _usual(_sample(data, name))]


def _usual(text: str) -> bool:
    return all(" " <= c <= "~" or "\u3041" <= c <= "\u30ff" or c in COMMON_KANJI or c in "\r\n\t\0" for c in text)


def _sample(data: bytes, encoding: str) -> str:
    """Enough non-ASCII text to judge by."""
    return data[:_SAMPLE_BYTES].decode(encoding, errors="ignore")


def _likelihood(text: str) -> float:
    """How Japanese a text looks: the mean over its non-ASCII characters, above 0 when it does."""
    narrow = _narrow_weight(text)
    weights = [_weight(character, narrow) for character in text if not character.isascii()]
    return sum(weights) / len(weights) if weights else 0.0


def _narrow_weight(text: str) -> float:
    """Of half-width katakana: meant when they could be read aloud, most surely with a voiced sound or long vowel."""
    if _IMPOSSIBLE_NARROW.search(text) or len(_NARROW.findall(text)) < 2:
        return _LONE_NARROW
    return 0.95 if _VOICED_PAIR.search(text) or "ｰ" in text else 0.7


def _weight(character: str, narrow: float) -> float:
    if "\u3041" <= character <= "\u30ff" or character in COMMON_KANJI:
        return 1.0
    if "\u4e00" <= character <= "\u9fff":
        return 0.5 if _first_level(character) else _RARE
    if "\uff61" <= character <= "\uff9f":
        return narrow
    if unicodedata.east_asian_width(character) in "FW" or character in "〜…―※♪♭♯":
        return 0.5
    return -1.0


def _first_level(character: str) -> bool:
    """Whether a kanji is one of the 2,965 of JIS X 0208's first level (lead bytes B0 to CF in EUC)."""
    try:
        return 0xB0 <= character.encode("euc_jp")[0] <= 0xCF
    except UnicodeEncodeError:
        return False


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text.replace("\x00", "")).strip()
