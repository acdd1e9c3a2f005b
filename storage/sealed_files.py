"""Write and read large files sealed with AES-256-GCM in pieces, so that a backup never stands open on a disk.

Every piece is bound to the file, to its place in it and to being the last one or not: pieces cannot be exchanged,
left out or cut off unseen.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.sealing import KEY_BYTES, Keys

MAGIC = b"LANTOA-SEALED-1\n"
SALT_BYTES = 16
HEADER_BYTES = len(MAGIC) + 1 + SALT_BYTES
PIECE_BYTES = 1024 * 1024
TAG_BYTES = 16


class CannotUnseal(Exception):
    """The file is not sealed by us, was changed or cut off, or needs a key that is not in the key file."""


class SealingWriter:
    """A file to write to; it is whole on the disk only after leaving its `with` block without an error."""

    def __init__(self, path: Path, keys: Keys) -> None:
        salt = os.urandom(SALT_BYTES)
        self._header = MAGIC + bytes([keys.current]) + salt
        self._cipher = _cipher(keys.seal[keys.current], salt)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._waiting = bytearray()
        self._pieces = 0

    def write(self, content: bytes) -> int:
        """Take `content` in and return its length."""
        self._waiting += content
        while len(self._waiting) > PIECE_BYTES:
            self._seal(bytes(self._waiting[:PIECE_BYTES]), last=False)
            del self._waiting[:PIECE_BYTES]
        return len(content)

    def __enter__(self) -> SealingWriter:
        self._file.write(self._header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._seal(bytes(self._waiting), last=True)
                self._file.flush()
                os.fsync(self._file.fileno())

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._pieces, last), piece, self._header))
        self._pieces += 1


class SealedReader(io.RawIOBase):
    """Reads what a `SealingWriter` wrote; `CannotUnseal` at the first piece that is not as it was written."""

    def __init__(self, file: IO[bytes], keys: Keys) -> None:
        self._header = file.read(HEADER_BYTES)
        number = self._header[len(MAGIC)] if len(self._header) == HEADER_BYTES else 0
        if not self._header.startswith(MAGIC) or number not in keys.seal:
            raise CannotUnseal
        self._cipher = _cipher(keys.seal[number], self._header[-SALT_BYTES:])
        self._file = file
        self._next = file.read(PIECE_BYTES + TAG_BYTES)
        self._open = b""
        self._pieces = 0

    def readable(self) -> bool:
        """Tell that this can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # any writable buffer will do
        """Fill `buffer` with what comes next and return how much; 0 at the end."""
        if not self._open and self._next:
            self._unseal()
        count = min(len(buffer), len(self._open))
        buffer[:count] = self._open[:count]
        self._open = self._open[count:]
        return count

    def _unseal(self) -> None:
        sealed, self._next = self._next, self._file.read(PIECE_BYTES + TAG_BYTES)
        try:
            self._open = self._cipher.decrypt(_nonce(self._pieces, not self._next), sealed, self._header)
        except InvalidTag as error:
            raise CannotUnseal from error
        self._pieces += 1


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=salt, info=b"lantoa sealed file").derive(key))


def _nonce(piece: int, last: bool) -> bytes:
    return piece.to_bytes(11, "big") + bytes([last])
