"""litewitness, a C2SP witness by others (filippo.io/torchwood), unmodified, as a process; and an ssh-agent, from which it has its key.

It has its logs in a database, which its tool witnessctl writes; that tool needs far more to be compiled, so :meth:`LiteWitness.add_log` writes the
two rows that it would write.
"""

import os
import re
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Self

import pytest
from filelock import lock_descriptor

from veche.durable import make_folder
from veche.keys import SigningKey
from veche.log.merkle import EMPTY_ROOT
from veche.log.note import COSIGNATURE, Verifier, encode64

ROOT = Path(__file__).parents[1]
VERSION = "v0.9.0"
_AWAY = re.compile(
    "dial tcp|no such host|connection refused|timeout|Forbidden|Bad Gateway|Service Unavailable|network is unreachable"
)


def program() -> Path:
    """The binary, compiled once for all tests. Skips the test that asks where the sources cannot be got."""
    folder = ROOT / "build" / "litewitness"
    binary = folder / f"litewitness-{VERSION}"
    make_folder(folder)
    with (folder / "lock").open("w") as lock:
        lock_descriptor(lock.fileno(), blocking=True)
        if not binary.exists():
            go = shutil.which("go", path=str(Path(sys.executable).parent)) or shutil.which("go")
            assert go, "Go is needed: it comes with `make setup`"
            settings = {"GOFLAGS": "", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOBIN": str(folder)}
            made = subprocess.run(
                [go, "install", f"filippo.io/torchwood/cmd/litewitness@{VERSION}"],
                env={**os.environ, **settings}, capture_output=True, text=True,
            )  # fmt: skip
            if made.returncode and _AWAY.search(made.stderr):
                pytest.skip("litewitness's sources cannot be got through Go's proxy")
            assert made.returncode == 0, made.stderr
            (folder / "litewitness").rename(binary)
    return binary


class SshAgent:
    """Has one Ed25519 key, and signs with it whatever it is handed (draft-miller-ssh-agent: identities and signatures, nothing else)."""

    def __init__(self, path: Path, key: SigningKey) -> None:
        self._key = key
        self._blob = _string(b"ssh-ed25519") + _string(key.public)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def fingerprint(self) -> str:
        return "SHA256:" + encode64(sha256(self._blob).digest()).rstrip("=")

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as heard:
            while length := heard.read(4):
                message = heard.read(struct.unpack(">I", length)[0])
                connection.sendall(_string(self._answer(message)))

    def _answer(self, message: bytes) -> bytes:
        if message[0] == 11:
            return b"\x0c" + struct.pack(">I", 1) + _string(self._blob) + _string(b"a witness")
        if message[0] == 13:
            at = 1 + 4 + struct.unpack(">I", message[1:5])[0]
            data = message[at + 4 : at + 4 + struct.unpack(">I", message[at : at + 4])[0]]
            return b"\x0e" + _string(_string(b"ssh-ed25519") + _string(self._key.sign(data)))
        return b"\x05"


class LiteWitness:
    """A witness of that kind, while it is used in a ``with``; a second time it goes on with what it knows."""

    def __init__(self, folder: Path, name: str = "lite.example/witness") -> None:
        """``folder``: of a short path, in which a socket fits."""
        make_folder(folder)
        self._folder, self._key = folder, SigningKey.generate()
        self.verifier = Verifier(name, COSIGNATURE, self._key.public)
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def named(self) -> str:
        """As ``--witness`` takes it."""
        return f"{self.verifier}+http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        path = self._folder / "agent"
        path.unlink(missing_ok=True)
        self._agent = SshAgent(path, self._key)
        with (self._folder / "said").open("a") as said:
            self._process = subprocess.Popen(
                [
                    program(), "-name", self.verifier.name, "-db", self._folder / "db", "-ssh-agent", path,
                    "-listen", f"127.0.0.1:{self.port}", "-key", self._agent.fingerprint,
                ],
                stdout=said, stderr=said,
            )  # fmt: skip
        end = time.monotonic() + 120
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            assert self._process.poll() is None and time.monotonic() < end, self.said
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._agent.close()

    @property
    def said(self) -> str:
        return (self._folder / "said").read_text()

    def add_log(self, verifier: Verifier) -> None:
        """``witnessctl add-log`` and ``witnessctl add-key``: it knows this log from now on."""
        with closing(sqlite3.connect(self._folder / "db", timeout=60)) as db, db:
            row = verifier.name, encode64(EMPTY_ROOT)
            db.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", row)
            db.execute("INSERT INTO key (origin, key) VALUES (?, ?)", (verifier.name, str(verifier)))

    def size(self, origin: str) -> int:
        """Of the newest head that it cosigned of this log, 0 if none."""
        with closing(sqlite3.connect(self._folder / "db", timeout=60)) as db:
            return int(db.execute("SELECT tree_size FROM log WHERE origin = ?", (origin,)).fetchone()[0])


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
