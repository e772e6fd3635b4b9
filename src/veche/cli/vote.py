"""``veche vote``: choose and seal; then the voter says whether to cast or to check. For pilots, where registrars' folders are on
this machine.
"""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import click

from veche.audit.entry_words import short
from veche.audit.witnesses import size_of
from veche.cli import options
from veche.cli.again import again
from veche.cli.cast import cast_sealed
from veche.cli.choices import ask_choices, choice_lines, parse_choices
from veche.cli.collecting import Desk, open_registrars, permits_to_show, said_by
from veche.cli.collecting import collect as collect_permits
from veche.cli.language import Command
from veche.cli.open import open_sealed
from veche.cli.options import ANY_PATH
from veche.cli.permit_file import PermitFile, erase_decided
from veche.cli.reading import Reading, read_ledger
from veche.cli.sealed_file import SealedFile
from veche.cli.voter_seed import VoterSeed
from veche.errors import UserError
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.terminal.code import code_lines, code_picture
from veche.terminal.say import agreed, one_of, say, spoken
from veche.texts import Message, Verbatim
from veche.voter.permits import Collected
from veche.voter.voter import Voter, seal
from veche.words import in_every_language


@click.command(cls=Command, short_help="Vote in a poll, or vote again.")
@click.argument("name", metavar="POLL")
@options.ledger
@options.seed
@click.option("--registrar", "desks", type=ANY_PATH, multiple=True, metavar="FOLDER",
              help="A registrar's folder, to collect a permit from: repeat it for all of them. Not needed to vote again.")  # fmt: skip
@click.option("--person", metavar="ID", help="Who you are on the registrars' rolls.")
@click.option("--choose", "-c", multiple=True, metavar="NUMBERS",
              help="Your choice: 2, or 1,3,5, or blank, or 0 for none. Repeat it for each question. Otherwise you are asked.")  # fmt: skip
@click.option(
    "--collect", is_flag=True, help="Only collect the permits and keep them beside the seed, before the poll opens."
)
@click.option("--seal", "only_seal", is_flag=True,
              help='Only seal the ballot and show its code; "veche cast" or "veche open" comes next.')  # fmt: skip
@click.option("--ask", "request", type=ANY_PATH, metavar="FILE",
              help="Only write a request for permits to FILE, for registrars on other machines.")  # fmt: skip
@click.option("--group", metavar="NAME", help="With --ask: the group in which you vote, if the poll has more than one.")
@click.option("--answer", "answers", type=ANY_PATH, multiple=True, metavar="FILE",
              help="What a registrar answered to a request: repeat it for all of them.")  # fmt: skip
