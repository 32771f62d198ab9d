from __future__ import annotations

import math

import pytest

from cortado.proto import tokens
from cortado.proto.tokens import read_bytes_literal, read_float, read_integer, read_string_literal


@pytest.mark.parametrize(
    ("word", "value"),
    [("0", 0), ("00", 0), ("17", 17), ("017", 15), ("0x1F", 31), ("-0X1f", -31), ("-5", -5), ("- 5", -5)],
)
def test_integers(word: str, value: int) -> None:
    assert read_integer(word) == value


@pytest.mark.parametrize("word", ["08", "1.0", "1e3", "+1", "0x", "1f", "-", "one", "9" * 41, "0x" + "f" * 5000])
def test_no_integers(word: str) -> None:
    assert read_integer(word) is None


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *[("1", 1), ("1.", 1), (".5", 0.5), ("5e-05", 5e-5), ("1.5F", 1.5), ("2f", 2), ("-.5e+1", -5), ("00.5", 0.5)],
        *[("- #c\n 3", -3), ("inf", math.inf), ("-Infinity", -math.inf), ("INF", math.inf), ("1e400", math.inf)],
    ],
)
def test_floats(word: str, value: float) -> None:
    assert read_float(word) == value


def test_nan() -> None:
    assert math.isnan(read_float("nan") or 0.0)
    assert math.isnan(read_float("-NaN") or 0.0)


@pytest.mark.parametrize("word", ["0x10", "010", "1e", "1.2.3", "--1", "+1", "e5", ".", "infinit", "1_000", "\u0661"])
def test_no_floats(word: str) -> None:
    assert read_float(word) is None


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ('"a"', "a"),
        ("'a\"b'", 'a"b'),
        ('"a" \'b\'\n# "no"\n"c"', "abc"),
        (r'"\n\t\\\"\'\?\a\b\f\v\r"', "\n\t\\\"'?\a\b\f\v\r"),
        (r'"\101\x42\X43\u00e9\U0001F600"', "ABC\u00e9\U0001f600"),
        (r'"\303\251"', "\u00e9"),
        ('"caf\u00e9 \u4e2d"', "caf\u00e9 \u4e2d"),
        ('""', ""),
    ],
)
def test_strings(words: str, text: str) -> None:
    assert read_string_literal(words) == text


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (r'"\q"', "a backslash starts an escape"),
        (r'"\400"', "an octal escape is at most"),
        (r'"\ud800"', "escape is a character of Unicode"),
        (r'"\xff"', "text in quotes is UTF-8"),
        (r'"\x"', "a backslash starts an escape"),
        (r'"\u12"', "a backslash starts an escape"),
    ],
)
def test_bad_strings(words: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        read_string_literal(words)


def test_bytes_may_be_anything() -> None:
    assert read_bytes_literal(r'"\xff\0" "a"') == b"\xff\0a"
    assert read_bytes_literal('"\udcff"') == b"\xff"  # as a file with that byte is decoded


LONG = 200_000


@pytest.mark.parametrize("text", ['"' + "a" * LONG, '"' + "\\a" * LONG, "a" * LONG, "#" * LONG, "-" * LONG])
def test_long_words_end_within_the_text(text: str) -> None:
    """Quadratic patterns would take minutes here, which the run's own time limit shows."""
    for pattern in (tokens.WORD, tokens.ITEM):
        found = pattern.match(text)
        assert found is None or found.end() <= LONG * 2 + 1
    found = tokens.STATEMENT.match("name: " + text)
    assert found is None or found.end() <= LONG * 2 + 7
