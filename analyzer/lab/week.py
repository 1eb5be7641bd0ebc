"""The week that the sample logs tell of: from the catalogue's hosts to the requests that gateways made to them.

The last full ISO week before the project began, 2026-W47. Every moment follows from the names alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from analyzer.lab import texts
from analyzer.lab.catalogue import CATALOGUE, INTERMEDIATE_EXPIRY, LEAF_EXPIRY, RENEWAL, RENEWED_LEAF_EXPIRY, Fault
from analyzer.lab.events import (
    CLASSIC,
    SELF_HOSTED,
    V2,
    Event,
    LogGateway,
    Lookalike,
    draw,
    failed_over,
    failure,
    lookalike,
    overwritten,
    success,
)
from analyzer.model import CauseName

START = datetime(2026, 11, 16, tzinfo=UTC)
END = START + timedelta(days=7)
HEALTHY = CATALOGUE[Fault.HEALTHY].host

ONSET = {
    Fault.EXPIRED_LEAF: LEAF_EXPIRY,
    Fault.EXPIRED_INTERMEDIATE: INTERMEDIATE_EXPIRY,
    Fault.RENEWED: RENEWED_LEAF_EXPIRY,
}
"""When the backend worked before; other faults are older than the week."""

ELAPSED = {
    CauseName.TIMEOUT: 21_030,  # Windows gives up on a connection after 21 s
    CauseName.REFUSED: 2_040,  # and asks a port that refuses three times
    CauseName.UNREACHABLE: 4,
    CauseName.DNS: 15,
    CauseName.HAIRPIN: 21_030,
    CauseName.SNAT_EXHAUSTION: 3,
    CauseName.IDLE_TIMEOUT: 230_020,  # App Service's limit
    CauseName.BODY_TRANSFER: 3_020,
}
"""Milliseconds until the error, by cause; TLS faults take a round trip or two."""

PARTIAL = frozenset({Fault.RESET_ON_HELLO, Fault.PORTS_EXHAUSTED, Fault.CUT_WHEN_IDLE, Fault.BODY_BREAKS_OFF})
"""Faults that fail some calls while others go through."""

ENTITIES = {Fault.NAME_MISMATCH: "orders-backend", Fault.UNTRUSTED_ROOT: "inventory-backend"}
"""Backend entities that the policies reference; other APIs have only a URL."""

CANARIES = tuple(f"CANARY-SECRET-{number}" for number in range(1, 9))
"""What no output may ever show."""


def cause_events(cause: CauseName) -> tuple[Event, ...]:
    """A week of every host with this cause at the classic gateway, and of a healthy one beside it."""
    if cause is CauseName.UNKNOWN:
        events = [failure(None, texts.TRUST, at) for at in moments("unnamed", 6)]
    else:
        faults = [
            fault
            for fault, specimen in CATALOGUE.items()
            if specimen.cause is cause and specimen.text and fault is not Fault.THREE_AT_ONCE
        ]
        events = [event for fault in faults for event in host_events(fault)]
    return in_order([*events, *traffic(cause, 5)])


def host_events(fault: Fault) -> list[Event]:
    """What the classic gateway logs of one host in the week: its failures, and its successes where it has any."""
    host = CATALOGUE[fault].host
    onset = ONSET.get(fault, START)
    count = 6 + draw(host, 7)
    if fault is Fault.RECOVERED:
        mended = START + timedelta(days=2, hours=6)
        return [
            *(failing(fault, at) for at in moments(host, count, end=mended)),
            *(success(host, at) for at in moments(host, 8, start=mended)),
        ]
    if fault is Fault.RENEWED:
        return [
            *(success(host, at) for at in moments(f"{host} before", 5, end=onset)),
            *(failing(fault, at) for at in moments(host, count, start=onset, end=RENEWAL)),
            *(success(host, at) for at in moments(f"{host} after", 8, start=RENEWAL)),
        ]
    before = [success(host, at) for at in moments(f"{host} before", 5, end=onset)] if onset > START else []
    between = [success(host, at) for at in moments(f"{host} between", 9)] if fault in PARTIAL else []
    return [*before, *between, *(failing(fault, at) for at in moments(host, count, start=onset))]


def failing(fault: Fault, time: datetime, *, gateway: LogGateway = CLASSIC, text: str | None = None) -> Event:
    """One failure at the fault's host; `text` None: what the classic gateway logs."""
    specimen = CATALOGUE[fault]
    if fault is Fault.BODY_BREAKS_OFF:
        return lookalike(Lookalike.BROKEN_BODY, specimen.host, time, gateway=gateway, elapsed=ELAPSED[specimen.cause])
    key = f"{specimen.host} {time.isoformat()}"
    made = failure(
        specimen.host,
        text or specimen.text,
        time,
        gateway=gateway,
        path=f"/v1/items/{draw(key, 900) + 100}",
        backend_id=ENTITIES.get(fault),
        elapsed=ELAPSED.get(specimen.cause, 58) + draw(f"{key} ms", 9),
        product=("internal", "partners")[draw(f"{key} product", 2)],
        subscription=("contoso-portal", "contoso-mobile", "fabrikam")[draw(f"{key} subscription", 3)],
    )
    # its caller used the gateway's custom host name, and the API behind it calls that name again
    return replace(made, url=f"https://{specimen.host}/hub/v1/items") if fault is Fault.OWN_HOST else made


