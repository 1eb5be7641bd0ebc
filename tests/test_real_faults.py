"""Each fault on real server programs, from the first packet to the verdict: which cause leads, and how many connections it cost."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyzer import evidence
from analyzer.aim import Aim, target_for
from analyzer.checking import check, probe_backends
from analyzer.lab import Lab
from analyzer.lab.catalogue import CATALOGUE, Fault, shown
from analyzer.model import CauseName, Collected, Evidence, Finding, Tier, Verdict
from analyzer.probing import Target
from tests import make
from tests.conftest import need
from tests.make import CLIENT_AUTH, DAY, NOW, Issued
from tests.probing.namespace import alone, permitted
from tests.probing.peers import HOST, LOOPBACK, closes, listens, peer, resets, says
from tests.probing.servers import GNUTLS_READY, OLD_ALLOWED, gnutls, nginx, openssl, python_ssl

C = CauseName
CLASSIC, SELF_HOSTED = Tier.CLASSIC, Tier.SELF_HOSTED

ROOT = make.ca()  # given to the gateway
ISSUING = make.intermediate("Issuing", ROOT)
LEAF = make.leaf(HOST, ISSUING)
RSA = make.leaf(HOST, ISSUING, kind="rsa2048")
P521 = make.leaf(HOST, ISSUING, kind="p521")
PRIVATE_ROOT = make.ca("Private Root")  # given to nobody
PRIVATE = make.leaf(HOST, make.intermediate("Private Issuing", PRIVATE_ROOT))
NARROW = make.intermediate("Below a path length of 0", make.intermediate("Narrow", ROOT, path_length=0))
OLD_ISSUING = make.intermediate("Old Issuing", ROOT, not_before=NOW - 9 * DAY, not_after=NOW - DAY)

Servers = AbstractContextManager[int]
AnySuite = ("-cipher", OLD_ALLOWED)


def judged(
    found: Sequence[Evidence] | None, port: int | None, tier: Tier, folder: Path, deadline: float = 5
) -> Finding:
    """The verdict as `check` gives it to a gateway that was given ROOT; `found`: evidence from elsewhere, else the port is asked."""
    given = folder / "given.pem"
    given.write_bytes(ROOT.pem)
    target = target_for(HOST, 443, tier.value, Aim(connect_to={(HOST, 443): ("127.0.0.1", port)} if port else None))

    def probe(targets: Sequence[Target]) -> Sequence[Evidence]:
        return probe_backends(targets, policy=LOOPBACK, deadline=deadline) if found is None else found

    return check([target], probe=probe, tier=tier, ca_files=[given])[0]


def in_namespace(asked: dict[str, Any], **description: Any) -> tuple[Evidence, ...]:
    """What the probe finds in a network of its own."""
    need(*permitted())
    entries = alone({"ask": [{"host": HOST, "port": 443, "server_name": HOST, **asked}], **description})
    return evidence.of(entries, Collected(host="namespace", at=datetime.now(UTC), tool="test", version="0"))


def named(finding: Finding, cause: CauseName, most: int) -> None:
    """Holds that the cause leads, not as a guess, and that it cost at most so many connections."""
    seen = [(h.offer, h.outcome.value, h.detail) for e in finding.evidence for h in e.handshakes]
    assert finding.lead.cause is cause, (finding.lead, seen)
    assert finding.lead.verdict in (Verdict.CONFIRMED, Verdict.LIKELY), seen
    assert 1 <= len(seen) <= most, seen


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What a server presents; `sent` replaces the leaf's own issuers."""

    leaf: Issued
    cause: CauseName
    sent: tuple[Issued, ...] | None = None


