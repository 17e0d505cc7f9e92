"""Which transcripts people read: by signs, and by a draw that nobody can choose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.evaluation.benchmarks.sessions import Certainty, Incident, IncidentKind
from clearinghouse.evaluation.benchmarks.transcripts.records import Flag, Transcript
from clearinghouse.evaluation.benchmarks.transcripts.rules import flags_of, is_drawn, looks_refused

FAIR = Transcript("direct/1", tools=({"tool": "bash", "command": "make test"},))


def flags(transcript: Transcript = FAIR, incidents: tuple[Incident, ...] = (), **changes: Any) -> tuple[Flag, ...]:
    values = {"solved": True, "graded": True, "handed_in": True, **changes}
    return flags_of(transcript, incidents, **values)


def said(content: str) -> Transcript:
    return Transcript("direct/1", ({"role": "assistant", "content": content},), tools=FAIR.tools)


def test_fair_sample_has_no_flag() -> None:
    assert flags() == ()


@pytest.mark.parametrize(
    ("found", "flag"),
    [
        (flags(incidents=(Incident(IncidentKind.REACH_OUT, Certainty.FACT, 1, ""),)), Flag.INCIDENT),
        (flags(incidents=(Incident(IncidentKind.MODEL_CHANGED, Certainty.FACT, 0, ""),)), Flag.MODEL_CHANGED),
        (flags(graded=False, solved=None), Flag.UNGRADED),
        (flags(said("I'm sorry, but I can't help with that."), handed_in=False, graded=False, solved=None), Flag.LOOKS_REFUSED),
        (flags(Transcript("direct/1")), Flag.LOOKS_COPIED),
        *(
            (flags(Transcript("direct/1", tools=({"tool": "bash", "command": command},))), Flag.TESTS_CHANGED)
            for command in ("rm -rf tests", "rm test_app.py; ls", "echo pass > test_app.py", "sed -i s/a/b/ tests/test_x.py")
        ),
    ],
)
def test_each_sign_is_flagged(found: tuple[Flag, ...], flag: Flag) -> None:
    assert found == (flag,)


@pytest.mark.parametrize("text", ["I can't find the bug yet.", "We cannot assume it is zero.", "The function refuses input."])
def test_words_of_honest_work_are_no_refusal(text: str) -> None:
    assert not looks_refused(text)


def test_draw_follows_from_the_seed_alone_and_takes_about_its_share() -> None:
    names = [f"b{number}/{epoch}" for number in range(500) for epoch in (1, 2)]
    drawn = [is_drawn(b"seed", name, 0.1) for name in names]
    assert drawn == [is_drawn(b"seed", name, 0.1) for name in names]
    assert drawn != [is_drawn(b"other", name, 0.1) for name in names]
    assert 70 < sum(drawn) < 130
    assert all(is_drawn(b"seed", name, 1.0) for name in names)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_whatever_a_model_says_can_be_rendered_and_again_the_same(value: Any) -> None:
    transcript = Transcript("direct/1", ({"role": "assistant", "content": value},))
    assert transcript.render() == transcript.render()
    assert transcript.render().decode("utf-8")
