"""A small folder in the layout of every data set, for the contract of the adapters."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import smf

DRUMS = smf.drum_bars(4)
PIANO = smf.smf(smf.notes([(beat * 480, 240, 60 + step) for beat, step in enumerate((0, 4, 7, 12) * 4)]))
MD5 = hashlib.md5(PIANO).hexdigest()


def put(folder: Path, files: dict[str, bytes | str]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def pickled(value: Any) -> bytes:
    """A pickle as the data set's own tools write it."""
    return pickle.dumps(value)


GMD_HEADER = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"
TSV = "part\tonset_qn\tdur_qn\tpitch\tvel\tmeasure\tstaff\tvoice\ttechnique\n"
COMMU_HEADER = (
    "audio_key,chord_progressions,pitch_range,num_measures,bpm,genre,track_role,inst,sample_rhythm,"
    "time_signature,min_velocity,max_velocity,split_data,id\n"
)
CHORDS = [MD5, [[0, 30, 0, 60, 90, 30, 0, 64, 90, 30, 0, 67, 90, 10, 128, 36, 100], [30, 30, 0, 67, 90]]]

FOLDERS: dict[str, dict[str, bytes | str]] = {
    "gmd": {
        "info.csv": GMD_HEADER
        + "drummer1,drummer1/session1,1,jazz/swing,120,fill,4-4,d/1.mid,d/1.wav,8,train\n"
        + "drummer1,drummer1/session1,2,rock,120,beat,4-4,d/2.mid,d/2.wav,8,train\n"
        + "drummer1,drummer1/session1,3,rock\n"
        + "drummer1,drummer1/session1,4,rock,120,beat,4-4,../../etc/x.mid,d/2.wav,8,train\n",
        "d/1.mid": DRUMS,
        "d/extra.mid": PIANO,
    },
    "xmidi": {"XMIDI_angry_rock_0A1B2C3D.midi": PIANO, "other.mid": DRUMS},
    "emopia": {
        "label.csv": "ID,4Q,annotator\nQ1_0vLPYiPN7qY_0,1,D\nQ2_0vLPYiPN7qY_9,2,D\nQ3_AAAAAAAAAAA_0,4,D\n",
        "train/Q1_0vLPYiPN7qY_0.mid": PIANO,
        "Q3_AAAAAAAAAAA_0.mid": DRUMS,
    },
    "vgmidi": {
        "vgmidi_labelled.csv": "id,series,console,game,piece,midi,valence,arousal\n"
        "1,Banjo-Kazooie,N64,Banjo-Kazooie,Boggy's Igloo,labelled/midi/a.mid,1,-1\n"
        "2,Banjo-Kazooie,N64,Banjo-Kazooie,Missing,labelled/midi/b.mid,1,-1\n"
        "3,X,N64,X,Odd,labelled/midi/c.mid,7,-1\n",
        "labelled/midi/a.mid": PIANO,
        "labelled/midi/c.mid": DRUMS,
    },
    "pop909": {
        "001/001.mid": PIANO,
        "001/beat_midi.txt": "".join(f"{beat / 2} {beat % 2 == 0:.1f} {beat % 4 == 0:.1f}\n" for beat in range(18)),
        "001/key_audio.txt": "0.0\t60.0\tGb:maj\n",
        "001/chord_midi.txt": "0.0\t2.0\tN\n2.0\t4.0\tB:maj7\nx y z\n",
        "002/key_audio.txt": "0.0\t60.0\tC:min\n",
        "extra.mid": DRUMS,
    },
    "openscore": {
        "index.tsv": "file\tsource\tparts\tnotes\tkey_fifths\tkey_mode\ttimesig\tquarters\ttechniques\n"
        'sq1\tBartók,_Béla/Quartet_No.1/sq1.mxl\tViolin\t16\t0\t\t4/4\t16\t{"slur": 9}\n'
        "sq2\tBartók,_Béla/Quartet_No.2/sq2.mxl\tViolin\t16\t0\t\t4/4\t16\t{}\n"
        "sq3\n",
        "sq1.mid": PIANO,
        "sq1.tsv": TSV + "".join(f"0\t{beat}\t0.5\t60\t72\t1\t1\t1\tslur\n" for beat in range(16)),
        "extra.mid": DRUMS,
    },
    "ryans": {
        "index.tsv": "file\tsource\ttitle\trhythm\tkey\tmeter\tnotes\ttechniques\n"
        "A\tA.abc\tA Reel\treel\tEdor\tC|\t16\t{}\nB\tB.abc\tB Reel\treel\tA\tC|\t16\t{}\n\tC.abc\n",
        "A.mid": PIANO,
        "extra.mid": DRUMS,
    },
    "drum-machine-patterns": {
        "index.tsv": "file\tbook\tgenre\trole\tsignature\tsteps\thits\n"
        "200_Rock1Break.mid\t200\tRock\tbreak\t4/4\t16\t14\n200_X.mid\t200\tRock\tmeasureA\t4/4\t16\t1\n\t200\n",
        "200_Rock1Break.mid": DRUMS,
        "extra.mid": PIANO,
    },
    "free-midi-chords": {
        "progressions.tsv": "mode\tprogression\tmood_tags\nmajor\tI vi IV V7\tJoyful Tender\nminor\ti XX\tSad\n",
        "extra.mid": PIANO,
    },
    "mma": {
        "index.tsv": "file\tstyle\tgroove\tdescription\tkey\tmode\tchords\n"
        "50srock__50sRock__Gbm.mid\t50srock\t50sRock\tBasic.\tGb\tminor\tGbm D A E\n"
        "gone.mid\t50srock\t50sRock\tBasic.\tC\tmajor\tC\nx.mid\n",
        "50srock__50sRock__Gbm.mid": PIANO,
        "extra.mid": DRUMS,
    },
    "lamda": {
        "META/LAMDa_META_DATA_0.pickle": pickled(
            [
                [MD5, [["total_number_of_tracks", 2], ["total_pitches_counts", [[60, 9], [64, 5], [67, 7], [164, 3]]]]],
                ["0" * 32, [["midi_ticks", 480]]],
                ["no digest", []],
            ]
        ),
        "SIG/LAMDa_SIGNATURES_DATA.pickle": pickled([[MD5, [[60, 4], [130, 9], [460, 1]]]]),
        "CHO/LAMDa_CHORDS_DATA_0.pickle": pickled([CHORDS]),
        f"MIDIs/{MD5}.mid": PIANO,
        "extra.mid": DRUMS,
    },
    "commu": {
        "commu_meta.csv": COMMU_HEADER
        + "aminor,\"[['Am']]\",mid,4,120,newage,main_melody,piano,standard,4/4,40,60,val,commu00001\n"
        + "cmajor,x,mid,4,120,newage,main_melody,piano,standard,4/4,40,60,train,commu00002\nx\n",
        "val/raw/commu00001.mid": PIANO,
        "extra.mid": DRUMS,
    },
    "metascore": {
        "metadata.jsonl": json.dumps(
            {
                "path": "m/a.mid",
                "genre": "Jazz",
                "composer": "滝廉太郎",
                "key": "F# minor",
                "metre": "3/4",
                "complexity": 3,
            }
            | {"tags": ["melancholic", "rainy"], "caption": "静かなピアノの曲。"},
            ensure_ascii=False,
        )
        + '\n{"path": "gone.mid", "genre": "pop", "composer": ""}\n{"path":\n{"path": "/etc/passwd"}\n',
        "m/a.mid": PIANO,
        "extra.mid": DRUMS,
    },
    "suno": {
        "My Song/My Song (Drums).wav": b"RIFF",
        "My Song/My Song (Drums).mid": DRUMS,
        "My Song/My Song (Bass).wav": b"RIFF",
        "My Song/notes.mid": PIANO,
    },
    "folder": {"Jazz/切ない/x.mid": PIANO, "y.mid": DRUMS},
}
MATCHED = {"folder": 2, "free-midi-chords": 0}
"""Files matched in each folder; one where nothing else is said."""

