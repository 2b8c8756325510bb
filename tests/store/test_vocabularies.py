"""The vocabularies: complete, in both languages, and strict about every line."""

import csv
import re
import shutil

import pytest

from composer_core.errors import InvalidValue, StoreError
from composer_core.music.genre import FAMILIES, check_genre
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.vocabularies import GENRE_FILE, MOOD_FILE, TECHNIQUE_FILE, load_vocabularies
from composer_core.workspace import ASSETS
from metric_loops import GROOVE_MIDI

WORDS = load_vocabularies()


@pytest.fixture
def folder(tmp_path):
    for name in (MOOD_FILE, GENRE_FILE, TECHNIQUE_FILE):
        shutil.copy(ASSETS / name, tmp_path / name)
    return tmp_path


def test_the_moods_of_the_design_are_there():
    assert set(WORDS.moods) == {"happy", "sad", "romantic", "intense", "calm", "fear", "warm", "bright"}


def test_every_instrument_has_its_techniques():
    assert set(WORDS.techniques) == set(GENERATED_INSTRUMENTS)
    assert set(WORDS.techniques["drums"]) == {
        "ghost", "flam", "drag", "roll", "rimshot", "cross_stick", "open_hat", "ride", "busy", "funky", "half_time",
        "fill",
    }  # fmt: skip


def test_every_family_and_only_families_have_names():
    assert set(FAMILIES) <= set(WORDS.genres)
    for code in WORDS.genres:
        check_genre({code: 1.0})
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)


def test_names_are_in_both_languages_and_told_apart():
    techniques = [list(names.values()) for names in WORDS.techniques.values()]
    for entries in (list(WORDS.moods.values()), list(WORDS.genres.values()), *techniques):
        assert all(re.search(r"[ぁ-ヿ一-鿿]", entry.name_ja) for entry in entries)
        for language in ("name_en", "name_ja"):
            names = [getattr(entry, language) for entry in entries]
            assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "style, code",
    [
        ("funk/purdieshuffle", "funk-purdieshuffle"),
        ("latin/brazilian-bossa", "latin-brazilian-bossa"),
        ("afrocuban/rhumba", "latin-afrocuban-rhumba"),
        ("neworleans/secondline", "funk-secondline"),
        ("dance/disco", "electronic-disco"),
        ("punk", "rock-punk"),
        ("gospel", "soul-gospel"),
    ],
)
def test_styles_of_groove_midi(style, code):
    assert WORDS.genre_of_source("gmd", style) == code


def test_every_style_of_groove_midi_has_a_code():
    if not GROOVE_MIDI.is_dir():
        pytest.skip("Groove MIDI is not in ../shared/data")
    with (GROOVE_MIDI / "info.csv").open(encoding="utf-8") as table:
        styles = {row["style"] for row in csv.DictReader(table)}
    assert {WORDS.genre_of_source("gmd", style) for style in styles} <= set(WORDS.genres)
    assert set(WORDS.genre_sources["gmd"]) == styles


def test_words_of_other_data_sets():
    assert WORDS.mood_of_source("xmidi", "angry") == "intense"
    assert WORDS.mood_of_source("emopia", "Q3") == "sad"
    with pytest.raises(InvalidValue, match="zydeco"):
        WORDS.genre_of_source("gmd", "zydeco")
    with pytest.raises(InvalidValue, match="nowhere"):
        WORDS.genre_of_source("nowhere", "rock")


@pytest.mark.parametrize(
    "word, code", [("切ない", "sad"), ("Joyful", "happy"), ("FEAR", "fear"), (" quiet ", "calm"), ("purple", None)]
)
def test_moods_are_found_by_any_of_their_words(word, code):
    assert WORDS.mood_of_word(word) == code


def test_genres_are_found_by_any_of_their_words():
    assert WORDS.genre_of_word("ボサノバ") == "latin-brazilian-bossa"
    assert WORDS.genre_of_word("r&b") == "soul"


