"""Every backend of the lab has the fault it claims, seen by a real client, and the twin without the fault connects."""

from __future__ import annotations

import gc
import os
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzer.lab import Lab, LabBackend
from analyzer.lab.catalogue import CATALOGUE, Fault
from analyzer.model import CauseName

NOW = datetime.now(UTC)
VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
WITHOUT_SERVER = {Fault.NAME_UNKNOWN, Fault.UNREACHABLE}

# X509_V_ERR_* of OpenSSL's x509_vfy.h
NOT_YET_VALID, EXPIRED, SELF_SIGNED_LEAF, SELF_SIGNED_IN_CHAIN, NO_ISSUER = 9, 10, 18, 19, 20
PATH_LENGTH, PURPOSE, PERMITTED_NAMES, HOST = 25, 26, 47, 62


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(now=NOW) as running:
        yield running


def client(
    lab: Lab,
    *,
    oldest: str = "1.0",
    newest: str = "1.3",
    suites: str = "ALL",
    group: str | None = None,
    given: bytes = b"",
    verify: bool = True,
) -> ssl.SSLContext:
    """A client that trusts root A and what is `given`, and can speak anything unless told otherwise."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"{suites}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = VERSIONS[oldest], VERSIONS[newest]
    if group:
        context.set_ecdh_curve(group)
    context.load_verify_locations(cadata=(lab.ca_pem + given).decode())
    context.check_hostname = verify
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    return context


def ask(backend: LabBackend, context: ssl.SSLContext, *, sni: str | None = "") -> tuple[str, str, bytes]:
    """Shakes hands, asks for / and returns version, suite and answer; `sni` "": the backend's own host."""
    name = backend.host if sni == "" else sni
    with (
        socket.create_connection(("127.0.0.1", backend.port), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname=name) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
        cipher = tls.cipher()
        return tls.version() or "", cipher[0] if cipher else "", answer


def accepts(backend: LabBackend, context: ssl.SSLContext) -> bool:
    return ask(backend, context)[2].startswith(b"HTTP/1.1 200 ")


def raw(backend: LabBackend, hello: bytes = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00") -> bytes:
    """Everything that the backend sends after a (stunted) ClientHello, to the end of its stream."""
    with socket.create_connection(("127.0.0.1", backend.port), timeout=5) as connection:
        connection.sendall(hello)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize("fault", [Fault.MD5_SIGNATURE, Fault.RSA_768])
def test_a_weakness_is_one_that_only_a_stricter_client_refuses(lab: Lab, fault: Fault) -> None:
    assert accepts(lab.backends[fault], client(lab, newest="1.2"))
    strict = client(lab, newest="1.2")
    strict.set_ciphers("ALL:@SECLEVEL=1")
    with pytest.raises(ssl.SSLError, match=r"(?i)too (small|weak)|handshake failure|no shared|wrong signature"):
        ask(lab.backends[fault], strict)


def test_the_name_that_is_refused_is_refused_and_nothing_else(lab: Lab) -> None:
    backend = lab.backends[Fault.NAME_REFUSED]
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        ask(backend, client(lab))
    assert ask(backend, client(lab, verify=False), sni=None)[2].startswith(b"HTTP/1.1 200 ")


def test_every_fault_has_a_server_but_the_two_that_cannot(lab: Lab) -> None:
    assert set(lab.backends) == set(Fault) - WITHOUT_SERVER
    assert list(lab.backends) == [fault for fault in Fault if fault not in WITHOUT_SERVER]
    for name, backend in lab.backends.items():
        assert (backend.name, backend.host) == (name, CATALOGUE[Fault(name)].host)


def test_every_cause_but_the_unnameable_has_a_backend() -> None:
    assert {specimen.cause for specimen in CATALOGUE.values()} == set(CauseName) - {CauseName.UNKNOWN}


def test_hosts_are_unique_and_can_never_be_somebodys() -> None:
    hosts = [specimen.host for specimen in CATALOGUE.values()]
    assert len(set(hosts)) == len(hosts) == len(Fault)
    assert all(host.endswith((".contoso.example", ".contoso.invalid")) or host == "192.0.2.44" for host in hosts)


def test_connect_to_leads_each_host_to_its_server(lab: Lab) -> None:
    assert lab.connect_to() == tuple(f"{b.host}:443:127.0.0.1:{b.port}" for b in lab.backends.values())


@pytest.mark.parametrize(
    "fault",
    [
        Fault.HEALTHY,
        Fault.RECOVERED,
        Fault.RENEWED,
        Fault.NAME_ONLY_IN_CN,
        Fault.RSA_1024,
        Fault.SNI_NEEDED,
        Fault.OWN_HOST,
        Fault.PORTS_EXHAUSTED,
        Fault.CUT_WHEN_IDLE,
        Fault.BODY_BREAKS_OFF,
    ],
)
@pytest.mark.parametrize("newest", ["1.2", "1.3"])
def test_a_good_backend_connects_in_both_versions(lab: Lab, fault: Fault, newest: str) -> None:
    version, _, answer = ask(lab.backends[fault], client(lab, newest=newest))
    assert version == f"TLSv{newest}"
    assert answer.endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.NAME_MISMATCH, HOST),
        (Fault.UNTRUSTED_ROOT, NO_ISSUER),
        (Fault.UNTRUSTED_ROOT_SECOND, NO_ISSUER),
        (Fault.UNTRUSTED_ROOT_SENT, SELF_SIGNED_IN_CHAIN),
        (Fault.CLIENT_CERTIFICATE_ASKED, NO_ISSUER),
        (Fault.SELF_SIGNED, SELF_SIGNED_LEAF),
        (Fault.INCOMPLETE_CHAIN, NO_ISSUER),
        (Fault.EXPIRED_LEAF, EXPIRED),
        (Fault.EXPIRED_INTERMEDIATE, EXPIRED),
        (Fault.NOT_YET_VALID, NOT_YET_VALID),
        (Fault.WRONG_USAGE, PURPOSE),
        (Fault.PATH_LENGTH, PATH_LENGTH),
        (Fault.NAME_CONSTRAINT, PERMITTED_NAMES),
        (Fault.THREE_AT_ONCE, NO_ISSUER),
    ],
)
@pytest.mark.parametrize("newest", ["1.2", "1.3"])
def test_a_certificate_fault_is_the_one_it_claims(lab: Lab, fault: Fault, code: int, newest: str) -> None:
    backend = lab.backends[fault]
    before = backend.connections
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        ask(backend, client(lab, newest=newest))
    assert caught.value.verify_code == code
    assert backend.connections == before + 1
    assert accepts(backend, client(lab, newest=newest, verify=False)), "nothing but the certificate is wrong"


