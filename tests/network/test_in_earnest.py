"""A network in earnest: institutions that share nothing make their keys, sign one charter that goes round, and begin one chain."""

import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from cli.conftest import PROGRAM, environment

from veche.log.checkpoint import SignedCheckpoint

from .conftest import Client
from .hosts import free

VALIDATORS = ("City archive", "University", "Bar association", "Chamber of commerce")
OFFICES = {
    "City hall: polls office": "organiser",
    "City hall: legal office": "organiser",
    "Civil registry": "registrar",
    "Post office": "registrar",
    "Journalists' union": "trustee",
    "Library": "trustee",
    "Observatory": "trustee",
}
TRUSTEES = [name for name, role in OFFICES.items() if role == "trustee"]


@dataclass
class Institution:
    """One machine: a folder, which is its home, too. Files come to it by mail, and in no other way."""

    name: str
    folder: Path
    host: str = ""
    http: int = 0
    part: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.folder.mkdir()

    @property
    def key(self) -> str:
        return "ledger/log.key" if self.host else "office.key"

    def veche(self, *words: object) -> str:
        done = subprocess.run(
            [*PROGRAM, *map(str, words)], cwd=self.folder, env=self.environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        return environment() | {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder / "share")}

    def make_keys(self) -> None:
        """Make what is its own, and say its part of the draft."""
        if self.host:
            self.http = free(self.host)
            where = ("--url", f"http://{self.host}:{self.http}", "--peer", f"{self.host}:{free(self.host)}")
            self.part = self.veche("network", "keys", "--ledger", "ledger", "--institution", self.name, *where)
        else:
            self.veche("office", "keygen", "office.key")
            public = self.veche("office", "public", "office.key").split()[-1]
            self.part = f'[[office]]\ninstitution = "{self.name}"\nrole = "{OFFICES[self.name]}"\nkey = "{public}"\n'

    def gets(self, mail: Path) -> None:
        shutil.copy(mail, self.folder)


def draft(parts: list[str]) -> str:
    names = ", ".join(f'"{name}"' for name in TRUSTEES)
    return f"""
origin = "veche.example/city"
name = {{ en = "The city's ledger", ru = "Реестр города" }}
k = 3
seconds = 1
test = 1000
{"".join(parts)}
[[class]]
name = "pilot"
registrars = [
    {{ institution = "Civil registry", source = "passport office" }},
    {{ institution = "Post office", source = "address register" }},
]
k = 2
f = 0
sources = 2
trustees = [{names}]
t = 2
f_t = 0
smallest = 20
notice = "0 seconds"
longest = "30 days"
organisers = 2
challenge = "14 days"
margin = "1 hour"
"""


def test_institutions_that_share_nothing_begin_one_chain(tmp_path: Path) -> None:
    validators = [
        Institution(name, tmp_path / f"validator-{number}", f"127.0.0.{number + 2}")
        for number, name in enumerate(VALIDATORS)
    ]
    others = [Institution(name, tmp_path / f"office-{number}") for number, name in enumerate(OFFICES)]
    for one in (*validators, *others):
        one.make_keys()

    # one of them writes the draft from what all said, and the entry goes round
    first, *rest = (*validators, *others)
    (first.folder / "charter.toml").write_text(draft([one.part for one in (first, *rest)]), encoding="utf-8")
    first.veche("charter", "sign", "charter.toml", "--key", first.key)
    mail = first.folder / "charter.entry"
    for one in rest:
        one.gets(mail)
        one.veche("charter", "sign", "charter.entry", "--key", one.key)
        mail = one.folder / "charter.entry"
    ids = set()
    for one in validators:
        if mail.parent != one.folder:
            one.gets(mail)
        said = one.veche("ledger", "init", "charter.entry", "--ledger", "ledger")
        ids.update(re.findall(r"[0-9a-f]{64}", said))
    assert len(ids) == 1, ids

    nodes = [
        subprocess.Popen(
            [*PROGRAM, "node", "run", "--ledger", "ledger"], cwd=one.folder, env=one.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for one in validators
    ]  # fmt: skip
    try:
        heads = [final(Client((one.host, one.http))) for one in validators]
    finally:
        for node in nodes:
            node.send_signal(signal.SIGTERM)
        assert [node.wait(60) for node in nodes] == [0] * len(nodes)
    assert len({head.checkpoint for head in heads}) == 1 and all(len(head.signatures) >= 3 for head in heads)
    assert len({(one.folder / "ledger/cometbft/config/genesis.json").read_bytes() for one in validators}) == 1
    for one in validators:
        one.veche("verify", "ledger")


def final(node: Client) -> SignedCheckpoint:
    """The head that over two thirds have signed, once there is one."""
    end = time.monotonic() + 60
    while True:
        assert time.monotonic() < end
        try:
            answer = node.get("/checkpoint")
        except OSError:
            answer = None
        if answer is not None and answer.status == 200:
            return SignedCheckpoint.parse(answer.body)
        time.sleep(0.2)
