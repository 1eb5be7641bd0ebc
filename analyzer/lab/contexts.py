"""The lab's TLS servers as the ssl module knows them: certificates in, one server context per fault out."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from analyzer.lab.catalogue import CATALOGUE, Fault
from analyzer.lab.certificates import Identity, Pki

# The group ffdhe2048 (RFC 7919 appendix A.1).
DH_PARAMETERS = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a server insists on."""

    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    suites: str = "DEFAULT"  # OpenSSL's notation, TLS 1.2 and older
    group: str | None = None  # None: whatever OpenSSL supports
    client_certificate: ssl.VerifyMode = ssl.CERT_NONE


USUAL = Terms()
TERMS: Mapping[Fault, Terms] = MappingProxyType(
    {
        Fault.TLS_1_0_AND_1_1_ONLY: Terms(oldest=ssl.TLSVersion.TLSv1, newest=ssl.TLSVersion.TLSv1_1),
        Fault.TLS_1_3_ONLY: Terms(oldest=ssl.TLSVersion.TLSv1_3),
        Fault.CLIENT_CERTIFICATE_TLS_1_3: Terms(oldest=ssl.TLSVersion.TLSv1_3, client_certificate=ssl.CERT_REQUIRED),
        Fault.DHE_ONLY: Terms(newest=ssl.TLSVersion.TLSv1_2, suites="DHE-RSA-AES128-GCM-SHA256"),
        Fault.CCM_ONLY: Terms(newest=ssl.TLSVersion.TLSv1_2, suites="ECDHE-ECDSA-AES256-CCM"),
        Fault.P_521_ONLY: Terms(group="secp521r1"),
        Fault.CLIENT_CERTIFICATE: Terms(newest=ssl.TLSVersion.TLSv1_2, client_certificate=ssl.CERT_REQUIRED),
        Fault.CLIENT_CERTIFICATE_ASKED: Terms(client_certificate=ssl.CERT_OPTIONAL),
    }
)


def server_contexts(pki: Pki) -> dict[Fault, ssl.SSLContext]:
    """One context for every fault that has a certificate. Keys touch the disk only while `ssl` reads them."""
    with TemporaryDirectory(prefix="lab-") as folder:
        scratch = Path(folder) / "scratch.pem"
        contexts = {
            fault: _context(identity, TERMS.get(fault, USUAL), pki.root_a.pem, scratch)
            for fault, identity in pki.identities.items()
        }
        scratch.write_text(DH_PARAMETERS, encoding="ascii")
        contexts[Fault.DHE_ONLY].load_dh_params(str(scratch))
        without_sni = _context(pki.default, USUAL, pki.root_a.pem, scratch)
    contexts[Fault.NAME_REFUSED].sni_callback = _refuse_names
    contexts[Fault.SNI_NEEDED] = _by_name(CATALOGUE[Fault.SNI_NEEDED].host, contexts[Fault.SNI_NEEDED], without_sni)
    return contexts


def server_context(identity: Identity, terms: Terms, pki: Pki) -> ssl.SSLContext:
    """The context of a server that presents this and insists on that; client certificates are taken where root A issued them."""
    with TemporaryDirectory(prefix="lab-") as folder:
        scratch = Path(folder) / "scratch.pem"
        context = _context(identity, terms, pki.root_a.pem, scratch)
        scratch.write_text(DH_PARAMETERS, encoding="ascii")
        context.load_dh_params(str(scratch))
    return context


def _context(identity: Identity, terms: Terms, clients: bytes, scratch: Path) -> ssl.SSLContext:
    """`clients` is the CA whose client certificates the server would take, PEM; `scratch` is a file to overwrite."""
    scratch.write_bytes(identity.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"{terms.suites}:@SECLEVEL=0")  # else OpenSSL's own policy would hide the fault
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 and 1.1 are deprecated: that is the fault
        context.minimum_version = terms.oldest
        context.maximum_version = terms.newest
    context.load_cert_chain(scratch)
    if terms.group:
        context.set_ecdh_curve(terms.group)
    if terms.client_certificate is not ssl.CERT_NONE:
        context.verify_mode = terms.client_certificate
        context.load_verify_locations(cadata=clients.decode("ascii"))
    return context


def _refuse_names(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
    """Whoever sends a name is refused (RFC 6066 section 3)."""
    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if name is not None and tls else None


def _by_name(host: str, named: ssl.SSLContext, otherwise: ssl.SSLContext) -> ssl.SSLContext:
    """A context that is `named` for a client whose SNI is `host`, and `otherwise` for any other."""

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name == host:
            tls.context = named

    otherwise.sni_callback = choose
    return otherwise
