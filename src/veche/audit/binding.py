"""The file beside an exported archive: what the ledger proves of a decryption, and a Belenios archive has no place for.

Belenios's proof of a decryption hashes neither the ciphertext nor the factor, so a trustee who colludes with the last voter can
pass a false one (docs/protocol.md, 2.6). The ledger holds a second proof of each factor, the *binding proof*. This file
carries them:

    {"format": "veche-bound-v1",
     "ledger": hex of the ledger's id,  "poll": hex of the poll's id,  "phi": the election's fingerprint,
     "tally": hex of the tally entry,   whose SHA-256 is what the proofs hash
     "shares": [{"trustee": 1.., "parts": [{"factors": hex, "bound": hex}, ...]}, ...],
     "cells": [[[numbers of question 1], ...], ...]}

Part 0 is the total, which is what the archive holds; if groups were counted apart, the cells of the tally follow, and ``cells``
has the result of each. Points are 32 bytes (RFC 8032), proofs 64 bytes (challenge, response), in the order of the ciphertexts.
"""

import json
from collections.abc import Sequence

import msgspec
import veche_kernel

from veche.audit.archive import CANNOT_SHOW
from veche.audit.ledger import VerifiedLedger
from veche.ballot.archive.archive import Archive
from veche.ballot.archive.parts import ResultDocument, TallyDocument
from veche.ballot.archive.shares import combine
from veche.ballot.archive.trustees import Trustees
from veche.ballot.canonical import decode as decode_json
from veche.ballot.canonical import point_bytes
from veche.ballot.decryption import Share, alphas_of, betas_of, check_share
from veche.ballot.documents import PartialDecryption
from veche.ballot.election import Election
from veche.errors import DoesNotHold, Refused
from veche.ledger import shape
from veche.ledger.entries import Tally as TallyEntry
from veche.ledger.entries import read_entry
from veche.ledger.entries.permit_key import LARGEST_COUNT
from veche.ledger.frozen_poll import uuid_of
from veche.ledger.poll_state import PollState
from veche.strict_json import read_json
from veche.texts import N_, Clause, Localizable, Message

FORMAT = "veche-bound-v1"
LIMIT = 1 << 26
"""The largest file that is read: 64 MiB; 32 trustees and 900 ciphertexts need about 12."""

STEPS = {
    "B1": N_("The file beside the archive is in its form, and of the archive's election."),
    "B2": N_("The tally entry in it has the number of ballots and the total that the archive has."),
    "B3": N_(
        "It has the shares of just those trustees whose shares the archive has, with the same factors for the total, and "
        "each factor has a proof that names the ciphertext, the factor and the tally."
    ),
    "B4": N_(
        "The results of the groups that were counted apart are what these shares decrypt, and add up to the result."
    ),
}

COVERED = next(limit for limit in CANNOT_SHOW if "second proof" in limit)
"""What an archive alone cannot show, and can with this file."""


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    factors: str
    bound: str


class _Share(msgspec.Struct, forbid_unknown_fields=True):
    trustee: int
    parts: list[_Part]


