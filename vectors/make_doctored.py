"""Make doctored.json and the folder doctored: python vectors/make_doctored.py

Proofs and keys are drawn at random, so a new run gives other bytes with the same verdicts. tests/audit/test_doctored.py runs all
of it through `veche verify`, tests/stranger/test_doctored.py through the second verifier. What is in them: README.md.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from doctor import ORIGIN, framed  # noqa: E402
from doctored_ballots import ballots  # noqa: E402
from doctored_city import play  # noqa: E402
from doctored_ledgers import ledgers  # noqa: E402
from doctored_statements import statements  # noqa: E402
from odd_folders import folders  # noqa: E402

ENDS = [("result", [[1, 3]]), ("too-few", []), ("void", []), ("cancelled", [])]
"""How the polls of the honest ledger end: a yes, a no, and a no that weighs two."""


def make(to: Path) -> None:
    """Write the index and the folder."""
    shutil.rmtree(to / "doctored", ignore_errors=True)
    (to / "doctored").mkdir()
    with tempfile.TemporaryDirectory() as temporary:
        city = play(Path(temporary))
        made = ledgers(city)
        for number, ledger in enumerate(made):
            ledger.write(city, Path(temporary) / f"{number}", to / "doctored")
        index = {
            "ledger": city.id.hex(),
            "origin": ORIGIN,
            "log_key_seed": city.log_seed.hex(),
            "polls": [
                {"id": poll.id.hex(), "end": end, "total": total}
                for (poll, (end, total)) in zip(city.polls.values(), ENDS, strict=True)
            ],
            "ledgers": [ledger.described() for ledger in made],
            "folders": folders(city),
            "entries": [
                {
                    "name": case.name,
                    "rule": case.rule,
                    "size": case.moment.size,
                    "then": [
                        entry.hex()
                        for entry in framed([*city.entries[: case.moment.size], *case.moment.then, case.entry])[
                            case.moment.size :
                        ]
                    ],
                }
                for case in [*ballots(city), *statements(city)]
            ],
        }
    text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
    (to / "doctored.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    make(HERE)