def shape_events(shape: str, start: datetime = START, end: datetime = END) -> tuple[Event, ...]:
    """A little of everything, for one shape: the three scenarios, a network fault, successes, a look-alike."""
    faults = (
        Fault.NAME_MISMATCH,
        Fault.UNTRUSTED_ROOT,
        Fault.INCOMPLETE_CHAIN,
        Fault.TLS_1_0_AND_1_1_ONLY,
        Fault.REFUSED,
    )
    failures = [failing(fault, at) for fault in faults for at in moments(f"{shape} {fault}", 2, start, end)]
    abort = [lookalike(Lookalike.CLIENT_ABORT, HEALTHY, at) for at in moments(f"{shape} abort", 1, start, end)]
    return in_order([*failures, *abort, *(success(HEALTHY, at) for at in moments(f"{shape} healthy", 5, start, end))])


def console_events(shape: str, start: datetime = START, end: datetime = END) -> tuple[Event, ...]:
    """A little of everything at the self-hosted gateway, in modern .NET's words."""
    spoken = {
        Fault.NAME_MISMATCH: texts.CALLBACK,
        Fault.INCOMPLETE_CHAIN: texts.CALLBACK,
        Fault.REFUSED: texts.CONNECTION_REFUSED.format(host=CATALOGUE[Fault.REFUSED].host),
    }
    failures = [
        failing(fault, at, gateway=SELF_HOSTED, text=text)
        for fault, text in spoken.items()
        for at in moments(f"{shape} {fault}", 2, start, end)
    ]
    return in_order([*failures, *_beside(shape, start, end)])


def console_of_2021(shape: str) -> tuple[Event, ...]:
    """The same gateway in 2021: no backendUrl beside an error, so that only the message names the host."""
    host = CATALOGUE[Fault.REFUSED].host
    text = texts.ERROR_CONNECTING.format(host=host)
    events = [failing(Fault.REFUSED, at, gateway=SELF_HOSTED, text=text) for at in moments(f"{shape} refused", 4)]
    return in_order([*events, *_beside(shape, START, END)])


def _beside(shape: str, start: datetime, end: datetime) -> list[Event]:
    """Successes at the self-hosted gateway, and a look-alike."""
    abort = [
        lookalike(Lookalike.CLIENT_ABORT, HEALTHY, at, gateway=SELF_HOSTED)
        for at in moments(f"{shape} abort", 1, start, end)
    ]
    return [
        *abort,
        *(success(HEALTHY, at, gateway=SELF_HOSTED) for at in moments(f"{shape} healthy", 5, start, end)),
    ]


def traced() -> tuple[Event, ...]:
    """Requests that somebody traced: the chain of exceptions says more than the one text of a log."""
    chain = f"{texts.TRUST} ---> {texts.VALIDATION}"
    at = moments("traced", 3)
    events = (
        failing(Fault.NAME_MISMATCH, at[0], text=chain),
        failing(Fault.REFUSED, at[1], text=f"{texts.UNABLE_TO_CONNECT} ---> {texts.REFUSED_ADDRESS}"),
        success(HEALTHY, at[2]),
    )
    return in_order(events)


