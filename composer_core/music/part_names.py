"""What the name of a track says about who plays: six languages, product names of drum samplers, pieces of a kit.

A name is split at underscores, digits and changes of case (`BASS_01`, `AcousticGtr2`); half-width katakana
are read as full-width ones and accents are taken off (`Batería`). Latin words are looked up one by one, so that
"Bassoon" is no bass; Japanese, which puts no spaces between words, is searched for the longest terms first.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_KIT_PRODUCTS = re.compile(
    "ezdrummer|superiordrummer|addictivedrum|stevenslate|drumagog|grooveagent|drumkitdesigner|drummachinedesigner"
    "|ultrabeat|mododrum|perfectdrum|mldrums|getgood|toontrack|mtpowerdrum|studiodrummer|abbeyroaddrum|roomofdrums"
    "|impact(?:xt|drums?)|hydrogendrum|drumgizmo|sitaladrum|beatbuddy|drumbrute|volcabeats|drumkit|drumset|drumrack"
    r"|\bdr008\b|\btr(?:505|606|626|707|727|808|909)\b"
)
"""Matched in the letters and digits of a name, spaces left out."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KIT_WORDS = _words(
    "drum drums edrum edrums drumloop drumloops drumbeat kit percussion percussions perc percs bfd ssd ggd ezd "
    "ezx sdx battery drumcomputer schlagzeug perkussion trommel trommeln batterie batteries bateria baterias "
    "percusion percusiones batteria percussione percussioni"
)
_PIECE_WORDS = _words(
    # English
    "kick kicks kickdrum bassdrum bassdrums snare snares snaredrum snr hat hats hihat hihats tom toms tomtom "
    "tomtoms floortom racktom crash crashes ride rides cymbal cymbals splash clap claps handclap handclaps "
    "cowbell cowbells rim rimshot rimshots sidestick crossstick shaker shakers tambourine tamb conga congas "
    "bongo bongos cajon djembe claves maracas woodblock woodblocks guiro cabasa "
    # German, French, Spanish, Italian
    "becken standtom hangetom kuhglocke rassel caisse charleston charley cymbale cymbales tambour tambours "
    "tambourin bombo caja platillo platillos redoblante tarola pandereta cassa grancassa rullante piatto "
    "piatti tamburo tamburi tamburello"
)
_FAMILY_WORDS: dict[str, frozenset[str]] = {
    "bass": _words("bass basses bassline basslines basse bajo bajos basso bassi bassguitar bassgitarre"),
    "guitar": _words(
        "guitar guitars gtr gtrs guit gitarre gitarren guitare guitares guitarra guitarras chitarra chitarre"
    ),
    "piano": _words(
        "piano pianos pno pianoforte klavier flugel fluegel rhodes wurlitzer epiano harpsichord cembalo clavecin "
        "clavicembalo clavinet"
    ),
    "strings": _words(
        "string strings violin violins viola violas cello cellos celli violoncello violoncellos violoncelli "
        "contrabass contrabasses vln vlns vla vlc geige geigen violine violinen bratsche bratschen streicher "
        "kontrabass kontrabasse violon violons cordes violoncelle violoncelles contrebasse contrebasses violines "
        "violonchelo violonchelos chelo chelos cuerda cuerdas contrabajo contrabajos violino violini archi "
        "contrabbasso contrabbassi"
    ),
}
_OTHER_WORDS = _words(
    "steelpan timpani pauken marimba xylophone vibraphone glockenspiel celesta organ orgel orgue organo "
    "accordion akkordeon accordeon fisarmonica acordeon harmonica flute flutes flote floten flauto flauti "
    "flauta flautas piccolo recorder horn horns corno corni trompa trumpet trumpets trompete trompeten "
    "trompette trompettes tromba trombe trompeta trompetas trombone trombones posaune posaunen tuba sax saxes "
    "saxophone saxophon saxofon oboe oboen hautbois clarinet clarinets klarinette klarinetten clarinette "
    "clarinettes clarinetto clarinete bassoon bassoons fagott fagotte fagotto basson bassons fagot choir chor "
    "choeur coro vocal vocals vox gesang brass harp harfe harpe arpa banjo mandolin ukulele sitar synth "
    "synthesizer pad lead fx"
)
_SHORT_WORDS = {
    **dict.fromkeys(("bd", "sd", "hh", "hho", "hhc", "ohh", "chh", "oh", "charles"), "piece"),
    **dict.fromkeys(("dr", "drs"), "drums"),
    "bs": "bass",
    "gt": "guitar",
    "pf": "piano",
    **dict.fromkeys(("vn", "vc", "vlns", "str", "strs"), "strings"),
}
"""Abbreviations, which are believed only where the name holds nothing else."""
_SHORT_NAME_WORDS = 4
_SOUNDS = _words("synth synthesizer pad lead fx string")
"""Words that name an instrument only where no other does: Synth Bass, Lead Guitar, 12-String Guitar."""
_NO_BASS_BEFORE = _OTHER_WORDS | frozenset(("voice", "clef", "baritone", "staff", "schlussel"))
_QUALIFIERS = _words(
    "electric acoustic elec acoustique electrique acustica acustico electrica electrico elettrica elettrico "
    "clean dist distorted drive muted lead rhythm solo synth jazz nylon steel slap pop finger fingered picked "
    "pick fretless upright double contra bass sub deep fat main left right hand hands upper lower top bottom "
    "in out inside outside room loop loops track part midi inst instrument channel ch grand bright stereo mono "
    "hi lo high low mid fill fills beat pattern groove bpm section ensemble legato staccato pizz pizzicato "
    "tremolo arco first second third ii iii iv st nd rd kleine grosse gross modern massive rock pop house "
    "claire espanola"
)
_JAPANESE: tuple[tuple[str, str], ...] = (
    ("ベースドラム", "piece"),
    ("バスドラム", "piece"),
    ("スチールドラム", "other"),
    ("ドラム", "drums"),
    ("パーカッション", "drums"),
    ("打楽器", "drums"),
    ("太鼓", "drums"),
    *((word, "piece") for word in ("バスドラ", "キック", "スネア", "ハイハット", "シンバル", "タムタム", "フロアタム")),
    *((word, "piece") for word in ("クラッシュ", "ライド", "クラップ", "カウベル", "リムショット", "タンバリン")),
    *((word, "piece") for word in ("シェイカー", "コンガ", "ボンゴ", "ハット", "手拍子")),
    ("コントラバス", "strings"),
    ("バスクラリネット", "other"),
    ("エレキベース", "bass"),
    ("ベース", "bass"),
    ("エレキギター", "guitar"),
    ("ギター", "guitar"),
    ("アコギ", "guitar"),
    ("エレキ", "guitar"),
    ("ピアノ", "piano"),
    ("エレピ", "piano"),
    ("チェンバロ", "piano"),
    *((word, "strings") for word in ("ストリングス", "ヴァイオリン", "バイオリン", "ヴィオラ", "ビオラ", "チェロ")),
    ("弦楽", "strings"),
    ("弦", "strings"),
    *((word, "other") for word in ("フルート", "トランペット", "トロンボーン", "サックス", "クラリネット", "オーボエ")),
    *(
        (word, "other")
        for word in ("ファゴット", "ホルン", "オルガン", "ボーカル", "コーラス", "シンセ", "木琴", "鉄琴")
    ),
)
_JAPANESE_RHYTHM = "リズム"
"""Sequencers call the drums so; beside another instrument it is that instrument's part: リズムギター."""
_JAPANESE_QUALIFIERS = re.compile(
    "エレクトリック|アコースティック|クラシック|リード|サイド|リズム|メイン|ソロ|ウッド|スラップ|グランド|フロア|四重奏"
    "|セクション|トラック|パート|[左右]手?|生|ス$|[ \u3000・ー()（）\\d#]"
)
_ORDER = ("drums", "bass", "guitar", "piano", "strings", "piece", "other")
"""Of several families in one name the first counts; a piece of a kit gives way to a pitched instrument."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])")
_DIGEST = re.compile(r"(?<![^\W_])\w?[0-9a-f]{16,}(?![^\W_])", re.I)
"""Names made by programs of hexadecimal digits hold "bd" or "bfd" by chance."""
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class NamedInstrument:
    """What a name says: `family` is one of INSTRUMENTS or None.

    `plain` is True where the name holds nothing else, as a track's name does and a song's title rarely.
    `piece` is True where it names one piece of a drum kit.
    """

    family: str | None
    plain: bool = False
    piece: bool = False


@lru_cache(maxsize=4096)
def read_part_name(name: str) -> NamedInstrument:
    """The instrument a track's name speaks of."""
    text = unicodedata.normalize("NFKC", name)
    if _DIGEST.search(text):
        return NamedInstrument(None)
    kinds, rest = _japanese_kinds(text)
    words = name_words(rest)
    found, unknown = _latin_kinds(words) if words else (set[str](), False)
    kinds |= found
    if not kinds and _JAPANESE_RHYTHM in text:
        kinds = {"drums"}
    if _KIT_PRODUCTS.search("".join(words)):
        # What else a product's name says, "Modern Metal" or "EZX", is no title.
        kinds, unknown = {"drums"}, False
    kind = next((kind for kind in _ORDER if kind in kinds), None)
    families = {"drums" if one == "piece" else one for one in kinds}
    plain = len(families) == 1 and not unknown
    return NamedInstrument("drums" if kind == "piece" else kind, plain, kind == "piece")


