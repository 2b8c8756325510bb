"""Every error sentence in both languages: the English one is the core's own."""

from __future__ import annotations

from composer_core.errors import MESSAGES

_JAPANESE: dict[str, str] = {
    # refused files
    "not_midi": (
        "{path}：MIDI ファイルではありません（先頭が {found}）。"
        "拡張子だけを変えたファイルか、音声ファイルではありませんか？"
    ),
    "empty_file": "{path}：ファイルが空です。",
    "truncated": "{path}：{what}の途中でファイルが終わっています。コピーやダウンロードが途中で切れていませんか？",
    "unreadable_midi": "{path}：MIDI データが壊れています（{reason}）。",
    "bad_resolution": "{path}：4分音符あたり {value} ティックという分解能はありえません（1〜32767）。",
    "bad_meter": "{path}：拍子 {value} はありえません（分母 1〜64、分子 1〜255）。",
    "too_long": "{path}：長さが {minutes:.0f} 分あります。上限は {limit} 分です。",
    "too_many_events": "{path}：イベントが {count} 個あります。上限は {limit} 個です。",
    "too_large": "{path}：{size} バイトあります。上限は {limit} バイトです。",
    "bad_value": "{path}：{what} の値 {value} は、どの楽器でも演奏できません。",
    "timeout": "{path}：読み込みが {limit} 秒を超えたため中止しました。",
    "out_of_memory": "{path}：読み込みに {limit} MiB を超えるメモリが必要になったため中止しました。",
    "worker_died": "{path}：このファイルで読み込みプロセスが異常終了しました（{reason}）。取り込みは続行しました。",
    "unreadable_archive": "{path}：アーカイブを読めません（{reason}）。",
    "archive_bomb": "{path}：展開すると元の大きさを極端に超えるアーカイブです（{reason}）。",
    "unsafe_member": "{path}：アーカイブの外を指す項目です。何も書き込んでいません。",
    "encrypted_member": "{path}：暗号化された項目です。先に展開してください。",
    "permission_denied": "{path}：読み取る権限がありません。",
    "source_missing": "{path}：ファイルがもうありません。元の場所に戻すか、もう一度アップロードしてください。",
    "source_changed": "{path}：ループを切り出したときのファイルとは別の内容になっています。",
    "unreadable_data": "{path}：データを読み取れません（{reason}）。",
    "unsafe_pickle": "{path}：読み込み時に {what} を要求しています。許可しているのは基本的なデータ型とパスだけです。",
    "smpte_resolution": "{path}：SMPTE フレーム（{value}）で記録された時間は、拍に割り当てられません。",
    "nested_archive": "{path}：アーカイブの中のアーカイブは開きません。先に展開してください。",
    "reader_unavailable": (
        "読み込みプロセスを起動できません（{reason}）。インストールは完全ですか？ composer doctor で確認できます。"
    ),
    # values
    "value_out_of_range": "{name}が {value} になっています。{low}〜{high}{unit} の範囲で指定してください。",
    "unknown_choice": "{name}に {value!r} は選べません。選べるもの：{choices}。",
    "unknown_option": "{where} に {name!r} という項目はありません。使えるもの：{choices}。",
    "contradiction": "{first}と{second}は同時に指定できません：{reason}。",
    "bad_weights": "{name}の重み {value} の合計が 1 になっていません。",
    "too_few_labels": "{field}のラベルが足りず学習できません（現在 {found}）。2種類以上の値に各{least}件必要です。",
    "bad_format": "{name}が {value!r} になっています。必要な形式：{expected}。",
    "bad_text": "{path} の {line} 行目：{reason}。",
    "bad_password": "パスワードの長さが範囲外です。{least}〜{most} 文字にしてください。",
    # things that are not there
    "path_missing": "{path} が見つかりません。名前のつづりはディスク上のものと同じですか？",
    "loop_missing": "ライブラリ {path} にループ {loop_id!r} がありません。ライブラリを作り直しましたか？",
    "import_missing": "{path} に取り込み {import_id!r} はありません。一覧は composer imports で確認できます。",
    "import_without_loops": "取り込み {import_id!r} のループは {path} にないため、削除するものがありません。",
    "import_not_deleted": "取り込み {import_id!r} は戻せません。削除されていないか、{days} 日の期限を過ぎています。",
    "run_missing": "{path} に学習 {run!r} がありません。",
    "no_model": "{instrument}のモデルがありません。学習ページで、手持ちの MIDI から学習できます。",
    "no_notes": "{path} には{instrument}の音符がないため、{purpose}できません。",
    "account_missing": "{path} にアカウント {name!r} がありません。",
    # what belongs to another role
    "not_permitted": "この操作には「{needed}」の権限が必要です（現在：{role}）。",
    "no_accounts": (
        "サインインできる人がいないため、共有を開始しません。先にアカウントを作成してください："
        "composer account set NAME --role owner"
    ),
    "not_shared": (
        "このままではパスワードなしで {address} に公開されます。共有するには "
        "scripts/studio --share で起動してください。"
    ),
    "not_through_doors": (
        "接続の検査を通らない方法で起動されたため、何も表示しません。scripts/studio で起動してください。"
    ),
    # things this machine lacks
    "fluidsynth_missing": (
        "FluidSynth がインストールされていないため、音を鳴らせません。インストールするコマンド：{cure}"
    ),
    "soundfont_missing": "SoundFont が見つかりません（探した場所：{places}）。インストールするコマンド：{cure}",
    "postgres_missing": (
        "ラベルの保存先は PostgreSQL ですが、そのドライバーが入っていません。インストールするコマンド：{cure}"
    ),
    "ray_missing": ("エンジン ray にはパッケージ ray が必要ですが、入っていません。インストールするコマンド：{cure}"),
    "ray_unreachable": "{address} の Ray クラスターを使えません（{reason}）。",
    "ray_failed": (
        "{address} の Ray クラスターが処理を続けられなくなりました（{reason}）。"
        "保存済みの分はそのまま残っています。同じ読み込みをもう一度実行すれば残りも揃います。"
    ),
    "ray_mismatch": (
        "{address} の Ray クラスターに入っているのはリリース {found} で、ここは {expected} です。"
        "クラスターにも同じリリースを入れてください。"
    ),
    "ray_file_missing": (
        "{path} はここにはありますが、{address} の Ray クラスターからは見えません。"
        "クラスターの各マシンから同じパスで読めるようにしてください。"
    ),
    "authlib_missing": (
        "サインインが設定されていますが、必要なパッケージが入っていません。インストールするコマンド：{cure}"
    ),
    "device_missing": "計算装置 {device!r} はここでは使えません。使えるもの：{found}。",
    "endpoint_unset": (
        "説明文を書くモデルが指定されていません。--endpoint URL と --model NAME を指定するか、"
        "{url_variable} と {model_variable} を設定してください。"
    ),
    # a model behind an address
    "endpoint_unreachable": "{url} に接続できません（{reason}）。サーバーは起動していますか？アドレスは正しいですか？",
    "endpoint_refused": "{url} に拒否されました（ステータス {status}：{reason}）。",
    "endpoint_slow": "{url} から {limit:g} 秒以内に応答がありませんでした。",
    "endpoint_answer": "{url} の応答は説明文として使えません：{reason}。",
    # storage
    "cannot_write": "{path} に書き込めません（{reason}）。アクセス権と空き容量を確認してください。",
    "damaged_store": "{path} が壊れています（{reason}）。",
    "database_busy": (
        "ラベルの保存先 {path} が混み合っています（{reason}）。何も保存されていません。"
        "少し待ってからもう一度お試しください。"
    ),
    "database_unreachable": (
        "ラベルの保存先 {path} に接続できません（{reason}）。"
        "データベースサーバーは起動していますか？直前の変更は保存されていない可能性があります。"
    ),
    "labels_lost": (
        "{path} がないか空です。ライブラリには {count} 件のラベルの記録がありました。"
        "バックアップを戻すには composer restore ファイル、"
        "ラベルなしで始めるには composer repair --without-labels を実行してください。"
    ),
    "studio_running": (
        "{path} ではスタジオ（プロセス {pid}、{address}）が動いています。終了してからもう一度実行してください。"
    ),
    "library_changed": ("処理中に {path} が変更されました（{part}）。何も置き換えていません。もう一度お試しください。"),
    "exchange_built_on": (
        "{at} に置き換えた内容は元に戻せません。その後 {later} にさらに変更されています。"
        "先にそちらを元に戻してください。"
    ),
    "bad_vocabulary": "{path} の {line} 行目：{reason}。",
    "bad_backup": "{path} はラベルのバックアップではないか、壊れています（{reason}）。",
    "conflict": (
        "ループ {loop_id} の {field} は、表示した後に {rater} が {theirs} に変更しました。"
        "あなたの {yours} は保存していません。"
    ),
    # models and training
    "vocabulary_mismatch": (
        "モデル {path} のトークン語彙が異なります（モデル {found}、現在 {expected}）。学習し直してください。"
    ),
    "damaged_model": "モデル {path} は使えません：{reason}。",
    "damaged_checkpoint": "チェックポイント {path} から再開できません：{reason}。",
    "training_diverged": "ステップ {step} で損失が {value} になり、学習を中止しました。学習率を下げてください。",
    "run_active": "学習 {run} はすでに実行中です（プロセス {pid}）。",
    # audio
    "soundfont_unreadable": (
        "{path} は FluidSynth で読める SoundFont ではありません。途中で切れているか、別の形式ではありませんか？"
    ),
    "render_too_long": "{what} は {seconds:.0f} 秒になります。上限は {limit:.0f} 秒です。",
    "render_silent": "{what} が無音になりました：{reason}。",
    "render_short": "{what} の長さが {expected:.2f} 秒ではなく {found:.2f} 秒になりました。",
    "renderer_died": "{what} の音声を作成中に音源プロセスが停止しました（{reason}）。次の再生で起動し直します。",
    "render_too_large": "{what} のファイルは {size} バイトになります。上限は {limit} バイトです。",
    "render_timeout": "{what} の音声の作成が {limit:.0f} 秒を超えたため中止しました。",
}

