"""Where fuzzing starts: flights of real servers, captured when asked for, and certificates and files made of them."""

from __future__ import annotations

import base64
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates

from analyzer import evidence as evidence_file
from analyzer.model import Collected, Evidence, Handshake, Outcome, Stage
from analyzer.probing import hello
from analyzer.probing.hello import Offer
from analyzer.probing.profiles import CLASSIC, SELF_HOSTED
from analyzer.probing.questions import TLS10_ANY, TLS12_ANY
from tests import make
from tests.probing import servers, speech

HOST = "api.contoso.example"
AUTHORITY = make.ca()
ISSUING = make.intermediate("Issuing", AUTHORITY)
SERVER = make.leaf(
    HOST, ISSUING, names=[HOST, "*.contoso.example", "10.1.2.3"], aia=["http://pki.contoso.example/ca.crt"]
)
LEAF, ISSUER, ROOT = SERVER.der, ISSUING.der, AUTHORITY.der

OFFERS = (CLASSIC, SELF_HOSTED, TLS12_ANY, TLS10_ANY)
OPTIONS = (
    ("-tls1_2",),
    ("-tls1_3",),
    ("-tls1_2", "-Verify", "1"),
    ("-tls1_2", "-cipher", "DHE:@SECLEVEL=0"),
    ("-tls1", "-cipher", servers.OLD_ALLOWED),
    ("-groups", "P-521"),
)


def flight(offer: Offer, folder: Path, *, asks: bool) -> bytes:
    """What Python's `ssl` answers to an offer: its flight, or its alert."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SERVER.write(folder))
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=AUTHORITY.pem.decode())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello.encode(offer, HOST))
    with suppress(ssl.SSLError):
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    return outgoing.read()


def answer(offer: Offer, port: int) -> bytes:
    """The first bytes of a server's answer to an offer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(hello.encode(offer, HOST))
        return connection.recv(65536)


def flights() -> Iterator[bytes]:
    """Each offer's number, two bytes more that `targets.server` takes for its own, and a real answer to it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, offer in enumerate(OFFERS):
            for asks in (False, True):
                yield bytes((number, 0, 0, 9, 0, 60)) + flight(offer, folder, asks=asks)
        for options in OPTIONS if shutil.which("openssl") else ():
            with servers.openssl(SERVER, folder, *options) as port:
                for number, offer in enumerate(OFFERS):
                    yield bytes((number, 0, 0, 9, 0, 60)) + answer(offer, port)
    yield bytes(6) + b"HTTP/1.1 400 Bad Request\r\n\r\n"
    yield bytes(6) + speech.alert(112, level=1) + speech.flight(SERVER.chain, speech.certificate_request())
    yield bytes((1, 0, 0, 9, 0, 60)) + speech.record(22, speech.retry_request(24, cookie=b"cookie"))


def bodies() -> Iterator[bytes]:
    """Bodies of handshake messages, each behind the letter by which `targets.message` knows it."""
    certificate = speech.certificate(SERVER.chain)[4:]
    yield b"s" + speech.server_hello()[4:]
    yield b"s" + speech.server_hello(speech.TLS13, speech.TLS13_SUITE)[4:]
    yield b"s" + speech.retry_request(24, cookie=b"cookie")[4:]
    yield b"c" + certificate
    yield b"C" + b"\x00" + speech.vector(3, b"".join(speech.vector(3, der) + b"\x00\x00" for der in SERVER.chain))
    yield b"e" + speech.ecdhe_key_exchange()[4:]
    yield b"d" + speech.dhe_key_exchange()[4:]


def files() -> Iterator[bytes]:
    """Evidence files."""
    here = Collected(host="here", at=datetime(2026, 11, 23, tzinfo=UTC), tool="apim-triage", version="0.1.0")
    good = Handshake(
        offer="gateway", outcome=Outcome.COMPLETED, stage=Stage.CERTIFICATE, version="TLS 1.2", chain=SERVER.chain
    )
    broken = replace(good, chain=(b"\x30\x00",), outcome=Outcome.ALERT, alert="handshake_failure", detail="words")
    one = Evidence(
        host=HOST,
        port=443,
        server_name=HOST,
        address="10.1.2.3",
        addresses=("10.1.2.3",),
        handshakes=(good,),
        collected=here,
    )
    yield evidence_file.dumps([])
    yield evidence_file.dumps([one])
    yield evidence_file.dumps(
        [replace(one, handshakes=(broken, broken)), replace(one, collected=replace(here, host="there"))]
    )


def ders() -> Iterator[bytes]:
    """Certificates of several kinds, each behind the byte by which `targets.certificate` places it."""
    old = make.leaf(HOST, ISSUING, names=[], not_after=make.NOW - make.DAY)
    kinds = [make.leaf(HOST, None, kind=kind) for kind in ("rsa2048", "p384", "ed25519")]
    limited = make.intermediate("Limited", AUTHORITY, path_length=0)
    for place in range(8):
        yield from (bytes((place,)) + der for der in (LEAF, ISSUER, ROOT, limited.der))
    yield from (b"\x00" + one.der for one in (old, *kinds))


def replies() -> Iterator[bytes]:
    """What an issuer's address answers."""
    pem = b"".join(one.pem for one in (ISSUING, AUTHORITY))
    pkcs7 = serialize_certificates([ISSUING.certificate, AUTHORITY.certificate], Encoding.DER)
    for body in (ISSUER, pem, pkcs7, b"-----BEGIN PKCS7-----\n" + base64.encodebytes(pkcs7) + b"-----END PKCS7-----\n"):
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-cert\r\nContent-Length: %d\r\n\r\n%s" % (
            len(body),
            body,
        )
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        yield b"HTTP/1.0 200 OK\r\n\r\n" + body
    yield b"HTTP/1.1 302 Found\r\nLocation: http://pki.contoso.example/ca.crt\r\nContent-Length: 0\r\n\r\n"


SEEDS = {"server": flights, "message": bodies, "evidence": files, "certificate": ders, "reply": replies}
