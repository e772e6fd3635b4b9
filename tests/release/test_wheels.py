"""What ``make dist`` made works where there is no compiler, no repository and no cargo: installed, run, and asked in Python.

Needs a package index, as ``make setup`` does. Building takes about a minute the first time, afterwards only what has changed.
"""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import veche
from veche.engine.embedded import LOG_KEY, EmbeddedEngine
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger
from veche.log.source import Folder
from veche.node.service import Service

ROOT = Path(__file__).parents[2]
KEPT = re.compile(r"PIP_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(?:https?|all|no)_proxy", re.IGNORECASE)
"""Of the environment, what says how to reach a package index. All else stays outside."""


@pytest.fixture(scope="session")
def dist() -> Path:
    """The release, made anew if anything has changed that goes into it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    made = subprocess.run(["make", "dist"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return ROOT / "dist"


class Clean:
    """An empty folder with a fresh environment, of which nothing else can be found: no compiler, no Go, no cargo, no git."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, folder / "venv" / "bin"
        (folder / "home").mkdir()
        self.environment = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
        self.environment |= {
            "PATH": str(self.programs),
            "HOME": str(folder / "home"),
            "PYTHONSAFEPATH": "1",
            "LC_ALL": "C.UTF-8",
        }
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, env=self.environment)
        for tool in ("cc", "gcc", "clang", "cargo", "rustc", "go", "make", "git", "uv"):
            looked_for = self("python", "-c", f"import shutil; print(shutil.which({tool!r}))")
            assert looked_for.stdout == "None\n"

    def __call__(self, program: str, *words: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a program of this environment to its end."""
        return subprocess.run(
            [self.programs / program, *words], cwd=cwd or self.folder, env=self.environment, capture_output=True, text=True,
            encoding="utf-8",
        )  # fmt: skip

    def install(self, *words: str | Path) -> None:
        """Install from wheels alone."""
        installed = self("pip", "install", "--quiet", "--only-binary", ":all:", *words)
        assert installed.returncode == 0, installed.stdout + installed.stderr


@pytest.fixture(scope="session")
def run(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """A place where the whole release is installed."""
    made = Clean(tmp_path_factory.mktemp("clean"))
    made.install("--require-hashes", "--find-links", dist, "--requirement", dist / "constraints.txt")
    return made


def test_program(run: Clean, city: Path) -> None:
    assert run("veche", "--version").stdout == f"veche {veche.__version__}\n"
    (poll,) = json.loads(run("veche", "verify", "city.tar", "--json", cwd=city).stdout)["polls"]
    expected = [
        (0, ["verify", "ledger", "--report", "report"]),
        (0, ["export", "--ledger", "ledger", "again.tar"]),
        (0, ["verify", "again.tar"]),
        (0, ["export", "--ledger", "again.tar", "again.bel", "--poll", poll["poll"][:8]]),
        (0, ["verify", "again.bel", "--bound", "again.bound.json"]),
        (1, ["verify", "damaged.tar"]),
        (2, ["verify", "nothing.tar"]),
        (0, ["--help"]),
    ]
    for code, arguments in expected:
        done = run("veche", *arguments, cwd=city)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    assert (city / "again.tar").read_bytes() == (city / "city.tar").read_bytes()
    assert (city / "again.bel").read_bytes() == (city / "station.bel").read_bytes()
    assert "Park" in (city / "report.html").read_text(encoding="utf-8")


def test_a_citizen_installs_joins_and_checks(dist: Path, city: Path, tmp_path: Path) -> None:
    """What a verifier needs does not speak HTTP, and says so; what docs/operating.md tells a citizen to paste does the rest, without CometBFT."""
    clean, ledger = Clean(tmp_path), tmp_path / "city" / "ledger"
    shutil.copytree(city / "ledger", ledger)
    shutil.copy(city / "city.tar", tmp_path)
    (tmp_path / "dist").symlink_to(dist)
    clean.install("--require-hashes", "--find-links", "dist", "--requirement", "dist/verify.txt")
    assert clean("veche", "verify", "city.tar").returncode == 0
    lacking = clean("veche", "node", "join", "http://127.0.0.1:1")
    assert lacking.returncode == 2 and "pip install veche[node]" in lacking.stderr

    chapter = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").partition("## 10.")[2]
    install, join, look, *_ = re.findall(r"```sh\n(.*?)\n```", chapter, re.DOTALL)
    with Ledger(ledger) as made:
        key, time = SigningKey.load(ledger / LOG_KEY), made.time
        engine = EmbeddedEngine(made, key, lambda: time)
        with engine, (service := Service(engine, key, "127.0.0.1", 0)):
            here = join.replace("https://node.example", "http://{}:{}".format(*service.address))
            assert here != join
            script = "\n".join(("set -e", install, f"{here} --listen 127.0.0.1:0 --seconds 5", look))
            done = subprocess.run(
                [shutil.which("bash") or "", "-c", script], cwd=tmp_path, env=clean.environment, capture_output=True, text=True,
                stdin=subprocess.DEVNULL, timeout=420,
            )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "all of it checked, and follows" in said and "Everything that is in this ledger holds." in said
    program = tmp_path / "veche" / "bin" / "python"
    assert subprocess.run(
        [program, "-c", "import veche_cometbft"], capture_output=True, env=clean.environment
    ).returncode
    copy = tmp_path / "ledger"
    bundles = [name for name in Folder(ledger).names() if name.startswith("tile/")]
    assert bundles and all((copy / name).read_bytes() == (ledger / name).read_bytes() for name in bundles)


def test_manual(run: Clean, city: Path) -> None:
    """The examples of the package's manual, as a program of somebody else."""
    code = "import doctest, sys, veche; sys.exit(doctest.testmod(veche, optionflags=doctest.ELLIPSIS).failed)"
    done = run("python", "-c", code, cwd=city)
    assert done.returncode == 0, done.stdout + done.stderr
    example = doctest.DocTestParser().get_examples(str(veche.__doc__))
    assert len(example) > 4
    where = run("python", "-c", "import veche, veche_kernel; print(veche.__file__, veche_kernel.__file__)").stdout
    assert f"{ROOT}/" not in where


def test_every_module(run: Clean) -> None:
    """Each room of the house can be entered: what it needs is declared, and installed."""
    code = "import pkgutil, importlib, veche; names = [m.name for m in pkgutil.walk_packages(veche.__path__, 'veche.')]"
    done = run(
        "python",
        "-c",
        f"{code}; [importlib.import_module(name) for name in names if '__main__' not in name]; print(len(names))",
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 80


def test_files(dist: Path) -> None:
    number = veche.__version__
    names = {path.name for path in dist.iterdir() if not path.name.startswith(".")}
    assert {f"veche-{number}-py3-none-any.whl", f"veche-{number}.tar.gz", f"veche_kernel-{number}.tar.gz"} < names
    assert f"veche_cometbft-{number}.tar.gz" in names
    for wheel in dist.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            held = archive.namelist()
            licence = next(name for name in held if name.endswith("licenses/LICENSE"))
            assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert {name.split("/")[1] for name in held} >= {"py.typed", "__init__.py"}
        compiled = wheel.name.startswith(("veche_kernel", "veche_cometbft"))
        assert any(name.endswith("licenses/THIRD-PARTY.txt") for name in held) == compiled


def test_nothing_names_the_machine_that_made_it(dist: Path) -> None:
    """In no file of a wheel or of a source is the folder of the checkout, or anybody's home."""
    here = [f"{folder}/".encode() for folder in (ROOT, Path.home())]
    looked = 0
    for path in dist.iterdir():
        for name, content in contents(path):
            looked += 1
            assert not [folder for folder in here if folder in content], (path.name, name)
    assert looked > 500


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a wheel or of a source, or the one that it is."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist())
    elif path.suffix == ".gz":
        with tarfile.open(path) as files:
            for member in files:
                if (file := files.extractfile(member)) is not None:
                    yield member.name, file.read()
    else:
        yield path.name, path.read_bytes()


def test_everything_of_the_package_is_in_its_wheel(dist: Path) -> None:
    source = ROOT / "src"
    files = {path.relative_to(source).as_posix() for path in (source / "veche").rglob("*") if path.is_file()}
    with zipfile.ZipFile(dist / f"veche-{veche.__version__}-py3-none-any.whl") as archive:
        held = {name for name in archive.namelist() if name.startswith("veche/") and not name.endswith("/")}
    assert held == {name for name in files if "__pycache__" not in name}


@pytest.mark.skipif(sys.platform != "linux", reason="Only on Linux does a wheel promise a version of the C library.")
def test_kernel_for_every_linux(dist: Path) -> None:
    """One binary for all Pythons from 3.11 on, which needs no C library newer than its name says, and names no builder."""
    (wheel,) = dist.glob("veche_kernel-*linux*.whl")
    assert "-cp311-abi3-manylinux2014_" in wheel.name and ".manylinux_2_17_" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".so")]
        binary = archive.read(name)
    needed = {tuple(map(int, found.split(b"."))) for found in re.findall(rb"GLIBC_([\d.]+)\0", binary)}
    assert needed and max(needed) <= (2, 17)
    assert str(Path.home()).encode() not in binary and str(ROOT).encode() not in binary


