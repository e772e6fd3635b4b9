"""A pilot city made with the real commands, each role in a folder of its own: what the tests of the commands begin with."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .conftest import Answer, Run, veche
from .conftest import ok as must

OFFICES = (
    ("Polls office", "organiser"),
    ("Legal office", "organiser"),
    ("Civil registry", "registrar"),
    ("Post office", "registrar"),
    ("University", "trustee"),
    ("Bar association", "trustee"),
    ("Journalists' union", "trustee"),
)
PEOPLE = 6


@dataclass(frozen=True)
class City:
    """``offices`` are the folders (or key files) in which the offices' keys are, by institution."""

    folder: Path
    offices: dict[str, Path]

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def registrars(self) -> list[Path]:
        return [self.offices[name] for name, role in OFFICES if role == "registrar"]

    @property
    def trustees(self) -> list[Path]:
        return [self.offices[name] for name, role in OFFICES if role == "trustee"]

    @property
    def organisers(self) -> list[Path]:
        return [self.offices[name] for name, role in OFFICES if role == "organiser"]


def found(folder: Path, run: Run = veche) -> City:
    """Make the offices, the charter with everybody's signature, the ledger, and the registrars' rolls."""

    def ok(*args: object) -> Answer:
        return must(*args, run=run)

    offices, keys = {}, {}
    for number, (name, role) in enumerate(OFFICES):
        place = folder / f"{number}-{role}"
        if role == "registrar":
            keys[name] = ok("registrar", "init", place).first
        elif role == "trustee":
            keys[name] = ok("trustee", "init", place, "--institution", name).first
        else:
            place = place / "office.key"
            keys[name] = ok("office", "keygen", place).first
        offices[name] = place
    city = City(folder, offices)
    log_key = ok("ledger", "keygen", "--ledger", city.ledger).first
    draft = folder / "charter.toml"
    draft.write_text(charter_draft(log_key, keys), encoding="utf-8")
    entry = folder / "charter.entry"
    for number, place in enumerate(offices.values()):
        # Each signs for themselves; the entry travels from one to the next.
        ok("charter", "sign", draft if number == 0 else entry, "--key", place)
    ok("ledger", "init", "--ledger", city.ledger, entry)
    roll = folder / "roll.csv"
    lines = [f"person-{i},{'Arbat' if i % 2 else 'Presnensky'}" for i in range(PEOPLE)]
    roll.write_text("person,district\n" + "\n".join(lines) + "\n", encoding="utf-8")
    for place in city.registrars:
        ok("registrar", "import", place, roll)
    return city


def announce(city: City, run: Run = veche) -> tuple[str, str]:
    """Form a committee, and publish a poll that opens in an hour: the ids of both. Nobody has opened it yet."""

    def ok(*args: object) -> Answer:
        return must(*args, *ledger, run=run)

    ledger = ("--ledger", city.ledger)
    one, two = city.organisers
    committee = str(ok("committee", "form", "--class", "pilot", "--key", one, "--json").json["committee"])
    for _ in range(3):
        for place in city.trustees:
            ok("trustee", "act", place)
    (city.folder / "map.geojson").write_text("{}", encoding="utf-8")
    draft, entry = city.folder / "poll.toml", city.folder / "poll.entry"
    draft.write_text(poll_draft(committee[:8], time.time() + 3600, time.time() + 7200), encoding="utf-8")
    ok("poll", "sign", draft, "--key", one, "--key", two)
    return committee, str(ok("poll", "publish", entry, "--json").json["poll"])


def charter_draft(log_key: str, keys: dict[str, str]) -> str:
    offices = "".join(
        f'[[office]]\ninstitution = "{name}"\nrole = "{role}"\nkey = "{keys[name]}"\n' for name, role in OFFICES
    )
    return f"""
origin = "veche.example/pilot"
operator = "City hall: computing"
name = {{ en = "The pilot", ru = "Проба" }}
log_key = "{log_key}"
k = 2
{offices}
[[class]]
name = "pilot"
registrars = [
    {{ institution = "Civil registry", source = "passports" }},
    {{ institution = "Post office", source = "addresses" }},
]
k = 2
f = 0
sources = 2
trustees = ["University", "Bar association", "Journalists' union"]
t = 2
f_t = 0
margin = 0
challenge = 0
smallest = 3
notice = 0
longest = "1 day"
organisers = 2
"""


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def poll_draft(committee: str, opens: float, closes: float) -> str:
    """Two questions: one of three answers, and up to two of three with a blank vote; two districts."""
    return f"""
class = "pilot"
committee = "{committee}"
opens = {moment(opens)}
closes = "{moment(closes)}"
title = {{ en = "Speed and courtyard", ru = "Скорость и двор" }}
background = {{ en = "Two questions.", ru = "Два вопроса." }}

[[question]]
text = {{ en = "Which limit?", ru = "Какое ограничение?" }}
answers = [ {{ en = "60", ru = "60" }}, {{ en = "50", ru = "50" }}, {{ en = "40", ru = "40" }} ]
min = 1
max = 1

[[question]]
text = {{ en = "Which works?", ru = "Какие работы?" }}
answers = [ {{ en = "Benches", ru = "Лавки" }}, {{ en = "Trees", ru = "Деревья" }}, {{ en = "Ramp", ru = "Пандус" }} ]
min = 1
max = 2
blank = true

[[group]]
name = {{ en = "Arbat", ru = "Арбат" }}
[[group]]
name = {{ en = "Presnensky", ru = "Пресненский" }}

[[attachment]]
name = "map.geojson"
file = "map.geojson"
"""


def sleep_until(when: float) -> None:
    time.sleep(max(0.0, when - time.time()))
