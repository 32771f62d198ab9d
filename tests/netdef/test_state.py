"""Which layers take part in which state."""

from __future__ import annotations

import pytest

from cortado import NetError, Phase
from cortado.netdef import NetState, select


def names(document, **state) -> list[str]:
    return [spec.config.name for spec in select(document, NetState(**state))]


RULES = {
    "include { phase: TRAIN }": [("TRAIN", 0, (), True), ("TEST", 0, (), False)],
    "exclude { phase: TRAIN }": [("TRAIN", 0, (), False), ("TEST", 0, (), True)],
    "include { min_level: 2 }": [("TEST", 1, (), False), ("TEST", 2, (), True), ("TEST", 3, (), True)],
    "include { max_level: 2 }": [("TEST", 2, (), True), ("TEST", 3, (), False)],
    "include { stage: 'a' stage: 'b' }": [("TEST", 0, ("a",), False), ("TEST", 0, ("a", "b", "c"), True)],
    "include { not_stage: 'a' }": [("TEST", 0, (), True), ("TEST", 0, ("a", "b"), False)],
    "include { stage: 'a' } include { phase: TRAIN }": [
        ("TEST", 0, ("a",), True),
        ("TRAIN", 0, (), True),
        ("TEST", 0, (), False),
    ],
    "exclude { stage: 'a' } exclude { phase: TRAIN }": [("TEST", 0, ("a",), False), ("TEST", 0, (), True)],
}


@pytest.mark.parametrize("rule", list(RULES))
def test_rule(rule: str, parse) -> None:
    document = parse(f'layer {{ name: "l" type: "Silence" {rule} }}')
    for phase, level, stages, kept in RULES[rule]:
        assert names(document, phase=Phase[phase], level=level, stages=stages) == (["l"] if kept else [])


def test_include_and_exclude_are_refused(parse) -> None:
    document = parse('layer { name: "l" type: "Silence"\n include { stage: "a" }\n exclude { stage: "b" } }')
    with pytest.raises(NetError) as caught:
        select(document, NetState())
    assert str(caught.value) == (
        "net.prototxt:3:2: layer 'l' (Silence): a layer may have include rules or exclude rules, not both "
        "(turn one kind into the other)"
    )


def test_the_state_in_the_file_is_laid_under_the_callers(parse) -> None:
    document = parse('state { phase: TRAIN level: 3 stage: "s" }')
    assert NetState.of(document, Phase.TEST) == NetState(Phase.TEST, 3, ("s",))
    assert NetState.of(document, Phase.TEST, 0, ["t"]) == NetState(Phase.TEST, 0, ("s", "t"))
