"""What CometBFT's blocks mean: ABCI's calls, answered by the four calls of a ledger. docs/adr/0018-engine-over-cometbft.md.

    PrepareProposal   execute what waits and propose what the rules admit
    ProcessProposal   execute what is proposed; accept it if the rules admit all of it
    FinalizeBlock     what was executed already, or execute it; without its entries if the rules refuse one of them. The head of the
                      block before is agreed now, and published
    Commit            commit; whoever waited for the block before is answered

All of it happens on one thread, which owns the ledger; only checks run on others.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from google.protobuf.message import Message as Asked
from google.protobuf.timestamp_pb2 import Timestamp

from veche.engine.cometbft import abci_pb2 as abci
from veche.engine.cometbft.begin import begun
from veche.engine.cometbft.finality import Finality
from veche.engine.cometbft.home import POWER, address, app_hash, chain_of
from veche.engine.cometbft.launch import KEPT_BLOCKS
from veche.engine.engine import Stopped
from veche.engine.looking import Look
from veche.engine.results import Results
from veche.engine.threaded import AHEAD
from veche.engine.waiting import Job, Waiting
from veche.errors import Refused
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.ledger import Executed, Ledger
from veche.log.evidence import note_votes
from veche.logs import log
from veche.texts import Message

"""How many of its blocks CometBFT keeps: more than can be needed to show that somebody voted twice, or to replay."""
PAST = 30
"""Seconds by which a block may be behind this node's clock whose head it still cosigns: it has not missed blocks."""
GATHER, ENOUGH = 0.1, 128
"""Seconds for which, and up to how many, entries are gathered before they are checked together."""
UNDECIDED = 1.0
"""Seconds after which a block that was executed and is not decided no longer keeps entries from being checked."""
_TX = 8
"""Bytes that an entry takes in a block beside its own."""

OK, REFUSED = 0, 1
"""Result codes. Nothing else is in a result, so that nothing can differ from node to node."""


@dataclass
class _Proposal:
    """What this node proposed last: under a height, with those that the rules refused there."""

    height: int = 0
    entries: tuple[bytes, ...] = ()
    jobs: list[Job] = field(default_factory=list)
    refused: list[tuple[Job, Refused]] = field(default_factory=list)


@dataclass
class _Block:
    """A block that was executed, by all that its outcome depends on."""

    height: int
    time: int
    entries: tuple[bytes, ...]
    said: tuple[DoubleSigning, ...]
    executed: Executed
    since: float