@pytest.mark.skipif(sys.platform != "linux", reason="Only on Linux is one binary for all C libraries.")
def test_cometbft_for_every_linux(dist: Path, run: Clean) -> None:
    """It needs no library of the system, names no builder, and starts where it was installed."""
    (wheel,) = dist.glob("veche_cometbft-*.whl")
    assert "-py3-none-manylinux2014_" in wheel.name and ".musllinux_1_1_" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        binary = archive.read("veche_cometbft/veche-cometbft")
        licences = archive.read(next(name for name in archive.namelist() if name.endswith("THIRD-PARTY.txt"))).decode()
    assert b"/lib64/ld-linux" not in binary and b"GLIBC_" not in binary
    assert b"/pkg/mod/" not in binary and str(ROOT).encode() not in binary
    assert "github.com/cometbft/cometbft v0.40.0" in licences and "golang.org/x/sys" in licences
    code = "import subprocess, veche_cometbft; print(subprocess.check_output([veche_cometbft.PROGRAM, '--help'], text=True))"
    assert "The consensus engine of Veche" in run("python", "-c", code).stdout


def test_constraints(dist: Path) -> None:
    """Every requirement has hashes, ours too, and no host is named: whoever installs may ask any index. They are what is tested here."""
    lists = {name: hashed(dist / name) for name in ("constraints.txt", "node.txt", "verify.txt")}
    pinned = lists["constraints.txt"]
    assert pinned.keys() > {"veche", "veche-kernel", "veche-cometbft", "cryptography", "sqlalchemy"}
    assert lists["node.txt"].keys() == pinned.keys() - {"veche-cometbft"}
    assert lists["verify.txt"].keys() < lists["node.txt"].keys() and "aiohttp" not in lists["verify.txt"]
    for name, (number, only_where) in pinned.items():
        assert {of[name][0] for of in lists.values() if name in of} == {number}
        try:
            assert version(name) == number
        except PackageNotFoundError:
            assert only_where


def hashed(file: Path) -> dict[str, tuple[str, str | None]]:
    """The version of each package of a list, and where only it is wanted; every line has hashes, and nothing else is in it."""
    text = file.read_text(encoding="utf-8")
    rows = text.replace("\\\n", " ").splitlines()
    form = re.compile(r"([a-z0-9-]+)==([\w.]+)( ; [^/]+?)?(?: +--hash=sha256:[0-9a-f]{64})+")
    pinned = {found[1]: found for found in map(form.fullmatch, rows) if found is not None}
    assert len(pinned) == len(rows)
    return {name: (found[2], found[3]) for name, found in pinned.items()}
