"""Cases for the fuzzer: files changed at random, by bytes or by words."""

from __future__ import annotations

import random
import re

NUMBERS = [0, 1, 2, 127, 128, 255, 256, 2**15, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63,
           2**64 - 1]  # fmt: skip
WORDS = ["0", "-1", "1", "1e38", "nan", "inf", "4294967295", "2147483648", "18446744073709551616", "true", "MAX",
         "layer", *"{}[]<>:;,#", '"', "'", "\\", "\0"]  # fmt: skip


def mutate_bytes(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Some of: bits flipped, bytes replaced, parts doubled, moved or cut, numbers put in, another file spliced in."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at, size = rng.randrange(len(out) + 1), rng.choice([1, 2, 4, 8, 64, 512])
        kind = rng.randrange(7)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at : at + size] = rng.randbytes(min(size, 16))
        elif kind == 2:
            out[at:at] = out[at : at + size] * rng.choice([1, 2, 20])
        elif kind == 3:
            del out[at : at + size]
        elif kind == 4:
            number = rng.choice(NUMBERS).to_bytes(16, rng.choice(["little", "big"]))
            out[at : at + rng.choice([1, 2, 4, 8])] = number[: rng.choice([1, 2, 4, 8])]
        elif kind == 5:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            out[at : at + size] = other[begin : begin + size * rng.choice([1, 8])]
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


TOKEN = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|\w[\w.+-]*|\s+|.", re.DOTALL)


def mutate_text(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """The same with words instead of bytes; sometimes bytes after all."""
    if rng.random() < 0.2:
        return mutate_bytes(data, others, rng)
    words = TOKEN.findall(data.decode("utf-8", "surrogateescape"))
    for _ in range(rng.choice([1, 1, 2, 4, 8])):
        at, size, kind = rng.randrange(len(words) + 1), rng.choice([1, 1, 2, 8, 40]), rng.randrange(6)
        if kind == 0:
            words[at : at + 1] = [rng.choice(WORDS)]
        elif kind == 1:
            del words[at : at + size]
        elif kind == 2:
            words[at:at] = words[at : at + size] * rng.choice([1, 1, 3])
        elif kind == 3 and words:
            words[at : at + 1] = [rng.choice(words)]
        elif kind == 4:
            there = [i for i, word in enumerate(words) if word.isdigit()]
            if there:
                words[rng.choice(there)] = str(rng.choice([*NUMBERS, -1, rng.randrange(50)]))
        else:
            other = TOKEN.findall(rng.choice(others).decode("utf-8", "surrogateescape"))
            begin = rng.randrange(len(other) + 1)
            words[at:at] = other[begin : begin + size]
    return "".join(words).encode("utf-8", "surrogateescape")