def test_the_second_root_mends_every_host_under_it(lab: Lab) -> None:
    trusting_b = client(lab, given=lab.pki.root_b.pem)
    for fault in (
        Fault.UNTRUSTED_ROOT,
        Fault.UNTRUSTED_ROOT_SECOND,
        Fault.UNTRUSTED_ROOT_SENT,
        Fault.CLIENT_CERTIFICATE_ASKED,
    ):
        assert accepts(lab.backends[fault], trusting_b)


def test_the_missing_intermediate_mends_the_incomplete_chain(lab: Lab) -> None:
    assert accepts(lab.backends[Fault.INCOMPLETE_CHAIN], client(lab, given=lab.pki.issuing_a.pem))


def test_no_single_change_mends_three_faults_at_once(lab: Lab) -> None:
    backend = lab.backends[Fault.THREE_AT_ONCE]
    trusting = client(lab, given=lab.pki.root_b.pem)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        ask(backend, trusting)
    assert caught.value.verify_code == HOST
    trusting.check_hostname = False
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        ask(backend, trusting)
    assert caught.value.verify_code == EXPIRED


@pytest.mark.parametrize(
    ("fault", "refused", "accepted", "chosen"),
    [
        (Fault.TLS_1_0_AND_1_1_ONLY, {"oldest": "1.2"}, {}, "TLSv1.1"),
        (Fault.TLS_1_0_AND_1_1_ONLY, {"oldest": "1.3"}, {"newest": "1.0"}, "TLSv1"),
        (Fault.TLS_1_3_ONLY, {"newest": "1.2"}, {}, "TLSv1.3"),
        (Fault.CLIENT_CERTIFICATE_TLS_1_3, {"newest": "1.2"}, None, ""),
        (Fault.DHE_ONLY, {"suites": "ECDHE+AES:RSA+AES"}, {}, "DHE-RSA-AES128-GCM-SHA256"),
        (Fault.CCM_ONLY, {"suites": "ECDHE+AESGCM:ECDHE+AES+SHA384"}, {}, "ECDHE-ECDSA-AES256-CCM"),
        (Fault.P_521_ONLY, {"group": "X25519"}, {}, "TLSv1.3"),
        (Fault.P_521_ONLY, {"group": "prime256v1", "newest": "1.2"}, {"newest": "1.2"}, "TLSv1.2"),
        (Fault.P_521_ONLY, {"group": "secp384r1", "newest": "1.2"}, {"newest": "1.2"}, "TLSv1.2"),
    ],
)
def test_a_protocol_fault_refuses_one_offer_and_accepts_its_twin(
    lab: Lab, fault: Fault, refused: dict[str, str], accepted: dict[str, str] | None, chosen: str
) -> None:
    backend = lab.backends[fault]
    with pytest.raises(ssl.SSLError, match=r"alert (protocol version|handshake failure)"):
        ask(backend, client(lab, **refused))  # type: ignore[arg-type]
    if accepted is not None:
        version, suite, answer = ask(backend, client(lab, **accepted))  # type: ignore[arg-type]
        assert chosen in (version, suite)
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_required_client_certificate_is_refused_when_absent(lab: Lab) -> None:
    with pytest.raises(ssl.SSLError, match="alert handshake failure"):
        ask(lab.backends[Fault.CLIENT_CERTIFICATE], client(lab, newest="1.2"))


