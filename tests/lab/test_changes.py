"""Every row of the what-if matrix, made true: the change is made on the lab's server or at the gateway, and a real client connects or does not."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from analyzer import trust
from analyzer.attribution import Anchors, case_of
from analyzer.causes import Case
from analyzer.checking import probe_backends
from analyzer.lab import Lab, LabBackend
from analyzer.lab.backends import changed
from analyzer.lab.catalogue import CATALOGUE, Fault
from analyzer.lab.certificates import ISSUED, Authority, Identity, Period, Pki
from analyzer.lab.contexts import TERMS, USUAL, Terms, server_context
from analyzer.lab.manners import Tls
from analyzer.model import CauseName, Certificate, Evidence, Outcome, Tier
from analyzer.probing import Policy, Target, profiles
from analyzer.whatif import Act, Change, Considered, consider
from tests import build

NOW = datetime.now(UTC)
USUALLY = Period(ISSUED, NOW + timedelta(days=365))
TIERS = (Tier.CLASSIC, Tier.V2, Tier.SELF_HOSTED, Tier.CONSUMPTION)
SERVED = [f for f in Fault if f not in (Fault.REFUSED, Fault.NAME_UNKNOWN, Fault.UNREACHABLE)]
UNDER_B = (Fault.UNTRUSTED_ROOT, Fault.UNTRUSTED_ROOT_SECOND, Fault.UNTRUSTED_ROOT_SENT, Fault.THREE_AT_ONCE)
VERSIONS = {
    "TLS 1.3": ssl.TLSVersion.TLSv1_3,
    "TLS 1.2": ssl.TLSVersion.TLSv1_2,
    "TLS 1.1": ssl.TLSVersion.TLSv1_1,
    "TLS 1.0": ssl.TLSVersion.TLSv1,
}
SPECIAL = ("a suite is off", "omitted, under a private root")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(now=NOW) as running:
        yield running


@dataclass(kw_only=True)
class World:
    """Both sides, as things that can be changed."""

    lab: Lab
    fault: Fault
    tier: Tier
    profile: str
    identity: Identity | None  # None: it speaks no TLS
    terms: Terms
    host: str
    given: list[bytes]  # PEM
    served: bool = False  # something of the server was changed
    checks_name: bool = True
    checks_chain: bool = True
    client: bytes | None = None  # PEM of key and certificate
    open: ExitStack = field(default_factory=ExitStack)

    def backend(self) -> LabBackend:
        """The lab's own server, or the changed one."""
        if not self.served:
            return self.lab.backends[self.fault]
        assert self.identity is not None
        context = server_context(self.identity, self.terms, self.lab.pki)
        return self.open.enter_context(changed(self.fault, Tls(context)))

    def observe(self, backend: LabBackend) -> Evidence:
        """A probe in the gateway's own voice."""
        target = Target(
            host=backend.host,
            port=443,
            server_name=self.host,
            profile=self.profile,
            connect_host="127.0.0.1",
            connect_port=backend.port,
        )
        return probe_backends(
            [target], policy=Policy(allow=("127.0.0.0/8",)), deadline=0.3 if self.fault is Fault.SILENT else 5
        )[0]

    def case(self, backend: LabBackend) -> Case:
        """What the gateway makes of it."""
        gateway = build.gateway(self.tier, profile=self.profile)
        cluster = build.cluster(None, failures=0, first_seen=NOW, last_seen=NOW)
        return case_of(cluster, gateway, self.observe(backend), anchors=anchors(self.given), known=known(self.lab.pki))

    def connects(self, folder: Path) -> bool:
        """Whether the gateway's bytes are answered, and a real client of OpenSSL's, told the same, is served."""
        with self.open:
            backend = self.backend()
            case = self.case(backend)
            if case.first is None or case.first.outcome is not Outcome.COMPLETED:
                return False
            return self._served(backend, folder)

    def _served(self, backend: LabBackend, folder: Path) -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers("ALL:@SECLEVEL=0")
        offered = [VERSIONS[v] for v in profiles.version_names(self.profile)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version, context.minimum_version = max(offered), min(offered)
        context.check_hostname = self.checks_name and self.checks_chain
        context.verify_mode = ssl.CERT_REQUIRED if self.checks_chain else ssl.CERT_NONE
        if self.given:
            context.load_verify_locations(cadata=b"".join(self.given).decode("ascii"))
        if self.client is not None:
            (folder / "client.pem").write_bytes(self.client)
            context.load_cert_chain(folder / "client.pem")
        context.hostname_checks_common_name = True
        try:
            with (
                socket.create_connection(("127.0.0.1", backend.port), timeout=5) as connection,
                context.wrap_socket(connection, server_hostname=self.host) as tls,
            ):
                leaf = tls.getpeercert(binary_form=True) or b""
                tls.sendall(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
                answer = b"".join(iter(lambda: tls.recv(4096), b""))
        except ssl.SSLError:
            return False
        named = self.checks_chain or not self.checks_name or trust.matches_host(leaf, self.host)
        return named and answer.startswith(b"HTTP/1.1 200 ")


def anchors(given: list[bytes]) -> Anchors:
    ders = [x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER) for pem in given]
    roots, others = trust.split_given(ders)
    return Anchors(roots=roots, intermediates=others)


@cache
def _known(pems: tuple[x509.Certificate, ...]) -> tuple[bytes, ...]:
    return tuple(c.public_bytes(Encoding.DER) for c in pems)


def known(pki: Pki) -> tuple[bytes, ...]:
    """What sibling backends sent."""
    return _known((pki.issuing_a.certificate, pki.issuing_b.certificate, pki.root_b.certificate))


def world(lab: Lab, fault: Fault, tier: Tier) -> World:
    return World(
        lab=lab,
        fault=fault,
        tier=tier,
        profile=tier.value,
        identity=lab.pki.identities.get(fault),
        terms=TERMS.get(fault, USUAL),
        host=CATALOGUE[fault].host,
        given=[lab.pki.root_a.pem],
    )


def special(lab: Lab, what: str, tier: Tier) -> World:
    """What the lab has no backend for."""
    found = replace(world(lab, Fault.HEALTHY, tier), served=True, open=ExitStack())
    if what == SPECIAL[0]:
        old = ssl.TLSVersion.TLSv1_2
        found.profile = f"{tier.value}-Tls13-" if tier is Tier.SELF_HOSTED else f"{tier.value}-"
        found.profile = profiles.offer(f"{found.profile}TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA").name
        found.terms = Terms(oldest=old, newest=old, suites="ECDHE-ECDSA-AES128-SHA")
    else:
        whole = lab.pki.issuing_b.identity(found.host, USUALLY)
        found.identity = Identity(key=whole.key, chain=whole.chain[:1])
    return found


@cache
def considered(lab: Lab, fault: Fault, tier: Tier) -> Considered:
    return of(world(lab, fault, tier))


def of(start: World) -> Considered:
    with start.open:
        case = start.case(start.backend())
        given = anchors(start.given)
        return consider(case, given.roots, given.intermediates)


def pem(certificate: Certificate) -> bytes:
    return x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM)


