"""The table of manners: everything a server may do to a client that says hello, one row each, with what the probe is to call it."""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

from analyzer.model import Outcome, Stage
from tests import make
from tests.probing import speech
from tests.probing.peers import HOST, Script, closes, hears, listens, resets, says, sends, then
from tests.probing.speech import (
    DONE,
    TLS11,
    TLS12,
    TLS13,
    TLS13_SUITE,
    alert,
    certificate,
    ecdhe_key_exchange,
    extension,
    flight,
    message,
    record,
    records,
    retry_request,
    server_hello,
    vector,
)

TLS12_VOICE, TLS13_VOICE = "classic", "self-hosted"
BOTH = (TLS12_VOICE, TLS13_VOICE)

HELLO, CERTIFICATE = Stage.HELLO, Stage.CERTIFICATE
ALERT, CLOSED, COMPLETED, MALFORMED = Outcome.ALERT, Outcome.CLOSED, Outcome.COMPLETED, Outcome.MALFORMED
NOT_TLS, RESET, SILENT, TOO_LARGE = Outcome.NOT_TLS, Outcome.RESET, Outcome.SILENT, Outcome.TOO_LARGE
WRONG_SUITE, WRONG_VERSION = Outcome.WRONG_SUITE, Outcome.WRONG_VERSION

ROOT = make.ca()
LEAF = make.leaf(HOST, make.intermediate("Issuing", ROOT))
MANY_NAMES = make.leaf(HOST, ROOT, names=[f"host-{number}.contoso.example" for number in range(10_000)])
GARBAGE = b"not a certificate"

CHOICE, CHAIN = server_hello(), certificate(LEAF.chain)
SO_FAR = record(22, CHOICE)
WITH_CHAIN = record(22, CHOICE + CHAIN)
GOOD = flight(LEAF.chain)
ASKING = flight(LEAF.chain, speech.certificate_request())
WHOLE = CHOICE + CHAIN + ecdhe_key_exchange() + DONE  # the messages of GOOD
HELLO_REQUEST = message(0, b"")
CHANGE = record(20, b"\x01")
AGREED = record(22, server_hello(TLS13, TLS13_SUITE))
PUBLIC_KEY = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + bytes(65)


class Manner(NamedTuple):
    """What a server does, and what the probe is to call it."""

    name: str
    script: Script
    outcome: Outcome
    stage: Stage
    detail: str | None  # how the entry's detail begins; None: whatever it is
    voices: tuple[str, ...]
    first: bool  # the server acts before it reads the hello


def does(
    name: str,
    script: Script,
    outcome: Outcome,
    stage: Stage = HELLO,
    *,
    detail: str | None = None,
    voices: tuple[str, ...] = BOTH,
    first: bool = False,
) -> Manner:
    return Manner(name, script, outcome, stage, detail, voices, first)


