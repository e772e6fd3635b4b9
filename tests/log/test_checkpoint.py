"""Signed notes, checkpoints, cosignatures and policies: what is read is one form only, and nothing changed passes."""

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.log import note
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, cosign, sign, verify_checkpoint
from veche.log.note import COSIGNATURE, ED25519, Note, Signature, Verifier

from .small_log import KEY, ORIGIN, POLICY, flip

HEAD = Checkpoint(ORIGIN, 20852163, hashlib.sha256(b"root").digest())
SIGNED = SignedCheckpoint(HEAD, (sign(HEAD, KEY),))
DATA = SIGNED.to_bytes()
WITNESSES = [SigningKey(hashlib.sha256(b"witness %d" % i).digest()) for i in range(4)]
NAMES = [f"witness{i}.example" for i in range(4)]
COSIGNED = SIGNED.add(*(cosign(HEAD, NAMES[i], WITNESSES[i], 1_700_000_000 + i) for i in range(3)))

names = st.text(min_size=1, max_size=20).filter(note.is_name)
keys = st.binary(min_size=32, max_size=32).map(SigningKey)


def verifier(i: int) -> Verifier:
    return Verifier(NAMES[i], COSIGNATURE, WITNESSES[i].public)


def test_form() -> None:
    lines = DATA.decode().split("\n")
    assert lines[:4] == [ORIGIN, "20852163", base64.b64encode(HEAD.root).decode(), ""]
    assert lines[4].startswith(f"— {ORIGIN} ")
    assert lines[5:] == [""]
    raw = base64.b64decode(lines[4].rsplit(" ", 1)[1])
    assert raw[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x01" + KEY.public).digest()[:4]
    assert verify_checkpoint(DATA, POLICY) == SIGNED


def test_cosignature_message() -> None:
    """The message of c2sp.org/tlog-cosignature, put together by hand."""
    line = COSIGNED.signatures[1]
    time = 1_700_000_000
    assert line.key_id == hashlib.sha256(NAMES[0].encode() + b"\n\x04" + WITNESSES[0].public).digest()[:4]
    assert line.data[:8] == time.to_bytes(8, "big")
    text = b"\n".join(DATA.split(b"\n")[:3]) + b"\n"
    assert line.data[8:] == WITNESSES[0].sign(b"cosignature/v1\ntime 1700000000\n" + text)


@settings(deadline=None)
@given(names, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), keys, keys, st.integers(0, 2**63 - 1))
def test_round_trip(origin: str, size: int, root: bytes, key: SigningKey, witness: SigningKey, time: int) -> None:
    head = Checkpoint(origin, size, root)
    signed = SignedCheckpoint(head, (sign(head, key), cosign(head, "w", witness, time)))
    again = SignedCheckpoint.parse(signed.to_bytes())
    assert again == signed
    log, other = Verifier(origin, ED25519, key.public), Verifier("w", COSIGNATURE, witness.public)
    if key.public != witness.public:
        assert again.verify(Policy(origin, {log: 1, other: 1}, 2)) == {log: 0, other: time}
    for v in (log, other):
        assert Verifier.parse(str(v)) == v


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_one_form_or_refused(data: bytes) -> None:
    for candidate in (data, DATA[: len(DATA) - len(data) // 2] + data):
        try:
            assert SignedCheckpoint.parse(candidate).to_bytes() == candidate
        except DoesNotHold as error:
            assert error.step in ("note", "checkpoint")


def test_every_bit_counts() -> None:
    for at in range(len(DATA)):
        for bit in range(8):
            with pytest.raises(DoesNotHold) as error:
                verify_checkpoint(flip(DATA, at, 1 << bit), POLICY)
            assert error.value.step in ("note", "checkpoint")
            assert error.value.where


def test_every_length_counts() -> None:
    for at in range(len(DATA)):
        for wrong in (DATA[:at], DATA[:at] + DATA[at + 1 :], DATA[:at] + b"A" + DATA[at:]):
            with pytest.raises(DoesNotHold):
                verify_checkpoint(wrong, POLICY)


def test_every_bit_of_a_cosignature_counts() -> None:
    policy = Policy(ORIGIN, {verifier(0): 1}, 1)
    data = SignedCheckpoint(HEAD, (COSIGNED.signatures[1],)).to_bytes()
    verify_checkpoint(data, policy)
    for at in range(len(data)):
        with pytest.raises(DoesNotHold):
            verify_checkpoint(flip(data, at, 1), policy)


TEXT = HEAD.text()
LINE = SIGNED.signatures[0].line()
OTHER = Signature("other.example", b"abcd", b"x" * 64).line()


def signed_text(text: str) -> bytes:
    """A note over any text, well signed."""
    return Note(text, (note.sign(text, ORIGIN, KEY),)).to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        (TEXT + "\n").encode(),  # no signature
        (TEXT + LINE).encode(),  # no empty line
        (TEXT + "\n" + LINE + "\n").encode(),  # an empty line at the end
        (TEXT + "\n" + LINE[:-1]).encode(),  # the last newline is missing
        (TEXT + "\n" + LINE + LINE).encode(),  # twice by one key
        (TEXT + "\n" + LINE + SIGNED.signatures[0].line().replace("=", "")).encode(),
        (TEXT + "\n" + LINE.replace("— ", "- ")).encode(),
        (TEXT + "\n" + LINE.replace("— ", "—  ")).encode(),
        (TEXT + "\n" + LINE.replace("\n", " \n")).encode(),
        (TEXT + "\n" + LINE.replace("\n", "\r\n")).encode(),
        (TEXT + "\n" + LINE.replace("\n", "\t\n")).encode(),
        (TEXT + "\n" + LINE + "— other.example YWJjZA==\n").encode(),  # a key id without a signature
        (TEXT + "\n" + LINE + OTHER.removeprefix("— ")).encode(),
        (TEXT + "\n" + LINE + "— other+example " + OTHER.split(" ")[2]).encode(),
        (TEXT + "\n" + LINE + OTHER.replace(" ", "\u00a0")).encode(),
        (TEXT + "\n" + LINE + OTHER.replace("Y", "-", 1)).encode(),
        ("\ufeff" + TEXT + "\n" + LINE).encode(),
        (TEXT + "\n" + LINE).encode("utf-16"),
        (TEXT + "\n" + LINE).encode().replace(b"city", b"\xff\xff\xff\xff"),
        (TEXT + "\n" + LINE + "".join(Signature(f"w{i}", b"abcd", b"x").line() for i in range(100))).encode(),
        (TEXT + "\n" + LINE + Signature("w", b"abcd", bytes(100_000)).line()).encode(),
        (TEXT + "\n" + LINE + Signature("w" * 256, b"abcd", b"x").line()).encode(),
    ],
)
def test_not_a_note(data: bytes) -> None:
    with pytest.raises(DoesNotHold):
        verify_checkpoint(data, POLICY)


