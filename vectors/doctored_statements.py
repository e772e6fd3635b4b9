"""What offices say: each rule of docs/protocol.md, section 8, for entries that they hand in."""

import hashlib
from collections.abc import Iterator

import veche_kernel as kernel
from doctor import edit, find, flip, sign_anew
from doctored_cases import ORDER_2, Case, Moment, before, exchanged
from doctored_city import City
from nacl import bindings

from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.signing import signed_message


def statements(city: City) -> Iterator[Case]:
    yield from _any_statement(city)
    yield from _offices(city)
    yield from _committees(city)
    yield from _polls(city)
    yield from _after(city)


def _any_statement(city: City) -> Iterator[Case]:
    """A notice, in the block of the one that is in the log, and what an office may say of offices and rules."""
    place = find(city.entries, "notice")
    now, (organiser, other) = before(city, place), city.organisers
    body = [b"", ["Water.", "Вода."], []]
    good = city.say("notice", body, organiser)
    signature = decode(good)[2][0]
    both = decode(city.say("notice", body, organiser, other))[2]
    yield Case(None, "a notice", now, good)
    yield Case("codec", "an array of indefinite length", now, b"\x9f" + good[1:] + b"\xff")
    yield Case("codec", "a byte behind the entry", now, good + b"\0")
    for name, data in (
        ("a byte is missing", good[:-1]),
        ("a length that is not in its shortest form", b"\x98\x03" + good[1:]),
        ("a negative number", b"\x82\x66notice\x20"),
        ("a map", b"\x82\x66notice\xa0"),
        ("a tag", b"\x82\x66notice\xc1\x00"),
        ("a float", b"\x82\x66notice\xf9\x3c\x00"),
        ("nothing", b"\x82\x66notice\xf6"),
        ("a text that is not UTF-8", b"\x82\x66notice\x61\xff"),
        ("nine arrays deep", b"\x82\x66notice" + b"\x81" * 7 + b"\x80"),
        ("an item more than 4,096", encode(["notice", [0] * 4094])),
    ):
        yield Case("codec", name, now, data)
    yield Case("kind", "a kind that nobody knows", now, city.say("correction", body, organiser))
    yield Case("shape", "a body that is too short", now, city.say("notice", body[:2], organiser))
    yield Case("shape", "a text in one language", now, city.say("notice", [b"", ["Water.", ""], []], organiser))
    yield Case(
        "shape", "an invisible character", now, city.say("notice", [b"", ["Wa\u200bter.", "Вода."], []], organiser)
    )
    yield Case("signature", "a signature that does not hold", now, edit(good, [2, 0, 1], flip(signature[1], 300)))
    for name, made in (
        ("a signature whose S is not reduced", signature[1][:32] + _plus_order(signature[1][32:])),
        (
            "a signature that holds with the cofactor only",
            cofactored(organiser, signed_message(city.id, "notice", body)),
        ),
    ):
        yield Case("signature", name, now, edit(good, [2, 0, 1], made))
    yield Case("signature", "nobody signed it", now, edit(good, [2], []))
    yield Case("signature", "signatures out of order", now, edit(good, [2], both[::-1]))
    yield Case("signature", "a signature of another ledger", now, sign_anew(bytes(32), good, organiser))
    yield Case("authority", "a key that is no office's", now, city.say("notice", body, city.log_key))
    yield Case("authority", "two offices where one signs", now, edit(good, [2], both))
    yield Case("unknown-poll", "about no poll", now, city.say("notice", [bytes(32), *body[1:]], organiser))
    after = before(city, find(city.entries, "cancel"))
    yield Case("repeated", "a statement is played again", after, city.entries[place])
    time = decode(city.entries[after.size - 1])[1][1]
    yield Case("rules", "rules that come too soon", now, city.say("rules", [3, time + 1_209_599], *city.institutions))
    yield Case(
        "rules", "an older version of the rules", now, city.say("rules", [2, time + 90 * 86_400], *city.institutions)
    )


