"""What only a process of its own can show: Ctrl-C, a pipe that closes, the first line of output, the name of the program."""

import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from .city import City, found
from .conftest import PROGRAM, Engine, environment, inside, ok


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return found(tmp_path_factory.mktemp("city"), run=inside)


def test_ctrl_c_ends_a_command_quietly(city: City) -> None:
    ok("committee", "form", "--class", "pilot", "-k", city.organisers[0], "-l", city.ledger, run=inside)
    words = [*PROGRAM, "trustee", "act", str(city.trustees[0]), "--ledger", str(city.ledger), "--timeout", "60"]
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # A shell's background job has it ignored, and hands that on.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert "committee-certificate" in process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err and "Error" not in err, err


def test_ctrl_c_is_how_an_engine_ends(city: City, engines: list[Engine]) -> None:
    engines.append(Engine(city.ledger))
    engines[0].process.send_signal(signal.SIGINT)
    out, err = engines[0].process.communicate(timeout=30)
    assert engines[0].process.returncode == 0 and "Stopped" in out and not err


def test_a_closed_pipe_is_no_mistake(city: City) -> None:
    words = " ".join(f"'{word}'" for word in [*PROGRAM, "ledger", "entry", "--ledger", str(city.ledger), "0"])
    done = subprocess.run(["bash", "-c", f"{words} | head -c 10"], capture_output=True, text=True, env=environment())
    assert done.stdout.startswith("Entry 0") and not done.stderr


@pytest.mark.parametrize(
    "words", [("verify", "{}"), ("ledger", "log", "--ledger", "{}"), ("poll", "list", "--ledger", "{}")]
)
def test_a_closed_pipe_is_no_verdict(city: City, words: tuple[str, ...]) -> None:
    """1 would mean that something does not hold."""
    command = " ".join(f"'{word}'" for word in [*PROGRAM, *(word.format(city.ledger) for word in words)])
    script = f"{command} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment())
    assert done.stdout.strip() in ("0", "141") and not done.stderr


def test_the_ledger_may_be_named_in_the_environment(city: City) -> None:
    words = [*PROGRAM, "committee", "list"]
    env = environment() | {"VECHE_LEDGER": str(city.ledger)}
    done = subprocess.run(words, capture_output=True, text=True, env=env)
    assert done.returncode == 0 and "pilot" in done.stdout


def test_a_full_disk_is_said_plainly(city: City, tmp_path: Path) -> None:
    words = " ".join(f"'{word}'" for word in [*PROGRAM, "ledger", "show", "--ledger", str(city.ledger)])
    done = subprocess.run(["bash", "-c", f"{words} > /dev/full"], capture_output=True, text=True, env=environment())
    assert done.returncode != 0 and "No space left" in done.stderr and "Traceback" not in done.stderr