@pytest.mark.parametrize(
    "text", ["", "no signature\n\n", "a tab\t\n\n" + OTHER, "a\rreturn\n\n" + OTHER, "\0\n\n" + OTHER]
)
def test_reading_alone_refuses_it(text: str) -> None:
    """Notes of any kind, not only checkpoints."""
    with pytest.raises(DoesNotHold) as error:
        Note.parse(text.encode())
    assert error.value.step == "note"


def test_a_note_may_have_empty_lines() -> None:
    """The last empty line divides it."""
    text = "one\n\ntwo\n"
    signed = Note(text, (note.sign(text, ORIGIN, KEY),))
    assert Note.parse(signed.to_bytes()) == signed
    note.verify(text, signed.signatures[0], Verifier(ORIGIN, ED25519, KEY.public))


ROOT64 = base64.b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n5\n",
        f"{ORIGIN}\n5\n{ROOT64}\nan extension line\n",
        f"{ORIGIN}\n05\n{ROOT64}\n",
        f"{ORIGIN}\n+5\n{ROOT64}\n",
        f"{ORIGIN}\n-5\n{ROOT64}\n",
        f"{ORIGIN}\n5 \n{ROOT64}\n",
        f"{ORIGIN}\n5_0\n{ROOT64}\n",
        f"{ORIGIN}\n\uff15\n{ROOT64}\n",  # a digit, but not an ASCII one
        f"{ORIGIN}\n\u00b2\n{ROOT64}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT64}\n",
        f"{ORIGIN}\n{10**30}\n{ROOT64}\n",
        f"{ORIGIN}\n\n{ROOT64}\n",
        f"{ORIGIN}\n5\n{ROOT64[:-1]}\n",
        f"{ORIGIN}\n5\n{ROOT64} \n",
        f"{ORIGIN}\n5\n{ROOT64[:-2]}{chr(ord(ROOT64[-2]) + 1)}=\n",  # the spare bits of base64 are not zero
        f"{ORIGIN}\n5\n{base64.b64encode(HEAD.root[:31]).decode()}\n",
        f"{ORIGIN}\n5\n{base64.b64encode(HEAD.root + b'x').decode()}\n",
        f"\n5\n{ROOT64}\n",
        f" {ORIGIN}\n5\n{ROOT64}\n",
        f"other.example/ledger\n5\n{ROOT64}\n",
    ],
)
def test_not_a_checkpoint_though_well_signed(text: str) -> None:
    with pytest.raises(DoesNotHold) as error:
        verify_checkpoint(signed_text(text), POLICY)
    assert error.value.step == "checkpoint"