def _offices(city: City) -> Iterator[Case]:
    """What becomes of a seat, at the end of the log: each office entry there stands in a block of its own."""
    entries, three, later = city.entries, city.institutions, city.later
    civil, post, bank = city.registrars[:3]
    add, rotated, objected = (find(entries, "office", number) for number in (0, 1, 4))
    now, last = before(city, add), before(city, find(entries, "notice", -1))
    key = bytes(kernel.BASE)
    archive = ["Archive", "observer", key, 0]

    def said(name: str, rule: str | None, moment: Moment, action: str, seat: list[object], *keys: SigningKey) -> Case:
        return Case(rule, name, moment, city.say("office", [action, *seat], *keys))

    yield said("an office is added by two institutions", "authority", now, "add", archive, *city.organisers)
    yield said("an office that is there is added", "office", now, "add", ["University", "trustee", key, 0], *three)
    yield said("a key that nobody holds is replaced", "office", now, "rotate", archive, *three)
    yield said(
        "an institution that is spelt in another way", "office", now, "add", ["UNIVERSITY", "observer", key, 0], *three
    )
    yield said(
        "the operator, spelt in another way",
        "office",
        now,
        "add",
        ["City hall:\u2003computing", "observer", key, 0],
        *three,
    )
    yield said("another seat of a trustee", None, now, "add", ["University", "observer", key, 0], *three)
    yield said("an action that there is not", "office", now, "crown", archive, *three)
    yield said("an office without a number", "shape", now, "add", archive[:3], *three)
    yield said("nothing waits to which to object", "office", now, "object", archive, *three)
    taken = ["Civil registry", "registrar", later["archive"].public, 0]
    yield said("a key that another change waits for", "office", before(city, rotated), "rotate", taken, *three)
    respelt = ["archive", "trustee", key, 0]
    yield said("what waits, spelt in another way", "office", before(city, rotated), "add", respelt, *three)
    yield said("a second change of a seat", "office", before(city, rotated), "add", archive, *three)
    early = [b"", ["We watch.", "Мы следим."], []]
    yield Case(
        "authority", "a key whose time has not come", before(city, rotated), city.say("notice", early, later["archive"])
    )
    civil_seat = ["Civil registry", "registrar", later["thief"].public, 1]
    after = before(city, objected)
    yield said("the key that holds the seat objects", None, after, "object", civil_seat, civil)
    yield said("k institutions object", None, after, "object", civil_seat, *three)
    yield said("two institutions object", "authority", after, "object", civil_seat, *city.organisers)
    yield said("the key that is to have the seat objects", "authority", after, "object", civil_seat, later["thief"])
    yield said("the holder ends what waits, and replaces their key", None, after, "rotate", ["Civil registry", "registrar", key, 0],
               *city.organisers, civil)  # fmt: skip
    yield Case(
        "authority", "a suspended key is one of three", last, city.say("rules", [3, 2**40], *city.organisers, post)
    )
    yield said("a suspended key is one of three, of an office", "authority", last, "add", ["Radio", "observer", key, 0],
               *city.organisers, post)  # fmt: skip
    yield said("a suspended key is replaced at once", "authority", last, "rotate", ["Post office", "registrar", key, 0],
               *three, post)  # fmt: skip
    yield said("a suspended key suspends itself again", "authority", last, "suspend", ["Post office", "registrar", post.public, 1],
               post)  # fmt: skip
    yield said("a suspension is renewed", None, last, "suspend", ["Post office", "registrar", post.public, 1], *three)
    yield said("the holder suspends their key alone", None, last, "suspend", ["Civil registry", "registrar", civil.public, 0],
               civil)  # fmt: skip
    yield said("somebody else suspends a key alone", "authority", last, "suspend", ["Civil registry", "registrar", civil.public, 0],
               later["bank"])  # fmt: skip
    yield said("a key that was never the seat's is suspended", "office", last, "suspend", ["Civil registry", "registrar", key, 0],
               *three)  # fmt: skip
    yield Case(None, "a notice by a suspended key", last, city.say("notice", early, post))
    account = [city.polls["poll"].id, [[3, bytes(32)], [1, bytes(32)]]]
    yield Case(
        None, "an account by a registrar who replaced their key", last, city.say("issuance", account, later["bank"])
    )
    yield Case("authority", "an account by a key that its holder replaced", last, city.say("issuance", account, bank))
    yield Case(None, "an account by a suspended key", last, city.say("issuance", account, post))
    yield Case("authority", "a notice by a key that was replaced", last, city.say("notice", early, bank))


def _plus_order(scalar: bytes) -> bytes:
    return (int.from_bytes(scalar, "little") + kernel.ORDER).to_bytes(32, "little")


