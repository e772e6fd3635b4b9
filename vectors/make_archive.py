"""Make archive.json and archive_text.json: python vectors/make_archive.py

By the second implementation in tests/archive (slow_group.py, reference.py, forge.py, assemble.py), which shares nothing with
the program; belenios-tool takes the good archive.

archive.json: a whole archive as its steps, in order: the type of each event, and the texts that come before it. ``time`` is
that of all records, ``sha256`` that of the whole file, ``result`` what it says. ``failures``: with ``text`` in the place of one text
(``event``, ``data``: both counted from 0), and with all hashes, heights, parents and references made to fit, the archive must be
refused at ``step``, or get no verdict where that is "unsupported".

archive_text.json: how things are spelled. ``strings``: [text, JSON]. ``not_strings``: JSON of strings that is not canonical.
``counts``: [decimal, JSON]. ``points``: [RFC 8032 bytes in hexadecimal, text]. ``b64``: [text, SHA-256 in base64].
``records``: [name, content, time, SHA-256 of the record with its padding].
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from archive.assemble import Parts, compact, record  # noqa: E402
from archive.forge import Town  # noqa: E402
from archive.reference import b64  # noqa: E402
from archive.slow_group import BASE, NEUTRAL, Q, add, decode_any, encode, mul, small_order  # noqa: E402

QUESTIONS = [
    {"answers": ["for", "against"], "min": 1, "max": 1, "question": "Join the programme?"},
    {"answers": ["lighting", "benches"], "blank": True, "min": 1, "max": 2, "question": "Which first?"},
]


def town_and_archive() -> tuple[Town, list[bytes], Parts]:
    town = Town(questions=QUESTIONS, weights=[None, 5, None], trustees=[4711, (2, 3)], seed=20261122)
    choices = [(0, [[0, 1], [1, 0, 0]]), (1, [[1, 0], [0, 1, 1]]), (0, [[1, 0], [0, 0, 1]])]
    votes = [town.vote(voter, choice) for voter, choice in choices]
    counted = [(votes[1], 5), (votes[2], 1)]
    return town, votes, town.archive(votes, counted, [[6, 0], [0, 5, 6]], owners=[1, 4, 2])


def failures(town: Town, votes: list[bytes], good: Parts) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def fail(name: str, step: str, event: int, data: int, text: bytes | Any) -> None:
        changed = text if isinstance(text, bytes) else compact(text)
        rows.append({"name": name, "step": step, "event": event, "data": data, "text": changed.decode()})

    def parsed(event: int, data: int) -> Any:
        return json.loads(good.steps[event].data[data])

    def edited(event: int, data: int, change: Any) -> Any:
        content = parsed(event, data)
        change(content)
        return content

    def ballot(number: int, change: Any) -> bytes:
        content = json.loads(votes[number])
        change(content)
        return town.sign((0, 1, 0)[number], content)

    tally, single, result = (good.find(kind)[0] for kind in ("EncryptedTally", "PartialDecryption", "Result"))
    election, credentials = good.data("Setup", 0, 0), good.data("Setup", 0, 2)
    fail("another group", "unsupported", 0, 0, edited(0, 0, lambda e: e.update(group="BELENIOS-2048")))
    fail("another version", "unsupported", 0, 0, edited(0, 0, lambda e: e.update(version=2)))
    fail("a space in the election", "A3", 0, 0, election.replace(b",", b", ", 1))
    fail("an escaped letter in the election", "A3", 0, 0, election.replace(b"A town", b"\\u0041 town"))
    fail("a question that nobody can answer", "A4", 0, 0, edited(0, 0, lambda e: e["questions"][0].update(min=2)))
    fail("another public key", "A5", 0, 0, edited(0, 0, lambda e: e.update(public_key=encode(BASE))))
    fail("a trustee left out", "A5", 0, 1, parsed(0, 1)[1:])
    fail("a trustee twice", "A5", 0, 1, [parsed(0, 1)[0], *parsed(0, 1)])
    fail("the certificates in another order", "A5", 0, 1, edited(0, 1, lambda t: t[1][1]["certs"].reverse()))
    fail("another threshold", "A5", 0, 1, edited(0, 1, lambda t: t[1][1].update(threshold=1)))
    fail("the identity as credential", "A6", 0, 2, [*parsed(0, 2), encode(NEUTRAL)])
    fail("a credential of order 8", "A6", 0, 2, [*parsed(0, 2), encode(small_order()[8])])
    fail("a credential of mixed order", "A6", 0, 2, [*parsed(0, 2), encode(add(BASE, small_order()[2]))])
    fail("a credential that is not canonical", "A6", 0, 2, [*parsed(0, 2), f"{2**255 + 1:064x}"])
    fail("a credential twice", "A6", 0, 2, [*parsed(0, 2), parsed(0, 2)[0] + ",2"])
    fail("a weight with a leading zero", "A3", 0, 2, credentials.replace(b",5", b",05"))
    fail("a voter who is not listed", "A7", 0, 2, parsed(0, 2)[1:])
    for number, name in ((0, "a superseded ballot"), (2, "a ballot")):
        event = number + 1
        fail(
            f"{name} without blank proof", "A7", event, 0, ballot(number, lambda b: b["answers"][1].pop("blank_proof"))
        )
        reorder = ballot(number, lambda b: b["answers"][0].update(choices=b["answers"][0].pop("choices")))
        fail(f"{name} with fields in another order", "A7", event, 0, reorder)
        extra = ballot(number, lambda b: b["answers"][0].update(extra=0))
        fail(f"{name} with a field more", "A7", event, 0, extra)
        pop = ballot(number, lambda b: b["answers"][0]["individual_proofs"].pop())
        fail(f"{name} with an individual proof less", "A7", event, 0, pop)
        fail(f"{name} of two votes", "A7", event, 0, town.vote(0, [[2, -1], [0, 0, 1]]))
    mixed = ballot(1, lambda b: shift(b["answers"][0]["choices"][0]))
    fail("a ballot with a beta of mixed order", "A7", 2, 0, mixed)
    fail("a ballot signed by another voter", "A7", 2, 0, town.sign(0, json.loads(votes[1])))
    fail("the sums of the first ballots", "A8", tally, 0, tallied(town, [(votes[0], 1), (votes[1], 5)]))
    fail("the sums without weights", "A8", tally, 0, tallied(town, [(votes[1], 1), (votes[2], 1)]))
    fail("a ballot more than there is", "A8", tally, 1, edited(tally, 1, lambda s: s.update(num_tallied=3)))
    fail("a weight more than there is", "A8", tally, 1, edited(tally, 1, lambda s: s.update(total_weight=7)))
    fail("a count as a string", "A3", tally, 1, edited(tally, 1, lambda s: s.update(total_weight="6")))
    fail("the share of a trustee who is not there", "A9", single, 1, edited(single, 1, lambda s: s.update(owner=5)))
    fail("two shares of a trustee", "A9", single + 1, 1, edited(single + 1, 1, lambda s: s.update(owner=1)))
    other = edited(single, 0, lambda s: s["decryption_factors"][0].__setitem__(0, encode(mul(5, BASE))))
    fail("a factor that is made up", "A9", single, 0, other)
    fail("a factor less", "A9", single, 0, edited(single, 0, lambda s: s["decryption_factors"][1].pop()))
    fail("a vote moved", "A10", result, 0, {"result": [[5, 1], [0, 5, 6]]})
    fail("a question left out", "A10", result, 0, {"result": [[6, 0]]})
    fail("a number as a string", "A3", result, 0, {"result": [["6", 0], [0, 5, 6]]})
    nobody = {"threshold": 1, "certs": [], "coefexps": [], "signatures": [], "verification_keys": []}
    fail("a committee of nobody", "A5", 0, 1, edited(0, 1, lambda t: t[1][1].update(nobody)))
    fail("trustees whose keys cancel", "A5", 0, 1, [["Single", town.knowledge(secret)] for secret in (11, Q - 11)])
    fail("weights that add up to q", "A6", 0, 2, [*parsed(0, 2), f"{encode(mul(7, BASE))},{Q - 7}"])
    fail("a weight of 2^64", "unsupported", 0, 2, [*parsed(0, 2), f"{encode(mul(7, BASE))},{2**64}"])
    return rows


def shift(choice: dict[str, str]) -> None:
    choice["beta"] = encode(add(decode_any(choice["beta"]), small_order()[4]))


def tallied(town: Town, counted: list[tuple[bytes, int]]) -> Any:
    sums = town.tally([ballot for ballot, _ in counted], [weight for _, weight in counted])
    return [[{"alpha": encode(a), "beta": encode(b)} for a, b in question] for question in sums]


def texts() -> dict[str, Any]:
    strings = [
        ("", '""'),
        ("Fête d'été 🥚", '"Fête d\'été 🥚"'),
        ('"\\/', '"\\"\\\\/"'),
        ("\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'),
        ("\0\x01\x0b\x1f\x7f\x80", '"\\u0000\\u0001\\u000b\\u001f\\u007f\x80"'),
        ("\u2028\ufeff", '"\u2028\ufeff"'),
    ]
    names = ["BELENIOS", hashlib.sha256(b"{}").hexdigest() + ".data.json"]
    contents = [b'{"version":1,"timestamp":"1795332031"}', b"{}"]
    return {
        "strings": strings,
        "not_strings": ['"\\/"', '"\\u0041"', '"\\u001F"', '"\\u000a"', '"\x7f"', '"\\ud83e\\udd5a"', '"\\ud800"'],
        "counts": [
            ["0", "0"],
            ["1073741823", "1073741823"],
            ["1073741824", '"1073741824"'],
            [str(2**64), f'"{2**64}"'],
        ],
        "points": [
            [bytes.fromhex(encode(p))[::-1].hex(), encode(p)] for p in (NEUTRAL, BASE, mul(2, BASE), mul(-3 % 8, BASE))
        ],
        "b64": [[text, b64(text)] for text in ("", "{}", "Œuf 🥚")],
        "records": [
            [name, content.decode(), 1795332031, hashlib.sha256(record(name, content, 1795332031)).hexdigest()]
            for name, content in zip(names, contents, strict=True)
        ],
    }


def main() -> None:
    town, votes, good = town_and_archive()
    archive = {
        "time": good.time,
        "sha256": hashlib.sha256(good.to_bytes()).hexdigest(),
        "result": good.data("Result", 0, 0).decode(),
        "steps": [{"type": step.kind, "data": [text.decode() for text in step.data]} for step in good.steps],
        "failures": failures(town, votes, good),
    }
    for name, content in (("archive", archive), ("archive_text", texts())):
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
