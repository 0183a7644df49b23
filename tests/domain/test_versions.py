from functools import cmp_to_key

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.versions import KubernetesVersion, Step, allows, matching, offered, step

NUMBER = st.integers(min_value=0, max_value=40)
VERSION = st.builds("v{}.{}.{}-u-ame.{}".format, st.integers(1, 2), NUMBER, NUMBER, NUMBER)
ANY_TEXT = VERSION | st.text() | st.from_regex(r"v?\d*\.\d*\.\d*(-[a-z]+-ame\.\d*)?", fullmatch=True)
HERE = "v1.31.6-u-ame.9"


@pytest.mark.parametrize(
    ("text", "numbers", "distribution"),
    [
        ("v1.35.6-u-ame.4", (1, 35, 6, 4), "u"),
        ("v1.31.4-u-ame.0", (1, 31, 4, 0), "u"),
        ("v1.31.10-f2-ame.12", (1, 31, 10, 12), "f2"),
        ("1.31.4", (1, 31, 4, 0), None),
        ("v1.31", None, None),
        ("stable", None, None),
        ("", None, None),
        ("v1.31.4-rc.1", None, None),
        ("v1.31.4-u-ame.2 ", None, None),
        ("v1.31.4-u-ame.2\n", None, None),
        ("v\N{ARABIC-INDIC DIGIT ONE}.31.4-u-ame.2", None, None),
        (f"v1.31.{'9' * 5000}-u-ame.2", None, None),
        (f"v1.31.4-u-ame.{'9' * 5000}", None, None),
    ],
)
def test_a_version_is_read_as_numbers_or_kept_as_it_is(
    text: str, numbers: tuple[int, ...] | None, distribution: str | None
) -> None:
    """A shape that we do not know is no error: it is shown and passed on."""
    version = KubernetesVersion.parse(text)

    assert (version.text, version.numbers, version.distribution) == (text, numbers, distribution)
    assert version.minor == (numbers[:2] if numbers else None)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (HERE, Step.SAME),
        ("v1.31.6-u-ame.09", Step.SAME),
        ("v1.31.6-u-ame.10", Step.PATCH),
        ("v1.31.10-u-ame.0", Step.PATCH),
        ("v1.32.0-u-ame.0", Step.MINOR),
        ("v1.32.11-u-ame.3", Step.MINOR),
        ("v1.31.6-u-ame.8", Step.DOWNGRADE),
        ("v1.31.5-u-ame.99", Step.DOWNGRADE),
        ("v1.33.0-u-ame.0", Step.TOO_FAR),
        ("v1.30.9-u-ame.9", Step.TOO_FAR),
        ("v2.31.6-u-ame.10", Step.TOO_FAR),
        ("v2.32.0-u-ame.0", Step.TOO_FAR),
        ("v1.31.7-f-ame.0", Step.TOO_FAR),
        ("next", Step.UNKNOWN),
        ("", Step.UNKNOWN),
    ],
)
def test_a_step_is_classified_by_numbers(there: str, expected: Step) -> None:
    """Nine comes before ten, one minor at a time, another distribution is another world."""
    assert step(HERE, there) is expected


@pytest.mark.parametrize(
    ("taken", "plain", "with_downgrades"),
    [
        (Step.SAME, False, False),
        (Step.PATCH, True, True),
        (Step.MINOR, True, True),
        (Step.DOWNGRADE, False, True),
        (Step.TOO_FAR, False, False),
        (Step.UNKNOWN, False, False),
    ],
)
def test_only_some_steps_may_be_taken(taken: Step, *, plain: bool, with_downgrades: bool) -> None:
    """Downgrades only where the policy allows them; what cannot be judged might be one."""
    assert allows(taken, allow_downgrade=False) is plain
    assert allows(taken, allow_downgrade=True) is with_downgrades


ON_OFFER = (
    "v1.31.6-u-ame.10",
    "v1.30.10-u-ame.4",
    "v1.32.1-u-ame.0",
    "v1.31.6-u-ame.9",
    "v1.33.1-u-ame.0",
    "v1.31.4-u-ame.2",
    "v1.32.11-u-ame.1",
    "nightly",
    "v1.32.1-u-ame.0",
)


def test_a_cluster_is_offered_what_it_may_go_to_newest_first() -> None:
    """Each once, compared as numbers; what is already there, too far or unreadable is left out."""
    assert offered(HERE, ON_OFFER, allow_downgrade=False) == (
        "v1.32.11-u-ame.1",
        "v1.32.1-u-ame.0",
        "v1.31.6-u-ame.10",
    )


