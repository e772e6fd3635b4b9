"""Debian's belenios-tool as a second implementation: it makes polls, and their archives, for the tests."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from belenios import belenios_tool


@dataclass
class Poll:
    """A poll in a folder of its own, run with belenios-tool from its setup to its result."""

    folder: Path
    uuid: str = "aaaaaaaaaaaaaa"
    group: str = "Ed25519"
    singles: int = 1
    committee: tuple[int, int] | None = None  # (threshold, size)
    voters: list[str] = field(default_factory=lambda: ["1"] * 3)  # their weights
    template: dict[str, object] = field(
        default_factory=lambda: {
            "description": "About it",
            "name": "A poll",
            "questions": [{"answers": ["for", "against"], "min": 1, "max": 1, "question": "Join the programme?"}],
        }
    )

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs the tool in the poll's folder; returns what it prints, fails the test where it fails."""
        done = subprocess.run(
            [str(self.tool), *arguments], cwd=self.folder, input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"belenios-tool {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def setup(self) -> "Poll":
        """Keys, credentials, election and the archive's first event."""
        self.tool = belenios_tool()
        self.folder.mkdir(parents=True, exist_ok=True)
        group = ["--group", self.group]
        (self.folder / "voters.txt").write_text("".join(f"v{i}@x.org,v{i},{w}\n" for i, w in enumerate(self.voters)))
        self.run("setup", "generate-credentials", "--uuid", self.uuid, *group, "--file", "voters.txt")
        next(self.folder.glob("*.pubcreds")).rename(self.folder / "public_creds.json")
        private = json.loads(next(self.folder.glob("*.privcreds")).read_text())
        self.credentials: list[str] = list(private.values())
        if self.committee:
            self._ceremony(*self.committee)
        for _ in range(self.singles):
            self.run("setup", "generate-trustee-key", *group)
        keys = sorted(self.folder.glob("*.privkey"))
        self.private_keys = [key.name for key in keys]
        (self.folder / "public_keys.jsons").write_text("".join(k.with_suffix(".pubkey").read_text() for k in keys))
        self.run("setup", "make-trustees")
        (self.folder / "template.json").write_text(json.dumps(self.template))
        self.run("setup", "make-election", "--uuid", self.uuid, *group, "--template", "template.json")
        self.run("archive", "init")
        for name in ("election.json", "trustees.json", "public_creds.json"):
            (self.folder / name).unlink()
        return self

    def _ceremony(self, threshold: int, size: int) -> None:
        keygen = ("setup", "generate-trustee-key-threshold", "--group", self.group)
        contexts = [("--threshold-context", f"{j}/{threshold}/{size}") for j in range(1, size + 1)]
        self.members = [self.run(*keygen, *context, "--step", "1").strip() for context in contexts]
        certs = ("--certs", "certs.jsons")
        (self.folder / "certs.jsons").write_text("".join((self.folder / f"{m}.cert").read_text() for m in self.members))
        self.run(*keygen, *certs, "--step", "2")
        steps = zip(self.members, contexts, strict=True)
        polynomials = [self.run(*keygen, *c, *certs, "--key", f"{m}.key", "--step", "3") for m, c in steps]
        (self.folder / "polynomials.jsons").write_text("".join(polynomials))
        self.run(*keygen, *certs, "--step", "4", "--polynomials", "polynomials.jsons")
        outputs = ""
        for member in self.members:
            vinput = (self.folder / f"{member}.vinput").read_text()
            outputs += self.run(*keygen, *certs, "--key", f"{member}.key", "--step", "5", stdin=vinput)
        threshold_json = self.run(*keygen, *certs, "--step", "6", "--polynomials", "polynomials.jsons", stdin=outputs)
        (self.folder / "threshold.json").write_text(threshold_json)

    @property
    def archive(self) -> Path:
        return self.folder / f"{self.uuid}.bel"

    def event(self, kind: str, data: str = "") -> None:
        """Appends an event, with its data, to the archive."""
        self.run("archive", "add-event", f"--type={kind}", stdin=data)

    def ballot(self, voter: int, choices: object) -> str:
        """A ballot's JSON, not yet in the archive."""
        (self.folder / "credential").write_text(self.credentials[voter])
        (self.folder / "choice.json").write_text(json.dumps(choices))
        return self.run("election", "generate-ballot", "--privcred", "credential", "--choice", "choice.json")

    def vote(self, voter: int, choices: object) -> None:
        self.event("Ballot", self.ballot(voter, choices))

    def close(self) -> None:
        self.event("EndBallots")
        self.event("EncryptedTally", self.run("election", "compute-encrypted-tally"))

    def decrypt(self, owner: int) -> None:
        """The share of trustee ``owner``, counted from 1: the tool puts single trustees before the committee."""
        who = ("--trustee-id", str(owner))
        if owner <= self.singles:
            share = self.run("election", "decrypt", "--privkey", self.private_keys[owner - 1], *who)
        else:
            m = self.members[owner - self.singles - 1]
            share = self.run(
                "election", "decrypt-threshold", "--key", f"{m}.key", "--decryption-key", f"{m}.dkey", *who
            )
        self.event("PartialDecryption", share)

    def publish(self) -> str:
        """The result, which becomes the archive's last event."""
        result = self.run("election", "compute-result")
        self.event("Result", result)
        return result.strip()

    def verify(self) -> None:
        self.run("election", "verify")
