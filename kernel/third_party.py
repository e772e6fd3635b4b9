"""Write down the licences of every crate that is linked into the kernel: most oblige whoever passes on the binary to do so.

    python3 kernel/third_party.py FILE

``make dist`` runs it; the file goes into the wheel beside our own LICENSE. It needs cargo and nothing but Python's own library.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

KERNEL = Path(__file__).resolve().parent
RULE = "=" * 100


def cargo(*arguments: str) -> str:
    """What cargo says in the kernel's folder."""
    return subprocess.run(["cargo", *arguments], cwd=KERNEL, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked() -> set[tuple[str, str]]:
    """Name and version of each crate that ends up in the binary: none that only builds it or writes code."""
    command = ["tree", "--package", "veche-kernel", "--edges", "normal,no-proc-macro", "--prefix", "none"]
    lines = cargo(*command, "--format", "{p}").splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in lines)}


def licences() -> str:
    """The text of the file, the same for the same crates."""
    packages = json.loads(cargo("metadata", "--format-version", "1"))["packages"]
    crates = {(package["name"], package["version"]): package for package in packages if package["source"] is not None}
    parts = ["The kernel is linked with the Rust standard library (MIT OR Apache-2.0) and with these crates.\n"]
    for name, version in sorted(linked() & crates.keys()):
        crate = crates[name, version]
        files = [file for file in Path(crate["manifest_path"]).parent.iterdir() if file.is_file()]
        texts = [file for file in sorted(files) if re.match("licen[cs]e|copying|copyright|notice", file.name, re.I)]
        if not texts:
            sys.exit(f"{name} {version} comes without the text of its licence ({crate['license']}). Replace the crate.")
        parts.append(f"{RULE}\n{name} {version}: {crate['license']}\n{crate['repository'] or ''}\n")
        parts += [f"{file.name}\n\n{file.read_text(encoding='utf-8').strip()}\n" for file in texts]
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(licences(), encoding="utf-8")