LABELS: dict[str, dict[str, Any]] = {
    "gmd": {"genre": {"jazz-swing": 1.0}, "tempo_bpm": 120.0, "meter": "4/4", "technique": ["fill"]},
    "xmidi": {"emotion": "intense", "genre": {"rock": 1.0}, "emotion_valence": -0.7, "emotion_arousal": 0.925},
    "emopia": {"emotion": "happy", "emotion_valence": 0.5, "emotion_arousal": 0.75, "genre": {"pop": 1.0}},
    "vgmidi": {"emotion_valence": 0.5, "emotion_arousal": 0.25, "genre": {"game": 1.0}},
    "pop909": {"genre": {"pop": 1.0}, "key_root": "F#", "key_mode": "major"},
    "openscore": {"genre": {"classical": 1.0}, "meter": "4/4", "technique": ["legato"]},
    "ryans": {"genre": {"folk": 1.0}, "key_root": "E", "key_mode": "dorian", "meter": "2/2"},
    "drum-machine-patterns": {"genre": {"rock": 1.0}, "meter": "4/4", "technique": ["fill"]},
    "free-midi-chords": {},
    "mma": {"genre": {"rock": 1.0}, "key_root": "F#", "key_mode": "minor"},
    "lamda": {"key_root": "C", "key_mode": "major"},
    "commu": {"genre": {"pop-newage": 1.0}, "key_root": "A", "key_mode": "minor", "tempo_bpm": 120.0, "meter": "4/4"},
    "metascore": {
        "genre": {"jazz": 1.0},
        "key_root": "F#",
        "key_mode": "minor",
        "meter": "3/4",
        "emotion": "sad",
        "caption_ja": "静かなピアノの曲。",
    },
    "suno": {},
    "folder": {"genre": {"jazz": 1.0}, "emotion": "sad"},
}
"""What the loops of the first matched file carry, by hand from the rows above."""
Make = Callable[[Path], Path]


def make(name: str, folder: Path) -> Path:
    """The folder of one data set below `folder`."""
    return put(folder / "set", FOLDERS[name])
