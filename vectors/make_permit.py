"""Make permit.json and permit_roll.json: python vectors/make_permit.py

Nothing is random: keys come from SHAKE-256 of a label. Before anything is written, what the program made is compared
with other implementations: PyNaCl for the credential, plain integers for the blind signature, OpenSSL (through
cryptography) for the finished one.

permit.json: ``permits``, from the seed to the permit, every value on the way; ``orders``, of so many registrars, by a seed and
a counter; ``forgeries``, each a (modulus, message, prefix, signature) that must not verify, with the one thing that is
wrong with it; ``mail``, a request by file with its code, answers to it, and texts that are no request.
permit_roll.json: what a registrar publishes of a small roll; ``proofs``, files that hold, with the values to check them
against; ``forgeries``, files that must not be read (``unreadable``) or do not hold against the same values.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import gmpy2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from veche.permit import blind_rsa, derive
from veche.permit.mail import AnswerFile, RequestFile
from veche.permit.message import permit_message
from veche.permit.request import PermitRequest
from veche.permit.roll import RollTree, row_salt
from veche.permit.seed import Seed
from veche.words import in_words

POLL = hashlib.sha256(b"the poll of the permit vectors").digest()
SEEDS = [Seed(hashlib.sha256(f"root {i}".encode()).digest()) for i in range(2)]
PEOPLE = ["ann", "boris", "vera", "Лидия", "zoya"]
SERVED = {"boris", "Лидия"}


def prime(label: str, bits: int) -> int:
    """The first prime of so many bits, the two highest of them set, after what SHAKE-256 makes of the label."""
    start = int.from_bytes(hashlib.shake_256(label.encode()).digest(bits // 8), "big")
    return int(gmpy2.next_prime(start | 3 << (bits - 2)))


def key(label: str, bits: int) -> tuple[int, int, blind_rsa.IssuerKey]:
    p, q = prime(f"{label} p", bits // 2), prime(f"{label} q", bits // 2)
    return p, q, blind_rsa.IssuerKey(p, q)


KEYS = [key("registrar 0", 2048), key("registrar 1", 3072)]


def permits() -> dict[str, Any]:
    rows = []
    for seed in SEEDS:
        for registrar, (p, q, signer) in enumerate(KEYS):
            for group in (0, 17):
                rows.append(permit(seed, registrar, p, q, signer, group))
    good = rows[0]
    other = rows[2]
    flipped = good["signature"][:-1] + format(int(good["signature"][-1], 16) ^ 1, "x")
    message = bytes.fromhex(str(good["message"]))
    wrong = {
        "another group": {"message": message.replace(b"|0|", b"|1|").hex()},
        "another poll": {"message": message.replace(POLL.hex().encode(), bytes(32).hex().encode()).hex()},
        "another credential": {"message": (message[:-2] + (b"00" if message[-2:] != b"00" else b"01")).hex()},
        "a group with a leading zero": {"message": message.replace(b"|0|", b"|00|").hex()},
        "an uppercase credential": {"message": message[:-64].hex() + message[-64:].upper().hex()},
        "another prefix": {"prefix": other["prefix"]},
        "no prefix": {"prefix": ""},
        "another registrar's key": {"modulus": other["modulus"]},
        "another registrar's signature": {"signature": other["signature"]},
        "one bit": {"signature": flipped},
        "a byte less": {"signature": good["signature"][2:]},
        "a zero byte before": {"signature": "00" + str(good["signature"])},
        "the blind signature": {"signature": good["blind_signature"]},
        "a salt of no bytes": {"signature": no_salt(KEYS[0][2], good)},
    }
    used = {name: good[name] for name in ("modulus", "message", "prefix", "signature")}
    forgeries = [{"wrong": name} | used | change for name, change in wrong.items()]
    orders = [
        {"seed": seed.hex(), "poll": POLL.hex(), "registrars": n, "counter": counter}
        | {"order": derive.registrar_order(seed, POLL, n, counter)}
        for seed in SEEDS
        for n, counter in ((4, 0), (4, 1), (32, 255))
    ]
    return {"permits": rows, "orders": orders, "forgeries": forgeries, "mail": mail(rows)}


def mail(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A request of the first seed in group 0, its code, and answers to it: each line is written here by hand, and then read by the program."""
    asked = [row for row in rows if row["seed"] == SEEDS[0].hex() and row["group"] == 0]
    ledger, person = hashlib.sha256(b"the ledger of the permit vectors").hexdigest(), 'Лидия "Л", 7'
    blinded = ",".join(f'{{"registrar":{row["registrar"]},"blinded":"{row["blinded"]}"}}' for row in asked)
    ids = f'"ledger":"{ledger}","poll":"{POLL.hex()}"'
    spelt = person.replace('"', '\\"')
    request = f'{{"type":"veche-permit-request-v1",{ids},"group":0,"person":"{spelt}","requests":[{blinded}]}}'
    code = hashlib.sha256(f"veche-permit-request-v1|{request}".encode()).digest()
    about = f'{{"type":"veche-permit-answer-v1",{ids},"registrar":1,'
    to = f'"blinded":"{asked[1]["blinded"]}"'
    answer = f'{about}"group":0,{to},"signature":"{asked[1]["blind_signature"]}","refused":null}}'
    refusal = (
        f'{about}"group":null,{to},"signature":null,"refused":{{"rule":"roll","message":"Nobody of that name."}}}}'
    )
    read = RequestFile.from_json(request.encode())
    assert (read.code, read.person, read.to_json()) == (code, person, f"{request}\n".encode())
    assert all(AnswerFile.from_json(line.encode()).to_json() == f"{line}\n".encode() for line in (answer, refusal))
    unreadable = {
        "another type": request.replace("request-v1", "answer-v1"),
        "a key that is missing": request.replace('"group":0,', ""),
        "a key more": request.replace('"group":0,', '"group":0,"more":1,'),
        "a key twice": request.replace('"group":0,', '"group":0,"group":0,'),
        "a group below zero": request.replace('"group":0', '"group":-1'),
        "a registrar twice": request.replace('"registrar":1', '"registrar":0'),
        "nobody asked": request.replace(blinded, ""),
        "nobody who asks": request.replace(f'"person":"{spelt}"', '"person":""'),
        "an id that is too short": request.replace(POLL.hex(), POLL.hex()[:-2]),
        "half of it": request[: len(request) // 2],
    }
    return {
        "request": request, "code": code.hex(), "words": {language: in_words(code, language) for language in ("en", "ru")},
        "laid_out_anew": "\ufeff" + json.dumps(json.loads(request), indent=2).replace("\n", "\r\n"),
        "answer": answer, "refusal": refusal,
        "unreadable": [{"wrong": wrong, "request": text} for wrong, text in unreadable.items()],
    }  # fmt: skip


def permit(seed: Seed, registrar: int, p: int, q: int, signer: blind_rsa.IssuerKey, group: int) -> dict[str, Any]:
    modulus, n = signer.modulus, p * q
    secret = derive.credential_secret(seed, POLL)
    credential = crypto_scalarmult_ed25519_base_noclamp(secret)
    factor = derive.permit_blind(seed, POLL, modulus)
    request = PermitRequest(seed, POLL, group, credential, modulus)
    blind_signature = blind_rsa.blind_sign(signer, request.blinded)
    finished = request.finish(registrar, blind_signature)
    prepared = finished.prefix + permit_message(POLL, group, credential)

    d = pow(65537, -1, (p - 1) * (q - 1))
    assert int.from_bytes(blind_signature, "big") == pow(int.from_bytes(request.blinded, "big"), d, n)
    assert int.from_bytes(finished.signature, "big") * factor % n == int.from_bytes(blind_signature, "big")
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
    rsa.RSAPublicNumbers(65537, n).public_key().verify(finished.signature, prepared, pss, hashes.SHA384())
    return {
        "seed": seed.hex(),
        "poll": POLL.hex(),
        "group": group,
        "registrar": registrar,
        "p": f"{p:x}",
        "q": f"{q:x}",
        "modulus": modulus.hex(),
        "credential_secret": secret.hex(),
        "credential": credential.hex(),
        "message": permit_message(POLL, group, credential).hex(),
        "prefix": finished.prefix.hex(),
        "salt": derive.permit_salt(seed, POLL, modulus).hex(),
        "blind_factor": factor.to_bytes(len(modulus), "big").hex(),
        "blinded": request.blinded.hex(),
        "blind_signature": blind_signature.hex(),
        "signature": finished.signature.hex(),
    }


def no_salt(signer: blind_rsa.IssuerKey, good: dict[str, object]) -> str:
    """A true signature of the variant PSSZERO, which is not ours."""
    prepared = bytes.fromhex(f"{good['prefix']}{good['message']}")
    answer = blind_rsa.blind_sign(signer, blind_rsa.blind(signer.modulus, prepared, b"", 2))
    return blind_rsa.finalize(signer.modulus, prepared, answer, 2, salt_size=0).hex()


def roll() -> dict[str, Any]:
    secret, group, modulus = hashlib.sha256(b"the secret of the salts").digest(), 3, KEYS[0][2].modulus
    tree = RollTree(secret, POLL, group, PEOPLE)
    before = {person: tree.prove(person, modulus).to_json().decode() for person in PEOPLE}
    tree.close(SERVED)
    after = {person: tree.prove(person, modulus).to_json().decode() for person in PEOPLE}
    good = after["Лидия"]
    content = json.loads(good)
    index, last = content["index"], content["issuance"]["path"][-1]
    wrong = {
        "says not served": good.replace('"served":true', '"served":false'),
        "another person": good.replace("Лидия", "Lydia"),
        "another row": good.replace(f'"index":{index}', f'"index":{(index + 1) % 5}'),
        "another size": good.replace('"size":5', '"size":6'),
        "another group": good.replace('"group":3', '"group":2'),
        "another poll": good.replace(POLL.hex(), bytes(32).hex()),
        "another key": good.replace(content["key"], bytes(32).hex()),
        "another salt": good.replace(content["issuance"]["salt"], content["roll"]["salt"]),
        "a path without its end": good.replace(f',"{last}"', "").replace(f'"{last}"', ""),
        "made before closing": before["Лидия"],
    }
    unreadable = {
        "a space": good.replace(",", ", ", 1),
        "no newline at the end": good[:-1],
        "uppercase": good.replace(content["key"], content["key"].upper()),
        "a field more": good.replace('"group":3', '"group":3,"more":1'),
        "a field twice": good.replace('"group":3', '"group":3,"group":3'),
        "another type": good.replace("row-proof-v1", "row-proof-v2"),
        "served is a number": good.replace('"served":true', '"served":1'),
        "an escape": good.replace("Лидия", "\\u041bидия"),
    }
    assert all(file not in after.values() for file in (*wrong.values(), *unreadable.values()))
    return {
        "poll": POLL.hex(),
        "group": group,
        "modulus": modulus.hex(),
        "secret": secret.hex(),
        "people": len(PEOPLE),
        "root": tree.root.hex(),
        "issued": len(SERVED),
        "issuance_root": tree.issuance_root.hex(),
        "rows": [
            {"person": person, "served": person in SERVED}
            | {f"{name}_salt": row_salt(secret, name, group, person).hex() for name in ("roll", "issuance")}
            for person in PEOPLE
        ],
        "proofs": [{"person": person, "before": before[person], "after": after[person]} for person in PEOPLE],
        "forgeries": [{"wrong": name, "file": file, "unreadable": False} for name, file in wrong.items()]
        + [{"wrong": name, "file": file, "unreadable": True} for name, file in unreadable.items()],
    }


def files() -> dict[str, str]:
    """The name and the text of each file."""
    contents = {"permit.json": permits(), "permit_roll.json": roll()}
    return {name: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in contents.items()}


if __name__ == "__main__":
    for name, text in files().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")
