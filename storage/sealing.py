"""Seal personal values with keys from a file outside the database, and make keyed digests of them.

Without the key file a stolen database holds no phone number and no birth date. A plain hash of a phone
number would be worthless: all Vietnamese mobile numbers can be tried in minutes. Never logs and never
prints a key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT = "lantoa-key-1"
KEY_BYTES = 32
NONCE_BYTES = 12
MOST_KEYS = 255
"""The number of a key takes one byte in front of every sealed value."""


class KeyFileWrong(Exception):
    """The key file cannot be used. `problem` is one of missing, exists, open_mode, content, too_many."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class CannotOpen(Exception):
    """A sealed value was changed, moved to another row, or sealed with a key that is not in the file."""

    def __init__(self, place: Place) -> None:
        super().__init__(f"{place.table}.{place.column}")
        self.place = place


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands. It opens nowhere else. `uid` is the row's random id, not its number."""

    table: str
    column: str
    uid: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys in force: `seal` by number, the highest is used for new values; the others never change."""

    seal: Mapping[int, bytes] = field(repr=False)
    index: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @property
    def current(self) -> int:
        """The number of the key that seals new values."""
        return max(self.seal)


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals, opens, and makes look-up values with one set of keys."""

    keys: Keys

    def seal(self, text: str, place: Place) -> bytes:
        """Return `text` sealed for one column of one row: key number, nonce, AES-256-GCM text and tag."""
        number = self.keys.current
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.keys.seal[number]).encrypt(nonce, text.encode(), _bound(number, place))
        return bytes([number]) + nonce + sealed

    def open(self, sealed: bytes, place: Place) -> str:
        """Return the sealed text; `CannotOpen` if it was not sealed for this place with a key we have."""
        key = self.keys.seal.get(sealed[0]) if len(sealed) > NONCE_BYTES else None
        if key is None:
            raise CannotOpen(place)
        nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, rest, _bound(sealed[0], place)).decode()
        except InvalidTag as error:
            raise CannotOpen(place) from error

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether a value is sealed with the newest key; the others wait to be sealed anew."""
        return sealed[:1] == bytes([self.keys.current])

    def index(self, value: str) -> bytes:
        """Return the blind index of a normalised value (a phone as +84…): equal values have equal indexes."""
        return hmac.digest(self.keys.index, value.encode(), "sha256")

    def digest(self, value: str) -> bytes:
        """Return the keyed digest used in tombstones; it says nothing without the key."""
        return hmac.digest(self.keys.digest, value.encode(), "sha256")


def create_key_file(path: Path) -> Keys:
    """Make a key file that only its owner may read, on the disk before this returns.

    `KeyFileWrong` (exists) rather than overwrite: whatever was sealed with the old keys would be lost.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    secrets = [os.urandom(KEY_BYTES)]
    try:
        _write_new(path, _file_text(secrets))
    except FileExistsError as error:
        raise KeyFileWrong(path, "exists") from error
    return _derived(secrets)


def add_key(path: Path) -> Keys:
    """Put a fresh key into the file for everything sealed from now on; the older ones still open.

    The file is replaced in one step, so a kill leaves the old or the new one. Raises `KeyFileWrong`.
    """
    secrets = [*_secrets(path), os.urandom(KEY_BYTES)]
    if len(secrets) > MOST_KEYS:
        raise KeyFileWrong(path, "too_many")
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    _write_new(unfinished, _file_text(secrets))
    unfinished.replace(path)
    _sync_folder(path.parent)
    return _derived(secrets)


def load_key_file(path: Path) -> Keys:
    """Return the keys of a file; `KeyFileWrong` if it is missing, others may read it, or its content is not ours."""
    return _derived(_secrets(path))


def _secrets(path: Path) -> list[bytes]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFileWrong(path, "open_mode")
        text = path.read_text("ascii")
    except FileNotFoundError as error:
        raise KeyFileWrong(path, "missing") from error
    except UnicodeDecodeError as error:
        raise KeyFileWrong(path, "content") from error
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> list[bytes]:
    try:
        stored: Any = json.loads(text)
        secrets = [base64.b64decode(key, validate=True) for key in stored["keys"]]
        ours = stored["format"] == FORMAT and 0 < len(secrets) <= MOST_KEYS
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise KeyFileWrong(path, "content") from error
    if not ours or any(len(secret) != KEY_BYTES for secret in secrets):
        raise KeyFileWrong(path, "content")
    return secrets


def _file_text(secrets: list[bytes]) -> str:
    keys = [base64.b64encode(secret).decode() for secret in secrets]
    return json.dumps({"format": FORMAT, "keys": keys}, indent=1) + "\n"


def _write_new(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _derived(secrets: list[bytes]) -> Keys:
    # Index and digest come from the first secret for ever: a new one would hide every earlier phone and tombstone.
    seal = {number: _derive(secret, b"seal") for number, secret in enumerate(secrets, 1)}
    return Keys(seal, index=_derive(secrets[0], b"index"), digest=_derive(secrets[0], b"digest"))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"lantoa " + purpose).derive(secret)


def _bound(number: int, place: Place) -> bytes:
    parts = (FORMAT, str(number), place.table, place.column, place.uid)
    return hashlib.sha256("\0".join(parts).encode()).digest()
