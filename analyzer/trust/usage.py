"""A path in, whether it may serve TLS out: .NET's own check of extended key usages, made after OpenSSL's.

dotnet/runtime, CertificatePolicy.cs (`MatchesApplicationPolicies`) with the policy that SslStream sets
(RemoteCertificateVerification.cs): every certificate of the path, root included, must allow serverAuth or restrict nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.trust import extensions as ext
from analyzer.trust.decoded import Decoded
from analyzer.trust.der import Malformed
from analyzer.trust.status import Status

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"  # RFC 5280 section 4.2.1.12
ANY_USAGE = "2.5.29.37.0"  # likewise
APPLICATION_POLICIES = "1.3.6.1.4.1.311.21.10"
"""Microsoft's own extension, which takes the place of the extended key usages where both are there."""


_CHECKED = {ext.POLICY_MAPPINGS: ext.policy_mappings, ext.INHIBIT_ANY_POLICY: ext.inhibit_any}
"""Extensions that .NET reads whole although nothing here follows from them: it throws where it cannot (CertificatePolicy.cs, `ReadPolicy`)."""


def objection(path: Sequence[Decoded]) -> Status | None:
    """NotValidForUsage, Unreadable where an extension makes .NET throw, or None."""
    try:
        return None if _serves(path) else Status.NOT_VALID_FOR_USAGE
    except Malformed:
        return Status.UNREADABLE


def usages(certificate: Decoded) -> tuple[str, ...] | None:
    """What the certificate may be used for, as OIDs; None: anything. Malformed where that cannot be read."""
    for oid, read in ((APPLICATION_POLICIES, ext.policies), (ext.EXTENDED_KEY_USAGE, ext.object_identifiers)):
        found = certificate.extension(oid)
        if found is not None:
            return read(found.value)
    return None


def _serves(path: Sequence[Decoded]) -> bool:
    """From the root down; `silent` counts how many more may say nothing (requireExplicitPolicy, RFC 5280 section 4.2.1.11)."""
    silent = len(path)
    answers = []
    for certificate in reversed(path):
        policies = certificate.extension(ext.POLICIES)
        if policies is not None:
            ext.policies(policies.value)
        for oid, check in _CHECKED.items():
            one = certificate.extension(oid)
            if one is not None:
                check(one.value)
        found = usages(certificate)
        answers.append(silent > 0 if found is None else bool({SERVER_AUTH, ANY_USAGE} & {*found}))
        silent = max(silent - 1, 0)
        constraints = certificate.extension(ext.POLICY_CONSTRAINTS)
        required = ext.explicit_policy(constraints.value) if constraints is not None else None
        silent = silent if required is None else min(silent, required)
    return all(answers)