_WARNINGS: dict[str, tuple[str, str]] = {
    "no_notes": ("{path}: no notes in it; nothing was added.", "{path}：音符がないため、何も追加していません。"),
    "track_count": (
        "{path}: the header promises {promised} tracks, the file holds {found}; all {found} were read.",
        "{path}：ヘッダーではトラック数 {promised} ですが、実際は {found} でした。{found} トラックすべてを読みました。",
    ),
    "odd_meta": (
        "{path}: events about tempo, metre or key of impossible length ({count}) were left out.",
        "{path}：テンポ・拍子・調号のイベント {count} 個の長さが不正なため、除きました。",
    ),
    "tempo_repaired": (
        "{path}: tempos outside 5 to 1000 BPM ({count}) were repaired.",
        "{path}：5〜1000 BPM の範囲外のテンポ変更が {count} 個あり、修正しました。",
    ),
    "notes_closed": (
        "{path}: notes that never end ({count}) end at the next same note or after four quarters at most.",
        "{path}：終わりのない音符が {count} 個あり、次の同じ音、または最長で4分音符4つ分で切りました。",
    ),
    "notes_dropped": (
        "{path}: notes that never end ({count}) were left out.",
        "{path}：終わりのない音符 {count} 個は残せませんでした。",
    ),
    "zero_length": (
        "{path}: notes of no length ({count}) were given the shortest one.",
        "{path}：長さのない音符 {count} 個を最短の長さにしました。",
    ),
    "lenient_reader": (
        "{path}: the file breaks the MIDI standard ({reason}); a lenient reader read it.",
        "{path}：MIDI 規格に反しているため（{reason}）、寛容な方法で読み込みました。",
    ),
    "independent_tracks": (
        "{path}: a type 2 file; its tracks were read as if they played together.",
        "{path}：フォーマット 2 のファイルです。全トラックを同時に鳴るものとして読みました。",
    ),
    "guessed_instrument": (
        "{path}: what {count} parts play is a guess from their names ({parts}).",
        "{path}：{count} パートの楽器は名前からの推測です（{parts}）。",
    ),
    "drum_map_guessed": (
        "{path}: the drums were read by the note map of {map}, by their notes alone; another map can be chosen.",
        "{path}：ドラムは音の並びから {map} のノート配置と推測しました。別の配置も選べます。",
    ),
    "drum_map_unknown": (
        "{path}: {percent} % of the drum notes are in no note map known here and count as percussion; "
        "a map can be chosen.",
        "{path}：ドラムの音の {percent} % が既知のノート配置にないため、パーカッションとして扱います。配置を選べます。",
    ),
    "key_doubtful": (
        "{path}: the key signature it declares ({keys}) does not fit its notes; the estimate counts.",
        "{path}：宣言された調号（{keys}）は音と合わないため、推定した調を使います。",
    ),
    "meter_doubtful": (
        "{path}: it declares a metre of {meter}, whose bars hold one beat; the loops are cut by it.",
        "{path}：宣言された拍子は {meter}（1小節1拍）で疑わしいですが、ループはこの拍子で切り分けました。",
    ),
    "meter_belied": (
        "{path}: it declares a metre of {meter}, but its notes rather suggest {likely}; the loops are cut by {meter}.",
        "{path}：宣言された拍子は {meter} ですが、音からは {likely} のようです。ループは {meter} で切り分けました。",
    ),
    "beats_missing": (
        "{path}: {file}, which says where its bars lie, cannot be read; the loops are cut by the bars "
        "of the MIDI file.",
        "{path}：小節の位置を示す {file} が読めないため、MIDI ファイル自体の小節で切り分けました。",
    ),
    "beats_damaged": (
        "{path}: line {line} of {file}, which says where its bars lie, is damaged; the loops are cut by the bars "
        "of the MIDI file.",
        "{path}：小節の位置を示す {file} の {line} 行目が壊れているため、MIDI ファイル自体の小節で切り分けました。",
    ),
    "after_end": (
        "{path}: what follows the end of a track was left out.",
        "{path}：トラック終端より後ろのデータは除きました。",
    ),
    "cut_short_bars": (
        "{path}: notes in bars that a change of metre cuts short ({count}) are in no loop.",
        "{path}：拍子の変更で途切れた小節に音符が {count} 個あり、どのループにも入りません。",
    ),
}
"""What an import says about a file it accepts; a test holds the English equal to the command line's."""

TEXTS: dict[str, tuple[str, str]] = {
    f"error.{code}": (MESSAGES[code], japanese) for code, japanese in _JAPANESE.items()
} | {f"warning.{code}": entry for code, entry in _WARNINGS.items()}