def test_the_same_helper_makes_good_ones() -> None:
    """So that the cases above are refused for their text, not for how they are signed."""
    assert verify_checkpoint(signed_text(f"{ORIGIN}\n5\n{ROOT64}\n"), POLICY).checkpoint.size == 5


def test_unknown_signatures_are_ignored() -> None:
    stranger = SigningKey.generate()
    signed = SIGNED.add(
        sign(Checkpoint("stranger.example", 1, HEAD.root), stranger),
        Signature(ORIGIN, b"same", b"name, another key"),
        Signature("another.example", SIGNED.signatures[0].key_id, b"another name, same id"),
    )
    assert verify_checkpoint(signed.to_bytes(), POLICY) == signed


def test_a_wrong_line_of_a_known_key_spoils_the_note() -> None:
    policy = Policy(ORIGIN, {verifier(0): 1, verifier(1): 1}, 1)
    bad = Signature(NAMES[1], verifier(1).key_id, bytes(72))
    with pytest.raises(DoesNotHold, match="not by this key"):
        SIGNED.add(COSIGNED.signatures[1], bad).verify(policy)
    short = Signature(NAMES[1], verifier(1).key_id, COSIGNED.signatures[2].data[8:])
    with pytest.raises(DoesNotHold, match="not a cosignature"):
        SIGNED.add(COSIGNED.signatures[1], short).verify(policy)
    late = Signature(NAMES[1], verifier(1).key_id, b"\x80" + COSIGNED.signatures[2].data[1:])
    with pytest.raises(DoesNotHold, match="not a cosignature"):
        SIGNED.add(COSIGNED.signatures[1], late).verify(policy)


def test_a_signature_is_not_a_cosignature() -> None:
    """One key under two kinds: what it signed as one is nothing as the other."""
    name = NAMES[0]
    plain = sign(Checkpoint(name, HEAD.size, HEAD.root), WITNESSES[0])
    as_cosigner = Signature(name, verifier(0).key_id, bytes(8) + plain.data)
    with pytest.raises(DoesNotHold):
        SignedCheckpoint(HEAD, (as_cosigner,)).verify(Policy(ORIGIN, {verifier(0): 1}, 1))


