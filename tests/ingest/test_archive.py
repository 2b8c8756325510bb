"""Archives read by stream: limits, members refused by name, the others read."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from composer_core.errors import RefusedFile
from composer_core.ingest import archive
from composer_core.ingest.archive import read_members


def zip_of(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", compression) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return str(path)


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> str:
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return str(path)


def found(path: str, kind: str, first: int = 0) -> dict[str, bytes | str | None]:
    """Data, refusal code or None (skipped) by member name."""
    members = {}
    for member in read_members(path, kind, first):
        assert member.name.startswith(f"{path}!")
        name = member.name.removeprefix(f"{path}!")
        members[name] = member.refusal.code if member.refusal else member.data
    return members


def refusal(path: str, kind: str = "zip") -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        list(read_members(path, kind))
    assert path in str(caught.value)
    return caught.value


def test_members_of_a_zip(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"b/1.mid": b"one", "read.me": b"x", "__MACOSX/._1.mid": b"y", "2.KAR": b"two"})
    expected = {"b/1.mid": b"one", "read.me": None, "__MACOSX/._1.mid": None, "2.KAR": b"two"}
    assert found(path, "zip") == expected
    assert found(path, "zip", first=3) == {"2.KAR": b"two"}


@pytest.mark.parametrize(
    ("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar.xz", "w:xz")]
)
def test_members_of_a_tar(tmp_path: Path, name: str, mode: str) -> None:
    path = tar_of(tmp_path / name, {"b/1.mid": b"one", "c.txt": b"x", "2.mid": b"two"}, mode)
    assert found(path, "tar") == {"b/1.mid": b"one", "c.txt": None, "2.mid": b"two"}
    assert found(path, "tar", first=2) == {"2.mid": b"two"}


@pytest.mark.parametrize(
    "name",
    [
        "../x.mid",
        "a/../../x.mid",
        "/etc/x.mid",
        "\\\\host\\x.mid",
        "C:\\x.mid",
        "c:x.mid",
        "a\\..\\x.mid",
        "CON.mid",
        "b/nul.mid",
    ],
)
def test_members_that_point_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "a.zip", {name: b"bad", "good.mid": b"good"})
    assert found(path, "zip") == {name: "unsafe_member", "good.mid": b"good"}
    path = tar_of(tmp_path / "a.tar.gz", {name: b"bad", "good.mid": b"good"})
    assert found(path, "tar") == {name: "unsafe_member", "good.mid": b"good"}


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as out:
        for name, kind in (("l.mid", tarfile.SYMTYPE), ("h.mid", tarfile.LNKTYPE), ("f.mid", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            out.addfile(info)
    assert found(str(path), "tar") == dict.fromkeys(("l.mid", "h.mid", "f.mid"), "unsafe_member")
    entry = zipfile.ZipInfo("l.mid")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(entry, "/etc/passwd")
    assert found(str(tmp_path / "a.zip"), "zip") == {"l.mid": "unsafe_member"}


def test_archives_inside_archives_are_refused(tmp_path: Path) -> None:
    inner = Path(zip_of(tmp_path / "inner.zip", {"a.mid": b"x"})).read_bytes()
    path = zip_of(tmp_path / "outer.zip", {"inner.zip": inner, "b.tar.gz": b"", "a.mid": b"x"})
    assert found(path, "zip") == {"inner.zip": "nested_archive", "b.tar.gz": "nested_archive", "a.mid": b"x"}


def test_japanese_names_without_the_utf8_flag(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"dddddd.mid": b"x"})
    # Windows writes the bytes of its own encoding: 6 bytes for ドラム in cp932.
    data = Path(path).read_bytes().replace(b"dddddd", "ドラム".encode("cp932"))
    Path(path).write_bytes(data)
    assert found(path, "zip") == {"ドラム.mid": b"x"}


def test_damaged_and_lying_members(tmp_path: Path) -> None:
    path = Path(zip_of(tmp_path / "a.zip", {"a.mid": b"hello", "b.mid": b"world"}, zipfile.ZIP_STORED))
    path.write_bytes(path.read_bytes().replace(b"hello", b"jello"))
    assert found(str(path), "zip") == {"a.mid": "unreadable_archive", "b.mid": b"world"}


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c rest", b"x" * 5000])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert refusal(str(tmp_path / "a.zip")).code == "unreadable_archive"
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b" + data)
    assert refusal(str(tmp_path / "a.tar.gz"), "tar").code == "unreadable_archive"


def test_bombs_are_refused_whole(tmp_path: Path) -> None:
    # 3 MB of zeros pack to about 3 kB: 1000 to 1.
    bomb = {"a.mid": bytes(3_000_000)}
    assert refusal(zip_of(tmp_path / "a.zip", bomb)).code == "archive_bomb"
    assert refusal(tar_of(tmp_path / "a.tar.gz", bomb), "tar").code == "archive_bomb"


def test_dense_but_small_is_no_bomb(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.mid": bytes(900_000)})
    assert found(path, "zip") == {"a.mid": bytes(900_000)}


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {f"{n}.mid": b"12345" for n in range(6)}
    zipped, tarred = zip_of(tmp_path / "a.zip", members), tar_of(tmp_path / "a.tar", members, "w")
    monkeypatch.setattr(archive, "MAX_ENTRIES", 5)
    assert (refusal(zipped).code, refusal(tarred, "tar").code) == ("archive_bomb", "archive_bomb")
    monkeypatch.setattr(archive, "MAX_ENTRIES", 6)
    assert len(found(zipped, "zip")) == len(found(tarred, "tar")) == 6
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 29)
    assert (refusal(zipped).code, refusal(tarred, "tar").code) == ("archive_bomb", "archive_bomb")
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 1_000_000)
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 4)
    assert set(found(zipped, "zip").values()) == set(found(tarred, "tar").values()) == {"too_large"}


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_of(tmp_path / "a.zip", {"../b.mid": b"bad", "c.mid": b"good"})
    monkeypatch.chdir(tmp_path)
    found(path, "zip")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]


def test_encrypted_members(tmp_path: Path) -> None:
    path = Path(zip_of(tmp_path / "a.zip", {"a.mid": b"hello"}))
    data = bytearray(path.read_bytes())
    # Bit 0 of the flags: at 6 in the local header, at 8 in the central directory.
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert found(str(path), "zip") == {"a.mid": "encrypted_member"}