def test_the_pipeline_reads_them_once():
    assert vocabularies() is vocabularies()


MOOD = "{valence: 0.1, arousal: 0.2, en: Odd, ja: 変, synonyms: []}"
GAME = "  game: {en: Game music, ja: ゲーム音楽, synonyms: [video game]}\n"
BAD = [
    # file, what is replaced, by what, line of the error, part of the reason
    (MOOD_FILE, "  happy: {valence", "  happy: {valens", 4, "unknown key 'valens'"),
    (MOOD_FILE, "valence: 0.8", "valence: 3", 4, "must lie between -1.0 and 1.0"),
    (MOOD_FILE, "valence: 0.8", "valence: much", 4, "no number"),
    (MOOD_FILE, "valence: 0.8", "valence: .nan", 4, "must lie|no number"),
    (MOOD_FILE, "melancholic", "joyful", 5, "'joyful' belongs to 'happy'"),
    (MOOD_FILE, "  sad: {", "  happy: {", 5, "'happy' is given twice"),
    (MOOD_FILE, "sources:\n", f"  odd: {MOOD}\nsources:\n", 4, "9 moods"),
    (MOOD_FILE, "{Q1: happy", "{Q1: merry", 15, "leads to 'merry'"),
    (MOOD_FILE, "moods:", "- moods:", 0, "no YAML"),
    (MOOD_FILE, "en: Happy", "en: [Happy]", 4, "expected a word"),
    (MOOD_FILE, "en: Happy, ", "", 4, "en is missing"),
    (MOOD_FILE, "sources:", "saucers:", 12, "unknown key 'saucers'"),
    (GENRE_FILE, "  rock: {", "  rocky: {", 4, "belongs to no family"),
    (GENRE_FILE, GAME, "", 4, "families game have no names"),
    (GENRE_FILE, "synonyms: [prog, プログレ]", "synonyms: prog", 8, "expected a list"),
    (TECHNIQUE_FILE, "bass:\n", "banjo:\n", 15, "unknown instrument 'banjo'"),
    (TECHNIQUE_FILE, "  flam: {en: Flam, ja: フラム}", "  flam: {en: Flam}", 4, "ja is missing"),
    (TECHNIQUE_FILE, "  flam: {en: Flam, ja: フラム}", "  flam: {en: Flam, ja: 'フラム}", 4, "no YAML"),
]  # fmt: skip


@pytest.mark.parametrize("name, old, new, line, reason", BAD)
def test_a_mistake_is_named_with_file_and_line(folder, name, old, new, line, reason):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StoreError, match=reason) as caught:
        load_vocabularies(folder)
    assert caught.value.code == "bad_vocabulary"
    assert caught.value.values["path"].endswith(name)
    if reason != "no YAML":
        assert caught.value.values["line"] == line


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00m",
        b"!!python/object/apply:os.system ['true']",
        b"moods: !!python/name:os.system\nsources: {}",
        b"a: &a [x, x]\nb: *a\n",
        b"[" * 5000,
        b"x" * (2 << 20),
    ],
    ids=["empty", "not utf-8", "python object", "python name", "alias", "deep", "huge"],
)
def test_hostile_files_are_refused(folder, data):
    (folder / MOOD_FILE).write_bytes(data)
    with pytest.raises(StoreError, match=r"mood\.yaml"):
        load_vocabularies(folder)


def test_a_missing_file_is_named(folder):
    (folder / GENRE_FILE).unlink()
    with pytest.raises(StoreError, match=r"genres\.yaml"):
        load_vocabularies(folder)


def test_yaml_files_of_the_hostile_collection_never_pass_as_moods(folder):
    hostile = sorted((GROOVE_MIDI.parents[1] / "malformed").rglob("*.y*ml"))
    if not hostile:
        pytest.skip("the malformed files are not in ../shared/data")
    for path in hostile:
        shutil.copy(path, folder / MOOD_FILE)
        with pytest.raises(StoreError, match=r"mood\.yaml"):
            load_vocabularies(folder)
