"""The archives of the shared folder and polls of Debian's belenios-tool, as far as the kernel's tests need them."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import veche_kernel as kernel
from belenios import belenios_tool


def fingerprint(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def text(point: bytes) -> str:
    return point[::-1].hex()


def records(archive: Path) -> list[tuple[str, bytes]]:
    """Names and contents, in order."""
    data, found, at = archive.read_bytes(), [], 0
    while at < len(data):
        name = data[at : at + 100].rstrip(b"\0").decode()
        size = int(data[at + 124 : at + 135], 8)
        found.append((name, data[at + 512 : at + 512 + size]))
        at += 512 + -(-size // 512) * 512
    return found


def election(raw: bytes) -> kernel.Election:
    """The kernel's view of a Belenios election."""
    fields: dict[str, Any] = json.loads(raw)
    questions = [(len(q["answers"]), q["min"], q["max"], q.get("blank", False)) for q in fields["questions"]]
    return kernel.Election(bytes.fromhex(fields["public_key"])[::-1], fingerprint(raw), fields["uuid"], questions)


def open_archive(archive: Path) -> tuple[kernel.Election, list[bytes]]:
    """The election and the ballots of an archive, in order."""
    contents = records(archive)
    data = {name.split(".")[0]: content for name, content in contents if name.endswith(".data.json")}
    events = [json.loads(content) for name, content in contents if name.endswith(".event.json")]
    setup = next(json.loads(data[event["payload"]]) for event in events if event["type"] == "Setup")
    return election(data[setup["election"]]), [data[event["payload"]] for event in events if event["type"] == "Ballot"]


class Tool:
    """belenios-tool in a folder of its own, with an election whose credentials are made here."""

    def __init__(self, folder: Path, questions: list[dict[str, Any]], secrets: list[bytes]) -> None:
        self.folder = folder
        self.program = belenios_tool()
        self.run("setup", "generate-trustee-key", "--group", "Ed25519")
        (folder / "public_keys.jsons").write_text(next(folder.glob("*.pubkey")).read_text())
        self.run("setup", "make-trustees")
        # The tool's own voter besides ours: only it can turn a credential's text into its secret.
        self.run("setup", "generate-credentials", "--uuid", "a" * 14, "--group", "Ed25519", "--count", "1")
        own = json.loads(next(folder.glob("*.pubcreds")).read_text())
        self.credential = next(iter(json.loads(next(folder.glob("*.privcreds")).read_text()).values()))
        ours = [text(kernel.base_mul(secret)) for secret in secrets]
        (folder / "public_creds.json").write_text(json.dumps(own + ours, separators=(",", ":")))
        template = {"description": "«d»", "name": "n", "questions": questions}
        (folder / "template.json").write_text(json.dumps(template))
        self.run("setup", "make-election", "--uuid", "a" * 14, "--group", "Ed25519", "--template", "template.json")
        self.run("archive", "init")
        self.election = election((folder / "election.json").read_bytes().rstrip(b"\n"))
        for name in ("election.json", "trustees.json", "public_creds.json"):
            (folder / name).unlink()

    def start(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.program), *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def run(self, *arguments: str) -> str:
        done = self.start(*arguments)
        assert done.returncode == 0, f"belenios-tool {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def ballot(self, choices: list[list[int]]) -> bytes:
        """A ballot of the tool's own voter."""
        (self.folder / "credential").write_text(self.credential)
        (self.folder / "choice.json").write_text(json.dumps(choices))
        return (
            self.run("election", "generate-ballot", "--privcred", "credential", "--choice", "choice.json")
            .encode()
            .strip()
        )

    def accepts(self, ballot: bytes) -> bool:
        (self.folder / "ballot.json").write_bytes(ballot)
        return self.start("election", "verify-ballot", "--ballot", "ballot.json").returncode == 0