def test_adding_replaces_what_the_same_key_said_before() -> None:
    later = COSIGNED.add(cosign(HEAD, NAMES[0], WITNESSES[0], 1_800_000_000))
    assert len(later.signatures) == len(COSIGNED.signatures)
    assert later.verify(Policy(ORIGIN, {verifier(0): 1}, 1)) == {verifier(0): 1_800_000_000}


def test_quorum() -> None:
    """Three of four signed; their powers decide."""
    power = {verifier(0): 1, verifier(1): 2, verifier(2): 3, verifier(3): 4}
    for quorum in range(1, 11):
        policy = Policy(ORIGIN, power, quorum)
        if quorum <= 6:
            assert len(COSIGNED.verify(policy)) == 3
        else:
            with pytest.raises(DoesNotHold, match="are needed"):
                COSIGNED.verify(policy)


@pytest.mark.parametrize(("powers", "quorum"), [([1], 1), ([1, 1], 2), ([1] * 3, 3), ([1] * 4, 3), ([10, 10, 11], 21)])
def test_two_thirds(powers: list[int], quorum: int) -> None:
    policy = Policy.two_thirds(ORIGIN, {verifier(i): p for i, p in enumerate(powers)})
    assert policy.quorum == quorum
    assert 3 * policy.quorum > 2 * policy.total >= 3 * (policy.quorum - 1)


def test_policies_that_are_none() -> None:
    v = verifier(0)
    twice = {v: 1, Verifier("alias.example", COSIGNATURE, v.public): 1}
    for power, quorum in [({}, 0), ({}, 1), ({v: 1}, 0), ({v: 1}, 2), ({v: 0}, 1), ({v: -1, verifier(1): 3}, 1)]:
        with pytest.raises(UserError, match="not a quorum"):
            Policy(ORIGIN, power, quorum)
    with pytest.raises(UserError, match="listed twice"):
        Policy(ORIGIN, twice, 1)
    with pytest.raises(UserError, match="not the name"):
        Policy("two words", {v: 1}, 1)


def test_vkeys_that_are_none() -> None:
    vkey = str(verifier(0))
    wrong = [vkey[:at] + chr(ord(vkey[at]) ^ 1) + vkey[at + 1 :] for at in range(len(vkey))]
    wrong += ["", "a", "a+b", "a+b+c", vkey + "=", vkey + " ", vkey.upper(), "+" + vkey, vkey.replace("+", "+0", 1)]
    wrong.append(f"x+00000000+{base64.b64encode(bytes([ED25519]) + bytes(31)).decode()}")
    mldsa = bytes([6]) + bytes(32)
    mldsa_id = hashlib.sha256(b"x\n" + mldsa).hexdigest()[:8]
    wrong.append(f"x+{mldsa_id}+{base64.b64encode(mldsa).decode()}")
    for case in wrong:
        with pytest.raises(UserError):
            Verifier.parse(case)


@pytest.mark.parametrize(
    "name", ["", "two words", "a+b", "tab\t", "line\n", "nbsp\u00a0", "\u2028", "\ud800", "ä" * 128]
)
def test_names_that_are_none(name: str) -> None:
    assert not note.is_name(name)
    with pytest.raises(UserError):
        Verifier(name, ED25519, KEY.public)
    with pytest.raises(ValueError, match="no checkpoint"):
        Checkpoint(name, 0, HEAD.root)


@pytest.mark.parametrize(("size", "root"), [(-1, 32), (2**63, 32), (1, 31), (1, 33)])
def test_heads_that_are_none(size: int, root: int) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        Checkpoint(ORIGIN, size, bytes(root))


@pytest.mark.parametrize("time", [-1, 2**63])
def test_times_that_are_none(time: int) -> None:
    with pytest.raises(ValueError, match="no time"):
        cosign(HEAD, NAMES[0], WITNESSES[0], time)