CHAINS = {
    "healthy": Chain(leaf=LEAF, cause=C.NOT_REPRODUCED),
    "another name": Chain(leaf=make.leaf("www.contoso.example", ISSUING), cause=C.NAME_MISMATCH),
    "private root": Chain(leaf=PRIVATE, cause=C.UNTRUSTED_ROOT),
    "private root, sent too": Chain(leaf=PRIVATE, sent=(*PRIVATE.above, PRIVATE_ROOT), cause=C.UNTRUSTED_ROOT),
    "self-signed": Chain(leaf=make.leaf(HOST, None), cause=C.SELF_SIGNED),
    "no intermediate": Chain(leaf=LEAF, sent=(), cause=C.INCOMPLETE_CHAIN),
    "leaf expired": Chain(
        leaf=make.leaf(HOST, ISSUING, not_before=NOW - 9 * DAY, not_after=NOW - DAY), cause=C.EXPIRED
    ),
    "intermediate expired": Chain(leaf=make.leaf(HOST, OLD_ISSUING), cause=C.EXPIRED),
    "not yet valid": Chain(leaf=make.leaf(HOST, ISSUING, not_before=NOW + DAY), cause=C.NOT_YET_VALID),
    "for clients only": Chain(leaf=make.leaf(HOST, ISSUING, usages=(CLIENT_AUTH,)), cause=C.WRONG_USAGE),
    "path too long": Chain(leaf=make.leaf(HOST, NARROW), cause=C.CHAIN_CONSTRAINT),
    "RSA 1024": Chain(leaf=make.leaf(HOST, ISSUING, kind="rsa1024"), cause=C.NOT_REPRODUCED),  # .NET takes it
    "RSA leaf under ECDSA CA": Chain(leaf=RSA, cause=C.NOT_REPRODUCED),
}
CERTIFICATE = {chain.cause for chain in CHAINS.values()} - {C.NOT_REPRODUCED}
PROGRAMS: dict[str, Callable[[Chain, Path], Servers]] = {
    "python": lambda chain, folder: python_ssl(chain.leaf, folder, chain=chain.sent),
    "openssl": lambda chain, folder: openssl(chain.leaf, folder, *AnySuite, chain=chain.sent),
    "nginx": lambda chain, folder: nginx(chain.leaf, folder, f"ssl_ciphers {OLD_ALLOWED}", chain=chain.sent),
}


@pytest.mark.tool("openssl", "nginx")
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("fault", CHAINS)
def test_a_certificate_fault_is_named_in_one_connection(fault: str, program: str, tmp_path: Path) -> None:
    with PROGRAMS[program](CHAINS[fault], tmp_path) as port:
        named(judged(None, port, CLASSIC, tmp_path), CHAINS[fault].cause, most=1)


@pytest.mark.tool("openssl", "nginx")
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("fault", CHAINS)
def test_a_gateway_with_tls_1_3_names_it_in_two(fault: str, program: str, tmp_path: Path) -> None:
    with PROGRAMS[program](CHAINS[fault], tmp_path) as port:
        named(judged(None, port, SELF_HOSTED, tmp_path), CHAINS[fault].cause, most=2)


def test_every_fault_of_the_lab_is_named_and_its_servers_count_the_connections(tmp_path: Path) -> None:
    given = tmp_path / "given.pem"
    with Lab(now=datetime.now(UTC)) as lab:
        given.write_bytes(lab.ca_pem)
        aim = Aim(connect_to={(b.host, 443): ("127.0.0.1", b.port) for b in lab.backends.values()})
        targets = [target_for(b.host, 443, CLASSIC.value, aim) for b in lab.backends.values()]
        found = check(targets, probe=lambda asked: probe_backends(asked, policy=LOOPBACK, deadline=3), ca_files=[given])
    assert {f.cluster.backend.host: f.lead.cause for f in found} == {
        b.host: shown(fault) for fault, b in lab.backends.items()
    }
    costly = {name: b.connections for name, b in lab.backends.items() if b.connections > 1}
    assert max(costly.values()) <= 5  # the fifth asks without the name, where no hello with it was answered
    assert set(costly) & {f for f in Fault if CATALOGUE[f].cause in CERTIFICATE} <= {Fault.CLIENT_CERTIFICATE_ASKED}


def python(identity: Issued = LEAF, **terms: Any) -> Callable[[Path], Servers]:
    return lambda folder: python_ssl(identity, folder, **terms)


def s_server(*options: str, identity: Issued = LEAF, **terms: Any) -> Callable[[Path], Servers]:
    def start(folder: Path) -> Servers:
        root = folder / "clients.pem"
        root.write_bytes(ROOT.pem)
        return openssl(identity, folder, *[str(root) if o == "CLIENTS" else o for o in options], **terms)

    return start


