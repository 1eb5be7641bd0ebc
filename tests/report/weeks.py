"""Summaries of weeks for the tests of their outputs: rich, empty, and with whatever a log may hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from functools import cache

from analyzer.model import Change, Forecast, Outlook, Share, Summary
from analyzer.weekly.flow import weekly
from tests.weekly.build import LAST, NOW, tally, weeks


@cache
def rich() -> Summary:
    """Three backends that fail in different ways, one that is well, and earlier weeks."""
    span = weeks(3)
    drawn = [
        {"old.example": "F" * 168, "well.example": "." * 168},
        {"old.example": "F" * 168, "well.example": "." * 168, "again.example": ".." + "T" * 5 + "." * 60},
        {
            "old.example": "F" * 30 + "." * 138,
            "well.example": "." * 168,
            "again.example": "." * 40 + "T" * 9 + "." * 100,
            "first.example": "." * 80 + "xxx...x.." * 5,
        },
    ]
    held = {week: tally(week, lines) for week, lines in zip(span, drawn, strict=True)}

    def read(window: object) -> object:
        from analyzer.tally import merge

        return merge(t for w, t in held.items() if window.start <= w.start < window.end)  # type: ignore[attr-defined]

    found = weekly(read, week=LAST, zone=UTC, now=NOW)  # type: ignore[arg-type]
    forecast = Forecast(
        change=Change.BREAKS,
        at=NOW + timedelta(days=9),
        subject="well.example",
        role="server certificate",
        sha256="ab" * 32,
        lifetime=timedelta(days=90),
        statuses=("NotTimeValid",),
        backends=("well.example:443",),
        failures=0,
        seen=NOW,
    )
    return replace(found, outlook=Outlook(asked=4, judged=3, of=4, forecasts=(forecast,), unseen=("x: refused",)))


@cache
def empty() -> Summary:
    """A week of which no record was found."""
    from analyzer.tally import empty as nothing

    return weekly(lambda _: nothing(), week=LAST, zone=UTC, now=NOW)


@cache
def quiet() -> Summary:
    """A week without a failure."""
    held = tally(LAST, {"well.example": "." * 168})
    from analyzer.tally import empty as nothing

    return weekly(lambda w: held if w == LAST.window else nothing(), week=LAST, zone=UTC, now=NOW)


def hostile(text: str) -> Summary:
    """The rich one, with a text wherever a log, a certificate or a policy can put one."""
    found = rich()
    runs = tuple(
        replace(
            run,
            backend=replace(run.backend, host=text, backend_ids=(text,)),
            gateway=text,
            finding=run.finding
            and replace(
                run.finding,
                cluster=replace(
                    run.finding.cluster,
                    subscriptions=(Share(value=text, failures=3),),
                    products=(Share(value=text, failures=3),),
                    apis=(Share(value=text, failures=3),),
                ),
            ),
        )
        for run in found.runs
    )
    outlook = replace(
        found.outlook,
        forecasts=tuple(replace(f, subject=text, backends=(text,)) for f in found.outlook.forecasts),
        unseen=(text,),
    )
    return replace(
        found,
        runs=runs,
        outlook=outlook,
        apis=(Share(value=text, failures=1),),
        products=(Share(value=text, failures=1),),
        heat=tuple((text, hours) for _, hours in found.heat),
        availability=tuple(replace(a, backend=replace(a.backend, host=text)) for a in found.availability),
        gateways=tuple(replace(g, name=text, id=text) for g in found.gateways),
        caveats=(*found.caveats, text),
    )