@options.despite_refusal
@options.receipts
@options.json
def vote(
    name: str, folder: Path, seed: Path, desks: tuple[Path, ...], person: str | None, choose: tuple[str, ...],
    collect: bool, only_seal: bool, request: Path | None, group: str | None, answers: tuple[Path, ...],
    despite_refusal: bool, receipts: Path, as_json: bool,
) -> None:  # fmt: skip
    """Vote in a poll, or vote again: the last ballot counts.

    The ballot is encrypted here, and nobody ever decrypts it by itself. When it is sealed you see its code. Only then you say
    whether to cast this ballot, or to open it and check this device with another one: the device cannot know it before.

    \b
    Example:
      veche vote 3fa9 --person 1234 --registrar registry --registrar post
      veche vote 3fa9 --choose 2                      (again, from the same seed)
      veche vote 3fa9 --choose 2 --seal               (then "veche cast 3fa9" or "veche open 3fa9")
      veche vote 3fa9 --person 1234 --ask request.json                              (for registrars elsewhere)
      veche vote 3fa9 --person 1234 --answer one.json --answer two.json --collect   (when they have answered)
    """
    _check_ask(request, group, collect, only_seal, choose, desks, answers)
    if options.was_given("receipts"):
        _check_receipts(collect, only_seal, request)
    if collect and (choose or only_seal):
        raise UserError(
            Message("--collect only collects permits: nothing is chosen or sealed with it."),
            Message("Leave {option} out, or --collect.", option="--choose" if choose else "--seal"),
        )
    with read_ledger(folder) as reading:
        reading.check_fresh()
        poll = reading.poll(name)
        _check_goes_on(poll)
        if not collect and not only_seal and request is None:
            options.must_take_receipt(receipts)
            if not sys.stdin.isatty():
                raise UserError(
                    Message("Nobody can be asked here whether to cast the ballot or to check with it."),
                    Message('Seal it with --seal; then "veche cast" or "veche open".'),
                )
        _check_witnessed(reading, poll)
        own = VoterSeed(seed, as_json)
        voter = Voter(own.seed)
        last = reading.state.last_ballot(poll, voter.credential(poll.id))
        kept, sealed_file = PermitFile(seed, poll), SealedFile(seed, poll)
        own.check_person(person, used=last is not None or kept.read() is not None)
        if request is not None:
            _ask(request, reading, poll, voter, own, kept, person, group, last is not None, as_json)
            return
        if not collect:
            sealed_file.must_be_free()
        choices = [] if collect else _choices(poll, choose)
        collected = Collected()
        if last is None:
            with open_registrars(desks, reading, poll) as opened:
                both = {**opened, **_answered(answers, reading, poll, opened.keys())}
                if answers and own.is_new:
                    raise UserError(
                        Message(
                            "There is no seed in {path}, and these are answers to what another seed asked.", path=seed
                        ),
                        Message("Name the seed with which you wrote the request: --seed FILE"),
                    )
                mine, collected = collect_permits(voter, own, poll, kept, both, person, despite_refusal)
            if not collect:
                # Whoever is asked here, and goes on, is not asked again when the ballot is cast.
                ask = sys.stdin.isatty() and not as_json
                permits_to_show(voter, poll, mine, collected, kept, ask, despite_refusal)
                despite_refusal = despite_refusal or ask
        elif (desks or answers) and not collect:
            say(
                Message("You have voted in this poll: to vote again no permits are needed, and none were asked for."),
                err=True,
            )
        erase_decided(seed, reading.state.polls())
    if collect:
        _say_what_is_kept(poll, collected, last is not None, as_json)
        return
    sealed = seal(poll.frozen, choices)
    sealed_file.write(sealed)
    name = short(poll.id)
    if only_seal and as_json:
        options.emit({"poll": poll.id.hex(), "code": sealed.code.hex(), "words": in_every_language(sealed.code)})
        return
    say(Message("Sealed. Nothing is cast yet. The code of this ballot, whole and in nine words:\n"), err=as_json)
    for line in code_lines(sealed.code):
        click.echo(f"  {line}", err=as_json)
    if sys.stdout.isatty() and not as_json:
        click.echo(f"\n{code_picture(sealed.code)}")
    click.echo(err=as_json)
    say(
        Message(
            'It waits for you to cast it ("{value}") or to open it ("{value2}").',
            value=again("cast", name),
            value2=again("open", name),
        ),
        err=as_json,
    )
    if only_seal:
        return
    say(Message("To check this device, give the code to another one now, before you answer."), err=as_json)
    cast, check = Message("cast"), Message("check")
    if one_of(Message("Cast this ballot, or check this device with it?"), cast, check, err=as_json) is cast:
        cast_sealed(name, folder, seed, receipts, as_json, despite_refusal)
    else:
        open_sealed(name, folder, seed, None, as_json)


def _check_receipts(collect: bool, only_seal: bool, request: Path | None) -> None:
    """Raise UserError if it was said where the receipt goes, and there is none yet."""
    given = (("--collect", collect), ("--seal", only_seal), ("--ask", request is not None))
    if option := next((option for option, value in given if value), None):
        raise UserError(
            Message("With {option} nothing is cast, so there is no receipt yet.", option=option),
            Message('Leave --receipts out, and give it to "veche cast".'),
        )


def _check_ask(
    request: Path | None, group: str | None, collect: bool, only_seal: bool, choose: tuple[str, ...], desks: tuple[Path, ...],
    answers: tuple[Path, ...],
) -> None:  # fmt: skip
    """Raise UserError for options that contradict each other about asking by file."""
    given = (
        ("--collect", collect), ("--seal", only_seal), ("--choose", choose), ("--registrar", desks), ("--answer", answers),
    )  # fmt: skip
    other = next((option for option, value in given if value), None)
    if request is not None and other is not None:
        raise UserError(
            Message("--ask only writes a request: nothing else is done with it."),
            Message("Leave {option} out, or --ask.", option=other),
        )
    if request is None and group is not None:
        raise UserError(
            Message("--group belongs to --ask: in all other cases registrars say in which group you vote."),
            Message("Leave it out."),
        )