def issuer(w: World) -> Authority:
    """The CA that issued the backend's leaf, as it is or as it is after it was put right."""
    pki, fault = w.lab.pki, w.fault
    if fault is Fault.EXPIRED_INTERMEDIATE:
        return pki.root_a.authority("Contoso Issuing CA A (2025)", USUALLY)
    if fault is Fault.NAME_CONSTRAINT:
        return pki.root_a.authority("Fabrikam Partner CA", USUALLY, permitted="contoso.example")
    if fault is Fault.PATH_LENGTH:
        return pki.root_a.authority("Contoso Issuing CA A", USUALLY, path_length=1).authority("Logistics", USUALLY)
    under_b = fault in UNDER_B or (w.identity is not None and "B" in str(w.identity.chain[0].issuer))
    return pki.issuing_b if under_b else pki.issuing_a


def reissue(w: World, change: Change) -> None:
    how, leaf = change.reissue, change.certificates[0]
    assert how is not None
    assert w.identity is not None
    old = w.identity.chain[0]
    if leaf.der != old.public_bytes(Encoding.DER):
        w.identity = issuer(w).identity(w.host, USUALLY)
        return
    names = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    usages = old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    period = USUALLY if how.dates else Period(old.not_valid_before_utc, old.not_valid_after_utc)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if how.serves else next(iter(usages))
    w.identity = issuer(w).identity(how.host or names[0], period, usage=usage)


def give(w: World, change: Change) -> None:
    w.given += map(pem, change.certificates)


def skip(w: World, change: Change) -> None:
    w.checks_name = w.checks_name and change.act is Act.SKIP_CHAIN
    w.checks_chain = w.checks_chain and change.act is Act.SKIP_NAME


def full_chain(w: World, _: Change) -> None:
    assert w.identity is not None
    w.identity = Identity(key=w.identity.key, chain=(*w.identity.chain, *issuer(w).sent))


def replace_leaf(w: World, change: Change) -> None:
    w.identity = w.lab.pki.issuing_a.identity(change.name, USUALLY)


def ask_for(w: World, change: Change) -> None:
    w.host = change.name


def enable(w: World, change: Change) -> None:
    word = profiles.switch_of(change.name)
    off = f"-{word}"
    w.profile = profiles.offer(w.profile.replace(off, "") if off in w.profile else f"{w.profile}+{word}").name