def cofactored(key: SigningKey, message: bytes) -> bytes:
    """A signature by the owner of this key whose R has a part of order two: eight times the equation holds, once it does not."""
    digits = bytearray(hashlib.sha512(key._key.private_bytes_raw()).digest()[:32])
    digits[0] &= 248
    digits[31] = digits[31] & 127 | 64
    nonce = kernel.scalar_random()
    big_r = bindings.crypto_core_ed25519_add(kernel.base_mul(nonce), ORDER_2)
    challenge = int.from_bytes(hashlib.sha512(big_r + key.public + message).digest(), "little")
    secret, drawn = int.from_bytes(digits, "little"), int.from_bytes(nonce, "little")
    return big_r + ((drawn + challenge * secret) % kernel.ORDER).to_bytes(32, "little")


def _committees(city: City) -> Iterator[Case]:
    entries, (one, two), organiser = city.entries, city.trustees, city.organisers[0]
    now = before(city, find(entries, "committee", 1))
    yield Case("class", "a class that there is not", now, city.say("committee", ["village", "single", 7], organiser))
    yield Case("mode", "a mode that there is not", now, city.say("committee", ["city", "double", 7], organiser))
    yield Case(
        "authority", "a committee that a trustee asks for", now, city.say("committee", ["city", "single", 7], one)
    )
    second = find(entries, "committee-certificate", 1)
    certificate = entries[second]
    copied = edit(certificate, [1, 5], decode(entries[find(entries, "committee-certificate")])[1][5])
    yield Case("commitment", "another's commitment", before(city, second), sign_anew(city.id, copied, two))
    signed = decode(certificate)[1][4]
    broken = edit(certificate, [1, 4], exchanged(signed, 0, 1))
    yield Case(
        "proof", "a certificate whose signature does not hold", before(city, second), sign_anew(city.id, broken, two)
    )
    yield Case(
        "committee",
        "a step before the one before is complete",
        before(city, second),
        entries[find(entries, "committee-shares")],
    )
    yield Case(
        "committee",
        "a committee that is void",
        now,
        sign_anew(city.id, edit(entries[find(entries, "committee-complaint")], [1, 3], ["No.", "Нет."]), two),
    )
    shares = entries[find(entries, "committee-shares", 1)]
    other = edit(shares, [1, 2], decode(entries[find(entries, "committee-shares")])[1][2])
    yield Case(
        "commitment",
        "exponents that were not committed to",
        before(city, find(entries, "committee-shares", 1)),
        sign_anew(city.id, other, two),
    )
    key = find(entries, "committee-key", 1)
    first_key = decode(entries[find(entries, "committee-key")])[1]
    yield Case(
        "key", "another's key", before(city, key), city.say("committee-key", [first_key[0], 2, *first_key[2:]], two)
    )
    wrong = edit(entries[key], [1, 3], exchanged(decode(entries[key])[1][3], 0, 1))
    yield Case("proof", "a key without a proof that holds", before(city, key), sign_anew(city.id, wrong, two))


