"""From the seed to a permit in a ballot: derivation, a second device, and permits that must not pass."""

import hashlib
import hmac
import math
import os
import stat
from pathlib import Path

import pytest
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from veche.errors import DoesNotHold, Refused, UserError
from veche.permit import derive
from veche.permit.blind_rsa import IssuerKey, blind_sign, prepare, verify
from veche.permit.message import permit_message
from veche.permit.request import PermitRequest
from veche.permit.seed import Seed
from veche.permit.threshold import REGISTRARS, check_threshold

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 8032, section 5.1
POLL, SEED = bytes(range(32)), Seed(b"\x07" * 32)
CREDENTIAL = crypto_scalarmult_ed25519_base_noclamp(derive.credential_secret(SEED, POLL))


def _hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 once more, from HMAC."""
    key, out, block = hmac.digest(bytes(32), secret, "sha256"), b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def test_derivation_is_what_the_documentation_says(key: IssuerKey) -> None:
    poll, fingerprint = POLL.hex(), hashlib.sha256(key.modulus).hexdigest()
    wide = _hkdf(SEED.secret, f"veche-v1|credential|{poll}".encode(), 64)
    scalar = int.from_bytes(wide, "little") % GROUP_ORDER
    assert derive.credential_secret(SEED, POLL) == scalar.to_bytes(32, "little")
    info = f"|{poll}|{fingerprint}"
    prefix = _hkdf(SEED.secret, b"veche-v1|permit-prefix" + info.encode(), 32)
    assert derive.permit_prefix(SEED, POLL, key.modulus) == prefix
    assert derive.permit_salt(SEED, POLL, key.modulus) == _hkdf(
        SEED.secret, b"veche-v1|permit-salt" + info.encode(), 48
    )
    n = int.from_bytes(key.modulus, "big")
    wide = _hkdf(SEED.secret, f"veche-v1|permit-blind{info}|0".encode(), 256 + 16)
    assert derive.permit_blind(SEED, POLL, key.modulus) == 1 + int.from_bytes(wide, "big") % (n - 1)


def test_a_factor_that_is_not_coprime_to_n_is_skipped() -> None:
    """n = 3 * 5 * 7 * 11 * ...: few numbers are coprime to it, so the counter moves on until one is."""
    n, candidate = 1, 3
    while n.bit_length() < 2048:
        n *= candidate if all(candidate % i for i in range(2, candidate)) else 1
        candidate += 2
    modulus = n.to_bytes((n.bit_length() + 7) // 8, "big")
    scope = f"veche-v1|permit-blind|{POLL.hex()}|{hashlib.sha256(modulus).hexdigest()}"
    counters = []
    for seed in [Seed(bytes([i]) * 32) for i in range(8)]:
        wide = [_hkdf(seed.secret, f"{scope}|{counter}".encode(), len(modulus) + 16) for counter in range(100)]
        factors = [1 + int.from_bytes(w, "big") % (n - 1) for w in wide]
        coprime = [factor for factor in factors if math.gcd(factor, n) == 1]
        assert derive.permit_blind(seed, POLL, modulus) == coprime[0]
        counters.append(factors.index(coprime[0]))
    assert max(counters) > 1


def test_every_poll_key_and_root_gives_something_else(key: IssuerKey, other_key: IssuerKey) -> None:
    def all_of(seed: Seed, poll: bytes, modulus: bytes) -> set[bytes | int]:
        return {
            derive.permit_prefix(seed, poll, modulus),
            derive.permit_salt(seed, poll, modulus),
            derive.permit_blind(seed, poll, modulus),
        }

    seen = [
        all_of(SEED, POLL, key.modulus),
        all_of(SEED, POLL, other_key.modulus),
        all_of(SEED, bytes(32), key.modulus),
        all_of(Seed(b"\x08" * 32), POLL, key.modulus),
    ]
    assert len(set().union(*seen)) == 12
    assert derive.credential_secret(SEED, POLL) != derive.credential_secret(SEED, bytes(32))


def test_a_second_device_goes_on_where_the_first_stopped(key: IssuerKey) -> None:
    first = PermitRequest(SEED, POLL, 3, CREDENTIAL, key.modulus)
    answer = blind_sign(key, first.blinded)
    second = PermitRequest(Seed.from_hex(SEED.hex()), POLL, 3, CREDENTIAL, key.modulus)
    assert second.blinded == first.blinded
    assert second.finish(0, answer) == first.finish(0, answer)


def test_permits_pass_only_for_what_they_were_signed_for(key: IssuerKey, other_key: IssuerKey) -> None:
    message = permit_message(POLL, 3, CREDENTIAL)
    for registrar, signer in enumerate([key, other_key]):
        request = PermitRequest(SEED, POLL, 3, CREDENTIAL, signer.modulus)
        permit = request.finish(registrar, blind_sign(signer, request.blinded))
        verify(signer.modulus, prepare(message, permit.prefix), permit.signature)
        for wrong in [
            permit_message(POLL, 2, CREDENTIAL),
            permit_message(bytes(32), 3, CREDENTIAL),
            permit_message(POLL, 3, bytes(32)),
        ]:
            with pytest.raises(DoesNotHold):
                verify(signer.modulus, prepare(wrong, permit.prefix), permit.signature)
        other = other_key if signer is key else key
        with pytest.raises(DoesNotHold):
            verify(other.modulus, prepare(message, permit.prefix), permit.signature)


def test_an_answer_that_is_no_good_gives_no_permit(key: IssuerKey, other_key: IssuerKey) -> None:
    request = PermitRequest(SEED, POLL, 3, CREDENTIAL, key.modulus)
    with pytest.raises(DoesNotHold):
        request.finish(0, request.blinded)


def test_the_message_has_exactly_these_bytes() -> None:
    assert permit_message(bytes(31) + b"\xab", 12, b"\xcd" * 32) == (
        b"veche-permit-v1|" + b"00" * 31 + b"ab|12|" + b"cd" * 32
    )
    for poll, group, credential in [(b"", 0, bytes(32)), (bytes(32), -1, bytes(32)), (bytes(32), 0, bytes(31))]:
        with pytest.raises(ValueError, match="32 bytes"):
            permit_message(poll, group, credential)


def test_a_seed_lives_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path, seed = tmp_path / "seed", Seed.generate()
    seed.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Seed.load(path) == seed
    assert seed != Seed.generate()
    with pytest.raises(UserError):
        seed.save(path)
    path.chmod(0o644)
    with pytest.raises(UserError, match="others"):
        Seed.load(path)


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff" * 64])
def test_files_that_hold_no_seed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "seed"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(UserError):
        Seed.load(path)


def test_a_seed_does_not_show(key: IssuerKey) -> None:
    secret = os.urandom(32)
    seed = Seed(secret)
    assert secret.hex() not in repr(seed)
    assert "..." in repr(PermitRequest(seed, POLL, 0, CREDENTIAL, key.modulus))
    with pytest.raises(TypeError):
        hash(seed)


@pytest.mark.parametrize(("n", "k", "f"), [(1, 1, 0), (2, 2, 0), (3, 2, 0), (4, 3, 1), (5, 4, 1), (7, 5, 2), (3, 3, 0)])
def test_safe_classes(n: int, k: int, f: int) -> None:
    check_threshold(n, k, f, REGISTRARS)


@pytest.mark.parametrize(
    ("n", "k", "f"),
    [(0, 0, 0), (2, 1, 0), (2, 3, 0), (2, 2, 1), (3, 2, 1), (4, 3, 2), (4, 2, 0), (3, 3, 1), (3, 2, -1)],
)
def test_unsafe_classes(n: int, k: int, f: int) -> None:
    with pytest.raises(Refused):
        check_threshold(n, k, f, REGISTRARS)


def test_the_rule_of_classes_is_the_attack_and_nothing_more() -> None:
    """Count it out: cheats sign for both credentials of a person, honest registrars for one; refusers for nobody."""
    for n in range(1, 9):
        for k in range(1, n + 1):
            for f in range(n + 1):
                two_credentials = any(f + first >= k and n - first >= k for first in range(n - f + 1))
                blocked = n - f < k
                if two_credentials or blocked:
                    with pytest.raises(Refused):
                        check_threshold(n, k, f, REGISTRARS)
                else:
                    check_threshold(n, k, f, REGISTRARS)