def test_under_tls_1_3_the_refusal_comes_after_the_handshake(lab: Lab) -> None:
    backend = lab.backends[Fault.CLIENT_CERTIFICATE_TLS_1_3]
    with (
        socket.create_connection(("127.0.0.1", backend.port), timeout=5) as connection,
        client(lab).wrap_socket(connection, server_hostname=backend.host) as tls,
    ):
        assert tls.version() == "TLSv1.3"
        with pytest.raises(ssl.SSLError, match="alert certificate required"):
            tls.recv(1)


@pytest.mark.parametrize(
    ("fault", "kept"), [(Fault.CLIENT_CERTIFICATE, "1.2"), (Fault.CLIENT_CERTIFICATE_TLS_1_3, "1.3")]
)
def test_a_client_certificate_under_root_a_is_taken(lab: Lab, fault: Fault, kept: str, tmp_path: Path) -> None:
    identity = tmp_path / "client.pem"
    identity.write_bytes(lab.pki.identities[Fault.WRONG_USAGE].pem)  # wrong for a server, right for a client
    context = client(lab, newest=kept)
    context.load_cert_chain(identity)
    assert accepts(lab.backends[fault], context)


def test_without_sni_another_certificate_is_presented(lab: Lab) -> None:
    context = client(lab)
    context.check_hostname = False
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        ask(lab.backends[Fault.SNI_NEEDED], context, sni=None)
    assert caught.value.verify_code == SELF_SIGNED_LEAF


@pytest.mark.parametrize(
    ("fault", "start"),
    [
        (Fault.PLAIN_HTTP, b"HTTP/1.1 400 Bad Request\r\n"),
        (Fault.SSH_BANNER, b"SSH-2.0-"),
        (Fault.INTERNAL_ERROR, bytes((21, 3, 3, 0, 2, 2, 80))),
    ],
)
def test_what_is_said_instead_of_tls(lab: Lab, fault: Fault, start: bytes) -> None:
    assert raw(lab.backends[fault]).startswith(start)


def test_a_hello_is_answered_by_a_close(lab: Lab) -> None:
    assert raw(lab.backends[Fault.CLOSED_ON_HELLO]) == b""


def test_a_hello_is_answered_by_a_reset(lab: Lab) -> None:
    with pytest.raises(ConnectionResetError):
        raw(lab.backends[Fault.RESET_ON_HELLO])


def test_a_hello_is_answered_by_nothing(lab: Lab) -> None:
    backend = lab.backends[Fault.SILENT]
    with socket.create_connection(("127.0.0.1", backend.port), timeout=0.2) as connection:
        connection.sendall(b"\x16\x03\x01")
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_reserved_port_refuses_and_nobody_else_gets_it(lab: Lab) -> None:
    backend = lab.backends[Fault.REFUSED]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", backend.port), timeout=5)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", backend.port))
    assert backend.connections == 0


def test_many_clients_at_once_are_served(lab: Lab) -> None:
    backend = lab.backends[Fault.HEALTHY]
    context, answers = client(lab), []
    threads = [threading.Thread(target=lambda: answers.append(accepts(backend, context))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 40


def test_the_lab_closes_under_waiting_clients_and_leaves_nothing_behind() -> None:
    gc.collect()
    threads, descriptors = threading.active_count(), open_descriptors()
    with Lab(now=NOW) as lab:
        hanging = {
            name: socket.create_connection(("127.0.0.1", backend.port), timeout=5)
            for name, backend in lab.backends.items()
            if name != Fault.REFUSED
        }
        greeted = hanging[Fault.SSH_BANNER]
        assert greeted.recv(4096).startswith(b"SSH-2.0-"), "it was accepted and now waits"
    assert greeted.recv(4096) == b""
    for connection in hanging.values():
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", lab.backends[Fault.HEALTHY].port), timeout=5)
    gc.collect()
    assert threading.active_count() == threads
    assert open_descriptors() <= descriptors, "what other tests left may be gone by now"


def open_descriptors() -> int:
    """How many files and sockets this process has open; 0 where the system does not say."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
