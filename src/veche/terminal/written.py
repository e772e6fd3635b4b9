"""All that an entry says (:mod:`veche.audit.entry_whole`), as a terminal shows it: what others have written is marked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from veche.audit.entry_whole import Foreign, Row, Whole
from veche.ledger import entries
from veche.ledger.entries.charter import Charter
from veche.terminal.foreign import beside, marked
from veche.texts import Localizable, Verbatim


@dataclass(frozen=True)
class _Beside(Localizable):
    """A text of others after a label of ours."""

    row: Row
    value: str

    def text(self, language: str) -> str:
        return beside(f"{'  ' * self.row.depth}{self.row.label.text(language)}: ", self.value)


class Written(Whole):
    """Writes entries out for a terminal."""

    def lines(self, entry: entries.Entry) -> Iterator[Localizable]:
        return map(_line, super().lines(entry))

    def ballot(self, item: list[Any]) -> Iterator[Localizable]:
        return map(_line, super().ballot(item))

    def signers(self, keys: Sequence[bytes], charter: Charter | None = None) -> Iterator[Localizable]:
        return map(_line, super().signers(keys, charter))


def _line(said: Localizable) -> Localizable:
    match said:
        case Row(_, str(value), _):
            return _Beside(said, value)
        case Foreign(text, depth):
            return Verbatim(marked(text, "  " * depth))
    return said
