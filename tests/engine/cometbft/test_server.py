"""ABCI's frames and the server, asked by a client of our own: order, bounds, and whatever bytes come."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from veche.engine.cometbft import abci_pb2 as abci
from veche.engine.cometbft.server import CONNECTIONS, MOST, Malformed, Server, frame, read_frame, read_request, response

REQUESTS = sorted(field.name for field in abci.Request.DESCRIPTOR.fields)
Talk = Callable[[Path, list[BaseException]], Awaitable[None]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="veche-"))
    yield made
    shutil.rmtree(made)


def request(kind: str, **fields: object) -> bytes:
    made = abci.Request()
    getattr(made, kind).SetInParent()
    for name, value in fields.items():
        setattr(getattr(made, kind), name, value)
    return frame(made)


def fed(*pieces: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return reader


def read_all(*pieces: bytes) -> list[bytes]:
    async def read() -> list[bytes]:
        reader, found = fed(*pieces), []
        while (data := await read_frame(reader)) is not None:
            found.append(data)
        return found

    return asyncio.run(read())


def serve(
    folder: Path, talk: Talk, answer: Callable[[Message], Awaitable[Message]] | None = None
) -> list[BaseException]:
    """What failed while a client talked to a server that echoes."""

    async def echo(asked: Message) -> Message:
        assert isinstance(asked, abci.RequestEcho)
        return abci.ResponseEcho(message=asked.message)

    async def run() -> None:
        async with Server(folder / "abci", answer or echo, failures.append):
            await asyncio.wait_for(talk(folder / "abci", failures), 20)

    failures: list[BaseException] = []
    asyncio.run(run())
    return failures


async def read_responses(reader: asyncio.StreamReader, count: int) -> list[abci.Response]:
    frames = [await read_frame(reader) for _ in range(count)]
    return [abci.Response.FromString(data or b"") for data in frames]


@given(st.lists(st.binary(max_size=400), max_size=5), st.integers(1, 50))
def test_frames_are_read_however_they_are_cut(messages: Sequence[bytes], step: int) -> None:
    requests = [abci.Request(echo=abci.RequestEcho(message=data.hex())) for data in messages]
    stream = b"".join(map(frame, requests))
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert [abci.Request.FromString(data) for data in read_all(*pieces)] == requests


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_malformed(data: bytes) -> None:
    try:
        frames = read_all(data)
    except Malformed:
        return
    for each in frames:
        with suppress(Malformed):
            assert type(read_request(each)).__name__.startswith("Request")


@pytest.mark.parametrize(
    "data",
    [b"\x80", b"\x05abc", b"\xff" * 5 + b"\x01", b"\xff\xff\xff\xff\x7f", frame(abci.Request())[:-1] + b"\x03abc"],
)
def test_what_is_cut_or_too_long_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        [read_request(each) for each in read_all(data)]


def test_the_largest_message_is_read_and_none_that_says_to_be_larger() -> None:
    def head(length: int) -> bytes:
        return bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14 & 0x7F | 0x80, length >> 21])

    assert read_all(head(MOST), bytes(MOST)) == [bytes(MOST)]
    with pytest.raises(Malformed, match="at most"):
        read_all(head(MOST + 1))


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_request_has_a_response_that_carries_it(kind: str) -> None:
    asked = read_request(read_all(request(kind))[0])
    answer = getattr(abci, type(asked).__name__.replace("Request", "Response"))()
    assert response(answer).WhichOneof("value") == kind


def test_answers_come_in_order_and_each_flush_is_answered(folder: Path) -> None:
    async def talk(path: Path, _: list[BaseException]) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        for number in range(300):
            writer.write(request("echo", message=str(number)) + request("flush"))
        answers = await read_responses(reader, 600)
        assert [answer.echo.message for answer in answers[::2]] == [str(number) for number in range(300)]
        assert {answer.WhichOneof("value") for answer in answers[1::2]} == {"flush"}
        writer.close()

    assert not serve(folder, talk)


def test_a_slow_answer_keeps_no_other_connection_waiting(folder: Path) -> None:
    free = asyncio.Event()

    async def answer(asked: Message) -> Message:
        assert isinstance(asked, abci.RequestEcho)
        if asked.message == "slow":
            await free.wait()
        return abci.ResponseEcho(message=asked.message)

    async def talk(path: Path, _: list[BaseException]) -> None:
        slow, quick = [await asyncio.open_unix_connection(path) for _ in range(2)]
        slow[1].write(request("echo", message="slow") + request("echo", message="behind it"))
        quick[1].write(request("echo", message="quick"))
        assert (await read_responses(quick[0], 1))[0].echo.message == "quick"
        free.set()
        assert [one.echo.message for one in await read_responses(slow[0], 2)] == ["slow", "behind it"]
        slow[1].close()
        quick[1].close()

    assert not serve(folder, talk, answer)


def test_no_fifth_connection(folder: Path) -> None:
    async def talk(path: Path, _: list[BaseException]) -> None:
        open_ones = [await asyncio.open_unix_connection(path) for _ in range(CONNECTIONS)]
        for reader, writer in open_ones:
            writer.write(request("echo", message="one of four"))
            await read_responses(reader, 1)
        fifth, to_close = await asyncio.open_unix_connection(path)
        assert await read_frame(fifth) is None
        for _other, each in [*open_ones, (fifth, to_close)]:
            each.close()

    assert not serve(folder, talk)


def test_whatever_cannot_be_answered_ends_the_conversation_and_says_why(folder: Path) -> None:
    async def answer(_: Message) -> Message:
        raise ValueError("the disk is full")

    async def talk(path: Path, failures: list[BaseException]) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request("info") + request("info"))
        (said,) = await read_responses(reader, 1)
        assert said.WhichOneof("value") == "exception" and "disk" not in said.exception.error
        assert await read_frame(reader) is None
        assert [str(failure) for failure in failures] == ["the disk is full"]
        writer.close()

    assert len(serve(folder, talk, answer)) == 1


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4))
def test_a_client_of_any_bytes_is_answered_or_sent_away(pieces: Sequence[bytes]) -> None:
    """The server outlives it, and another client is answered."""
    folder = Path(tempfile.mkdtemp(prefix="veche-"))

    async def answer(asked: Message) -> Message:
        return getattr(abci, type(asked).__name__.replace("Request", "Response"))()  # type: ignore[no-any-return]

    async def talk(path: Path, failures: list[BaseException]) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        for piece in pieces:
            writer.write(piece)
        writer.write_eof()
        while await reader.read(4096):
            pass
        writer.close()
        assert all(isinstance(failure, Malformed) for failure in failures)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request("echo"))
        assert (await read_responses(reader, 1))[0].WhichOneof("value") == "echo"
        writer.close()

    try:
        serve(folder, talk, answer)
    finally:
        shutil.rmtree(folder)