def name_words(name: str) -> list[str]:
    """The words of a name without accents and case, split at underscores, digits and changes of case."""
    parts = (_CAMEL.sub(" ", word) for word in _WORD.findall(unicodedata.normalize("NFKC", name)))
    bare = unicodedata.normalize("NFD", " ".join(parts).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in bare if not "\u0300" <= c <= "\u036f")).split()


def _japanese_kinds(text: str) -> tuple[set[str], str]:
    """The kinds Japanese terms name, and the text without them."""
    kinds: set[str] = set()
    if not _CJK.search(text):
        return kinds, text
    for term, kind in _JAPANESE:
        if term in text:
            kinds.add(kind)
            text = text.replace(term, " ")
    return kinds, _JAPANESE_QUALIFIERS.sub(" ", text)


def _latin_kinds(words: list[str]) -> tuple[set[str], bool]:
    """The kinds Latin words name, and whether a word among them says anything else."""
    kind_of = [_kind_of(word, following) for word, following in zip(words, [*words[1:], ""], strict=True)]
    known = [
        kind is not None or word in _QUALIFIERS or word.isdigit() or len(word) == 1
        for word, kind in zip(words, kind_of, strict=True)
    ]
    kinds = {kind for word, kind in zip(words, kind_of, strict=True) if kind is not None and word not in _SOUNDS}
    kinds = kinds or {kind for kind in kind_of if kind is not None}
    if "steel" in words and kinds == {"drums"}:
        kinds = {"other"}
    if not kinds:
        short = {_SHORT_WORDS[word] for word in words if word in _SHORT_WORDS}
        others = [word for word, one in zip(words, known, strict=True) if not one and word not in _SHORT_WORDS]
        believed = len(short) == 1 and not others and len(words) <= _SHORT_NAME_WORDS
        return (short, False) if believed else (set(), True)
    return kinds, not all(known)


def _kind_of(word: str, following: str) -> str | None:
    if word in _KIT_WORDS:
        return "drums"
    if word in _PIECE_WORDS or (word in ("bass", "hi") and following in ("drum", "drums", "hat", "hats")):
        return "piece" if word != "hi" else None
    if word in ("bass", "basse", "basso") and following in _NO_BASS_BEFORE:
        return None
    for family, names in _FAMILY_WORDS.items():
        if word in names:
            return family
    if word in _OTHER_WORDS:
        return "other"
    return _compound(word)


def _compound(word: str) -> str | None:
    """German and run-together names: Synthbass, Westerngitarre, Snaredrum, Kirchenorgel."""
    for ending, kind in (
        ("bassgitarre", "bass"),
        ("gitarre", "guitar"),
        ("gitarren", "guitar"),
        ("guitar", "guitar"),
        ("bass", "bass"),
        ("drum", "piece"),
        ("drums", "drums"),
        ("trommel", "piece"),
        ("becken", "piece"),
        ("klavier", "piano"),
        ("orgel", "other"),
    ):
        if word.endswith(ending) and len(word) > len(ending):
            return kind
    return None