def server_version(w: World, _: Change) -> None:
    twelve = ssl.TLSVersion.TLSv1_2
    w.terms = replace(w.terms, oldest=min(w.terms.oldest, twelve), newest=max(w.terms.newest, twelve))


def server_suite(w: World, change: Change) -> None:
    kind = "RSA" if "_RSA_" in change.name else "ECDSA"
    w.terms = replace(w.terms, suites=f"{w.terms.suites}:ECDHE-{kind}-AES256-GCM-SHA384")


def server_group(w: World, change: Change) -> None:
    assert "x25519" in change.text
    w.terms = replace(w.terms, group=None)


def client_certificate(w: World, _: Change) -> None:
    w.client = w.lab.pki.identities[Fault.WRONG_USAGE].pem  # wrong for a server, right for a client


MADE: dict[Act, Callable[[World, Change], None]] = {
    Act.SKIP_NAME: skip,
    Act.SKIP_CHAIN: skip,
    Act.SKIP_BOTH: skip,
    Act.REISSUE: reissue,
    Act.GIVE_ROOT: give,
    Act.GIVE_ISSUERS: give,
    Act.GIVE_BOTH: give,
    Act.FULL_CHAIN: full_chain,
    Act.REPLACE: replace_leaf,
    Act.HOST: ask_for,
    Act.VERSION: enable,
    Act.SUITE: enable,
    Act.SERVER_VERSION: server_version,
    Act.SERVER_SUITE: server_suite,
    Act.SERVER_GROUP: server_group,
    Act.CLIENT_CERTIFICATE: client_certificate,
}
OF_THE_SERVER = (
    Act.REISSUE,
    Act.FULL_CHAIN,
    Act.REPLACE,
    Act.SERVER_VERSION,
    Act.SERVER_SUITE,
    Act.SERVER_GROUP,
)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("fault", SERVED)
def test_what_a_row_says_is_what_happens_once_the_change_is_made(
    lab: Lab, fault: Fault, tier: Tier, tmp_path: Path
) -> None:
    hold(considered(lab, fault, tier), lambda: world(lab, fault, tier), tmp_path)


@pytest.mark.parametrize(("what", "tier"), [(SPECIAL[0], Tier.CLASSIC), *((SPECIAL[1], tier) for tier in TIERS)])
def test_so_it_is_with_what_the_lab_has_no_backend_for(lab: Lab, what: str, tier: Tier, tmp_path: Path) -> None:
    found = of(special(lab, what, tier))
    assert {Act.SUITE, Act.GIVE_BOTH} & {c.act for row in found.rows for c in row.changes} or tier is Tier.CONSUMPTION
    assert found.cure
    hold(found, lambda: special(lab, what, tier), tmp_path)


def hold(found: Considered, start: Callable[[], World], folder: Path) -> None:
    for row in found.rows:
        if row.answer.connects is None:
            assert row.answer.why
            continue
        after = start()
        for change in row.changes:
            MADE[change.act](after, change)
            after.served = after.served or change.act in OF_THE_SERVER
        assert after.connects(folder) is row.answer.connects, row.shown


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("fault", SERVED)
def test_without_a_change_a_backend_with_rows_does_not_connect_and_one_without_does(
    lab: Lab, fault: Fault, tier: Tier, tmp_path: Path
) -> None:
    rows = considered(lab, fault, tier).rows
    assert world(lab, fault, tier).connects(tmp_path) is not bool(rows)


CURABLE = [
    f for f in SERVED if CATALOGUE[f].cause not in (CauseName.NOT_TLS, CauseName.RESET, CauseName.HANDSHAKE_ABORTED)
]


@pytest.mark.parametrize("fault", [f for f in CURABLE if f is not Fault.SILENT])
def test_every_certificate_and_protocol_fault_of_the_lab_has_a_safe_cure_for_a_classic_gateway(
    lab: Lab, fault: Fault
) -> None:
    found = considered(lab, fault, Tier.CLASSIC)
    if not found.rows:
        assert CATALOGUE[fault].cause is CauseName.NOT_REPRODUCED
        return
    assert found.cure
    assert not any(change.weakens for change in found.cure)
    parts = {Fault.THREE_AT_ONCE: 2, Fault.CLIENT_CERTIFICATE_TLS_1_3: 2}
    assert len(found.cure) == parts.get(fault, 1)


def test_every_act_but_those_the_lab_has_no_server_for_is_made(lab: Lab) -> None:
    acts = {c.act for f in SERVED for t in TIERS for row in considered(lab, f, t).rows for c in row.changes}
    assert set(Act) - acts == {Act.TIDY_CHAIN, Act.FETCH, Act.SUITE, Act.GIVE_BOTH}
