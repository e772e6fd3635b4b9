"""Whatever comes over the socket on which CometBFT talks: it is answered in its order or the conversation ends with a sentence, and
the ledger is in order afterwards."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from engine.cometbft.node import Node
from google.protobuf.descriptor import FieldDescriptor as Kind
from google.protobuf.message import Message

from veche.audit.ledger import verify_ledger
from veche.engine.cometbft import abci_pb2 as abci
from veche.engine.cometbft.server import CONNECTIONS, Server, frame, read_frame
from veche.errors import VecheError
from veche.log.source import Folder

from .bent import bent
from .conftest import Town
from .rounds import case, rounds

SIGNED = (0, 1, -1, 2**31 - 1, 2**53, 2**63 - 1, -(2**63))


def fill(dice: Random, message: Message, like: Callable[[Any], Any], depth: int = 0) -> None:
    """Any fields of a message; ``like`` gives what would be right there, or None."""
    for field in message.DESCRIPTOR.fields:
        if dice.random() < 0.3 or depth > 4:
            continue
        for _ in range(dice.choice((1, 1, 2, 6)) if field.is_repeated else 1):
            if field.message_type is not None:
                inner = getattr(message, field.name)
                fill(dice, inner.add() if field.is_repeated else inner, like, depth + 1)
                continue
            value = like(field) if dice.random() < 0.8 else None
            if value is None:
                value = any_value(dice, field)
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)


def any_value(dice: Random, field: Any) -> Any:
    match field.cpp_type:
        case Kind.CPPTYPE_STRING:
            return dice.randbytes(20) if field.type == Kind.TYPE_BYTES else dice.choice(("", "x", "\0", "veche-"))
        case Kind.CPPTYPE_BOOL:
            return dice.random() < 0.5
        case Kind.CPPTYPE_ENUM:
            return dice.choice(field.enum_type.values).number
        case Kind.CPPTYPE_INT32:
            return dice.choice((0, 1, -1, 2**31 - 1))
        case Kind.CPPTYPE_UINT32:
            return dice.choice((0, 1, 2**32 - 1))
        case Kind.CPPTYPE_UINT64:
            return dice.choice((0, 1, 2**64 - 1))
        case _:
            return dice.choice(SIGNED)


def any_request(dice: Random, node: Node, town: Town) -> bytes:
    pool = [*town.stage.ballots, *town.signed, b"", b"\x80"]
    usual = ("process_proposal", "finalize_block", "commit", "prepare_proposal", "flush", "info")
    name = dice.choice(usual if dice.random() < 0.8 else [field.name for field in abci.Request.DESCRIPTOR.fields])
    made = abci.Request()
    inner = getattr(made, name)
    inner.SetInParent()

    def like(field: Any) -> Any:
        match field.name:
            case "height" | "initial_height":
                return node.height
            case "seconds":
                return town.stage.now + dice.choice((0, 1, 700, 90_000))
            case "nanos":
                return 0
            case "max_tx_bytes":
                return 1 << 20
            case "txs" | "tx":
                return dice.choice(pool)
        return None

    fill(dice, inner, like)
    return frame(made)


def any_stream(dice: Random, node: Node, town: Town) -> bytes:
    """Mostly one request; now and then what is none."""
    request = any_request(dice, node, town)
    match dice.randrange(30):
        case 0:
            return bent(dice, request)
        case 1:
            return dice.randbytes(dice.randrange(1, 30))
        case 2:
            return dice.choice((b"\xff" * 9, b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x01", b"\x00", b"\x7f"))
        case 3:
            return request[: dice.randrange(len(request) + 1)]
    return request


async def talk(dice: Random, town: Town, folder: Path, socket: Path) -> int:
    node, failures, asked = Node(town.stage.copy(folder)), list[BaseException](), 0
    try:
        async with Server(socket, node.application.answer, failures.append):
            lines = [await asyncio.open_unix_connection(socket) for _ in range(CONNECTIONS)]
            open_lines = list(lines)
            for _ in range(dice.randrange(1, 40)):
                if not open_lines:
                    break
                reader, writer = dice.choice(open_lines)
                node.now += dice.choice((0, 0, 1, 700))
                sent = any_stream(dice, node, town)
                asked += 1
                writer.write(sent)
                if dice.random() < 0.03:
                    writer.write_eof()
                    open_lines.remove((reader, writer))
                try:
                    async with asyncio.timeout(0.05 if sent[:1] in (b"", b"\xff", b"\x7f", b"\x80") else 0.5):
                        data = await read_frame(reader)
                    if data:
                        assert abci.Response.FromString(data).WhichOneof("value")
                except TimeoutError:
                    break  # it waits for the rest
                except (ConnectionError, VecheError):
                    break
                if failures or reader.at_eof():
                    break
            for _, writer in lines:
                writer.close()
        for failure in failures:
            assert isinstance(failure, VecheError) and failure.message, repr(failure)
        assert not node.failures
        node.ledger.discard()
        node.publishing.publish(node.now)
    finally:
        node.close()
    verify_ledger(Folder(folder))
    return asked


def test_any_conversation_ends_with_a_ledger_in_order(town: Town, tmp_path: Path) -> None:
    asked = Counter[int]()
    for number in rounds(25, of=asked.total):
        socket = Path(tempfile.mkdtemp(prefix="veche-"))
        with case(number) as dice:
            try:
                asked[number] = asyncio.run(talk(dice, town, tmp_path / f"{number}", socket / "abci"))
            finally:
                shutil.rmtree(socket)
        shutil.rmtree(tmp_path / f"{number}")
    assert asked.total() > 40
