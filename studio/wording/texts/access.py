"""Words of signing in, and of what belongs to another role."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "access.sign_in": ("Sign in", "サインイン"),
    "access.sign_out": ("Sign out", "サインアウト"),
    "access.name": ("Name", "名前"),
    "access.password": ("Password", "パスワード"),
    "access.with_provider": ("Sign in with your organisation", "所属組織のアカウントでサインイン"),
    "access.wrong": ("The name or the password is wrong.", "名前またはパスワードが違います。"),
    "access.slow_down": (
        "Too many tries. Wait {minutes} minutes.",
        "試行回数が多すぎます。{minutes} 分ほど待ってからお試しください。",
    ),
    "access.not_invited": (
        "You are signed in, but nobody has given you a role here. Ask the owner of this studio.",
        "サインインできましたが、このスタジオでの権限がありません。管理者に依頼してください。",
    ),
    "access.who": ("{name} ({role})", "{name}（{role}）"),
    "access.viewer": ("viewer", "閲覧者"),
    "access.curator": ("curator", "編集者"),
    "access.owner": ("owner", "管理者"),
    "access.needs": (
        "This is for the {role} of this studio.",
        "この操作には「{role}」の権限が必要です。",
    ),
}