class _Binding(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    ledger: str
    poll: str
    phi: str
    tally: str
    shares: list[_Share]
    cells: list[list[list[int]]]


def binding_json(verified: VerifiedLedger, poll: PollState) -> bytes:
    """The file for a decided poll of a verified ledger."""
    assert poll.tally is not None and poll.result is not None
    content = {
        "format": FORMAT,
        "ledger": verified.ledger.hex(),
        "poll": poll.id.hex(),
        "phi": poll.frozen.fingerprint,
        "tally": poll.tally.encode().hex(),
        "shares": [
            {
                "trustee": index,
                "parts": [
                    {"factors": entry.share.factors.hex(), "bound": entry.share.binding.hex()}
                    for _, entry in sorted(poll.shares[index].items())
                ],
            }
            for index in poll.result.trustees
        ],
        "cells": poll.result.cells,
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def verify_binding(archive: Archive, raw: bytes) -> None:
    """Check the file beside an archive that was verified and is finished. Raises DoesNotHold (B1..B4)."""
    assert archive.tally is not None and archive.result is not None and archive.sized is not None
    file = _read(archive, raw)
    trustees = Trustees.from_json(archive.read(archive.trustees))
    tally, blobs = _tally_parts(archive, file)
    shares = [_check_share(archive, file, share, dict(trustees.owners()), tally, blobs) for share in file.shares]
    _same(
        sorted(o.trustee for o in file.shares),
        sorted(o.owner for o in archive.shares),
        "B3",
        Message("the shares"),
        N_("has other trustees than the archive"),
    )
    if len(file.cells) != len(blobs) - 1:
        raise _wrong(
            "B4",
            Message("the results of groups"),
            Message("are {cells}, but the tally has {blobs}", cells=len(file.cells), blobs=len(blobs) - 1),
        )
    for part, blob in enumerate(blobs[1:], 1):
        factors = {share.trustee: points[part] for share, points in zip(file.shares, shares, strict=True)}
        _check_cell(file.cells[part - 1], part, blob, combine(trustees, factors))
    if file.cells:
        total = decode_json(archive.read(archive.result), ResultDocument, Message("the result")).result
        sums = [[sum(numbers) for numbers in zip(*rows, strict=True)] for rows in zip(*file.cells, strict=True)]
        _same(
            sums,
            [[int(number) for number in row] for row in total],
            "B4",
            Message("the results of groups"),
            N_("has another sum than the archive"),
        )


def _read(archive: Archive, raw: bytes) -> _Binding:
    """The file, if it is of this election. B1."""
    try:
        file = msgspec.convert(read_json(raw), type=_Binding)
    except (msgspec.MsgspecError, ValueError) as error:
        reason = str(error).splitlines()[0][:200].replace("`", "")
        raise _wrong("B1", Message("the file"), Message("is not in its form: {reason}", reason=reason)) from None
    if file.format != FORMAT:
        raise _wrong(
            "B1",
            Message("the file"),
            Message("is of the format {format!r}, not {format2}", format=file.format[:40], format2=FORMAT),
        )
    election = Election.from_json(archive.read(archive.election))
    _hex(file.ledger, 32, Message("the ledger's id"))
    if file.phi != election.fingerprint or uuid_of(_hex(file.poll, 32, Message("the poll's id"))) != election.uuid:
        raise _wrong("B1", Message("the file"), Message("is of another election than the archive"))
    return file


def _tally_parts(archive: Archive, file: _Binding) -> tuple[bytes, Sequence[bytes]]:
    """The hash of the tally entry, and the sums of each of its parts. B2."""
    assert archive.tally is not None and archive.sized is not None
    data = _hex(file.tally, None, Message("the tally entry"))
    rows = decode_json(archive.read(archive.tally), TallyDocument, Message("the encrypted tally"))
    total = b"".join(point_bytes(text) for row in rows for pair in row for text in (pair.alpha, pair.beta))
    try:
        entry = read_entry(data)
        if not isinstance(entry, TallyEntry):
            raise Refused("shape", Message("It is a {kind} entry.", kind=entry.kind))
        for cell in entry.cells:
            shape.points(cell.sums, "The sums of a cell", len(total) // 32)
    except Refused as refusal:
        raise _wrong(
            "B2", Message("the tally entry"), Message("is malformed: {why}", why=Clause(refusal.said))
        ) from None
    _same(
        entry.poll, bytes.fromhex(file.poll), "B2", Message("the tally entry"), N_("has another poll than the archive")
    )
    _same(
        entry.counted,
        archive.sized.num_tallied,
        "B2",
        Message("the tally entry"),
        N_("has another number of ballots than the archive"),
    )
    _same(entry.parts[0], total, "B2", Message("the tally entry"), N_("has another total than the archive"))
    return entry.hash, entry.parts


def _check_share(
    archive: Archive, file: _Binding, share: _Share, keys: dict[int, bytes], tally: bytes, blobs: Sequence[bytes]
) -> list[list[bytes]]:
    """The factors of each part of a share, whose proofs hold. B3."""
    who = Message("the share of trustee {owner}", owner=share.trustee)
    spans = [other.span for other in archive.shares if other.owner == share.trustee]
    if not spans or len(share.parts) != len(blobs):
        raise _wrong(
            "B3",
            who,
            Message("is not in the archive") if not spans else Message("has not {blobs} parts", blobs=len(blobs)),
        )
    own = decode_json(archive.read(spans[0]), PartialDecryption, who)
    numbers = [
        int(text) for row in own.decryption_proofs for proof in row for text in (proof.challenge, proof.response)
    ]
    factors = b"".join(point_bytes(text) for row in own.decryption_factors for text in row)
    _same(
        _hex(share.parts[0].factors, None, Message("the factors of {who}", who=who)),
        factors,
        "B3",
        who,
        N_("has other factors than the archive"),
    )
    points = []
    for part, (given, blob) in enumerate(zip(share.parts, blobs, strict=True)):
        belenios = b"" if part else b"".join(number.to_bytes(32, "little") for number in numbers)
        made = Share(
            _hex(given.factors, None, Message("the factors")), belenios, _hex(given.bound, None, Message("the proofs"))
        )
        try:
            check_share(keys[share.trustee], alphas_of(blob), file.phi, tally, part, made)
        except Refused as refusal:
            raise _wrong(
                "B3",
                Message("part {part} of {who}", part=part, who=who),
                Message("does not hold: {why}", why=Clause(refusal.said)),
            ) from None
        points.append(made.points())
    return points


def _check_cell(numbers: list[list[int]], part: int, blob: bytes, opened: list[bytes]) -> None:
    """The result of a group, or of several together: g^number = beta / alpha^x. B4."""
    flat = [number for row in numbers for number in row]
    where = Message("the result of part {part}", part=part)
    if len(flat) != len(opened):
        raise _wrong("B4", where, Message("has {flat} numbers, not {opened}", flat=len(flat), opened=len(opened)))
    for number, beta, factor in zip(flat, betas_of(blob), opened, strict=True):
        fits = 0 <= number <= LARGEST_COUNT and veche_kernel.base_mul(
            number.to_bytes(32, "little")
        ) == veche_kernel.point_sub(beta, factor)
        if not fits:
            raise _wrong("B4", where, Message("says {number}, which is not what the shares decrypt", number=number))


def _same(given: object, wanted: object, step: str, where: Localizable, differs: str) -> None:
    if given != wanted:
        raise _wrong(step, where, Message(differs))


def _hex(text: str, size: int | None, what: Localizable) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if data.hex() != text or not data or (size is not None and len(data) != size):
        raise _wrong("B1", what, Message("is not the hexadecimal number that it should be"))
    return data


def _wrong(step: str, where: Localizable, fault: Localizable) -> DoesNotHold:
    return DoesNotHold(step, where, Message("Beside the archive, {where} {fault}.", where=where, fault=fault))
