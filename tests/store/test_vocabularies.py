"""The vocabularies: complete, in both languages, and strict about every line."""

import csv
import re
import shutil

import pytest
import yaml

from composer_core.errors import InvalidValue, StoreError
from composer_core.music.genre import FAMILIES, check_genre
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.labels.fields import check_values
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.vocabularies import GENRE_FILE, MOOD_FILE, TAG_FILE, TECHNIQUE_FILE, load_vocabularies
from composer_core.workspace import ASSETS, Workspace
from metric_loops import GROOVE_MIDI

WORDS = load_vocabularies()
MOOD = "{valence: 0.1, arousal: 0.2, en: Odd, ja: 変, synonyms: []}"


@pytest.fixture
def folder(tmp_path):
    for name in (MOOD_FILE, GENRE_FILE, TECHNIQUE_FILE, TAG_FILE):
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


def test_anchors_are_the_data_sets_own_where_it_has_some():
    # xmidi_mapping.yaml says angry (-0.70, 0.85) with arousal -1 to 1: (0.85 + 1) / 2 = 0.925.
    assert WORDS.affect_of_source("xmidi", "angry") == (-0.7, 0.925)
    assert WORDS.affect_of_source("emopia", "Q3") == (-0.5, 0.25)
    mood = WORDS.moods["fear"]
    assert WORDS.affect_of_source("free-midi-chords", "Mysterious") == (mood.valence, mood.arousal)


def test_xmidi_anchors_are_those_of_the_predecessor():
    path = ASSETS.parent.parent / "shared" / "samples" / "composer4" / "xmidi_mapping.yaml"
    if not path.is_file():
        pytest.skip("xmidi_mapping.yaml is not in ../shared/samples")
    for word, anchor in yaml.safe_load(path.read_text(encoding="utf-8"))["emotions"].items():
        assert WORDS.affect_of_source("xmidi", word) == pytest.approx((anchor["valence"], (anchor["arousal"] + 1) / 2))


def test_every_named_source_is_mapped():
    assert len(WORDS.mood_sources["xmidi"]) == 11 and set(WORDS.genre_sources["xmidi"]) >= {"rock", "traditional"}
    assert set(WORDS.mood_sources) >= {"xmidi", "emopia", "musecoco", "composer4", "free-midi-chords", "metascore"}
    assert set(WORDS.genre_sources) >= {"gmd", "xmidi", "composer4", "drum-machine-patterns", "commu", "musecoco"}
    assert set(WORDS.tag_sources) >= {"composer4", "commu", "drum-machine-patterns"}


def test_the_schema_of_the_predecessor_is_mapped_whole():
    path = ASSETS.parent.parent / "shared" / "samples" / "composer4" / "labels_schema.yaml"
    if not path.is_file():
        pytest.skip("labels_schema.yaml is not in ../shared/samples")
    schema = yaml.safe_load(path.read_text(encoding="utf-8"))["schema"]
    assert {WORDS.mood_of_source("composer4", word) for word in schema["emotion"]["classes"]} <= set(WORDS.moods)
    assert {WORDS.genre_of_source("composer4", word) for word in schema["genre"]["classes"]} <= set(WORDS.genres)
    for name, words in (
        ("swing_phase", schema["rhythm_key"]["grid_classes"]),
        ("key_mode", schema["rhythm_key"]["key"]["modes"]),
        ("license", schema["license"]["origin"]),
    ):
        assert {WORDS.tag_of_source("composer4", name, word) for word in words} <= set(WORDS.tags[name])


def test_the_ten_japanese_tags_of_the_predecessor_are_mapped():
    tags = ["明るくエネルギッシュ", "穏やかに前向き", "クール・中立", "暗くドラマチック", "哀愁・センチメンタル",
            "勇ましく壮大", "親密・ささやき", "静かな諦念", "攻撃的・怒り", "ミステリアス・浮遊感"]  # fmt: skip
    assert [WORDS.mood_of_source("composer4", tag) for tag in tags] == [
        "bright", "warm", "calm", "fear", "sad", "bright", "romantic", "sad", "intense", "calm",
    ]  # fmt: skip


