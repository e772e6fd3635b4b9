"""What a node believes of where others are: one attacker with many addresses gets few of them in, and none into this machine's network."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from veche.errors import UserError
from veche.node import addresses
from veche.node.addresses import FROM_ONE, HOUR, MOST, OF_A_RANGE, AddressBook, as_address, is_public
from veche.texts import Message

NOW = 1_800_000_000.0


def numbered(host: str, port: int) -> Sequence[str]:
    """Hosts are named after where they are: ``a1-2-3-4.example`` is 1.2.3.4."""
    return [host.removeprefix("a").removesuffix(".example").replace("-", ".")]


def host(*numbers: int) -> str:
    return f"http://a{'-'.join(map(str, numbers))}.example"


@pytest.fixture
def book(tmp_path: Path) -> AddressBook:
    return AddressBook(tmp_path, numbered)


def urls(book: AddressBook) -> set[str]:
    return {one.url for one in book.all()}


def test_an_address_has_one_form() -> None:
    assert as_address("HTTP://City.Example:8080/") == "http://city.example:8080"
    assert as_address("city.example") == "http://city.example"
    assert as_address("https://[2001:db8::1]:8443") == "https://[2001:db8::1]:8443"
    for wrong in (
        "",
        "ftp://city.example",
        "http://city.example/path",
        "http://a@b",
        "http://city.example:0",
        "http://ci ty",
    ):
        with pytest.raises(UserError, match="no address of a node"):
            as_address(wrong)


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "100.64.0.1", "::1", "fe80::1", "fc00::1",
     "::ffff:127.0.0.1", "2002:7f00:1::", "255.255.255.255", "::"],
)  # fmt: skip
def test_nobody_leads_a_node_into_its_own_network(ip: str, tmp_path: Path) -> None:
    assert not is_public(ip)
    book = AddressBook(tmp_path, lambda host, port: ["93.184.216.34", ip])  # one of several is enough
    assert book.hear("http://by.example", ["http://inside.example"], NOW) == 0 and not urls(book)
    book.type(["http://inside.example"])  # its person may
    assert urls(book) == {"http://inside.example"}


def test_a_name_is_asked_where_it_was_found(tmp_path: Path) -> None:
    found = iter([["93.184.216.34"], ["127.0.0.1"]])
    book = AddressBook(tmp_path, lambda host, port: next(found))
    assert book.hear("http://by.example", ["http://city.example"], NOW) == 1
    assert book.pinned("city.example") == "93.184.216.34"
    assert book.pinned("other.example") is None


def test_one_node_tells_of_few_in_an_hour(book: AddressBook) -> None:
    told = [host(8, number, 1, 1) for number in range(20, 40)]
    assert book.hear("http://by.example", told[:10], NOW) == FROM_ONE
    assert book.hear("http://by.example", told[:16], NOW + HOUR - 1) == 0
    assert book.hear("http://other.example", told[10:], NOW) == FROM_ONE
    assert book.hear("http://by.example", told[:10], NOW + HOUR) == FROM_ONE


def test_an_attacker_with_a_network_gets_few_addresses_in(book: AddressBook) -> None:
    """190 of 200 that are told are in two ranges of one attacker's; they are not all that is asked."""
    honest = [host(20 + number, number, 1, 1) for number in range(10)]
    evil = [host(66, number % 2, number, 7) for number in range(190)]
    for number, url in enumerate([*evil, *honest]):
        book.hear(f"http://by{number}.example", [url], NOW)
    assert sum(url in urls(book) for url in evil) == 2 * OF_A_RANGE
    assert urls(book) >= set(honest)
    book.institutions = frozenset({"http://city.example"})
    for _ in range(20):
        chosen = book.choose()
        assert "http://city.example" in chosen
        assert sum(url in evil for url in chosen) <= 2
        assert any(url in honest for url in chosen)


def test_it_is_bounded_and_kept(book: AddressBook, tmp_path: Path) -> None:
    for number in range(MOST + 50):
        book.hear(f"http://by{number}.example", [host(20 + number // 200, number % 200, 1, 1)], NOW)
    assert len(urls(book)) == MOST
    first = sorted(urls(book))[0]
    book.note(first, True, NOW)
    book.save()
    again = AddressBook(tmp_path, numbered)
    assert urls(again) == urls(book) and again.told(NOW) == [first]
    assert AddressBook(tmp_path / "empty", numbered).all() == []
    (tmp_path / addresses.FILE).write_bytes(b"[" * 100_000)
    assert AddressBook(tmp_path, numbered).all() == []


def test_a_liar_is_left_whoever_tells_of_it(book: AddressBook) -> None:
    url = host(20, 1, 1, 1)
    book.hear("http://by.example", [url], NOW)
    book.leave(url, Message("it lies"))
    assert book.hear("http://other.example", [url], NOW) == 0 and url not in book.choose()


def test_a_node_that_tells_of_itself_must_ask_from_there(book: AddressBook) -> None:
    url = host(20, 1, 1, 1)
    assert not book.announce(url, "93.184.216.34", NOW) and not urls(book)
    assert book.announce(url, "20.1.1.1", NOW) and book.told(NOW) == [url]
    assert not book.announce(url, "93.184.216.34", NOW)
    assert book.told(NOW + addresses.TOLD_FOR) == []


def test_who_never_answers_is_forgotten(book: AddressBook) -> None:
    url = host(20, 1, 1, 1)
    book.hear("http://by.example", [url], NOW)
    for _ in range(addresses.FORGOTTEN):
        assert url in urls(book)
        book.note(url, False, NOW)
    assert url not in urls(book)