def test_downgrades_are_offered_within_a_minor_when_the_policy_allows_them() -> None:
    """And never to another minor."""
    assert offered(HERE, ON_OFFER, allow_downgrade=True)[-2:] == ("v1.31.6-u-ame.10", "v1.31.4-u-ame.2")


@pytest.mark.parametrize("current", ["nightly-7", "", "1.31", "v1.31.4-u-ame.2-rc1"])
@pytest.mark.parametrize("downgrades", [False, True])
def test_a_cluster_of_unknown_shape_is_offered_nothing(current: str, *, downgrades: bool) -> None:
    """Any of them might be a downgrade, or skip a minor."""
    on_offer = ["v1.31.4-u-ame.2", "v0.0.0-u-ame.1", "nightly-7", "nightly-8"]

    assert offered(current, on_offer, allow_downgrade=downgrades) == ()


@given(ANY_TEXT, st.lists(ANY_TEXT), st.booleans())
def test_whatever_is_offered_may_be_taken(current: str, on_offer: list[str], downgrades: bool) -> None:  # noqa: FBT001
    """No text breaks it, nothing is invented, and no forbidden step is ever on offer."""
    found = offered(current, on_offer, allow_downgrade=downgrades)

    assert set(found) <= set(on_offer)
    assert len(found) == len(set(found))
    for version in found:
        assert allows(step(current, version), allow_downgrade=downgrades)
        assert version != current


@given(VERSION, st.lists(VERSION))
def test_what_is_offered_is_ordered_by_numbers(current: str, on_offer: list[str]) -> None:
    """Newest first: no version comes before a newer one."""
    found = [KubernetesVersion.parse(text).numbers or () for text in offered(current, on_offer, allow_downgrade=True)]

    assert found == sorted(found, reverse=True)


@given(VERSION, VERSION)
def test_going_up_and_going_down_are_opposites(one: str, other: str) -> None:
    """Within a minor, one way is a patch and the other a downgrade."""
    there, back = step(one, other), step(other, one)

    if there is Step.PATCH:
        assert back is Step.DOWNGRADE
    if there is Step.MINOR:
        assert back is Step.TOO_FAR
    assert (there is Step.SAME) == (back is Step.SAME)


@given(st.lists(VERSION, max_size=6))
def test_patches_of_one_minor_have_one_order(versions: list[str]) -> None:
    """Sorting by steps and sorting by numbers agree, so the order has no loops."""
    same_minor = [f"v1.31.{text.split('.', 2)[2]}" for text in versions]
    sign = {Step.SAME: 0, Step.PATCH: -1, Step.DOWNGRADE: 1}

    def by_sign(one: str, other: str) -> int:
        return sign[step(one, other)]

    by_step = sorted(same_minor, key=cmp_to_key(by_sign))

    assert [KubernetesVersion.parse(text).numbers for text in by_step] == sorted(
        KubernetesVersion.parse(text).numbers or (0, 0, 0, 0) for text in same_minor
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("1.31", ("v1.31.6-u-ame.10", "v1.31.4-u-ame.2")),
        ("v1.31", ("v1.31.6-u-ame.10", "v1.31.4-u-ame.2")),
        (" V1.31.4 ", ("v1.31.4-u-ame.2",)),
        ("v1.31.4-u-ame.2", ("v1.31.4-u-ame.2",)),
        ("v1.31.6-u-ame.1", ()),
        ("1.3", ()),
        ("1", ("v1.31.6-u-ame.10", "v1.31.4-u-ame.2", "v1.4.0-u-ame.0")),
        ("latest", ()),
        ("", ()),
        ("v", ()),
    ],
)
def test_a_short_form_stands_for_whole_numbers(wanted: str, expected: tuple[str, ...]) -> None:
    """`1.3` is not `1.31`, and build 1 is not build 10."""
    assert matching(wanted, ("v1.31.6-u-ame.10", "v1.31.4-u-ame.2", "v1.4.0-u-ame.0")) == expected


@given(ANY_TEXT, st.lists(ANY_TEXT))
def test_no_short_form_breaks_anything(wanted: str, choices: list[str]) -> None:
    """Only choices come back, in their order."""
    found = matching(wanted, choices)

    assert list(found) == [choice for choice in choices if choice in found]


@pytest.mark.parametrize("part", range(4))
def test_a_number_has_at_most_six_digits(part: int) -> None:
    """Longer ones are no version that we know, and are never compared."""
    numbers = ["999999"] * 4
    fits = "v{}.{}.{}-u-ame.{}".format(*numbers)
    numbers[part] = "1000000"

    assert KubernetesVersion.parse(fits).numbers == (999999,) * 4
    assert KubernetesVersion.parse("v{}.{}.{}-u-ame.{}".format(*numbers)).numbers is None