def test_every_pattern_genre_that_is_one_has_a_code():
    path = GROOVE_MIDI.parents[1] / "mit" / "drum-machine-patterns" / "index.tsv"
    if not path.is_file():
        pytest.skip("the drum-machine patterns are not in ../shared/data")
    with path.open(encoding="utf-8") as table:
        genres = {row["genre"] for row in csv.DictReader(table, delimiter="\t")}
    unmapped = {word for word in genres if word not in WORDS.genre_sources["drum-machine-patterns"]}
    assert unmapped == {"Ending", "Endings"}


def test_a_word_may_lead_to_several_genres():
    assert WORDS.genres_of_source("metascore", "Reggae & Ska") == {"reggae": 0.5, "reggae-ska": 0.5}
    assert WORDS.genre_of_source("metascore", "reggae & ska") == "reggae"


def test_tags_are_found_by_any_of_their_words():
    assert WORDS.tag_of_word("section", "サビ") == "chorus"
    assert WORDS.tag_of_word("key_mode", "Aeolian") == "minor"
    assert WORDS.tag_of_word("feel", "サビ") is None
    with pytest.raises(InvalidValue, match="shuffle_12"):
        WORDS.tag_of_source("composer4", "swing_phase", "shuffle_12")


# What a user adds


def own(tmp_path, **files):
    folder = tmp_path / "vocabularies"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


CITY_POP = "genres:\n  pop-city: {en: City pop, ja: シティポップ, synonyms: [citypop]}\n"


def test_a_users_files_add_words(tmp_path):
    words = load_vocabularies(
        own=own(
            tmp_path,
            genres=CITY_POP + "sources:\n  mine: {AOR: {pop-city: 0.5, rock: 0.5}}\n  gmd: {polka: folk}\n",
            techniques="bass:\n  tapping: {en: Tapping, ja: タッピング}\n",
            tags="tags:\n  section:\n    drop: {en: Big drop, ja: ドロップ}\n".replace("drop:", "drop_in:"),
            mood="sources:\n  mine: {エモい: romantic}\n",
        )
    )
    assert words.genre_of_word("シティポップ") == "pop-city"
    assert words.genres_of_source("mine", "AOR") == {"pop-city": 0.5, "rock": 0.5}
    assert words.genre_of_source("gmd", "polka") == "folk" and words.genre_of_source("gmd", "rock") == "rock"
    assert "tapping" in words.techniques["bass"] and "slap" in words.techniques["bass"]
    assert words.tag_of_word("section", "ドロップ") == "drop_in"
    assert words.mood_of_source("mine", "エモい") == "romantic"
    assert len(WORDS.genres) == len(words.genres) - 1


@pytest.mark.parametrize(
    "name, text, reason",
    [
        (
            "genres",
            CITY_POP.replace("citypop", "funk"),
            r"'funk' belongs to 'funk' already \(.*genres.yaml, line \d+\)",
        ),
        ("genres", CITY_POP.replace("pop-city", "rock"), r"'rock' is defined already \(.*genres.yaml, line 5\)"),
        ("genres", CITY_POP + "sources:\n  gmd: {rock: pop}\n", "gmd 'rock' is mapped already"),
        ("genres", CITY_POP.replace("pop-city", "enka-city"), "belongs to no family"),
        ("mood", f"moods:\n  odd: {MOOD}\n", "9 moods"),
        ("tags", "tags:\n  feel:\n    lazy: {en: Lazy, ja: 気だるい}\n", "feel has no 'lazy'"),
        ("genre", CITY_POP, "unknown vocabulary"),
    ],
)
def test_what_clashes_with_the_shipped_words_is_refused(tmp_path, name, text, reason):
    with pytest.raises(StoreError, match=reason) as caught:
        load_vocabularies(own=own(tmp_path, **{name: text}))
    assert caught.value.values["path"].endswith(f"vocabularies/{name}.yaml")