def three_gateways() -> tuple[Event, ...]:
    """One backend under root B that fails at a v2, a self-hosted and the classic gateway, each in its own words."""
    fault = Fault.UNTRUSTED_ROOT
    failures = [
        failing(fault, at, gateway=gateway, text=text)
        for gateway, text in ((CLASSIC, None), (V2, texts.CALLBACK), (SELF_HOSTED, texts.CALLBACK))
        for at in moments(f"{gateway.name} {gateway.region}", 6)
    ]
    others = [
        success(HEALTHY, at, gateway=gateway) for gateway in (V2, SELF_HOSTED) for at in moments(gateway.region, 4)
    ]
    return in_order([*failures, *others])


def failover() -> tuple[Event, ...]:
    """At the v2 gateway the first backend refused and the second answered 200: the message names the first."""
    refused = CATALOGUE[Fault.REFUSED].host
    text = texts.CONNECTION_REFUSED.format(host=refused)
    first = [failing(Fault.REFUSED, at, gateway=V2, text=text) for at in moments("failover", 6)]
    return in_order([*(failed_over(event, HEALTHY) for event in first), *traffic("failover", 4, gateway=V2)])


def without_backend_url() -> tuple[Event, ...]:
    """Records of an older self-hosted gateway: no backendUrl; host and port are only in the message."""
    host = CATALOGUE[Fault.REFUSED].host
    text = texts.ERROR_CONNECTING.format(host=host)
    refused = 111  # ECONNREFUSED on Linux
    events = [failure(host, text, at, gateway=SELF_HOSTED, transport_error_code=refused) for at in moments("no url", 5)]
    return in_order(replace(event, backend_url=None, backend_ms=None) for event in events)


def overwritten_errors() -> tuple[Event, ...]:
    """A retry policy failed after the backend had: only `errors` still holds the cause."""
    events = [overwritten(failing(Fault.CLIENT_CERTIFICATE, at)) for at in moments("overwritten", 6)]
    return in_order([*events, *traffic("overwritten", 3)])


def lookalikes() -> tuple[Event, ...]:
    """Errors that are no failed connection, between good answers."""
    events = [lookalike(kind, HEALTHY, at) for kind in Lookalike for at in moments(kind, 2)]
    return in_order([*events, *traffic("lookalikes", 6)])


def secrets() -> tuple[Event, ...]:
    """Failures at a self-signed host whose URLs, headers and texts carry what no report may show."""
    host, text = CATALOGUE[Fault.SELF_SIGNED].host, CATALOGUE[Fault.SELF_SIGNED].text
    one, two, three, four, five, six, seven, eight = CANARIES
    at = moments("secrets", 7)
    inner = f"{text} ---> System.Security.Authentication.AuthenticationException: {texts.VALIDATION}"
    events = (
        failure(host, text, at[0], query=f"?sv=2024-11-04&sig={one}"),
        failure(host, text, at[1], query=f"?code={two}&subscription-key={three}"),
        failure(host, f"{inner} GET https://{host}/v1/items?sig={four}&se=2027-01-01", at[2]),
        replace(failure(host, text, at[3]), backend_url=f"https://svc:{five}@{host}/v1/items"),
        replace(failure(host, text, at[4]), request_headers={"Authorization": f"Bearer {six}", "Accept": "*/*"}),
        failure(host, f"{inner} AccountName=contoso;AccountKey={seven};EndpointSuffix=core.windows.net", at[5]),
        failure(host, f"{inner} Authorization: Bearer {eight}", at[6]),
    )
    return in_order([*events, *traffic("secrets", 3)])


def three_at_once() -> tuple[Event, ...]:
    """A host with three faults: whichever is mended first, the next one shows."""
    return in_order([*host_events(Fault.THREE_AT_ONCE), *traffic("three", 3)])


def traffic(key: str, count: int, *, gateway: LogGateway = CLASSIC) -> list[Event]:
    """Successes of the healthy host, so that failures have a denominator."""
    return [
        success(HEALTHY, at, gateway=gateway, path=f"/v1/items/{draw(at.isoformat(), 900) + 100}")
        for at in moments(f"{key} traffic", count)
    ]


def moments(key: str, count: int, start: datetime = START, end: datetime = END) -> Sequence[datetime]:
    """`count` moments from `start` to before `end`, evenly strewn, in order, to the millisecond."""
    slot = int((end - start) / timedelta(milliseconds=1)) // count
    return [start + timedelta(milliseconds=slot * i + draw(f"{key} {i}", slot)) for i in range(count)]


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """The events as a log has them, oldest first."""
    return tuple(sorted(events, key=lambda event: (event.time, event.correlation_id)))