def web(*directives: str, identity: Issued = LEAF, tls: bool = True) -> Callable[[Path], Servers]:
    def start(folder: Path) -> Servers:
        root = folder / "clients.pem"
        root.write_bytes(ROOT.pem)
        return nginx(identity, folder, *[d.replace("CLIENTS", str(root)) for d in directives], tls=tls)

    return start


def scripted(script: Callable[[socket.socket], None], *, speaks_first: bool = False) -> Callable[[Path], Servers]:
    @contextmanager
    def start(_: Path) -> Iterator[int]:
        with peer(script, speaks_first=speaks_first) as server:
            yield server.port

    return start


@contextmanager
def nobody(_: Path) -> Iterator[int]:
    """A port that is bound and does not listen."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def never_accepts(_: Path) -> Iterator[int]:
    """The kernel accepts; the program never does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


V = ssl.TLSVersion
CLIENTS = ("-CAfile", "CLIENTS", "-verify_return_error")
ASKING = "ssl_client_certificate CLIENTS"

# fmt: off
FAULTS = [  # the fault, the program, how it is served, the gateway's tier, the cause, connections at most
    ("TLS 1.1 only", "python", python(minimum=V.TLSv1_1, maximum=V.TLSv1_1), CLASSIC, C.TLS_VERSION, 1),
    ("TLS 1.0 only", "openssl", s_server("-tls1", *AnySuite), CLASSIC, C.TLS_VERSION, 1),
    ("TLS 1.1 only", "openssl", s_server("-tls1_1", *AnySuite), SELF_HOSTED, C.TLS_VERSION, 4),
    ("TLS 1.0 and 1.1", "nginx", web("ssl_protocols TLSv1 TLSv1.1", f"ssl_ciphers {OLD_ALLOWED}"), CLASSIC, C.TLS_VERSION, 1),
    ("TLS 1.3 only", "python", python(minimum=V.TLSv1_3), CLASSIC, C.TLS_VERSION, 4),
    ("TLS 1.3 only", "openssl", s_server("-tls1_3"), CLASSIC, C.TLS_VERSION, 4),
    ("TLS 1.3 only", "nginx", web("ssl_protocols TLSv1.3"), CLASSIC, C.TLS_VERSION, 4),
    ("TLS 1.3 only", "nginx", web("ssl_protocols TLSv1.3"), SELF_HOSTED, C.NOT_REPRODUCED, 4),
    ("ChaCha20 only", "python", python(ciphers="ECDHE-ECDSA-CHACHA20-POLY1305", maximum=V.TLSv1_2), CLASSIC, C.CIPHER_SUITE, 4),
    ("DHE only", "openssl", s_server("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256", identity=RSA), CLASSIC, C.CIPHER_SUITE, 4),
    ("CCM only", "openssl", s_server("-tls1_2", "-cipher", "AES256-CCM", identity=RSA), CLASSIC, C.CIPHER_SUITE, 4),
    ("ChaCha20 only", "nginx", web("ssl_protocols TLSv1.2", "ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305"), CLASSIC, C.CIPHER_SUITE, 4),
    ("group P-521 only", "python", python(group="secp521r1"), CLASSIC, C.TLS_PARAMETERS, 4),
    ("group P-521 only", "openssl", s_server("-groups", "P-521"), CLASSIC, C.TLS_PARAMETERS, 4),
    ("group P-521 only", "nginx", web("ssl_ecdh_curve secp521r1"), CLASSIC, C.TLS_PARAMETERS, 4),
    ("group X448 only", "openssl", s_server("-groups", "X448"), CLASSIC, C.TLS_PARAMETERS, 4),
    ("P-521 certificate", "python", python(P521), CLASSIC, C.TLS_PARAMETERS, 4),
    ("P-521 certificate", "openssl", s_server(identity=P521), CLASSIC, C.TLS_PARAMETERS, 4),
    ("P-521 certificate", "nginx", web(identity=P521), CLASSIC, C.TLS_PARAMETERS, 4),
    ("client certificate", "python", python(clients=ROOT), CLASSIC, C.CLIENT_CERTIFICATE, 2),
    ("client certificate", "openssl", s_server("-Verify", "1", *CLIENTS), CLASSIC, C.CLIENT_CERTIFICATE, 2),
    ("client certificate, TLS 1.3", "python", python(clients=ROOT, minimum=V.TLSv1_3), SELF_HOSTED, C.CLIENT_CERTIFICATE, 4),
    ("client certificate, TLS 1.3", "openssl", s_server("-tls1_3", "-Verify", "1", *CLIENTS), SELF_HOSTED, C.CLIENT_CERTIFICATE, 4),
    ("client certificate by HTTP 400", "nginx", web("ssl_verify_client on", ASKING), CLASSIC, C.NOT_REPRODUCED, 2),
    ("asked for; private root", "python", python(PRIVATE, clients=ROOT, required=False), CLASSIC, C.UNTRUSTED_ROOT, 2),
    ("asked for; private root", "python", python(PRIVATE, clients=ROOT, required=False), SELF_HOSTED, C.UNTRUSTED_ROOT, 4),
    ("asked for; private root", "openssl", s_server("-verify", "1", *CLIENTS, identity=PRIVATE), CLASSIC, C.UNTRUSTED_ROOT, 2),
    ("asked for; private root", "nginx", web("ssl_verify_client optional", ASKING, identity=PRIVATE), CLASSIC, C.UNTRUSTED_ROOT, 2),
    ("HTTP", "nginx", web(tls=False), CLASSIC, C.NOT_TLS, 1),
    ("SSH", "scripted", scripted(says(b"SSH-2.0-OpenSSH_9.6\r\n"), speaks_first=True), CLASSIC, C.NOT_TLS, 1),
    ("no certificate", "openssl", s_server("-nocert"), CLASSIC, C.HANDSHAKE_ABORTED, 5),
    ("certificate's file missing", "nginx", web("ssl_certificate /nowhere/$ssl_server_name.pem", "ssl_certificate_key /nowhere/$ssl_server_name.pem"), CLASSIC, C.HANDSHAKE_ABORTED, 5),
    ("closes on hello", "scripted", scripted(closes), CLASSIC, C.HANDSHAKE_ABORTED, 5),
    ("resets on hello", "scripted", scripted(resets), CLASSIC, C.RESET, 5),
    ("nothing listens", "the kernel", nobody, CLASSIC, C.REFUSED, 2),
    ("silent", "scripted", scripted(listens), CLASSIC, C.TIMEOUT, 1),
    ("never accepted", "the kernel", never_accepts, CLASSIC, C.TIMEOUT, 1),
    ("hangs", "openssl", s_server(stopped=True), CLASSIC, C.TIMEOUT, 1),
]
# fmt: on


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # old versions are the fault
@pytest.mark.tool("openssl", "nginx")
@pytest.mark.parametrize(
    ("start", "tier", "cause", "most"),
    [pytest.param(*row[2:], id=f"{row[0]}, {row[1]}, {row[3]}") for row in FAULTS],
)
def test_a_connection_fault_is_named_in_few(
    start: Callable[[Path], Servers], tier: Tier, cause: CauseName, most: int, tmp_path: Path
) -> None:
    deadline = 1 if cause is C.TIMEOUT else 5
    with start(tmp_path) as port:
        named(judged(None, port, tier, tmp_path, deadline), cause, most)


