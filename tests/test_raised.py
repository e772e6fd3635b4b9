"""The collector of names itself: what it cannot follow, it does not skip."""

import ast

import pytest
import raised
from raised import CannotFollow, Module, collected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('raise Refused("one", "")', {"one"}),
        ('NAME = "one"\ndef f():\n  raise Refused(NAME, "")', {"one"}),
        ('def f(x):\n  name = "one" if x else "two"\n  raise Refused(rule=name, message="")', {"one", "two"}),
        ('class C:\n  def f(self, what, *, rule):\n    raise Refused(rule, what)\nC().f("", rule="one")', {"one"}),
        ('def g(rule):\n  f(rule)\ndef f(rule):\n  raise Refused(rule, "")\ng("one"); f("two")', {"one", "two"}),
        ('raise Refused(str(1), "")', None),
        ('raise Refused(f"rule-{1}", "")', None),
        ('raise Refused(*["one", ""])', None),
        ('def f(rule):\n  raise Refused(rule, "")', None),
        ('def f(rule):\n  raise Refused(rule, "")\nf("one".lower())', None),
        ('def f():\n  for name in ("one", "two"):\n    raise Refused(name, "")', None),
        ('def f():\n  name = "one"\n  for name in ("two", "three"):\n    raise Refused(name, "")', None),
        ('def f(e):\n  raise Refused(e.rule, "")', None),
        ('partial(Refused, "one")', None),
        ('Other = Refused\nraise Other("one", "")', None),
    ],
)
def test_names_are_followed_or_the_test_fails(
    monkeypatch: pytest.MonkeyPatch, source: str, said: set[str] | None
) -> None:
    modules = {"a": Module("a", ast.parse(source))}
    monkeypatch.setattr(raised, "modules", lambda: modules)
    if said is None:
        with pytest.raises(CannotFollow):
            collected("Refused")
    else:
        assert collected("Refused") == said