def floods(data: bytes) -> Script:
    """Sends the same without end."""
    piece = data * (60_000 // len(data) + 1)

    def script(connection: socket.socket) -> None:
        while True:
            connection.sendall(piece)

    return script


def one_by_one(data: bytes) -> Script:
    """Sends each byte in a packet of its own."""
    return says(*(data[at : at + 1] for at in range(len(data))))


def refuses(by: Script) -> Script:
    """Asks for a client certificate, and does something about the empty one."""
    return then(sends(ASKING), hears, by)


def cut(messages: bytes, size: int) -> bytes:
    """Handshake messages in records of that size."""
    return records(22, messages, size)


def answers(version: int = TLS12, suite: int = speech.ECDHE_RSA_GCM, **changes: Any) -> bytes:
    """A flight whose hello is another."""
    return record(22, server_hello(version, suite, **changes) + CHAIN + ecdhe_key_exchange() + DONE)


def stages(name: str, script: Script, outcome: Outcome) -> list[Manner]:
    """The same manner at every stage of the server's flight."""
    return [
        does(f"{name} after half a record header", then(sends(GOOD[:3]), script), outcome),
        does(f"{name} inside the first record", then(sends(GOOD[:40]), script), outcome),
        does(f"{name} after the server hello", then(sends(SO_FAR), script), outcome, CERTIFICATE),
        does(f"{name} inside the certificate", then(sends(SO_FAR + cut(CHAIN, 64)[:-70]), script), outcome, CERTIFICATE),
        does(f"{name} after the certificate", then(sends(WITH_CHAIN), script), outcome, CERTIFICATE),
        does(f"{name} after a whole flight", then(sends(GOOD), script), COMPLETED, CERTIFICATE),
        does(f"{name} after an alert", then(sends(alert(40)), script), ALERT),
        does(f"{name} after a warning", then(sends(alert(112, level=1)), script), outcome),
        does(f"{name} on the empty client certificate", refuses(script), COMPLETED, CERTIFICATE),
        does(f"{name} after TLS 1.3 is agreed", then(sends(AGREED), script), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
    ]  # fmt: skip


ENDS = [
    does("silence", listens, SILENT),
    *stages("silence", listens, SILENT),
    does("half-close", closes, CLOSED),
    does("half-close before the hello is read", closes, CLOSED, first=True),
    *stages("half-close", closes, CLOSED),
    does("reset", resets, RESET),
    does("reset before the hello is read", resets, RESET, first=True),
    *stages("reset", resets, RESET),
]

RECORDS = [
    does("a whole flight", says(GOOD), COMPLETED, CERTIFICATE),
    does("one byte at a time", one_by_one(flight([LEAF.der])), COMPLETED, CERTIFICATE),
    does("records of one byte", says(cut(WHOLE, 1)), COMPLETED, CERTIFICATE),
    does("messages cut in their headers", says(cut(WHOLE, 3)), COMPLETED, CERTIFICATE),
    does("one record for each message", says(*(record(22, m) for m in (CHOICE, CHAIN, ecdhe_key_exchange(), DONE))), COMPLETED, CERTIFICATE),
    does("a record of 2^14 bytes", says(record(22, CHOICE + certificate([bytes([48]) * 16_000]) + ecdhe_key_exchange() + DONE + HELLO_REQUEST * 50)[:16_389]), COMPLETED, CERTIFICATE),
    does("a record of 2^14 + 1 bytes", says(SO_FAR + b"\x16\x03\x03\x40\x01" + bytes(16_385)), MALFORMED, CERTIFICATE, detail="a record of 16385 bytes"),
    does("a record of 2^14 + 257 bytes", says(b"\x16\x03\x03\x41\x01" + bytes(16_641)), MALFORMED, detail="a record of 16641 bytes"),
    does("a record announced with 65,535 bytes", says(b"\x16\x03\x03\xff\xff"), MALFORMED, detail="a record of 65535 bytes"),
    does("an empty handshake record", says(record(22, b"") + GOOD), MALFORMED, detail="a record of 0 bytes"),
    does("an empty alert record", says(SO_FAR + record(21, b"")), MALFORMED, CERTIFICATE),
    does("endless empty records", floods(record(23, b"")), MALFORMED),
    does("records that name other versions of TLS", says(record(22, CHOICE, 0x0300) + record(22, CHAIN + DONE, 0x0304)), COMPLETED, CERTIFICATE),
    does("a record of an unknown type in the flight", says(SO_FAR + record(24, b"\x01")), MALFORMED, CERTIFICATE),
    does("a record of another major version in the flight", says(SO_FAR + record(22, CHAIN, 0x0403)), MALFORMED, CERTIFICATE),
    does("change_cipher_spec first", says(CHANGE), MALFORMED, detail="a record of type 20"),
    does("change_cipher_spec in the flight", says(SO_FAR + CHANGE), MALFORMED, CERTIFICATE),
    does("endless change_cipher_spec", floods(CHANGE), MALFORMED),
    does("application data first", says(record(23, bytes(50))), MALFORMED, detail="a record of type 23"),
    does("application data in the flight", says(WITH_CHAIN + record(23, b"data")), MALFORMED, CERTIFICATE),
    does("a heartbeat first", says(record(24, b"\x01\x40\x00")), NOT_TLS, detail="unknown protocol, starting with bytes 18 03"),
]  # fmt: skip

SIZES = [
    does("a certificate with 10,000 names", says(cut(CHOICE + certificate([MANY_NAMES.der]) + ecdhe_key_exchange() + DONE, 1 << 14)), COMPLETED, CERTIFICATE),
    does("a chain of 100 certificates", says(cut(CHOICE + certificate([LEAF.der] * 100) + ecdhe_key_exchange() + DONE, 1 << 14)), COMPLETED, CERTIFICATE),
    does("a chain of 1,000 certificates", says(cut(CHOICE + certificate([LEAF.der] * 1000) + ecdhe_key_exchange() + DONE, 1 << 14)), COMPLETED, CERTIFICATE),
    does("a message announced larger than the cap", says(SO_FAR + record(22, b"\x0b\xff\xff\xff")), TOO_LARGE, CERTIFICATE, detail="a handshake message of 16777215 bytes"),
    does("endless bytes of one message", then(sends(SO_FAR + record(22, b"\x0b\x0f\xff\xff")), floods(record(22, bytes(1 << 14)))), TOO_LARGE, CERTIFICATE),
    does("endless hello requests", floods(record(22, HELLO_REQUEST * 4096)), TOO_LARGE),
    does("endless hello requests, a record each", floods(record(22, HELLO_REQUEST)), TOO_LARGE),
    does("endless stapled statuses", then(sends(WITH_CHAIN), floods(record(22, message(22, bytes(1000))))), TOO_LARGE, CERTIFICATE),
    does("endless warnings", floods(alert(112, level=1)), TOO_LARGE),
    does("an endless banner", floods(b"x"), NOT_TLS),
    does("an endless answer after the flight", then(sends(GOOD), floods(record(22, HELLO_REQUEST))), COMPLETED, CERTIFICATE),
]  # fmt: skip

ALERTS = [
    does("an alert before the server hello", says(alert(40)), ALERT),
    does("an alert in two records", says(record(21, b"\x02") + record(21, b"\x28")), ALERT),
    does("an alert inside the server hello", says(record(22, CHOICE[:20]) + alert(80)), ALERT),
    does("an alert after the server hello", says(SO_FAR + alert(80)), ALERT, CERTIFICATE),
    does("an alert after the certificate", says(WITH_CHAIN + alert(80)), ALERT, CERTIFICATE),
    does("an alert after a whole flight", says(GOOD + alert(80)), COMPLETED, CERTIFICATE),
    does("an alert of an unknown level", says(record(21, b"\x07\x28")), ALERT),
    does("an alert of an unknown kind", says(alert(99)), ALERT),
    does("an alert in SSL 3.0's clothes", says(record(21, b"\x02\x28", 0x0300)), ALERT),
    does("a fatal unrecognized_name", says(alert(112)), ALERT),
    does("a warning unrecognized_name, then a flight", says(alert(112, level=1) + GOOD), COMPLETED, CERTIFICATE, detail="warning alert unrecognized_name"),
    does("close_notify before the server hello", says(alert(0, level=1)), CLOSED),
    does("close_notify after the certificate", says(WITH_CHAIN + alert(0, level=1)), CLOSED, CERTIFICATE),
    does("half an alert", then(sends(record(21, b"\x02")), closes), CLOSED),
    does("an alert to an offer of TLS 1.3, in clear", says(alert(70)), ALERT, voices=(TLS13_VOICE,)),
    does("an alert after TLS 1.3 is agreed, in clear", says(AGREED + alert(40)), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("an alert after TLS 1.3 is agreed, encrypted", says(AGREED + CHANGE + record(23, bytes(19))), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
]  # fmt: skip

OTHER_PROTOCOLS = [
    does("SSL 2.0, a server hello", says(bytes.fromhex("802e04000100020000000300100700c0") + bytes(32)), NOT_TLS, detail="SSL 2.0"),
    does("SSL 2.0, an error", says(bytes.fromhex("8003000001")), NOT_TLS, detail="SSL 2.0"),
    does("DTLS", says(bytes.fromhex("16fefd0000000000000000") + vector(2, CHOICE)), NOT_TLS, detail="DTLS"),
    does("HTTP", says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), NOT_TLS, detail="HTTP: HTTP/1.1 400 Bad Request"),
    does("HTTP, and closes", then(sends(b"HTTP/1.0 400 Bad request\r\n\r\n"), closes), NOT_TLS, detail="HTTP: HTTP/1.0 400"),
    does("HTTP, and resets", then(sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), closes), NOT_TLS, detail="HTTP: "),
    does("HTTP, a byte at a time", one_by_one(b"HTTP/1.1 400 Bad Request\r\n\r\n"), NOT_TLS, detail="HTTP: HTTP/1.1 400 Bad Request"),
    does("HTTP/2", says(bytes.fromhex("000006040000000000000300000064")), NOT_TLS, detail="HTTP/2 without TLS"),
    does("SMTP, which waits for STARTTLS", says(b"220 mail.contoso.example ESMTP\r\n"), NOT_TLS, detail="SMTP or FTP: 220 mail", first=True),
    does("SMTP, which refuses", says(b"554 no SMTP service here\r\n"), NOT_TLS, detail="SMTP or FTP: 554 no", first=True),
    does("FTP", says(b"220 (vsFTPd 3.0.5)\r\n"), NOT_TLS, detail="SMTP or FTP: 220 (vsFTPd", first=True),
    does("SSH", says(b"SSH-2.0-OpenSSH_9.6\r\n"), NOT_TLS, detail="SSH: SSH-2.0-OpenSSH_9.6", first=True),
    does("IMAP", says(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"), NOT_TLS, detail="IMAP: * OK", first=True),
    does("POP3", says(b"+OK POP3 ready\r\n"), NOT_TLS, detail="POP3: +OK", first=True),
    does("MySQL", says(bytes.fromhex("4a0000000a") + b"8.0.36\x00" + bytes(66)), NOT_TLS, detail="MySQL", first=True),
    does("VNC", says(b"RFB 003.008\n"), NOT_TLS, detail="VNC: RFB", first=True),
    does("PostgreSQL, which has no TLS", says(b"N"), NOT_TLS, detail="unknown protocol: N"),
    does("PostgreSQL, which has TLS", says(b"S"), NOT_TLS, detail="unknown protocol: S"),
    does("PostgreSQL, which waits for its own request", listens, SILENT),
    does("PostgreSQL, which finds the hello too long", closes, CLOSED),
    does("Redis", says(b"-ERR Protocol error: unauthenticated multibulk length\r\n"), NOT_TLS, detail="Redis or POP3: -ERR"),
    does("LDAP", says(bytes.fromhex("30240201007" + "81f0a0102040004") + b"\x18invalid"), NOT_TLS, detail="unknown protocol, starting with bytes 30 24 02 01 00 78"),
    does("RDP", says(bytes.fromhex("030000130ed00000123400021f080002000000")), NOT_TLS, detail="RDP"),
    does("AMQP", says(b"AMQP\x00\x00\x09\x01"), NOT_TLS, detail="AMQP"),
    does("MQTT", says(b"\x20\x02\x00\x01"), NOT_TLS, detail="unknown protocol, starting with bytes 20 02 00 01"),
    does("a client hello", says(record(22, message(1, bytes(40)))), MALFORMED, detail="handshake message 1 out of place"),
]  # fmt: skip

CHOICES = [
    does("SSL 3.0", says(flight(LEAF.chain, version=0x0300, suite=speech.STATIC_RSA)), WRONG_VERSION, CERTIFICATE),
    does("TLS 1.1", says(flight(LEAF.chain, version=TLS11, suite=speech.STATIC_RSA)), WRONG_VERSION, CERTIFICATE),
    does("TLS 1.1, and resets", then(sends(record(22, server_hello(TLS11, speech.STATIC_RSA))), resets), WRONG_VERSION, CERTIFICATE),
    does("version 0x0305", says(record(22, server_hello(0x0305, TLS13_SUITE))), WRONG_VERSION, CERTIFICATE),
    does("a GREASE version", then(sends(record(22, server_hello(extensions=extension(43, b"\x7a\x7a")))), closes), WRONG_VERSION, CERTIFICATE),
    does("TLS 1.3 that was not offered", says(AGREED), WRONG_VERSION, CERTIFICATE, voices=(TLS12_VOICE,)),
    does("TLS 1.3 that was offered", says(AGREED), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("a suite that was not offered", says(flight(LEAF.chain, suite=0x0041)), WRONG_SUITE, CERTIFICATE),
    does("a GREASE suite", says(flight(LEAF.chain, suite=0x3A3A)), WRONG_SUITE, CERTIFICATE),
    does("a suite of TLS 1.3 in TLS 1.2", says(record(22, server_hello(TLS12, TLS13_SUITE))), MALFORMED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("a compression", says(record(22, message(2, CHOICE[4:-1] + b"\x01"))), MALFORMED, detail="ServerHello chooses a compression"),
    does("a session id of 33 bytes", says(record(22, server_hello(session_id=bytes(33)))), MALFORMED),
    does("a session id that nobody sent", says(answers(session_id=bytes(32))), COMPLETED, CERTIFICATE),
    does("TLS 1.3 with another session id than it was sent", says(record(22, server_hello(TLS13, TLS13_SUITE, session_id=b"\x01" * 32))), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("TLS 1.2 where it says it would speak TLS 1.3", says(answers(random=bytes(24) + b"DOWNGRD\x01")), COMPLETED, CERTIFICATE, voices=(TLS12_VOICE,)),
    does("TLS 1.2 where TLS 1.3 was offered and it says it would speak it", says(answers(random=bytes(24) + b"DOWNGRD\x01")), MALFORMED, CERTIFICATE, detail="TLS 1.2 from a server that speaks TLS 1.3", voices=(TLS13_VOICE,)),
    does("extensions that no one asked for", says(answers(extensions=extension(0x4A4A, b"grease") + extension(16, b"\x00\x03\x02h2") + extension(65281, b"\x00"))), COMPLETED, CERTIFICATE),
    does("an unknown extension twice", says(answers(extensions=extension(99, b"a") * 2)), COMPLETED, CERTIFICATE),
    does("supported_versions twice", says(answers(extensions=extension(43, b"\x03\x03") * 2)), MALFORMED, detail="ServerHello has extension 43 twice"),
    does("an extension that is longer than its block", says(answers(extensions=b"\x00\x2b\x00\x09\x03\x04")), MALFORMED),
    does("half an extension", says(answers(extensions=b"\x00")), MALFORMED),
    does("a key share of a group that was not asked for", says(record(22, server_hello(TLS13, TLS13_SUITE, group=23))), MALFORMED, CERTIFICATE, detail="ServerHello has a key share of secp256r1", voices=(TLS13_VOICE,)),
    does("TLS 1.3 without a key share", says(record(22, server_hello(TLS13, TLS13_SUITE, extensions=extension(43, b"\x03\x04")))), MALFORMED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("a retry for another group", says(record(22, retry_request(24))), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("a retry with a cookie alone", says(record(22, retry_request(None, cookie=b"c" * 32))), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("a retry for another group, with a cookie, twice", says(record(22, retry_request(24, cookie=b"c" * 300) * 2)), COMPLETED, CERTIFICATE, voices=(TLS13_VOICE,)),
    does("a retry for a group that was not offered", says(record(22, retry_request(0x11EC))), MALFORMED, CERTIFICATE, detail="HelloRetryRequest asks for the group 0x11EC", voices=(TLS13_VOICE,)),
    does("a retry for the group whose share it has", says(record(22, retry_request(speech.X25519))), MALFORMED, CERTIFICATE, detail="HelloRetryRequest asks for the group x25519", voices=(TLS13_VOICE,)),
    does("a retry to a hello without TLS 1.3", says(record(22, retry_request(24))), WRONG_VERSION, CERTIFICATE, voices=(TLS12_VOICE,)),
]  # fmt: skip

MESSAGES = [
    does("a hello request before the flight", says(record(22, HELLO_REQUEST) + GOOD), COMPLETED, CERTIFICATE),
    does("a hello request inside the flight", says(SO_FAR + record(22, HELLO_REQUEST + WHOLE[len(CHOICE) :])), COMPLETED, CERTIFICATE),
    does("a hello request after the flight", says(GOOD + record(22, HELLO_REQUEST)), COMPLETED, CERTIFICATE),
    does("a hello request on the empty client certificate", refuses(says(record(22, HELLO_REQUEST))), COMPLETED, CERTIFICATE),
    does("endless hello requests on the empty client certificate", refuses(floods(record(22, HELLO_REQUEST))), COMPLETED, CERTIFICATE),
    does("application data on the empty client certificate", refuses(says(record(23, bytes(300)))), COMPLETED, CERTIFICATE),
    does("another protocol on the empty client certificate", refuses(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")), COMPLETED, CERTIFICATE),
    does("a stapled status", says(record(22, CHOICE + CHAIN + message(22, b"\x01" + vector(3, b"ocsp")) + ecdhe_key_exchange() + DONE)), COMPLETED, CERTIFICATE),
    does("supplemental data", says(record(22, CHOICE + message(23, vector(3, b"data")) + CHAIN + ecdhe_key_exchange() + DONE)), COMPLETED, CERTIFICATE),
    does("a certificate message twice", says(record(22, CHOICE + CHAIN + CHAIN)), MALFORMED, CERTIFICATE, detail="handshake message 11 out of place"),
    does("one certificate twice in the list", says(flight([LEAF.der, LEAF.der])), COMPLETED, CERTIFICATE),
    does("a server hello twice", says(record(22, CHOICE + CHOICE)), MALFORMED, CERTIFICATE, detail="handshake message 2 out of place"),
    does("a certificate before the server hello", says(record(22, CHAIN)), MALFORMED, detail="handshake message 11 out of place"),
    does("a key exchange twice", says(record(22, CHOICE + CHAIN + ecdhe_key_exchange() * 2)), MALFORMED, CERTIFICATE, detail="handshake message 12 out of place"),
    does("the end before the certificate", says(record(22, CHOICE + DONE)), MALFORMED, CERTIFICATE, detail="no Certificate message"),
    does("a session ticket too early", says(record(22, CHOICE + CHAIN + message(4, bytes(10)))), MALFORMED, CERTIFICATE, detail="handshake message 4 out of place"),
    does("finished too early", says(record(22, CHOICE + CHAIN + message(20, bytes(12)))), MALFORMED, CERTIFICATE, detail="handshake message 20 out of place"),
    does("an unknown message", says(record(22, CHOICE + message(99, b"x"))), MALFORMED, CERTIFICATE, detail="handshake message 99 out of place"),
    does("an empty server hello", says(record(22, message(2, b""))), MALFORMED, detail="ServerHello ends early"),
    does("a server hello with more behind it", says(record(22, message(2, CHOICE[4:] + b"\x00\x00\x00"))), MALFORMED, detail="ServerHello has surplus bytes"),
    does("an empty certificate list", says(record(22, CHOICE + certificate([]))), MALFORMED, CERTIFICATE, detail="the certificate list is empty"),
    does("a certificate of no bytes", says(record(22, CHOICE + certificate([LEAF.der, b""]))), MALFORMED, CERTIFICATE, detail="the certificate list has an empty entry"),
    does("a certificate list that ends early", says(record(22, CHOICE + message(11, vector(3, b"\x00\x00\x09abc")))), MALFORMED, CERTIFICATE, detail="the certificate list ends early"),
    does("a certificate that is none", says(flight([GARBAGE])), COMPLETED, CERTIFICATE),
    does("a raw public key", says(record(22, CHOICE + message(11, vector(3, PUBLIC_KEY)))), MALFORMED, CERTIFICATE, detail="the certificate list ends early"),
    does("an empty key exchange", says(record(22, CHOICE + CHAIN + message(12, b""))), MALFORMED, CERTIFICATE, detail="ServerKeyExchange ends early"),
    does("a key exchange without a point", says(record(22, CHOICE + CHAIN + ecdhe_key_exchange(point=b"") + DONE)), COMPLETED, CERTIFICATE),
    does("a curve spelled out", says(record(22, CHOICE + CHAIN + message(12, b"\x01" + bytes(90)) + DONE)), COMPLETED, CERTIFICATE),
]  # fmt: skip

MANNERS = [*ENDS, *RECORDS, *SIZES, *ALERTS, *OTHER_PROTOCOLS, *CHOICES, *MESSAGES]