def only_another_name(folder: Path) -> Servers:
    pem = str(LEAF.write(folder, chain=()))
    strict = ("-servername", "other.contoso.example", "-servername_fatal", "-cert2", pem, "-key2", pem)
    return openssl(LEAF, folder, *strict)


REFUSING_NAMES: dict[str, Callable[[Path], Servers]] = {
    "openssl": only_another_name,
    "nginx": web("ssl_reject_handshake on"),
}


@pytest.mark.tool("openssl", "nginx")
@pytest.mark.parametrize("program", REFUSING_NAMES)
def test_a_server_that_refuses_the_name_is_named(program: str, tmp_path: Path) -> None:
    with REFUSING_NAMES[program](tmp_path) as port:
        named(judged(None, port, CLASSIC, tmp_path), C.SERVER_NAME, most=5)


@pytest.mark.tool("unshare", "ip", "mount")
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"answers": {}}, C.DNS),
        ({"answers": {HOST: []}}, C.DNS),  # the name exists, and has no address
        ({"answers": {HOST: ["10.1.2.3"]}}, C.UNREACHABLE),  # no route
        ({"answers": {HOST: ["10.1.2.3"]}, "routes": [["unreachable", "10.0.0.0/8"]]}, C.UNREACHABLE),
        ({"answers": {HOST: ["127.0.0.7", "127.0.0.8"]}}, C.REFUSED),
    ],
)
def test_a_network_fault_is_named(fault: dict[str, Any], cause: CauseName, tmp_path: Path) -> None:
    named(judged(in_namespace({}, **fault), None, CLASSIC, tmp_path), cause, most=4)  # two tries per address


