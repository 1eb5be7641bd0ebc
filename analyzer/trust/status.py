"""The words a judgement is made of: .NET's X509ChainStatusFlags, as far as OpenSSL's errors lead to them."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What .NET says of a chain (dotnet/runtime, OpenSslX509ChainProcessor.cs, `MapVerifyErrorToChainStatus`)."""

    NOT_TIME_VALID = "NotTimeValid"
    NOT_SIGNATURE_VALID = "NotSignatureValid"
    NOT_VALID_FOR_USAGE = "NotValidForUsage"
    UNTRUSTED_ROOT = "UntrustedRoot"
    PARTIAL_CHAIN = "PartialChain"
    INVALID_BASIC_CONSTRAINTS = "InvalidBasicConstraints"
    UNSUPPORTED_CRITICAL_EXTENSION = "HasNotSupportedCriticalExtension"
    INVALID_NAME_CONSTRAINTS = "InvalidNameConstraints"
    UNSUPPORTED_NAME_CONSTRAINT = "HasNotSupportedNameConstraint"
    NOT_PERMITTED = "HasNotPermittedNameConstraint"
    EXCLUDED = "HasExcludedNameConstraint"
    WEAK_SIGNATURE = "HasWeakSignature"  # of Windows alone (CERT_TRUST_HAS_WEAK_SIGNATURE)
    NAME_MISMATCH = "RemoteCertificateNameMismatch"  # of SslPolicyErrors
    UNREADABLE = "Unreadable"  # ours: .NET throws instead of answering