def _polls(city: City) -> Iterator[Case]:
    """Another poll, in the block of the first, and what registrars say of it."""
    entries, organisers = city.entries, city.organisers
    place = find(entries, "poll")
    now = before(city, place)
    time = decode(entries[now.size - 1])[1][1]

    def poll(where: list[int], value: object) -> bytes:
        return sign_anew(city.id, edit(entries[place], [1, *where], value), *organisers)

    answers = [[str(number), str(number)] for number in range(46)]
    districts = [[[str(number), str(number)], 1] for number in range(20)]
    many = poll([3, 0, 2], answers)
    yield Case(None, "a poll with the shortest notice", now, poll([5], time + 3600))
    yield Case("class", "a class that there is not", now, poll([0], "village"))
    yield Case("poll-dates", "a second too soon", now, poll([5], time + 3599))
    yield Case("poll-dates", "it closes when it opens", now, poll([6], decode(entries[place])[1][5]))
    yield Case("poll-committee", "a committee that is void", now, poll([7], city.committees["void"]))
    yield Case(
        "poll-size", "46 answers in 20 groups", now, sign_anew(city.id, edit(many, [1, 4], districts), *organisers)
    )
    yield Case("shape", "a weight of nothing", now, poll([4, 1, 1], 0))
    room = 2**40 * 4 // 6  # k = 4 of n = 6
    yield Case(None, "two groups of the greatest weights", now, poll([4], [[["A", "А"], 1], [["B", "Б"], room - 1]]))
    yield Case(
        "poll-size", "weights with which no roll is admitted", now, poll([4], [[["A", "А"], 2], [["B", "Б"], room - 1]])
    )
    yield Case(None, "two voters of the greatest weight", now, poll([4], [[["A", "А"], room // 2]]))
    yield Case(
        "poll-size",
        "a weight of which one vote may be cast, and not two",
        now,
        poll([4], [[["A", "А"], room // 2 + 1]]),
    )
    for what, said in (
        ("a title of two lines", "Trams?\n000000000000  decided"),
        ("a title with a space at its end", "Trams?\u2003"),
        ("a title that nobody sees", "\u3164"),
        ("a title with a tag", "Trams?\U000e0041"),
        ("a title that looks as each font likes", "Trams \ue000"),
        ("a title of spaces", "\u3000"),
        ("a title that begins with a mark", "\u0301Trams?"),
        ("a title of marks newer than Unicode 3.2", "\u1dc4\u1ab0"),
    ):
        yield Case("shape", what, now, poll([1, 1], said))
    yield Case("shape", "a background of spaces and newlines", now, poll([2], [" \n", "\n\u2003"]))
    yield Case("shape", "a background of one newline", now, poll([2], ["\n", "\n"]))
    yield Case("shape", "a background of marks", now, poll([2], ["\u0301\n", "\u20dd"]))
    yield Case(None, "a background that begins with a newline", now, poll([2], ["\n Trams.", "Трамваи.\n"]))
    for what, one, two in (
        ("two answers that differ in case", "Fünfzig", "FÜNFZIG"),
        ("two answers that differ in how they are composed", "Caf\u00e9", "Cafe\u0301"),
        ("two answers that differ in spaces", "50 km/h", "50\u00a0\u2009km/h"),
        ("two answers that differ in width", "Yes", "\uff39es"),
    ):
        yield Case("shape", what, now, poll([3, 0, 2], [[one, "Да"], [two, "Нет"]]))
    newer = [["\u10a0", "\u1c90"], ["\u2d00", "\u10d0"]]  # of these letters Unicode 3.2 knows no other case
    yield Case(None, "answers whose letters became one by a later Unicode", now, poll([3, 0, 2], newer))
    yield Case("shape", "two groups with one Russian name", now, poll([4], [[["A", "Центр"], 1], [["B", "центр"], 1]]))
    yield Case("shape", "two groups with one English name", now, poll([4], [[["A", "Центр"], 1], [["a", "Север"], 1]]))
    only = decode(entries[place])[1][3][0][2][:1]
    yield Case("shape", "one answer and no blank", now, poll([3, 0], ["choice", ["Q", "В"], only, 0, 1, 0]))
    yield Case(None, "one answer, or blank", now, poll([3, 0], ["choice", ["Q", "В"], only, 1, 1, 1]))
    both = [["Yes", "Да"], ["No", "Нет"]]
    yield Case("shape", "all answers are wanted", now, poll([3, 0], ["choice", ["Q", "В"], both, 2, 2, 0]))
    yield Case("authority", "a poll by one organiser", now, sign_anew(city.id, poll([6], time + 90_000), organisers[0]))
    yield Case(
        "authority",
        "a cancellation by two institutions",
        before(city, find(entries, "cancel")),
        sign_anew(city.id, entries[find(entries, "cancel")], *organisers),
    )
    key = find(entries, "permit-key", 2)
    used = decode(entries[find(entries, "permit-key", 1)])[1][1][0][0]
    yield Case(
        "permit-key",
        "a modulus that was used before",
        before(city, key),
        sign_anew(city.id, edit(entries[key], [1, 1, 0, 0], used), city.registrars[2]),
    )
    for prime in (3, 65521):
        small = (prime * 65537**128).to_bytes(259, "big").lstrip(b"\0")
        bad = sign_anew(city.id, edit(entries[key], [1, 1, 0, 0], small), city.registrars[2])
        yield Case("permit-key", f"a modulus that {prime} divides", before(city, key), bad)
    least = sign_anew(city.id, edit(entries[key], [1, 1, 0, 0], (65537**128).to_bytes(257, "big")), city.registrars[2])
    yield Case(None, "a modulus that no prime below 65,536 divides", before(city, key), least)
    rows = [[(65537**128).to_bytes(257, "big"), 4, bytes(32)]]
    opened = before(city, find(entries, "ballot"))
    for poll_name, what in (("void", "a poll that is void"), ("few", "a poll that opened without them")):
        late = city.say("permit-key", [city.polls[poll_name].id, rows], city.registrars[5])
        yield Case("permit-key", f"keys after the opening, of {what}", opened, late)


def _after(city: City) -> Iterator[Case]:
    """After the closing, and what comes too early for it."""
    entries, poll, organiser = city.entries, city.polls["poll"], city.organisers[0]
    open_, closed = before(city, find(entries, "ballot")), before(city, find(entries, "decryption"))
    decided = before(city, find(entries, "outcome"))
    share, issuance = entries[find(entries, "decryption")], entries[find(entries, "issuance")]
    result = find(entries, "result")
    said, numbers = before(city, result), decode(entries[result])[1][2][0]
    yield Case(None, "a result, which nobody signs", said, entries[result])
    yield Case("result", "a result before there are shares", closed, entries[result])
    yield Case("result", "a result of a poll that has one", decided, entries[result])
    yield Case("result", "a vote more", said, edit(entries[result], [1, 2, 0], [numbers[0] + 1, *numbers[1:]]))
    yield Case("result", "by fewer trustees", said, edit(entries[result], [1, 1], decode(entries[result])[1][1][:-1]))
    yield Case("shape", "a result with signatures", said, encode([*decode(entries[result]), []]))
    done = [poll.id, "done", ["In May.", "В мае."], 0, []]
    late = [poll.id, "done", ["In May.", "В мае."], 2**53, []]
    yield Case("shape", "a number of 2^53", decided, city.say("outcome", late, organiser))
    yield Case(None, "an outcome", decided, city.say("outcome", done, organiser))
    yield Case("outcome", "an outcome before the closing", open_, city.say("outcome", done, organiser))
    yield Case(
        "outcome",
        "a status that there is not",
        decided,
        city.say("outcome", [poll.id, "perhaps", *done[2:]], organiser),
    )
    yield Case("decryption", "there is no tally yet", open_, share)
    yield Case(
        "decryption",
        "a share of another tally",
        closed,
        sign_anew(city.id, edit(share, [1, 2], bytes(32)), city.trustees[0]),
    )
    yield Case(
        "decryption",
        "a poll with too few ballots",
        closed,
        sign_anew(city.id, edit(share, [1, 0], city.polls["few"].id), city.trustees[0]),
    )
    for field, what in ((5, "Belenios proofs"), (6, "binding proofs")):
        proofs = decode(share)[1][field]
        bad = sign_anew(city.id, edit(share, [1, field], exchanged(proofs, 0, 2)), city.trustees[0])
        yield Case("proof", f"{what} that do not hold", closed, bad)
    why = [poll.id, ["No.", "Нет."]]
    yield Case("cancel", "there is a tally", closed, city.say("cancel", why, *city.institutions))
    yield Case("contest", "there is no tally", open_, city.say("contest", why, *city.institutions))
    yield Case("authority", "two institutions contest", decided, city.say("contest", why, *city.organisers))
    few = [city.polls["few"].id, why[1]]
    for what, body, moment in (("a tally", why, closed), ("a result", why, decided), ("too few ballots", few, closed)):
        yield Case(None, f"{what}, contested", moment, city.say("contest", body, *city.institutions))
    yield Case(
        "cancel", "there is a result", decided, city.say("cancel", [poll.id, ["No.", "Нет."]], *city.institutions)
    )
    yield Case("issuance", "an issuance before the closing", open_, issuance)
    registrar = max(poll.permit_keys, key=lambda place: poll.admitted.get((place, 0), 0))
    used, people = poll.admitted[registrar, 0], [row.people for row in poll.permit_keys[registrar].groups]
    for issued, what in ((used - 1, "fewer permits than ballots"), (people[0] + 1, "more permits than people")):
        body = [poll.id, [[issued, bytes(32)], [people[1], bytes(32)]]]
        yield Case("issuance", what, decided, city.say("issuance", body, city.registrars[registrar]))
    yield Case(
        "authority", "an issuance that a trustee signed", decided, sign_anew(city.id, issuance, city.trustees[0])
    )
