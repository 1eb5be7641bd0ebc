"""The words of the command line become values, or one line that says which word is wrong."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.cli import options
from analyzer.cli.configured import had_by_all
from analyzer.errors import UsageError
from analyzer.model import CauseName, Tier, Window

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "last", "tz", "expected"),
    [
        (None, None, None, "UTC", Window()),
        (None, None, "7d", "UTC", Window(start=NOW - timedelta(days=7), end=NOW)),
        (
            None,
            "2026-11-20",
            "12h",
            "UTC",
            Window(start=datetime(2026, 11, 19, 12, tzinfo=UTC), end=datetime(2026, 11, 20, tzinfo=UTC)),
        ),
        (
            "2026-11-16",
            "2026-11-23",
            None,
            "Europe/Berlin",
            Window(start=datetime(2026, 11, 15, 23, tzinfo=UTC), end=datetime(2026, 11, 22, 23, tzinfo=UTC)),
        ),
        ("2026-07-01T00:00", None, None, "Europe/Berlin", Window(start=datetime(2026, 6, 30, 22, tzinfo=UTC))),
        ("2026-11-16T08:30:00+05:30", None, None, "UTC", Window(start=datetime(2026, 11, 16, 3, tzinfo=UTC))),
    ],
)
def test_a_window_is_read_in_its_zone(
    start: str | None, end: str | None, last: str | None, tz: str, expected: Window
) -> None:
    assert options.window(start, end, last, options.zone(tz), NOW) == expected


@pytest.mark.parametrize(
    ("start", "end", "last"),
    [
        ("yesterday", None, None),
        (None, None, "a week"),
        (None, None, "0d"),
        ("2026-11-16", None, "7d"),
        ("2026-11-16", "2026-11-16", None),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(start: str | None, end: str | None, last: str | None) -> None:
    with pytest.raises(UsageError):
        options.window(start, end, last, UTC, NOW)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system's zone cannot be set for a test")
def test_the_local_zone_has_its_summer_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        local = options.zone("local")
        assert options.moment("--from", "2026-07-01", local) == datetime(2026, 6, 30, 22, tzinfo=UTC)
        assert options.moment("--from", "2026-01-01", local) == datetime(2025, 12, 31, 23, tzinfo=UTC)
        assert NOW.astimezone(local).hour == 13
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["mdy", "DMY", "auto"])
def test_an_order_of_dates_is_read(text: str) -> None:
    assert options.date_order(text) == text.lower()


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", ""])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no such time zone"):
        options.zone(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api.contoso.example", ("api.contoso.example", 443)),
        ("API.contoso.example:8443", ("api.contoso.example", 8443)),
        ("[2001:db8::1]:8443", ("2001:db8::1", 8443)),
        ("2001:db8::1", ("2001:db8::1", 443)),
        ("https://user:pass@api.contoso.example:444/path?x=1", ("api.contoso.example", 444)),
    ],
)
def test_an_endpoint_is_read(text: str, expected: tuple[str, int]) -> None:
    assert options.endpoint(text) == expected


@pytest.mark.parametrize("text", ["", ":443", "host:port", "host:0", "host:70000", "a b", "host:443:1"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        options.endpoint(text)


def test_connect_to_means_what_curl_means() -> None:
    assert options.connect_to(["API.example:443:127.0.0.1:8443", "::10.0.0.9:", "[2001:db8::1]:443:[::1]:1"]) == {
        ("api.example", 443): ("127.0.0.1", 8443),
        ("", None): ("10.0.0.9", None),
        ("2001:db8::1", 443): ("::1", 1),
    }


@pytest.mark.parametrize("word", ["a:b", "a:443:127.0.0.1", "a:443:127.0.0.1:x", "a:443:127.0.0.1:99999"])
def test_a_connect_to_of_another_shape_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        options.connect_to([word])


def test_host_headers_tiers_and_causes_are_read_or_refused() -> None:
    assert options.host_headers(["A.internal=b.example"]) == {"a.internal": "b.example"}
    assert (options.tier("auto"), options.tier("self-hosted")) == (None, Tier.SELF_HOSTED)
    assert options.fail_on(["expired", "dns"]) == {CauseName.EXPIRED, CauseName.DNS}
    assert CauseName.NOT_REPRODUCED not in options.fail_on(["any"])
    for refused in (
        lambda: options.host_headers(["a"]),
        lambda: options.tier("gold"),
        lambda: options.date_order("ymd"),
        lambda: options.fail_on(["bad luck"]),
    ):
        with pytest.raises(UsageError):
            refused()


def test_the_probe_takes_ca_files_as_had_by_all_only_where_no_settings_say_who_has_them() -> None:
    files = [Path("root.pem")]
    assert had_by_all(files, None, None) == files
    assert had_by_all(files, [Path("apim")], None) == ()
    assert had_by_all(files, None, ["/subscriptions/…"]) == ()
    assert had_by_all(None, None, None) == ()
