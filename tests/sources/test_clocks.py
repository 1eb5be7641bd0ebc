"""Times are read as exports in any locale write them, each file in one order, and what can be read twice is asked about."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import SourceError
from analyzer.model import DateOrder
from analyzer.sources import read
from analyzer.sources.clocks import HALVES, Clock, Locale, Readings, readings_of, zone_of
from analyzer.tally import Tally
from tests.sources.build import FAILED, answered, counts, write

MDY, DMY = DateOrder.MDY, DateOrder.DMY
MARCH, APRIL = datetime(2026, 3, 4, 9, 15, 27), datetime(2026, 4, 3, 9, 15, 27)  # noqa: DTZ001  as a text without a zone
MS, EVENING = timedelta(milliseconds=441), timedelta(hours=12)
BERLIN = ZoneInfo("Europe/Berlin")


# ── one text ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-04T09:15:27", MARCH),
        ("2026-03-04 09:15:27.441", MARCH + MS),  # sv-SE
        ("2026-03-04T09:15:27.441820399", MARCH + timedelta(microseconds=441820)),
        ("2026-03-04, 9:15:27.441 a.m.", MARCH + MS),  # en-CA
        ("2026-03-04 09 h 15 min 27 s", MARCH),  # fr-CA
        ("2026/3/4 9:15:27.441", MARCH + MS),  # ja-JP
        ("2026/3/4 上午9:15:27", MARCH),  # zh-TW
        ("2026/3/4 下午9:15:27", MARCH + EVENING),
        ("2026年3月4日 9:15:27", MARCH),
        ("2026. 3. 4. 오전 9:15:27", MARCH),  # ko-KR
        ("2026. 3. 4. 오후 12:15:27", MARCH.replace(hour=12)),
        ("2026. 03. 04. 9:15:27", MARCH),  # hu-HU
        ("4.3.2026, 09:15:27,441", MARCH + MS),  # de-DE
        ("04.03.2026, 09:15:27", MARCH),  # ru-RU, pl-PL, tr-TR
        ("4. 3. 2026 9:15:27", MARCH),  # cs-CZ
        ("04. 03. 2026. 09:15:27", MARCH),  # hr-HR
        ("4.3.2026 klo 9.15.27", MARCH),  # fi-FI
        ("4.3.2026 09.15.27,441", MARCH + MS),  # da-DK
        ("4.03.2026 г., 9:15:27 ч.", MARCH),  # bg-BG
        ("4.3.2026, 9:15:27 nachm.", MARCH + EVENING),
        ("2/2/2026, 9:15:27\u202fAM", MARCH.replace(month=2, day=2)),
        ("2026-03-04 11:15:27 +02:00", MARCH.replace(tzinfo=UTC)),
        ("2026-03-04T11:15:27+02", MARCH.replace(tzinfo=UTC)),
        ("2026-03-04 09:15:27 UTC", MARCH.replace(tzinfo=UTC)),
    ],
)
def test_how_it_is_written_leaves_no_choice(text: str, moment: datetime) -> None:
    assert readings_of(text) == {None: moment}


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("3/4/2026, 9:15:27.441 AM", MS),  # en-US
        ("3/4/2026, 9:15:27.441\u202fAM", MS),
        ("03/04/2026, 09:15:27", timedelta()),  # en-GB
        ("03/04/2026, 9:15:27 pm", EVENING),  # en-AU
        ("03/04/2026 09:15:27,441", MS),  # fr-FR
        ("3/4/2026, 9:15:27 p.\u00a0m.", EVENING),  # es-MX
        ("3/4/2026, 9:15:27 μ.μ.", EVENING),  # el-GR
        ("3/4/2026, 09.15.27", timedelta()),  # id-ID
        ("3-4-2026 09:15:27", timedelta()),  # nl-NL
        ("09:15:27 3/4/2026", timedelta()),  # vi-VN
        ("\u200f3\u200f/4\u200f/2026, 9:15:27", timedelta()),  # ar
    ],
)
def test_day_and_month_can_change_places(text: str, later: timedelta) -> None:
    assert readings_of(text) == {MDY: MARCH + later, DMY: APRIL + later}


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("3/14/2026, 12:15:27 AM", {MDY: datetime(2026, 3, 14, 0, 15, 27)}),  # noqa: DTZ001
        ("14/3/2026, 12:15:27 PM", {DMY: datetime(2026, 3, 14, 12, 15, 27)}),  # noqa: DTZ001
        ("14/3/2026 9:15", {DMY: datetime(2026, 3, 14, 9, 15)}),  # noqa: DTZ001
    ],
)
def test_a_part_beyond_12_is_the_day(text: str, readings: Readings) -> None:
    assert readings_of(text) == readings


@pytest.mark.parametrize(
    "text",
    [
        "yesterday", "", "9:15:27", "13/14/2026 9:15", "30/2/2026 9:15", "2026/2/30 9:15", "31.4.2026 9:15", "3/4/26 9:15",
        "3/4/2569 9:15", "3/4/2026 25:15", "3/4/2026, 13:15:27 PM", "3/4-2026 9:15", "3/4/2026 9:15 GMT+30", "3/4/2026",
        "3/4/2026 9:15:27 xm", "1" * 100,
    ],
)  # fmt: skip
def test_what_is_no_time_stays_none(text: str) -> None:
    assert readings_of(text) == {}


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("UTC", 0), ("GMT", 0), ("UTC+02:00", 120), ("UTC-5", -300), ("UTC\u22125", -300), ("GMT+0530", 330), ("+01:00", 60),
        ("Asia/Kolkata", 330), ("Local Time", None), ("UTC+99", None), ("../../etc/passwd", None), ("(UTC+01:00) Berlin", None),
    ],
)  # fmt: skip
def test_a_zone_is_known_or_not(name: str, offset: int | None) -> None:
    zone = zone_of(name)
    assert (zone and zone.utcoffset(MARCH)) == (None if offset is None else timedelta(minutes=offset))


# ── any moment, in any locale ────────────────────────────────────────────────────────────────────────────────────────


def _twelve(at: datetime, am: str, pm: str) -> str:
    return f"{at.hour % 12 or 12}:{at:%M:%S}.{at.microsecond // 1000:03}{(am, pm)[at.hour // 12]}"


SPANISH = (" a.\u00a0m.", " p.\u00a0m.")
LOCALES: dict[str, tuple[DateOrder | None, Callable[[datetime], str]]] = {
    "en-US": (MDY, lambda t: f"{t.month}/{t.day}/{t.year}, {_twelve(t, chr(0x202F) + 'AM', chr(0x202F) + 'PM')}"),
    "en-GB": (DMY, lambda t: f"{t:%d/%m/%Y, %H:%M:%S}.{t.microsecond // 1000:03}"),
    "en-AU": (DMY, lambda t: f"{t:%d/%m/%Y}, {_twelve(t, ' am', ' pm')}"),
    "es-MX": (DMY, lambda t: f"{t.day}/{t.month}/{t.year}, {_twelve(t, *SPANISH)}"),
    "fr-FR": (DMY, lambda t: f"{t:%d/%m/%Y %H:%M:%S},{t.microsecond // 1000:03}"),
    "nl-NL": (DMY, lambda t: f"{t.day}-{t.month}-{t:%Y, %H:%M:%S},{t.microsecond // 1000:03}"),
    "vi-VN": (DMY, lambda t: f"{t:%H:%M:%S},{t.microsecond // 1000:03} {t.day}/{t.month}/{t.year}"),
    "de-DE": (None, lambda t: f"{t.day}.{t.month}.{t:%Y, %H:%M:%S},{t.microsecond // 1000:03}"),
    "fi-FI": (None, lambda t: f"{t.day}.{t.month}.{t.year} klo {t.hour}.{t:%M.%S},{t.microsecond // 1000:03}"),
    "en-CA": (None, lambda t: f"{t:%Y-%m-%d}, {_twelve(t, ' a.m.', ' p.m.')}"),
    "sv-SE": (None, lambda t: f"{t:%Y-%m-%d %H:%M:%S},{t.microsecond // 1000:03}"),
    "ja-JP": (None, lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t:%M:%S}.{t.microsecond // 1000:03}"),
    "zh-TW": (None, lambda t: f"{t.year}/{t.month}/{t.day} {('上午', '下午')[t.hour // 12]}{_twelve(t, '', '')}"),
    "ko-KR": (None, lambda t: f"{t.year}. {t.month}. {t.day}. {('오전', '오후')[t.hour // 12]} {_twelve(t, '', '')}"),
}  # fmt: skip

_moments = st.datetimes(datetime(2010, 1, 1), datetime(2199, 12, 31)).map(  # noqa: DTZ001
    lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
)


@given(_moments, st.sampled_from(sorted(LOCALES)))
def test_a_moment_in_any_locale_is_the_same_moment_once_the_order_is_known(moment: datetime, locale: str) -> None:
    order, write_in = LOCALES[locale]
    found = readings_of(write_in(moment))
    assert found[order if order in found else None] == moment
    assert set(found) <= {None, MDY, DMY}
    assert len(found) == 1 or order


@given(_moments, st.sampled_from(sorted(LOCALES)), st.sampled_from(["UTC", "UTC+02:00", "Europe/Berlin", "Local Time"]))
def test_a_clock_tells_the_moment_in_utc(moment: datetime, locale: str, heading: str) -> None:
    order, write_in = LOCALES[locale]
    clock = Clock("x.csv", Locale(order=order or MDY, tz=BERLIN), lambda: ())
    zone: tzinfo = {"UTC": UTC, "UTC+02:00": timezone(timedelta(hours=2))}.get(heading, BERLIN)
    told = datetime.fromisoformat(clock.utc(write_in(moment), 1, heading).replace(",", "."))
    assert (told if told.tzinfo else told.replace(tzinfo=UTC)) == moment.replace(tzinfo=zone).astimezone(UTC)


@given(st.text(max_size=70) | st.from_regex(r"[0-9/.: -]{0,30}( ?[ap]\.?m)?", fullmatch=True))
def test_no_text_breaks_the_reading(text: str) -> None:
    assert len(readings_of(text)) <= 2
    Clock("x.csv", Locale(order=DMY), lambda: ()).utc(text, 1, "Local Time")


def test_every_half_of_the_day_is_read() -> None:
    assert len(HALVES) > 10
    for half, hours in HALVES.items():
        for text in (f"2026/3/4 {half} 9:15:27", f"2026/3/4 9:15:27 {half}", f"2026/3/4 {half.upper()}9:15:27"):
            assert readings_of(text) == {None: MARCH + timedelta(hours=hours)}


# ── one file, one order ──────────────────────────────────────────────────────────────────────────────────────────────


def sheet(folder: Path, *times: str, zone: str = " [UTC]", name: str = "query.csv") -> Path:
    rows = "".join(f'"{time}",https://orders.example/v1,{FAILED},?\n' for time in times)
    path = folder / name
    path.write_text(f"TimeGenerated{zone},BackendUrl,LastErrorReason,LastErrorMessage\n{rows}", encoding="utf-8")
    return path


def span(of: Tally) -> tuple[str, str]:
    assert of.found.start
    assert of.found.end
    return f"{of.found.start:%m-%d %H:%M}", f"{of.found.end:%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("witness", "first", "last"), [("3/14/2026, 9:15 AM", "03-04", "03-14"), ("14/3/2026, 9:15 AM", "03-14", "04-03")]
)
@pytest.mark.parametrize("place", [0, 1, 300])
def test_one_row_that_tells_tells_for_all(tmp_path: Path, witness: str, first: str, last: str, place: int) -> None:
    rows = ["3/4/2026, 9:15 AM"] * 300
    found = read([str(sheet(tmp_path, *rows[:place], witness, *rows[place:]))])
    assert counts(found) == (301, 0, 0, 0)
    assert span(found) == (f"{first} 09:15", f"{last} 09:15")
    assert found.caveats == ()


def test_a_file_that_does_not_tell_is_asked_about(tmp_path: Path) -> None:
    path = sheet(tmp_path, "2/2/2026, 9:15 AM", "3/4/2026, 9:15:27.441\u202fAM", "30/30/2026, 9:15 AM")
    with pytest.raises(SourceError) as asked:
        read([str(path)])
    assert str(asked.value) == (
        f"{path.as_posix()}:3: 3/4/2026, 9:15:27.441 AM is 4 March or 3 April, and no other time in the file tells which; "
        "say --date-order mdy (month first) or --date-order dmy (day first)"
    )


def test_what_the_user_says_counts_where_the_file_does_not_tell_and_is_said(tmp_path: Path) -> None:
    path = sheet(tmp_path, "3/4/2026, 9:15 AM")
    for order, day, spelled in (("mdy", "03-04", "month/day/year"), ("dmy", "04-03", "day/month/year")):
        found = read([str(path)], date_order=order)
        assert span(found) == (f"{day} 09:15", f"{day} 09:15")
        assert found.caveats == (
            f"{path.as_posix()}: its dates do not tell day from month; read as {spelled} (--date-order {order}).",
        )
    assert read([str(sheet(tmp_path, "3/4/2026, 9:15", "3/14/2026, 9:15"))], date_order="mdy").caveats == ()


@pytest.mark.parametrize("times", [("14/3/2026, 9:15",), ("3/4/2026, 9:15", "14/3/2026, 9:15")])
def test_a_file_that_contradicts_the_user_is_refused(tmp_path: Path, times: tuple[str, ...]) -> None:
    path = sheet(tmp_path, *times)
    with pytest.raises(SourceError, match=rf"query.csv:{len(times) + 1}: 14/3/2026, 9:15 can only be day/month/year"):
        read([str(path)], date_order="mdy")


def test_a_file_that_contradicts_itself_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = sheet(tmp_path, "3/4/2026, 9:15", "14/3/2026, 9:15", "3/4/2026, 9:15", "3/14/2026, 9:15")
    for order in ("auto", "dmy"):
        with pytest.raises(SourceError, match=r"query.csv:5: 3/14/2026.* but 14/3/2026, 9:15 in line 3 only"):
            read([str(path)], date_order=order)


def test_each_file_has_its_own_order(tmp_path: Path) -> None:
    sheet(tmp_path, "3/4/2026, 9:15", "3/14/2026, 9:15", name="us.csv")
    sheet(tmp_path, "4/3/2026, 9:15", "14/3/2026, 9:15", name="gb.csv")
    assert span(read([str(tmp_path)])) == ("03-04 09:15", "03-14 09:15")


def test_lines_that_duckdb_reads_are_looked_at_too(tmp_path: Path) -> None:
    lines = [answered(), answered(time="3/4/2026 9:15:28 AM"), answered(time="3/14/2026 9:15:28 AM")]
    assert span(read([str(write(tmp_path, *lines))])) == ("03-04 09:15", "03-14 09:15")
    with pytest.raises(SourceError, match=r"PT1H.json:2: "):
        read([str(write(tmp_path, *lines[:2]))])


def test_of_a_damaged_archive_what_precedes_the_damage_tells(tmp_path: Path) -> None:
    rows = [f"3/{day}/2026, 9:15:{i % 60:02}.{i % 1000:03}" for day in range(4, 30) for i in range(500)]
    data = gzip.compress(sheet(tmp_path, *rows).read_bytes())
    (tmp_path / "query.csv").unlink()
    (tmp_path / "query.csv.gz").write_bytes(data[: len(data) * 3 // 4])
    found = read([str(tmp_path)])
    assert found.intake.failures > 5_000
    assert found.intake.rejected == 1


# ── the header's zone ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("zone", "time", "utc"),
    [
        ("", "2026-03-04 09:15", "03-04 09:15"),
        (" [UTC]", "2026-03-04 09:15", "03-04 09:15"),
        (" [UTC+02:00]", "2026-03-04 09:15", "03-04 07:15"),
        (" [UTC-05:00]", "14/3/2026, 9:15 pm", "03-15 02:15"),
        (" [Europe/Berlin]", "2026-03-28 12:00", "03-28 11:00"),
        (" [Europe/Berlin]", "2026-03-29 12:00", "03-29 10:00"),  # summer time began
        (" [Europe/Berlin]", "2026-10-25 02:30", "10-25 00:30"),  # passed twice: the first
        (" [Europe/Berlin]", "2026-03-04T09:15:00Z", "03-04 09:15"),  # what the time says of itself stands
    ],
)
def test_times_are_in_the_zone_of_their_header(tmp_path: Path, zone: str, time: str, utc: str) -> None:
    found = read([str(sheet(tmp_path, time, zone=zone))], tz=ZoneInfo("Asia/Tokyo"))
    assert span(found) == (utc, utc)
    assert found.caveats == ()


@pytest.mark.parametrize("heading", ["Local Time", "(UTC+01:00) Amsterdam, Berlin"])
def test_a_zone_that_nobody_knows_is_the_users_and_it_is_said(tmp_path: Path, heading: str) -> None:
    path = sheet(tmp_path, "2026-07-04 09:15", "2026-07-04 09:16", zone=f" [{heading}]").rename(tmp_path / "x.csv")
    path.write_text(path.read_text().replace(f"TimeGenerated [{heading}]", f'"TimeGenerated [{heading}]"'))
    found = read([str(path)], tz=BERLIN)
    assert span(found) == ("07-04 07:15", "07-04 07:16")
    assert found.caveats == (f"{path.as_posix()}: times are headed [{heading}]; read in Europe/Berlin (--tz).",)


def test_a_header_of_json_has_its_zone_too(tmp_path: Path) -> None:
    row = {"TimeGenerated [UTC+02:00]": "2026-03-04 09:15", "Timestamp [UTC]": "?", "BackendUrl": "https://a.example"}
    (tmp_path / "rows.json").write_text(json.dumps(row) + "\n")
    assert span(read([str(tmp_path)])) == ("03-04 07:15", "03-04 07:15")


def test_looking_ahead_happens_once() -> None:
    looked = []

    def texts() -> Iterator[tuple[int, str]]:
        looked.append(1)
        yield 9, "3/14/2026 9:15"

    clock = Clock("x.csv", Locale(), texts)
    for line in range(1, 5):
        assert clock.utc("3/4/2026 9:15", line) == "2026-03-04T09:15:00Z"
    assert looked == [1]
