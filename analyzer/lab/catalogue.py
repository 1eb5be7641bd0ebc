"""The lab's faults in one table: the host that shows each, what a classic gateway logs, and the cause to be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum, auto
from types import MappingProxyType

from analyzer.lab import texts
from analyzer.model import CauseName

# All inside the week that the sample logs cover.
LEAF_EXPIRY = datetime(2026, 11, 18, tzinfo=UTC)
INTERMEDIATE_EXPIRY = datetime(2026, 11, 17, 12, tzinfo=UTC)
RENEWED_LEAF_EXPIRY, RENEWAL = datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 19, 6, 20, tzinfo=UTC)


class Fault(StrEnum):
    """What is wrong with one backend of the lab."""

    HEALTHY = auto()
    RECOVERED = auto()
    NAME_ONLY_IN_CN = auto()
    RSA_1024 = auto()
    SNI_NEEDED = auto()
    NAME_MISMATCH = auto()
    UNTRUSTED_ROOT = auto()
    UNTRUSTED_ROOT_SECOND = auto()
    UNTRUSTED_ROOT_SENT = auto()
    CLIENT_CERTIFICATE_ASKED = auto()
    SELF_SIGNED = auto()
    INCOMPLETE_CHAIN = auto()
    EXPIRED_LEAF = auto()
    EXPIRED_INTERMEDIATE = auto()
    RENEWED = auto()
    NOT_YET_VALID = auto()
    MD5_SIGNATURE = auto()
    RSA_768 = auto()
    WRONG_USAGE = auto()
    PATH_LENGTH = auto()
    NAME_CONSTRAINT = auto()
    THREE_AT_ONCE = auto()
    TLS_1_0_AND_1_1_ONLY = auto()
    TLS_1_3_ONLY = auto()
    CLIENT_CERTIFICATE_TLS_1_3 = auto()
    DHE_ONLY = auto()
    CCM_ONLY = auto()
    P_521_ONLY = auto()
    CLIENT_CERTIFICATE = auto()
    NAME_REFUSED = auto()
    PLAIN_HTTP = auto()
    SSH_BANNER = auto()
    CLOSED_ON_HELLO = auto()
    INTERNAL_ERROR = auto()
    RESET_ON_HELLO = auto()
    SILENT = auto()
    REFUSED = auto()
    NAME_UNKNOWN = auto()
    UNREACHABLE = auto()
    OWN_HOST = auto()
    PORTS_EXHAUSTED = auto()
    CUT_WHEN_IDLE = auto()
    BODY_BREAKS_OFF = auto()


LOG_ALONE = frozenset(
    {Fault.RENEWED, Fault.OWN_HOST, Fault.PORTS_EXHAUSTED, Fault.CUT_WHEN_IDLE, Fault.BODY_BREAKS_OFF}
)
"""What only a log shows: asked now, these backends are healthy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One host with one fault."""

    fault: Fault
    host: str  # as the logs name it; the port there is 443
    cause: CauseName  # the right answer for a classic gateway that trusts root A
    text: str  # what the classic gateway logs; "": it has nothing to complain of
    description: str  # one sentence


def _row(fault: Fault, host: str, cause: CauseName, text: str, description: str) -> Specimen:
    return Specimen(fault=fault, host=host, cause=cause, text=text.format(host=host), description=description)


# Two lines a row: the host and its answer, then what the backend does.
# fmt: off
_TABLE = (
    _row(Fault.HEALTHY, "catalog.contoso.example", CauseName.NOT_REPRODUCED, "",
         "Nothing is wrong: TLS 1.2 and 1.3, a leaf for this host and its issuing CA, under root A."),
    _row(Fault.RECOVERED, "loyalty.contoso.example", CauseName.NOT_REPRODUCED, texts.TRUST,
         "Healthy now; in the logs it failed for two days and then answered again."),
    _row(Fault.NAME_ONLY_IN_CN, "phonebook.contoso.example", CauseName.NOT_REPRODUCED, "",
         "The host's name is only in the common name; .NET accepts that, browsers do not."),
    _row(Fault.RSA_1024, "scanner.contoso.example", CauseName.NOT_REPRODUCED, "",
         "The leaf's RSA key has 1024 bits; .NET accepts that."),
    _row(Fault.SNI_NEEDED, "shop.contoso.example", CauseName.NOT_REPRODUCED, "",
         "Without SNI it presents a self-signed certificate of another name; gateways send SNI."),
    _row(Fault.NAME_MISMATCH, "orders.contoso.example", CauseName.NAME_MISMATCH, texts.TRUST,
         "A complete, trusted chain for orders.internal.contoso.example."),
    _row(Fault.UNTRUSTED_ROOT, "inventory.contoso.example", CauseName.UNTRUSTED_ROOT, texts.TRUST,
         "Leaf and issuing CA under root B, which nobody gave to the gateway."),
    _row(Fault.UNTRUSTED_ROOT_SECOND, "suppliers.contoso.example", CauseName.UNTRUSTED_ROOT, texts.TRUST,
         "Another host under root B: one uploaded root mends both."),
    _row(Fault.UNTRUSTED_ROOT_SENT, "warehouse.contoso.example", CauseName.UNTRUSTED_ROOT, texts.VALIDATION,
         "Leaf, issuing CA and root B itself are sent."),
    _row(Fault.CLIENT_CERTIFICATE_ASKED, "people.contoso.example", CauseName.UNTRUSTED_ROOT, texts.TRUST,
         "Asks for a client certificate without requiring one; the chain under root B is what fails."),
    _row(Fault.SELF_SIGNED, "printing.contoso.example", CauseName.SELF_SIGNED, texts.TRUST,
         "The leaf is its own issuer."),
    _row(Fault.INCOMPLETE_CHAIN, "invoices.contoso.example", CauseName.INCOMPLETE_CHAIN, texts.TRUST,
         "Only the leaf is sent; its issuing CA under root A is missing and no AIA says where to get it."),
    _row(Fault.EXPIRED_LEAF, "tickets.contoso.example", CauseName.EXPIRED, texts.TRUST,
         "The leaf expired on 2026-11-18, in the middle of the week that the sample logs cover."),
    _row(Fault.EXPIRED_INTERMEDIATE, "archive.contoso.example", CauseName.EXPIRED, texts.VALIDATION,
         "The issuing CA expired on 2026-11-17 at noon; the leaf is valid."),
    _row(Fault.RENEWED, "rates.contoso.example", CauseName.EXPIRED, texts.TRUST,
         "Healthy now, with a leaf issued on 2026-11-19; in the logs it failed for two days before, from the old one's expiry."),
    _row(Fault.NOT_YET_VALID, "spring-sale.contoso.example", CauseName.NOT_YET_VALID, texts.TRUST,
         "The leaf becomes valid 30 days from now."),
    _row(Fault.MD5_SIGNATURE, "museum.contoso.example", CauseName.WEAK_SIGNATURE, texts.VALIDATION,
         "The leaf is signed over MD5; Windows refuses that, .NET on Linux does not."),
    _row(Fault.RSA_768, "turnstile.contoso.example", CauseName.WEAK_KEY, texts.VALIDATION,
         "The leaf's RSA key has 768 bits; Windows refuses that, .NET on Linux does not."),
    _row(Fault.WRONG_USAGE, "metering.contoso.example", CauseName.WRONG_USAGE, texts.TRUST,
         "The leaf may only be used as a client certificate."),
    _row(Fault.PATH_LENGTH, "logistics.contoso.example", CauseName.CHAIN_CONSTRAINT, texts.TRUST,
         "A CA stands below an issuing CA whose path length is 0."),
    _row(Fault.NAME_CONSTRAINT, "partners.contoso.example", CauseName.CHAIN_CONSTRAINT, texts.VALIDATION,
         "The issuing CA may only issue for fabrikam.example."),
    _row(Fault.THREE_AT_ONCE, "erp.contoso.example", CauseName.NAME_MISMATCH, texts.TRUST,
         "Another host's leaf, expired, under root B: mending one of the three is not enough."),
    _row(Fault.TLS_1_0_AND_1_1_ONLY, "mainframe.contoso.example", CauseName.TLS_VERSION, texts.NO_COMMON_ALGORITHM,
         "Speaks TLS 1.0 and 1.1 only."),
    _row(Fault.TLS_1_3_ONLY, "edge.contoso.example", CauseName.TLS_VERSION, texts.SECURE_CHANNEL,
         "Speaks TLS 1.3 only, which a classic gateway does not offer unless told to."),
    _row(Fault.CLIENT_CERTIFICATE_TLS_1_3, "vault.contoso.example", CauseName.TLS_VERSION, texts.SECURE_CHANNEL,
         "Speaks TLS 1.3 only; a gateway that offers 1.3 is then refused for want of a client certificate."),
    _row(Fault.DHE_ONLY, "fax.contoso.example", CauseName.CIPHER_SUITE, texts.SECURE_CHANNEL,
         "Accepts TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 only."),
    _row(Fault.CCM_ONLY, "sensors.contoso.example", CauseName.CIPHER_SUITE, texts.SECURE_CHANNEL,
         "Accepts TLS_ECDHE_ECDSA_WITH_AES_256_CCM only."),
    _row(Fault.P_521_ONLY, "research.contoso.example", CauseName.TLS_PARAMETERS, texts.SECURE_CHANNEL,
         "Exchanges keys on the curve P-521 only, which Schannel does not offer."),
    _row(Fault.CLIENT_CERTIFICATE, "bank.contoso.example", CauseName.CLIENT_CERTIFICATE, texts.SECURE_CHANNEL,
         "Requires a client certificate, under TLS 1.2."),
    _row(Fault.NAME_REFUSED, "portal.contoso.example", CauseName.SERVER_NAME, texts.SECURE_CHANNEL,
         "Refuses its own name with the alert unrecognized_name; without a name it answers."),
    _row(Fault.PLAIN_HTTP, "intranet.contoso.example", CauseName.NOT_TLS, texts.PACKET_FORMAT,
         "Speaks plain HTTP on the port of the https URL."),
    _row(Fault.SSH_BANNER, "sftp.contoso.example", CauseName.NOT_TLS, texts.PACKET_FORMAT,
         "Greets with an SSH banner."),
    _row(Fault.CLOSED_ON_HELLO, "relay.contoso.example", CauseName.HANDSHAKE_ABORTED, texts.UNEXPECTED_EOF,
         "Closes the connection in good order when it has read the ClientHello."),
    _row(Fault.INTERNAL_ERROR, "customers.contoso.example", CauseName.HANDSHAKE_ABORTED, texts.SECURE_CHANNEL,
         "Answers every ClientHello with the alert internal_error."),
    _row(Fault.RESET_ON_HELLO, "statements.contoso.example", CauseName.RESET, texts.ON_A_SEND,
         "Resets the connection when it has read the ClientHello; in the logs only some calls fail."),
    _row(Fault.SILENT, "batch.contoso.example", CauseName.TIMEOUT, texts.NO_RESPONSE,
         "Accepts the connection and never says anything."),
    _row(Fault.REFUSED, "shipping.contoso.example", CauseName.REFUSED, texts.UNABLE_TO_CONNECT,
         "Nothing listens on the port."),
    _row(Fault.NAME_UNKNOWN, "payments-old.contoso.invalid", CauseName.DNS, texts.NAME_NOT_RESOLVED,
         "The name does not exist (RFC 6761 section 6.4), so the lab has no server for it."),
    _row(Fault.UNREACHABLE, "192.0.2.44", CauseName.UNREACHABLE, texts.UNREACHABLE_NETWORK,
         "An address set aside for documentation (RFC 5737): never to be probed, so the lab has no server for it."),
    _row(Fault.OWN_HOST, "api.contoso.example", CauseName.HAIRPIN, texts.UNABLE_TO_CONNECT,
         "The gateway's own host name: healthy for everybody else, unreachable for the gateway itself."),
    _row(Fault.PORTS_EXHAUSTED, "geocoder.contoso.example", CauseName.SNAT_EXHAUSTION, texts.SOCKETS_USED,
         "Healthy; in the logs some calls find no free source port."),
    _row(Fault.CUT_WHEN_IDLE, "reports.contoso.example", CauseName.IDLE_TIMEOUT, texts.CLOSED_UNEXPECTEDLY,
         "Healthy; in the logs long calls are cut after 230 s."),
    _row(Fault.BODY_BREAKS_OFF, "downloads.contoso.example", CauseName.BODY_TRANSFER, texts.CLOSED_UNEXPECTEDLY,
         "Healthy; in the logs answers break off after their headers."),
)
# fmt: on

CATALOGUE: Mapping[Fault, Specimen] = MappingProxyType({specimen.fault: specimen for specimen in _TABLE})
BY_HOST: Mapping[str, Specimen] = MappingProxyType({specimen.host: specimen for specimen in _TABLE})


def shown(fault: Fault) -> CauseName:
    """The cause that the backend shows when it is asked now, without a log."""
    return CauseName.NOT_REPRODUCED if fault in LOG_ALONE else CATALOGUE[fault].cause
