"""Nothing that people read is English alone. docs/architecture.md: words that people read."""

import ast
import re

import pytest
import raw_words
from raw_words import Found, prose, said

OF_OTHERS = ("world.py", "demo/content.py")
"""Texts of institutions and organisers, in both languages there, as a ledger has them."""
SQL = re.compile(r"\s*(SELECT|CREATE|PRAGMA)\b")
NAMES = re.compile(r"[\w.]*[./][\w./@-]*|\s*--[\w-]+( .*)?|veche [a-z-]+( [a-z-]+)*|VECHE_DEBUG")
"""Names of files, options and commands: the same in every language."""
WORDS_OF_THE_FORMAT = {
    "charter", "poll", "city", "committee", "outcome", "will", "issuance", "pedersen", "single",  # kinds of entries, and what stands in them
    "registrar", "trustee", "witness", "veche",  # commands
    "JSON", "TOML", "attachment", "checkpoint", "tile", "veche-bound-v1", "not counted", "counted", "last", "replaced",  # in files and --json
    "journal", "institution", "decryptions", "ledger", "cometbft", "forged-ledger", "lie",  # files and folders
}  # fmt: skip
NOT_SAID = {
    ("cli/draft.py", "end of document"),  # what a parser says, which is looked for
    ("node/api.py", "public, max-age=31536000, immutable"),  # a header of HTTP
    ("node/explorer/door.py", "public, max-age=31536000, immutable"), ("node/explorer/door.py", "public, max-age={}"),  # the same
    ("audit/binding.py", "second proof"),  # the name of a check, compared with the kernel's
    ("cli/compare.py", "Needed for two checkpoints."), ("cli/ledger_read.py", "Needs no ledger."),  # the same
    *(("cli/network.py", text) for text in (
        "[[validator]]", 'institution = "{}"', 'peer = "{}@{}"', 'url = "{}"', 'votes = "{}"', 'key = "{}"',
    )),  # a part of a draft
    ("node/peers.py", "answered too much"),  # in a log line
    *(("engine/cometbft/process.py", text) for text in (
        r"(\+2/3 .*invalid block|Error in validation).*wrong Block\.Header\.(AppHash|LastResultsHash)", r"(\+2/3 .*invalid block|Error in validation).*don't have header #[0-9]", "is too far in the future", "private validator socket client|SignerListener",
        "CONSENSUS FAILURE!!!", "Error in validation",
    )),  # what CometBFT says, which is looked for
    ("cli/options.py", " More than one may sign at once: repeat it."),  # a part of help texts, which the catalogues have whole
    ("demo/city.py", " is entry "),  # what the demo counts
    *((f"demo/{file}.py", line) for file in ("audit", "four") for line in ("poll show {} -l {}", "ledger log --ledger {} --last 12")),
    ("demo/four.py", "node status --ledger {}"),  # command lines
    ("ledger/checks.py", "dict[bytes, list[_Found]]"),  # a type
    *(("logs.py", text) for text in (
        "how many entries", "how many files", "the address of a node that was asked", "a folder of this process", "the number of entries in the ledger",
        "a sentence of this program's, without anything that was handed in",
    )),  # what the fields of a log line are, for programmers
}  # fmt: skip


def unread(found: Found) -> bool:
    """Whether it is no English that people would want in another language."""
    return (
        found.file in OF_OTHERS
        or found in NOT_SAID
        or found.text in WORDS_OF_THE_FORMAT
        or bool(SQL.match(found.text) or NAMES.fullmatch(found.text))
    )


def test_no_sentence_in_the_source_is_english_alone() -> None:
    assert not [found for found in sorted(prose()) if not unread(found)]


def test_no_word_is_filled_into_a_message_untranslated() -> None:
    assert not [found for found in sorted(said()) if not unread(found)]


@pytest.mark.parametrize(
    ("source", "raw"),
    [
        ('say(Message("{a} fits", a="raw"))', "raw"),
        ('def f(x):\n  a = "raw" if x else ""\n  say(Message("{a}", a=a))', "raw"),
        ('def f(what):\n  raise UserError(Message("{w}", w=what))\nf("raw")', "raw"),
        ('class C:\n  def f(self, *, what):\n    raise UserError(Message("{w}", w=what))\n  def g(self):\n    self.f(what="raw")', "raw"),
        ('raise DoesNotHold("L1", f"raw {x}", Message("wrong"))', "raw {}"),
        ('A = {1: "raw"}\nclick.echo(A[1])', "raw"),
        ('def f() -> str:\n  return "raw"\nclick.echo(f"  {f()}")', "raw"),
        ('def f(a):\n  for b in ("raw", N_("not")):\n    confirm(b)', "raw"),
        ('A = N_("not raw")\nsay(Message(A, a=Message("nor this"), b=a.hex(), c="; ".join(x)))', None),
        ('def f(x):\n  """Words."""\n  raise Refused("rule", Message("said"))', None),
    ],
)  # fmt: skip
def test_raw_words_are_found(monkeypatch: pytest.MonkeyPatch, source: str, raw: str | None) -> None:
    parsed = {"a.py": ast.parse(source)}
    monkeypatch.setattr(raw_words, "trees", lambda: parsed)
    assert said() == ({Found("a.py", raw)} if raw is not None else set())


@pytest.mark.parametrize(
    ("source", "raw"),
    [
        ('yield f"left in {place} today"', "left in {} today"),
        ('HINT = ("Look at another clock")', "Look at another clock"),
        ('say(Message("A sentence", a="two words"))', "two words"),
        ('"""For programmers only."""\nassert a, "not for people"\nraise ValueError("of a defect")', None),
        ('A = N_("Look at this")\nB = {"one": Message("Two words")}', None),
    ],
)
def test_sentences_are_found(monkeypatch: pytest.MonkeyPatch, source: str, raw: str | None) -> None:
    parsed = {"a.py": ast.parse(source)}
    monkeypatch.setattr(raw_words, "trees", lambda: parsed)
    assert prose() == ({Found("a.py", raw)} if raw is not None else set())
