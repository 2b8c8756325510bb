"""Words about reading files again, and about what files declare."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "reread.needed": (
        "{loops} loops from {files} files were cut by an earlier version. Files are read better now: which instrument "
        "plays, where a loop ends, which notes are held.",
        "{files} 個のファイルから作った {loops} 件のループは、以前のバージョンで切り出したものです。"
        "現在はファイルの読み取り（楽器の判別、ループの終わり、伸ばした音など）が改善されています。",
    ),
    "reread.only_missing": (
        "{loops} loops were cut by an earlier version, and their {files} files are gone. They stay as they are.",
        "{loops} 件のループは以前のバージョンで切り出したものですが、元の {files} 個のファイルがありません。"
        "ループはそのまま残ります。",
    ),
    "reread.missing_title": ("Files that are gone: {n}", "見つからないファイル：{n} 個"),
    "reread.more": ("and {n} more", "ほか {n} 個"),
    "reread.look": ("See what would change", "変わる内容を確認"),
    "reread.look_help": (
        "Reads the files again and changes nothing yet",
        "ファイルをもう一度読み取ります。この時点では何も変わりません",
    ),
    "reread.reading": ("Reading {done} of {total} files…", "ファイルを読み取り中… {done} / {total}"),
    "reread.title": ("Reading files again", "ファイルの再読み取り"),
    "reread.changes": (
        "{changed} of {files} files change: {out} loops are replaced by {put_in}.",
        "{files} 個中 {changed} 個のファイルで内容が変わります。{out} 件のループが {put_in} 件に置き換わります。",
    ),
    "reread.labels": (
        "{drafts} labels of yours are carried over as drafts to be checked, {imported} of data sets are copied. "
        "{left} decisions (rejections, or what does not suit the new loop) stay with the old loops.",
        "付けたラベル {drafts} 件は、確認待ちの下書きとして引き継ぎます。"
        "データセットのラベル {imported} 件はそのまま写します。"
        "引き継げない判断（却下や、新しいループに合わないもの）{left} 件は、元のループに残ります。",
    ),
    "reread.no_change": (
        "Read again: nothing changes in {files} files.",
        "読み取り直しました。{files} 個のファイルに変わる点はありません。",
    ),
    "reread.apply": ("Replace the loops", "ループを置き換える"),
    "reread.apply_help": (
        "The old loops are set aside with their labels; you can bring them back.",
        "元のループはラベルごと取っておくので、あとで戻せます。",
    ),
    "reread.later": ("Not now", "今はしない"),
    "reread.applied": (
        "{out} loops were replaced by {put_in}; {drafts} labels wait as drafts.",
        "{out} 件のループを {put_in} 件に置き換えました。ラベル {drafts} 件は下書きとして確認を待っています。",
    ),
    "reread.undo": ("Bring back what was before", "元に戻す"),
    "reread.undo_help": (
        "The re-read of {at}: {out} loops come back with their labels, {put_in} go.",
        "{at} の再読み取りを取り消します。{out} 件のループがラベルごと戻り、{put_in} 件がなくなります。",
    ),
    "reread.undone": (
        "{out} loops are back with their labels.",
        "{out} 件のループをラベルごと元に戻しました。",
    ),
    "reread.not_read": ("Files that cannot be read again: {n}", "読み取り直せないファイル：{n} 個"),
    "reread.col_class": ("What changes", "変わる点"),
    "reread.col_loops": ("Loops", "ループ数"),
    "reread.class_instrument": ("Another instrument", "楽器が変わる"),
    "reread.class_longer": ("Longer", "長くなる"),
    "reread.class_shorter": ("Shorter", "短くなる"),
    "reread.class_held": ("Held notes sound into the loop", "前から伸びている音が加わる"),
    "reread.class_meter": ("Another metre", "拍子が変わる"),
    "reread.class_tempo": ("Another tempo", "テンポが変わる"),
    "reread.class_drum_map": ("Another note map of the drums", "ドラムの音名表が変わる"),
    "reread.class_notes": ("Other notes", "音が変わる"),
    "reread.class_place": ("Another place in the song", "曲の中での位置が変わる"),
    "reread.class_declared": (
        "Key or metre that the file declares is kept",
        "ファイルに書かれた調・拍子を記録する",
    ),
    "reread.class_names": ("Other names or numbers", "名前や番号が変わる"),
    "reread.class_new": ("New, where no loop was", "新しくできる"),
    "reread.class_gone": ("Gone, with nothing in their place", "なくなる"),
    "reread.improved": (
        "{n} files are in the library already, and are read better now than when they were imported. Nothing of them "
        "was added; see above what would change.",
        "{n} 個のファイルはすでにライブラリにあり、取り込んだときより正しく読み取れるようになっています。"
        "今回は何も追加していません。変わる内容は上の案内から確認できます。",
    ),
    "reread.improved_file": (
        "Already in the library, and read better now: read it again.",
        "取り込み済みですが、以前より正しく読み取れます。再読み取りしてください。",
    ),
    "result.improved": ("Read better", "読み取り改善"),
    "declared.key": ("Key", "調"),
    "declared.meter": ("Metre", "拍子"),
    "declared.file": ("{value} (declared by the file)", "{value}（ファイルの指定）"),
    "declared.doubtful": (
        "{value} (declared by the file, but its notes say otherwise)",
        "{value}（ファイルの指定。ただし音と合いません）",
    ),
    "declared.estimate": ("{value} (estimated, {confidence})", "{value}（推定・{confidence}）"),
    "declared.or": (" or ", "または"),
}