def _ask(
    path: Path, reading: Reading, poll: PollState, voter: Voter, own: VoterSeed, kept: PermitFile, person: str | None,
    group: str | None, voted: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write a request for permits, and say what to do with it."""
    from veche.cli import permit_mail  # only now: a registrar's database takes longer to load than all the rest

    if voted:
        raise UserError(
            Message("You have voted in this poll: to vote again no permits are needed."),
            Message("Vote again: {command}", command=again("vote", short(poll.id))),
        )
    made = permit_mail.ask(path, reading, poll, voter, own, kept, person, group)
    registrars = [poll.poll_class.registrars[place].institution for place in sorted(made.blinded)]
    if as_json:
        options.emit({"file": str(path), "poll": poll.id.hex(), "registrars": registrars, "code": made.code.hex(),
                      "words": in_every_language(made.code)})  # fmt: skip
        return
    permit_mail.show_request(made, poll)
    say(Message("Wrote {path}. Give it to: {registrars}. Show each of them who you are, and say the code.",
                           path=path, registrars=", ".join(registrars)))  # fmt: skip
    say(Message("When they have answered: {command}",
                           command=again("vote", short(poll.id), "--person", "ID", "--answer", "FILE", "--collect")))  # fmt: skip


def _answered(
    files: tuple[Path, ...], reading: Reading, poll: PollState, opened: Collection[int]
) -> Mapping[int, Desk]:
    """Registrars that answered by file. Raises UserError, also if a registrar's folder is here, too."""
    if not files:
        return {}
    from veche.cli import permit_mail

    found = permit_mail.answered(files, reading, poll)
    if both := found.keys() & set(opened):
        raise UserError(
            Message(
                "Of {registrar} both a folder and an answer were given.",
                registrar=poll.poll_class.registrars[min(both)].institution,
            ),
            Message("Give one of the two."),
        )
    return found


def _say_what_is_kept(poll: PollState, collected: Collected, voted: bool, as_json: bool) -> None:
    """After collecting: whose permits are there, and who did not give any, and what they said."""
    registrars = poll.poll_class.registrars
    missing = [] if voted else sorted(poll.permit_keys.keys() - collected.permits.keys())
    if as_json:
        options.emit(
            {
                "poll": poll.id.hex(), "voted": voted,
                "permits": [registrars[registrar].institution for registrar in sorted(collected.permits)],
                "missing": [
                    {"registrar": registrars[registrar].institution, "said": str(said_by(registrar, collected) or "")} for registrar in missing
                ],
            }
        )  # fmt: skip
    elif voted:
        say(Message("You have voted in this poll: to vote again no permits are needed."))
    elif missing:
        names = ", ".join(registrars[registrar].institution for registrar in missing)
        say(
            Message(
                "No permit yet of: {names}. Ask again: {value}",
                names=names,
                value=again("vote", short(poll.id), "--collect", "--person", "ID", "--registrar", "FOLDER"),
            )
        )
        for registrar in missing:
            if said := said_by(registrar, collected):
                say(Message("{registrar} says: {said}", registrar=registrars[registrar].institution, said=said))
    else:
        say(
            Message(
                "Your permits for this poll are kept. Vote when it opens: {value}", value=again("vote", short(poll.id))
            )
        )


def _check_goes_on(poll: PollState) -> None:
    """Raise UserError for a poll that takes no ballots any more, before anything else is asked and a permit is spent on it."""
    if poll.phase != Phase.ANNOUNCED:
        raise UserError(
            Message("This poll takes no ballots any more."),
            Message("See what became of it: {command}", command=again("poll", "show", short(poll.id), seed=False)),
        )


def _check_witnessed(reading: Reading, poll: PollState) -> None:
    """Raise UserError unless enough witnesses cosigned a head that has the poll and its permit keys, if its class wants that."""
    witnesses = reading.witnesses
    if poll.poll_class.witnessed and not witnesses.vouch(size_of(reading.log, poll)):
        raise UserError(
            Message(
                "Too few witnesses have cosigned a ledger with this poll and its keys yet: {quorum} of {seats} must, so that "
                "you are not shown a ledger of your own.",
                quorum=witnesses.quorum,
                seats=witnesses.seats,
            ),
            Message("Try again in a few minutes. See who cosigned: veche verify LEDGER"),
        )


def _choices(poll: PollState, choose: tuple[str, ...]) -> list[list[int]]:
    """What the voter chooses: from the command line, or asked for and confirmed."""
    if choose:
        return parse_choices(poll.definition, choose)
    if not sys.stdin.isatty():
        raise UserError(
            Message("Nothing was chosen."),
            Message("Say what: --choose NUMBERS for each question. See them: {command}",
                    command=again("poll", "show", short(poll.id), seed=False)),
        )  # fmt: skip
    choices = ask_choices(poll.definition)
    say(Message("\nYou chose:"))
    for line in choice_lines(poll.definition, choices):
        say(Verbatim(f"  {spoken(line)}"))
    agreed(Message("\nSeal this ballot?"), Message("Nothing was sealed. Begin anew when you like."))
    return choices
