"""From a case to the matrix *change → would it connect*, each row by judging again, never by a rule of thumb."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer import trust
from analyzer.causes import Case
from analyzer.causes.fetching import fetching, omitted
from analyzer.gateway import PLATFORMS
from analyzer.model import Certificate, Outcome, WhatIf


def what_if(case: Case, roots: Sequence[bytes], intermediates: Sequence[bytes]) -> tuple[WhatIf, ...]:
    """The changes that bear on this backend; empty where TLS was not reached or nothing is wrong."""
    if case.evidence is None or case.shape is None or case.judgement is None:
        return ()
    if case.handshake_stands is not False:
        return () if case.judgement.accepted else _certificate_changes(case, roots, intermediates)
    return _version_changes(case)


def _certificate_changes(case: Case, roots: Sequence[bytes], intermediates: Sequence[bytes]) -> tuple[WhatIf, ...]:
    sent = case.evidence.chain if case.evidence else ()

    def connects(
        *,
        host: str | None = case.server_name,
        extra: Sequence[bytes] = (),
        also: Sequence[bytes] = (),
        chain: Sequence[bytes] = sent,
    ) -> bool | None:
        judgements = [
            trust.judge(
                chain,
                host=host,
                at=case.judged_at,
                anchors=[*roots, *extra],
                intermediates=[*intermediates, *also],
                platform=p,
            )
            for p in PLATFORMS[case.gateway.tier]
        ]
        if not case.chain_whole and any(j.statuses == {"PartialChain"} for j in judgements):
            return None  # what else the server sends was not seen, and may complete it
        answers = {j.accepted for j in judgements}
        return _stands(case, answers.pop()) if len(answers) == 1 else None

    named = all(trust.matches_host(sent[0], case.server_name, p) for p in PLATFORMS[case.gateway.tier])
    rows = [
        WhatIf(change="validateCertificateName=false", connects=connects(host=None)),
        WhatIf(change="validateCertificateChain=false", connects=_stands(case, named)),
        WhatIf(change="validateCertificateName=false and validateCertificateChain=false", connects=_stands(case, True)),
    ]
    shape = case.shape
    if shape is None or shape.reaches_anchor:
        return tuple(rows)
    missing = omitted(case)
    ders = [c.der for c in missing]
    if case.root is None:
        above = (*shape.path, *missing)[-1].issuer
        rows.append(WhatIf(change=f"the gateway is given “{above}” and what stands above it", connects=None))
    elif case.root.der not in roots:
        change = f"the gateway is given the root “{case.root.subject}”"
        rows.append(WhatIf(change=change, connects=connects(extra=[case.root.der])))
        if missing:
            change += f" and {_names(missing)}"
            rows.append(WhatIf(change=change, connects=connects(extra=[case.root.der], also=ders)))
    elif missing:
        rows.append(WhatIf(change=f"the gateway is given {_names(missing)}", connects=connects(also=ders)))
    if missing:
        rows.append(WhatIf(change="the server sends its full chain", connects=connects(chain=[*sent, *ders])))
    got = fetching(case).got
    if got:
        change = f"the gateway can fetch {_names(got)} over HTTP (outbound port 80)"
        rows.append(WhatIf(change=change, connects=connects(also=[c.der for c in got])))
    return tuple(rows)


def _names(certificates: Sequence[Certificate]) -> str:
    return ", ".join(f"“{c.subject}”" for c in certificates)


def _version_changes(case: Case) -> tuple[WhatIf, ...]:
    """What the server's own answers to other hellos show: the version is accepted, and the certificate was seen."""
    rows = []
    for version in dict.fromkeys(h.version for h in case.diagnostic if h.outcome is Outcome.COMPLETED and h.version):
        if version not in case.offered_versions:
            accepted = case.judgement.accepted if case.judgement else None
            rows.append(WhatIf(change=f"{version} towards backends is enabled", connects=_stands(case, accepted)))
    return tuple(rows)


def _stands(case: Case, accepted: bool | None) -> bool | None:
    """A certificate that is accepted is not enough where the server refuses a client without one, or its handshake was not seen."""
    refused = any(h.client_cert_required for h in case.evidence.handshakes) if case.evidence else False
    return False if refused else None if accepted and case.handshake_stands is None else accepted
