"""The words of protobuf's text format, as regular expressions, and what the words mean.

All expressions are possessive (``++``, ``*+``): they never try a second way, so reading is linear in the text.
"""

from __future__ import annotations

import re

SPACE = r"(?:[ \t\r\n\v\f]++|#[^\n]*+)*+"
NAME = r"[A-Za-z_]\w*+"
STRING = r"""(?:"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+')"""
STRINGS = rf"{STRING}(?:{SPACE}{STRING})*+"
SCALAR = rf"(?:-{SPACE})?+[\w.](?:(?<=[eE])[-+](?=\d)|[\w.])*+"
END = rf"(?:{SPACE}[;,])?+"

FIELD_VALUE = rf"(?P<scalar>{SCALAR}){END}|(?P<string>{STRINGS}){END}|(?P<open>[{{<])|(?P<list>\[)"
FIELD = rf"(?P<name>{NAME}){SPACE}(?P<colon>:)?+{SPACE}(?:{FIELD_VALUE})"
STATEMENT = re.compile(rf"{SPACE}(?:{FIELD}|(?P<close>[}}>]){END}|(?P<end>\Z))", re.ASCII)
"""One field up to its value or opening brace, a closing brace, or the end; the last group to match says which."""
ITEM = re.compile(rf"{SPACE}(?:(?P<value>{SCALAR}|{STRINGS})|(?P<open>[{{<]))", re.ASCII)
AFTER_ITEM = re.compile(rf"{SPACE}(?P<mark>[,\]])", re.ASCII)
LIST_END = re.compile(rf"{SPACE}\]", re.ASCII)
AFTER_VALUE = re.compile(END, re.ASCII)
GAP = re.compile(SPACE, re.ASCII)
FIELD_HEAD = re.compile(rf"(?P<name>{NAME}){SPACE}(?P<colon>:)?+{SPACE}", re.ASCII)
WORD = re.compile(rf"{STRINGS}|{SCALAR}|[^\s]", re.ASCII)

_INTEGER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z", re.ASCII)
_FRACTION = r"(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)"
_DECIMAL = re.compile(rf"-?(?!0[0-9]++\Z){_FRACTION}(?:[eE][-+]?[0-9]++)?+[fF]?\Z", re.ASCII)
_WORDS = {
    "inf": "inf",
    "infinity": "inf",
    "nan": "nan",
    "inff": "inf",
    "infinityf": "inf",
    "nanf": "nan",
}
_PIECE = re.compile(STRING, re.ASCII)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^0-9xXuU])|())")
_LETTERS = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
_LETTERS |= {mark: mark for mark in (b"\\", b"'", b'"', b"?")}
LONGEST_INTEGER = 40
"""Digits; longer ones are out of range whatever they are, and are not worth converting."""


def read_integer(word: str) -> int | None:
    """The integer that *word* (decimal, hexadecimal or octal) stands for, or None."""
    if word.isdecimal() and word[0] != "0" and len(word) <= LONGEST_INTEGER:
        return int(word)
    word = _joined(word)
    if not _INTEGER.match(word) or len(word) > LONGEST_INTEGER:
        return None
    digits = word.lstrip("-")
    sign = -1 if word[0] == "-" else 1
    if digits[:2] in ("0x", "0X"):
        return sign * int(digits, 16)
    return sign * int(digits, 8 if digits[0] == "0" else 10)


def read_float(word: str) -> float | None:
    """The number that *word* stands for, or None; ``inf`` and ``nan`` in any case, a trailing ``f`` is allowed."""
    word = _joined(word)
    if _DECIMAL.match(word):
        return float(word.rstrip("fF"))
    name = _WORDS.get(word.lstrip("-").lower())
    return float(("-" if word[0] == "-" else "") + name) if name else None


def read_bytes_literal(words: str) -> bytes:
    """The bytes of one or more quoted strings; raises ValueError with the rule that an escape breaks."""
    return b"".join(_unescape(m[0][1:-1]) for m in _PIECE.finditer(_without_comments(words)))


def read_string_literal(words: str) -> str:
    """The text of one or more quoted strings; raises ValueError with the rule that is broken."""
    if words[-1] == words[0] and words.count(words[0]) == 2 and "\\" not in words and words.isascii():
        return words[1:-1]
    try:
        return read_bytes_literal(words).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("text in quotes is UTF-8") from None


def _joined(word: str) -> str:
    """The word without the spaces and comments that may follow a minus sign."""
    return "-" + word[GAP.match(word, 1).end() :] if word[0] == "-" else word  # type: ignore[union-attr]


def _without_comments(words: str) -> str:
    """Comments between adjacent strings may hold quotes: keep the strings only."""
    if "#" not in words:
        return words
    kept, at = [], 0
    while at < len(words):
        piece = _PIECE.match(words, at)
        if piece is None:
            break
        kept.append(piece[0])
        gap = GAP.match(words, piece.end())
        at = gap.end() if gap else len(words)
    return "".join(kept)


def _unescape(raw: str) -> bytes:
    data = raw.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_escaped, data) if b"\\" in data else data


def _escaped(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, letter, _ = match.groups()
    if octal:
        if int(octal, 8) > 255:
            raise ValueError("an octal escape is at most \\377")
        return bytes([int(octal, 8)])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if short or long:
        code = int(short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ValueError("a \\u escape is a character of Unicode")
        return chr(code).encode()
    if letter in _LETTERS:
        return _LETTERS[letter]
    raise ValueError("a backslash starts an escape: one of \\n \\t \\r \\\\ \\\" \\' \\ooo \\xhh")
