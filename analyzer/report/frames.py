"""From a Report to small pandas frames with fixed columns and dtypes, also where they are empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analyzer.model import Report

TEXT, COUNT, MAYBE_COUNT, FLAG, SECONDS, TIME = "string", "int64", "Int64", "boolean", "float64", "datetime64[us, UTC]"

CLUSTERS = {
    "cluster": TEXT,
    "gateway": TEXT,  # Gateway.id
    "gateway_name": TEXT,
    "region": TEXT,
    "tier": TEXT,
    "backend": TEXT,  # as the report calls it
    "scheme": TEXT,
    "host": TEXT,
    "port": MAYBE_COUNT,
    "family": TEXT,
    "failures": COUNT,
    "requests": MAYBE_COUNT,  # <NA>: the source has no successes to count
    "state": TEXT,
    "first_seen": TIME,
    "last_seen": TIME,
    "last_success": TIME,  # NaT: none seen
    "cause": TEXT,
    "scenario": TEXT,  # <NA>: the cause belongs to none
    "verdict": TEXT,
}
TIMELINE = {"cluster": TEXT, "hour": TIME, "failures": COUNT, "requests": MAYBE_COUNT}
ATTRIBUTIONS = {"cluster": TEXT, "rank": COUNT, "cause": TEXT, "scenario": TEXT, "verdict": TEXT, "reasons": TEXT}
MESSAGES = {"cluster": TEXT, "text": TEXT, "kind": TEXT, "failures": COUNT}
REST = {"clusters": COUNT, "failures": COUNT}
WHAT_IF = {
    "cluster": TEXT,
    "change": TEXT,
    "connects": FLAG,  # <NA>: not known from what was observed
    "test_only": FLAG,
    "why": TEXT,
}
CHAINS = {
    "cluster": TEXT,
    "depth": COUNT,  # 0: the server's own
    "subject": TEXT,
    "issuer": TEXT,
    "not_before": TIME,
    "not_after": TIME,
    "key": TEXT,
    "signature": TEXT,
    "sha256": TEXT,
}
HANDSHAKES = {
    "cluster": TEXT,
    "address": TEXT,
    "at": TIME,
    "vantage": TEXT,
    "offer": TEXT,
    "outcome": TEXT,
    "stage": TEXT,
    "version": TEXT,
    "suite": TEXT,
    "group": TEXT,
    "client_cert_requested": FLAG,
    "client_cert_required": FLAG,
    "alert": TEXT,
    "seconds": SECONDS,
}


def frames_of(report: Report) -> dict[str, pd.DataFrame]:
    """Frames by name; `cluster` joins all but the last.

    clusters: one row per cluster, worst first. timeline: one per cluster and hour (`hour` is its start). attributions: one per
    cluster and cause, `rank` 0 leads, `reasons` one a line. messages: one per cluster and error text. handshakes: one per
    connection of the probe. chains: one per certificate of the evidence that was believed. what_if: one per change. rest: how many more clusters were counted and not judged, in one row, or none: clusters.csv has them.
    Columns and dtypes: CLUSTERS, TIMELINE, ATTRIBUTIONS, MESSAGES, HANDSHAKES, CHAINS, WHAT_IF, REST of this module.
    """
    return {
        "clusters": _frame(CLUSTERS, _clusters(report)),
        "timeline": _frame(
            TIMELINE,
            (
                {"cluster": f.cluster.id, "hour": h.start, "failures": h.failures, "requests": h.requests}
                for f in report.findings
                for h in f.cluster.timeline
            ),
        ),
        "attributions": _frame(
            ATTRIBUTIONS,
            (
                {
                    "cluster": f.cluster.id,
                    "rank": rank,
                    "cause": a.cause.value,
                    "scenario": a.scenario,
                    "verdict": a.verdict.value,
                    "reasons": "\n".join(f"{r.origin}: {r.text}" for r in a.reasons),
                }
                for f in report.findings
                for rank, a in enumerate(f.attributions)
            ),
        ),
        "messages": _frame(
            MESSAGES,
            (
                {"cluster": f.cluster.id, "text": m.text, "kind": m.kind.value, "failures": m.failures}
                for f in report.findings
                for m in f.cluster.messages
            ),
        ),
        "handshakes": _frame(HANDSHAKES, _handshakes(report)),
        "chains": _frame(
            CHAINS,
            (
                {
                    "cluster": f.cluster.id,
                    "depth": depth,
                    "subject": c.subject,
                    "issuer": c.issuer,
                    "not_before": c.not_before,
                    "not_after": c.not_after,
                    "key": c.key,
                    "signature": c.signature,
                    "sha256": c.sha256,
                }
                for f in report.findings
                for depth, c in enumerate(f.chain)
            ),
        ),
        "what_if": _frame(
            WHAT_IF,
            (
                {
                    "cluster": f.cluster.id,
                    "change": w.change,
                    "connects": w.connects,
                    "test_only": w.test_only,
                    "why": w.why,
                }
                for f in report.findings
                for w in f.what_if
            ),
        ),
        "rest": _frame(
            REST, [{"clusters": rest.clusters, "failures": rest.failures}] if (rest := report.rest).clusters else []
        ),
    }


def _clusters(report: Report) -> Iterable[Mapping[str, Any]]:
    gateways = {g.id: g for g in report.gateways}
    for finding in report.findings:
        c, lead, gateway = finding.cluster, finding.lead, gateways.get(finding.cluster.gateway)
        yield {
            "cluster": c.id,
            "gateway": c.gateway,
            "gateway_name": gateway.name if gateway else None,
            "region": gateway.region if gateway else None,
            "tier": gateway.tier.value if gateway else None,
            "backend": c.backend.label,
            "scheme": c.backend.scheme,
            "host": c.backend.host,
            "port": c.backend.port,
            "family": c.family.value,
            "failures": c.failures,
            "requests": c.requests,
            "state": c.state.value,
            "first_seen": c.first_seen,
            "last_seen": c.last_seen,
            "last_success": c.last_success,
            "cause": lead.cause.value,
            "scenario": lead.scenario,
            "verdict": lead.verdict.value,
        }


def _handshakes(report: Report) -> Iterable[Mapping[str, Any]]:
    for finding in report.findings:
        for evidence in finding.evidence:
            for h in evidence.handshakes:
                yield {
                    "cluster": finding.cluster.id,
                    "address": evidence.address,
                    "at": evidence.collected.at,
                    "vantage": evidence.collected.vantage,
                    "offer": h.offer,
                    "outcome": h.outcome.value,
                    "stage": h.stage.value,
                    "version": h.version,
                    "suite": h.suite,
                    "group": h.group,
                    "client_cert_requested": h.client_cert_requested,
                    "client_cert_required": h.client_cert_required,
                    "alert": h.alert,
                    "seconds": h.seconds,
                }


def _frame(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    table = list(rows)
    return pd.DataFrame({name: pd.Series([row[name] for row in table], dtype=dtype) for name, dtype in columns.items()})
