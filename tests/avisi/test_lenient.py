"""Tolerant reading: whatever JSON the API sends, reading it never fails."""

import json
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.avisi.catalog_bodies import ChannelBody, ClusterBody, EnvironmentBody, ScheduleBody, VersionBody
from bot.avisi.lenient import Body, read_clock_time, read_flag, read_moment, read_number, read_text
from bot.avisi.membership import MeBody, MembershipBody
from bot.avisi.wire import UpgradeBody, written
from bot.domain.cluster import Organisation

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
ODD_TEXT = st.sampled_from(
    ["", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789+02:00", "MONDAY", "02:00", "99:99", "true", "7", "-7"]
)
VALUE = JSON | ODD_TEXT


def objects_like(body: type[Body]) -> st.SearchStrategy[dict[str, object]]:
    """Objects with some of the body's own fields, each holding anything."""
    names = [field.alias or name for name, field in body.model_fields.items()]
    return st.dictionaries(st.sampled_from(names), VALUE)


@given(objects_like(UpgradeBody))
def test_any_object_can_be_read_as_an_upgrade(item: dict[str, object]) -> None:
    """Windows are ordered, times aware UTC, and a status is never empty."""
    reading = UpgradeBody.model_validate(item).as_domain()

    assert reading.status
    assert reading.window is None or reading.window.start <= reading.window.end
    for moment in (reading.created_at, reading.modified_at, reading.requested_start):
        assert moment is None or moment.utcoffset() == timedelta(0)


@given(objects_like(ClusterBody), st.dictionaries(st.text(), st.text()))
def test_any_object_can_be_read_as_a_cluster(item: dict[str, object], channels: dict[str, str]) -> None:
    """A cluster that is read has the three names by which it is known."""
    cluster = ClusterBody.model_validate(item).as_domain(Organisation("acme"), channels=channels, schedules={})

    assert cluster is None or (cluster.identity and cluster.slug and cluster.environment and cluster.name)


@pytest.mark.parametrize("body", [ChannelBody, EnvironmentBody, ScheduleBody, VersionBody, MeBody, MembershipBody])
def test_any_object_can_be_read_as_anything(body: type[Body]) -> None:
    """No field of any body can break it."""

    @given(objects_like(body))
    def read(item: dict[str, object]) -> None:
        body.model_validate(item)

    read()


@given(JSON)
def test_no_value_breaks_a_field(value: object) -> None:
    """Every reader takes everything."""
    for read in (read_text, read_moment, read_clock_time, read_number, read_flag):
        read(value)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9998, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_what_is_written_is_read_as_the_same_second(moment: datetime) -> None:
    """Writing and reading agree in every zone."""
    assert read_moment(written(moment)) == moment.astimezone(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-08-24T14:15:22Z", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("2019-08-24t14:15:22z", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("2019-08-24T14:15:22.5Z", datetime(2019, 8, 24, 14, 15, 22, 500_000, tzinfo=UTC)),
        ("2019-08-24T14:15:22.123456789Z", datetime(2019, 8, 24, 14, 15, 22, 123_456, tzinfo=UTC)),
        ("2019-08-24T16:15:22+02:00", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("2019-08-24T16:15:22.000+0200", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("2019-08-24T14:15:22", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("9999-12-31T23:59:59Z", None),
        ("2019-13-24T14:15:22Z", None),
        ("soon", None),
        ("", None),
        (1566656122, None),
        (None, None),
    ],
)
def test_moments_are_read_in_every_form_of_rfc_3339(text: object, expected: datetime | None) -> None:
    """Fractions, offsets, Go's zero time."""
    assert read_moment(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("02:00", time(2)), ("22:30:00", time(22, 30)), ("22:30:00.000", time(22, 30)), ("24:00", None), (2, None)],
)
def test_times_of_day_are_read_with_or_without_seconds(text: object, expected: time | None) -> None:
    """Anything else is absent."""
    assert read_clock_time(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "a"), (" a ", "a"), ({"slugValue": "a"}, "a"), ({"slug": "a"}, ""), (7, "7"), (True, ""), (["a"], "")],
)
def test_texts_are_read_plain_or_wrapped(value: object, expected: str) -> None:
    """The wrapper is a fault of a generator in the vendor's samples."""
    assert read_text(value) == expected


@pytest.mark.parametrize("name", ["reason", "status", "clusterSlug", "identity"])
def test_what_could_never_be_shown_goes_no_further(name: str) -> None:
    """Lone surrogates, NUL, controls that turn the direction of text: taken out where they come in."""
    item = {"status": "X"} | json.loads(f'{{"{name}": "a\\ud800b\\u0000c\\u202ed\\u2066e\\n"}}')

    reading = UpgradeBody.model_validate(item).as_domain()

    read = {
        "reason": reading.reason,
        "status": reading.status,
        "clusterSlug": reading.cluster,
        "identity": reading.identity,
    }
    assert read[name] == "abcde"


def test_a_reason_of_any_length_is_cut_where_it_comes_in() -> None:
    """It would be stored, escaped and compared whole for ever."""
    reading = UpgradeBody.model_validate({"status": "FAILED", "reason": "a:" * 150_000}).as_domain()

    assert len(reading.reason) == 1000
    assert reading.reason.endswith("…")


def test_a_window_that_ends_before_it_begins_is_none() -> None:
    """Half a window or an impossible one says nothing."""
    begins = {"status": "SCHEDULED", "windowStart": "2026-12-05T02:00:00Z"}

    assert UpgradeBody.model_validate(begins).as_domain().window is None
    assert UpgradeBody.model_validate(begins | {"windowEnd": "2026-12-05T01:00:00Z"}).as_domain().window is None
    assert UpgradeBody.model_validate(begins | {"windowEnd": "2026-12-05T05:00:00Z"}).as_domain().window is not None
