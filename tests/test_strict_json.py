"""JSON that two readers could take for two things is no JSON here."""

import pytest

from veche.strict_json import read_json


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a":1,"a":1}', "the key 'a' is there twice"),
        (b'[{"b":{"a":1,"c":2,"a":3}}]', "the key 'a' is there twice"),
        (b'{"a":1,"\\u0061":1}', "the key 'a' is there twice"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[" * 100_000, "nested too deep"),
        (b'["\\ud83d"]', "half of a character"),
        (b'{"\\ude00":1}', "half of a character"),
        ('["й"]'.encode("cp1251"), "utf-8"),
        ("[]".encode("utf-16"), "utf-8"),
        (b"[1" + b"0" * 5000 + b"]", "digits"),
        (b"\xef\xbb\xbf\xef\xbb\xbf[]", "BOM"),
        (b"[] []", "Extra data"),
        (b"", "Expecting value"),
    ],
)
def test_what_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_json(raw)


def test_what_is_read() -> None:
    assert read_json(b'\xef\xbb\xbf {"a": [1, "\\ud83d\\ude00", null]}\r\n') == {"a": [1, "\U0001f600", None]}
    assert read_json(b'[{"a":1},{"a":2}]') == [{"a": 1}, {"a": 2}]
