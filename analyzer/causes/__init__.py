"""Every explanation that is judged, strongest scenario first: from a case to attributions. The list is the table of contents."""

from analyzer.causes import (
    body_transfer,
    chain_constraint,
    cipher_suite,
    client_certificate,
    dns,
    expired,
    hairpin,
    handshake_aborted,
    idle_timeout,
    incomplete_chain,
    name_mismatch,
    not_reproduced,
    not_tls,
    not_yet_valid,
    refused,
    reset,
    self_signed,
    server_name,
    snat_exhaustion,
    timeout,
    tls_parameters,
    tls_version,
    unknown,
    unreachable,
    untrusted_root,
    weak_key,
    weak_signature,
    wrong_usage,
)
from analyzer.causes.case import Case
from analyzer.causes.cause import Cause
from analyzer.model import CauseName

__all__ = ["CAUSES", "Case", "Cause", "cause"]

CAUSES: tuple[Cause, ...] = (
    name_mismatch.CAUSE,
    untrusted_root.CAUSE,
    self_signed.CAUSE,
    incomplete_chain.CAUSE,
    expired.CAUSE,
    not_yet_valid.CAUSE,
    weak_signature.CAUSE,
    weak_key.CAUSE,
    wrong_usage.CAUSE,
    chain_constraint.CAUSE,
    tls_version.CAUSE,
    cipher_suite.CAUSE,
    tls_parameters.CAUSE,
    client_certificate.CAUSE,
    server_name.CAUSE,
    not_tls.CAUSE,
    handshake_aborted.CAUSE,
    dns.CAUSE,
    refused.CAUSE,
    unreachable.CAUSE,
    hairpin.CAUSE,
    snat_exhaustion.CAUSE,
    idle_timeout.CAUSE,
    body_transfer.CAUSE,
    timeout.CAUSE,
    reset.CAUSE,
    not_reproduced.CAUSE,
    unknown.CAUSE,
)


def cause(name: CauseName) -> Cause:
    """The cause of that name."""
    return next(c for c in CAUSES if c.name is name)