class Application:
    """Answers CometBFT for one ledger. ``idle`` is set while nothing waits; ``moved``: when the last block came."""

    def __init__(
        self,
        ledger: Ledger,
        finality: Finality,
        waiting: Waiting,
        results: Results,
        clock: Callable[[], int],
        late: int,
        tell: Callable[[Executed, Sequence[bytes]], None],
        fail: Callable[[BaseException], None],
        kept: int = KEPT_BLOCKS,
    ) -> None:
        """``clock`` is read before each proposal, and raises WrongClock. ``late``: seconds by which a block's time may be behind it;
        this node proposes entries under no earlier one. ``tell`` is told of each block that is durable, and of its entries. ``fail`` is told what breaks outside of CometBFT's calls.
        ``kept``: how many blocks CometBFT keeps."""
        self._ledger, self._finality, self._waiting, self._results = ledger, finality, waiting, results
        self._clock, self._late, self._tell, self._fail, self._kept = clock, late, tell, fail, kept
        self._began = False  # whether CometBFT is known to have stored a block
        self._checkers = ThreadPoolExecutor(AHEAD, "veche-check")
        self._checking: deque[tuple[Look, asyncio.Future[None]]] = deque()
        self._ready: deque[Job] = deque()  # checked, in the order in which they came, in no block yet
        self._asked: list[tuple[int, Job]] = []  # who wants a block of this time or later
        self._settled: list[tuple[Job, int | BaseException]] = []  # in a block that is durable, and not agreed yet
        self._proposal = _Proposal()
        self._validators = ledger.state.validators()  # with the last block that is durable
        self._block: _Block | None = None
        self._told = app_hash(ledger.head)  # the hash of the head, as CometBFT was told last
        self._something = asyncio.Event()
        self._decided = False  # whether the executed block is
        self._closed = False
        self._gathering: float | None = None  # until when what was handed in is gathered
        self.idle = asyncio.Event()
        self.moved = time.monotonic()

    def behind(self) -> Iterable[Job]:
        """Jobs that were taken from those that wait and have no answer yet."""
        return [
            *(job for look, _ in self._checking for job in look.jobs),
            *self._ready,
            *(job for _, job in self._asked),
            *(job for job, _ in self._settled),
        ]

    def close(self) -> None:
        """Take nothing more, and wait for the checks that are running."""
        self._closed = True
        self._checkers.shutdown()

    async def answer(self, asked: Asked) -> Asked:
        """Answer one request. Raises what the engine cannot go on with."""
        match asked:
            case abci.RequestEcho():
                return abci.ResponseEcho(message=asked.message)
            case abci.RequestInfo():
                return self._info()
            case abci.RequestInitChain():
                return self._init_chain(asked)
            case abci.RequestPrepareProposal():
                return self._prepare(asked)
            case abci.RequestProcessProposal():
                return self._process(asked)
            case abci.RequestFinalizeBlock():
                return self._finalize(asked)
            case abci.RequestCommit():
                return self._commit()
            case abci.RequestCheckTx():  # with a mempool of our own nobody asks
                return abci.ResponseCheckTx(code=REFUSED)
            case abci.RequestInsertTx():
                return abci.ResponseInsertTx(code=REFUSED)
            case abci.RequestReapTxs():
                return abci.ResponseReapTxs()
            case abci.RequestQuery():  # our own door is the public one
                return abci.ResponseQuery(code=REFUSED, height=self._ledger.height)
            case abci.RequestListSnapshots():
                return abci.ResponseListSnapshots()
            case abci.RequestOfferSnapshot():
                return abci.ResponseOfferSnapshot(result=abci.ResponseOfferSnapshot.REJECT)
            case abci.RequestLoadSnapshotChunk():
                return abci.ResponseLoadSnapshotChunk()
            case abci.RequestApplySnapshotChunk():
                return abci.ResponseApplySnapshotChunk(result=abci.ResponseApplySnapshotChunk.ABORT)
        raise Stopped(Message("CometBFT asked for a vote's extension, which this chain does not have."))

    # What waits

    def look(self) -> None:
        """Take what was handed in, and let it be checked. Called when there is something, or the end has come."""
        if self._closed or self._gather():
            return
        self._put_off()
        while len(self._checking) < AHEAD and self._block is None and (jobs := self._waiting.take()):
            try:
                look = Look(self._ledger, jobs)
                future = asyncio.get_running_loop().run_in_executor(self._checkers, look.run)
            except Exception as error:
                self._ready += jobs  # they are answered, whatever happens
                self._fail(error)
                return
            self._checking.append((look, future))
            future.add_done_callback(self._checked)
        self._note()

    def _put_off(self) -> None:
        """A block that was proposed and is not decided for long, as when too many are away, is executed once more if it ever is: until
        then it must not keep what comes in from being checked."""
        if self._block is None or self._decided or not len(self._waiting):
            return
        if time.monotonic() - self._block.since >= UNDECIDED:
            self._ledger.discard()
            self._block = None
        else:
            asyncio.get_running_loop().call_later(UNDECIDED, self.look)

    def _gather(self) -> bool:
        """Whether to wait for more, as one of several validators does for a moment: checked together, ballots cost a third."""
        if self._finality.alone or self._waiting.stopping or not 0 < len(self._waiting) < ENOUGH:
            return False
        now = time.monotonic()
        if self._gathering is None:
            self._gathering = now + GATHER
            asyncio.get_running_loop().call_later(GATHER, self.look)
        if now < self._gathering:
            return True
        self._gathering = None
        return False

    def _checked(self, _: asyncio.Future[None]) -> None:
        while self._checking and self._checking[0][1].done():
            look, future = self._checking[0]
            if future.exception() is None:  # else whoever executes the block meets it again
                look.tell(self._waiting)
            self._checking.popleft()
            self._ready += look.jobs
        self.look()

    def _note(self) -> None:
        """Tell who waits for something to do, or for the end."""
        if self._ready or self._asked or self._settled or self._waiting.stopping or not self._agreed:
            self._something.set()
        if not (self._ready or self._asked or self._settled or self._checking or len(self._waiting)) and self._agreed:
            self.idle.set()
        else:
            self.idle.clear()

    @property
    def _agreed(self) -> bool:
        """Whether the newest head is one that consensus has agreed on."""
        return self._finality.agreed == self._ledger.head

    async def wanted(self) -> None:
        """Until a block is to be made: there are entries, somebody asked, a head is not agreed yet, or the end has come."""
        self._something.clear()
        self.look()
        await self._something.wait()

    # The calls

    def _info(self) -> abci.ResponseInfo:
        height = self._ledger.height
        if height <= self._ledger.state.get("network_height"):
            height = 0  # what was before the network is no block of CometBFT's
        return abci.ResponseInfo(
            data="veche",
            app_version=1,
            last_block_height=height,
            last_block_app_hash=app_hash(self._ledger.head) if height else b"",
        )

    def _init_chain(self, asked: abci.RequestInitChain) -> abci.ResponseInitChain:
        votes = {validator.votes for validator in self._ledger.state.succession.began[1]}
        if asked.chain_id != chain_of(self._ledger) or {one.pub_key.ed25519 for one in asked.validators} != votes:
            raise Stopped(Message("CometBFT's folder is of another ledger."))
        return abci.ResponseInitChain(app_hash=app_hash(self._ledger.head))

    def _prepare(self, asked: abci.RequestPrepareProposal) -> abci.ResponsePrepareProposal:
        now, at = self._clock(), _seconds(asked.time)
        jobs, room = [], asked.max_tx_bytes
        while self._ready and self._ready[0][0] is None:
            self._asked.append((now, self._ready.popleft()))
        for job in self._ready:
            if job[0] is None or (room := room - len(job[0]) - _TX) < 0:
                break
            jobs.append(job)
        if now - at > self._late:
            jobs = []
        entries = [entry for entry, _ in jobs if entry is not None]
        if not entries:
            self._proposal = _Proposal(asked.height)
            return abci.ResponsePrepareProposal()
        answers = self._execute(asked.height, at, entries, asked.misbehavior).answers
        admitted = [job for job, answer in zip(jobs, answers, strict=True) if not isinstance(answer, Refused)]
        refused = [(job, answer) for job, answer in zip(jobs, answers, strict=True) if isinstance(answer, Refused)]
        proposed = tuple(entry for entry, _ in admitted if entry is not None)
        self._proposal = _Proposal(asked.height, proposed, admitted, refused)
        return abci.ResponsePrepareProposal(txs=proposed)

    def _process(self, asked: abci.RequestProcessProposal) -> abci.ResponseProcessProposal:
        status = abci.ResponseProcessProposal.ACCEPT
        try:
            self._judge(asked)
        except Refused:
            status = abci.ResponseProcessProposal.REJECT
        return abci.ResponseProcessProposal(status=status)

    def _finalize(self, asked: abci.RequestFinalizeBlock) -> abci.ResponseFinalizeBlock:
        if asked.height != self._ledger.height + 1:
            raise Stopped(Message("CometBFT decided block {height}, which does not follow.", height=asked.height))
        if app_hash(self._ledger.head) != self._told:  # or a cosignature would be false that nobody can take back
            raise Stopped(
                Message(
                    "The head of this ledger is not the one that this node told the others: it has changed by itself."
                ),
                Message("Nothing was signed. Look at this machine's memory and disk before you start the node again."),
            )
        self._agree()  # this block's header holds the hash of the head so far
        code = OK
        try:
            executed = self._judge(asked)
        except (
            Refused
        ):  # none of those who voted for it was asked by our rules; whoever follows goes on, and pays for no junk
            executed, code = self._execute(asked.height, _seconds(asked.time), (), asked.misbehavior), REFUSED
            log().error("a decided block holds what the rules refuse", size=self._ledger.size, entries=len(asked.txs))
        self._decided, self._told = True, app_hash(executed.head)
        return abci.ResponseFinalizeBlock(
            tx_results=[abci.ExecTxResult(code=code)] * len(asked.txs),
            app_hash=self._told,
            validator_updates=self._updates(executed),
        )

    def _judge(self, asked: abci.RequestProcessProposal | abci.RequestFinalizeBlock) -> Executed:
        """Execute a block of which the rules admit everything. Raises the first Refused; from the block and the committed state alone,
        so that no node ever says otherwise."""
        executed = self._execute(asked.height, _seconds(asked.time), asked.txs, asked.misbehavior, whole=True)
        for answer in executed.answers:
            if isinstance(answer, Refused):
                raise answer
        return executed

    def _updates(self, executed: Executed) -> list[abci.ValidatorUpdate]:
        """How the validators of a block differ from those before it; CometBFT decides with them from the next but one on."""
        before = {validator.votes for validator in self._validators}
        after = {validator.votes for validator in executed.validators}
        powers = [
            *((votes, 0) for votes in sorted(before - after)),
            *((votes, POWER) for votes in sorted(after - before)),
        ]
        return [abci.ValidatorUpdate(pub_key=abci.PublicKey(ed25519=votes), power=power) for votes, power in powers]

    def _agree(self) -> None:
        """The head so far is agreed on. One that is long past, as a node meets it that catches up or whose clock is fast, is for others
        to sign; that with which a restarted chain begins is not: nobody has signed it yet."""
        now, succession = self._clock(), self._ledger.state.succession
        begins = bool(succession.restarts) and self._ledger.size == succession.began[0]
        self._finality.agree(now, self._finality.alone or begins or now <= self._ledger.time + PAST)

    def _commit(self) -> abci.ResponseCommit:
        block = self._block
        if block is None:
            raise Stopped(Message("CometBFT committed a block that was not decided."))
        for one in block.said:  # first: afterwards nobody would look for the votes
            note_votes(self._ledger.folder, one.votes, chain_of(self._ledger), one.height, block.height)
        self._ledger.commit()
        if not self._began:
            begun(self._ledger.folder)
            self._began = True
        self._validators = block.executed.validators
        self._block, self._decided, self.moved = None, False, time.monotonic()
        self._tell(block.executed, block.entries)
        if block.executed.logged:
            self._results.search(self._ledger.state)
        before, self._settled = self._settled, []
        self._waiting.answer([job for job, _ in before], [outcome for _, outcome in before])
        self._settle(block)
        if self._agreed:
            self._waiting.answer([job for job, _ in self._settled], [outcome for _, outcome in self._settled])
            self._settled = []
            done = [job for wanted, job in self._asked if wanted <= block.time]
            self._asked = [(wanted, job) for wanted, job in self._asked if wanted > block.time]
            self._waiting.answer(done, [self._ledger.size] * len(done))
        self.look()
        return abci.ResponseCommit(retain_height=max(0, self._ledger.state.get("heartbeat_height") - self._kept))

    def _settle(self, block: _Block) -> None:
        """What became of the entries for which somebody waits here: those of this block, whoever proposed it, and what the rules
        refused if it was this node."""
        proposal, self._proposal = self._proposal, _Proposal()
        settled: list[tuple[Job, int | BaseException]] = []
        if (proposal.height, proposal.entries) == (block.height, block.entries):
            settled += zip(proposal.jobs, block.executed.answers, strict=True)
            settled += proposal.refused
        else:
            outcomes: dict[bytes, deque[int | Refused]] = {}
            for entry, outcome in zip(block.entries, block.executed.answers, strict=True):
                outcomes.setdefault(entry, deque()).append(outcome)
            for job in self._ready:
                if job[0] is not None and outcomes.get(job[0]):
                    settled.append((job, outcomes[job[0]].popleft()))
        if settled:
            gone = {id(job) for job, _ in settled}
            self._ready = deque(job for job in self._ready if id(job) not in gone)
        self._settled = settled

    def _execute(
        self,
        height: int,
        at: int,
        entries: Sequence[bytes],
        misbehavior: Iterable[abci.Misbehavior],
        whole: bool = False,
    ) -> Executed:
        """Execute this block, of the time ``at``, unless it is the one that was executed last. ``whole``, and what it raises: see :meth:`Ledger.execute`."""
        block, these, said = self._block, tuple(entries), self._said(misbehavior)
        if block is None or (block.height, block.time, block.entries, block.said) != (height, at, these, said):
            self._block = None
            executed = self._ledger.execute(height, at, these, said, whole)
            block = _Block(height, at, these, said, executed, time.monotonic())
            self._block = block
        return block.executed

    def _said(self, misbehavior: Iterable[abci.Misbehavior]) -> tuple[DoubleSigning, ...]:
        """Who has voted for two blocks of a height, by the consensus keys that CometBFT names by their addresses. In one order."""
        keys = {address(office.votes): office.votes for office in self._ledger.state.offices.values() if office.votes}
        found = {
            (keys[one.validator.address], one.height, _seconds(one.time))
            for one in misbehavior
            if one.validator.address in keys
        }
        return tuple(DoubleSigning(*one) for one in sorted(found))


def _seconds(time: Timestamp) -> int:
    """A block's time as the ledger has it: whole seconds since 1970."""
    return time.seconds