@pytest.mark.tool("unshare", "ip", "mount")
def test_a_resolver_that_fails_here_says_nothing_about_the_backend(tmp_path: Path) -> None:
    found = in_namespace({}, answers={HOST: 2})  # SERVFAIL
    assert judged(found, None, CLASSIC, tmp_path).lead.cause is C.UNKNOWN


ONLY = "NORMAL:-VERS-ALL:+VERS-"
SHA1 = "%VERIFY_ALLOW_SIGN_WITH_SHA1"
DISABLE, REQUIRE = "--disable-client-cert", "--require-client-cert"
# fmt: off
GNUTLS = [  # the fault, priorities, option, what is presented, the gateway's tier, the cause, connections at most
    *((name, "NORMAL", DISABLE, chain.leaf, chain.sent, CLASSIC, chain.cause, 1) for name, chain in CHAINS.items()),
    ("TLS 1.0 only", f"{ONLY}TLS1.0:{SHA1}", DISABLE, LEAF, None, CLASSIC, C.TLS_VERSION, 1),
    ("TLS 1.3 only", f"{ONLY}TLS1.3", DISABLE, LEAF, None, CLASSIC, C.TLS_VERSION, 4),
    ("Camellia only", f"{ONLY}TLS1.2:-KX-ALL:+DHE-RSA:-CIPHER-ALL:+CAMELLIA-256-GCM", DISABLE, RSA, None, CLASSIC, C.CIPHER_SUITE, 4),
    ("group P-521 only", "NORMAL:-GROUP-ALL:+GROUP-SECP521R1", DISABLE, LEAF, None, CLASSIC, C.TLS_PARAMETERS, 4),
    ("client certificate", f"{ONLY}TLS1.2", REQUIRE, LEAF, None, CLASSIC, C.CLIENT_CERTIFICATE, 2),
    ("client certificate, TLS 1.3", f"{ONLY}TLS1.3", REQUIRE, LEAF, None, SELF_HOSTED, C.CLIENT_CERTIFICATE, 4),
    ("asked for; private root", "NORMAL", "--http", PRIVATE, None, CLASSIC, C.UNTRUSTED_ROOT, 2),
    ("asked for; private root", "NORMAL", "--http", PRIVATE, None, SELF_HOSTED, C.UNTRUSTED_ROOT, 4),
]
# fmt: on


@pytest.mark.tool("unshare", "ip", "mount", "gnutls-serv")
@pytest.mark.parametrize(
    ("priority", "option", "leaf", "sent", "tier", "cause", "most"),
    [pytest.param(*row[1:], id=f"{row[0]}, {row[5]}") for row in GNUTLS],
)
def test_gnutls_shows_the_same_faults(
    priority: str,
    option: str,
    leaf: Issued,
    sent: tuple[Issued, ...] | None,
    tier: Tier,
    cause: CauseName,
    most: int,
    tmp_path: Path,
) -> None:
    server = gnutls(leaf, tmp_path, priority, option, chain=sent)
    asked = {"connect_host": "127.0.0.1", "profile": tier.value}
    found = in_namespace(asked, server=server, ready=GNUTLS_READY)
    named(judged(found, None, tier, tmp_path), cause, most)