def test_a_workspaces_words_are_read_again_when_they_change(tmp_path):
    workspace = Workspace(tmp_path)
    assert vocabularies(workspace) is vocabularies()
    own(tmp_path, genres=CITY_POP)
    assert "pop-city" in vocabularies(workspace).genres and "pop-city" not in vocabularies().genres
    assert check_values({"genre": {"pop-city": 1.0}}, "bass", vocabularies(workspace)) == {"genre": {"pop-city": 1.0}}
    (workspace.vocabularies / "genres.yaml").write_text(CITY_POP.replace("city:", "aor:"), encoding="utf-8")
    assert "pop-aor" in vocabularies(workspace).genres


def test_the_pipeline_reads_them_once():
    assert vocabularies() is vocabularies()


GAME = "  game: {en: Game music, ja: ゲーム音楽, synonyms: [video game]}\n"
BAD = [
    # file, what is replaced, by what, line of the error, part of the reason
    (MOOD_FILE, "  happy: {valence", "  happy: {valens", 5, "unknown key 'valens'"),
    (MOOD_FILE, "valence: 0.8", "valence: 3", 5, "must lie between -1.0 and 1.0"),
    (MOOD_FILE, "valence: 0.8", "valence: much", 5, "no number"),
    (MOOD_FILE, "valence: 0.8", "valence: .nan", 5, "must lie|no number"),
    (MOOD_FILE, "melancholic", "joyful", 6, r"'joyful' belongs to 'happy' already \(.*line 5\)"),
    (MOOD_FILE, "  sad: {", "  happy: {", 6, "'happy' is given twice"),
    (MOOD_FILE, "sources:\n", f"  odd: {MOOD}\nsources:\n", 5, "9 moods"),
    (MOOD_FILE, "{Q1: [happy", "{Q1: [merry", 28, "leads to 'merry'"),
    (MOOD_FILE, "moods:", "- moods:", 0, "no YAML"),
    (MOOD_FILE, "en: Happy", "en: [Happy]", 5, "expected a word"),
    (MOOD_FILE, "en: Happy, ", "", 5, "en is missing"),
    (MOOD_FILE, "sources:\n", "saucers:\n", 13, "unknown key 'saucers'"),
    (GENRE_FILE, "  rock: {", "  rocky: {", 5, "belongs to no family"),
    (GENRE_FILE, GAME, "", 5, "families game have no names"),
    (GENRE_FILE, "synonyms: [prog, プログレ]", "synonyms: prog", 10, "expected a list"),
    (GENRE_FILE, "{reggae: 0.5, reggae-ska: 0.5}", "{reggae: 0.5, reggae-ska: 0.4}", 0, "add up to 0.9 instead of 1"),
    (GENRE_FILE, "{reggae: 0.5, reggae-ska: 0.5}", "{reggae: 0.5, reggae-sky: 0.5}", 0, "leads to 'reggae-sky'"),
    (MOOD_FILE, "[bright, 0.65, 0.95]", "[bright, 0.65, 1.95]", 16, "must lie between"),
    (MOOD_FILE, "[bright, 0.65, 0.95]", "[bright, 0.65]", 16, r"expected \[mood, valence, arousal\]"),
    (MOOD_FILE, "    funny: [", "    Happy: [", 20, "'Happy' is mapped already"),
    (TAG_FILE, "    dorian: {", "    doric: {", 0, "key_mode has no 'doric'"),
    (TAG_FILE, "    locrian: {en: Locrian, ja: ロクリアン}\n", "", 0, "key_mode: locrian is missing"),
    (TAG_FILE, "  feel:\n", "  mood:\n", 0, "unknown key 'mood'"),
    (TAG_FILE, "even_8: straight", "even_8: strait", 0, "leads to 'strait'"),
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
    if reason != "no YAML" and line:
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
