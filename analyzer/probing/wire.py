"""The receiving side of TLS without a socket: bytes in, in pieces of any size; what the server said out. Nothing fed to it raises."""

from __future__ import annotations

import struct
from typing import Optional, Tuple

from analyzer.probing import iana, messages
from analyzer.probing.handshake import Outcome, Stage
from analyzer.probing.hello import X25519, Offer
from analyzer.probing.messages import Broken, KeyExchange, ServerHello

MOST_BYTES = 1 << 20  # of one connection; a certificate with 10,000 names has a quarter of it
MOST_RECORD = 1 << 14  # RFC 8446 section 5.1
MOST_DETAIL = 80  # characters of what another protocol said
LEAST_HEAD = 9  # bytes that tell the binary ones apart

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23  # RFC 8446 section 5.1
_CONTENTS = range(CHANGE_CIPHER_SPEC, APPLICATION_DATA + 1)
_HEADER = struct.Struct("!BBxH")  # of a record: content type, major and minor version, length
WARNING, FATAL = 1, 2  # RFC 5246 section 7.2

_FOREIGN: Tuple[Tuple[bytes, str], ...] = (
    (b"HTTP/", "HTTP"),
    (b"SSH-", "SSH"),
    (b"220", "SMTP or FTP"),
    (b"421", "SMTP or FTP"),
    (b"500", "SMTP or FTP"),
    (b"554", "SMTP or FTP"),
    (b"+OK", "POP3"),
    (b"* OK", "IMAP"),
    (b"* BYE", "IMAP"),
    (b"AMQP", "AMQP"),
    (b"RFB ", "VNC"),
    (b"-ERR", "Redis or POP3"),
    (b"\x03\x00\x00", "RDP"),  # TPKT, RFC 1006 section 6
)
"""First bytes of protocols that speak first, or answer a ClientHello in their own way."""


class Records:
    """Cuts a byte stream into TLS records."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def push(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def next(self) -> Optional[Tuple[int, bytes]]:
        """The next record as (content type, fragment); None: not complete yet. Raises Broken (RFC 5246 section 6.2.1)."""
        if len(self._buffer) < _HEADER.size:
            return None
        content, major, length = _HEADER.unpack_from(self._buffer)
        if content not in _CONTENTS or major != 3:
            raise Broken(f"a record starts with bytes {self._buffer[: _HEADER.size].hex(' ')}")
        if not 0 < length <= MOST_RECORD:
            raise Broken(f"a record of {length} bytes")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        fragment = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]  # moves the start; the rest is not copied
        return content, fragment


class Reader:
    """What one server answers to one offer: feed it until `done`, then `end` it and read its attributes."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._head: Optional[bytearray] = bytearray()  # first bytes, until they prove to be TLS; then None
        self._records = Records()
        self._pending = bytearray()  # handshake messages not complete yet
        self._alert = bytearray()
        self._taken = 0
        self.done = False
        self.foreign = False  # another protocol; its first line may still be under way
        self.outcome: Optional[str] = None
        self.hello: Optional[ServerHello] = None
        self.chain: Tuple[bytes, ...] = ()
        self.key_exchange: Optional[KeyExchange] = None
        self.client_cert_requested: Optional[bool] = None
        self.alert: Optional[str] = None
        self.detail: Optional[str] = None

    @property
    def stage(self) -> str:
        """HELLO until a usable ServerHello was read, then CERTIFICATE."""
        return Stage.HELLO if self.hello is None else Stage.CERTIFICATE

    @property
    def version(self) -> Optional[str]:
        """The server's choice, as "TLS 1.2"."""
        return None if self.hello is None else iana.version_name(self.hello.version)

    @property
    def suite(self) -> Optional[str]:
        """The server's choice, as its IANA name."""
        return None if self.hello is None else iana.suite_name(self.hello.suite)

    @property
    def group(self) -> Optional[str]:
        """The key exchange's group; None: not seen, or the suite has none."""
        if self.key_exchange is not None:
            return self.key_exchange.group
        if self.hello is None or self.hello.group is None:
            return None
        return iana.group_name(self.hello.group)

    def feed(self, data: bytes) -> None:
        """Take more bytes; those after the end of the server's flight are not looked at."""
        if self.done:
            return
        within = data[: max(0, MOST_BYTES - self._taken)]
        self._taken += len(data)
        try:
            self._read(within)
        except Broken as error:
            self._finish(Outcome.MALFORMED, str(error))
        if not self.done and self._taken > MOST_BYTES:
            self._finish(Outcome.TOO_LARGE, f"more than {MOST_BYTES} bytes")

    def end(self, how: str) -> None:
        """No more comes: `how` (CLOSED, RESET, SILENT) is the outcome unless the bytes have told another."""
        if self.foreign:
            self._finish(Outcome.NOT_TLS, describe(bytes(self._head or b"")))
        elif not self.done:
            self._finish(self.outcome or how, self.detail)

    def _finish(self, outcome: str, detail: Optional[str]) -> None:
        # A wrong choice by the server stays what is wrong, whatever follows it.
        if self.outcome not in (Outcome.WRONG_VERSION, Outcome.WRONG_SUITE):
            self.outcome = outcome
        self.detail = detail
        self.done = True

    def _read(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            tls = _starts_tls(bytes(self._head))
            if tls is False:
                self.foreign = True
                line = self._head.find(b"\n", LEAST_HEAD, MOST_DETAIL)
                if line > 0 or len(self._head) >= MOST_DETAIL:
                    del self._head[line if line > 0 else MOST_DETAIL :]
                    self.end(Outcome.NOT_TLS)
            if not tls:
                return
            data, self._head = bytes(self._head), None
        self._records.push(data)
        while not self.done:
            record = self._records.next()
            if record is None:
                return
            content, fragment = record
            if content == HANDSHAKE:
                self._handshake(fragment)
            elif content == ALERT:
                self._alerts(fragment)
            else:
                raise Broken(f"a record of type {content} within the handshake")

    def _alerts(self, fragment: bytes) -> None:
        self._alert += fragment
        while len(self._alert) >= 2 and not self.done:
            level, code = self._alert[:2]
            del self._alert[:2]
            name = iana.alert_name(code)
            if code == 0:
                self.alert = name
                self._finish(Outcome.CLOSED, self.detail)
            elif level == WARNING:
                self.detail = f"warning alert {name}"  # it goes on, e.g. after unrecognized_name (RFC 6066 section 3)
            else:
                self.alert = name
                self._finish(Outcome.ALERT, self.detail)

    def _handshake(self, fragment: bytes) -> None:
        pending, start = self._pending, 0
        pending += fragment
        while len(pending) - start >= 4 and not self.done:
            length = int.from_bytes(pending[start + 1 : start + 4], "big")
            if length > MOST_BYTES:
                self._finish(Outcome.TOO_LARGE, f"a handshake message of {length} bytes")
            end = start + 4 + length
            if len(pending) < end:
                break
            self._message(pending[start], bytes(pending[start + 4 : end]))
            start = end
        del pending[:start]

    def _message(self, kind: int, body: bytes) -> None:
        if kind == messages.HELLO_REQUEST:
            return  # to be ignored during a handshake (RFC 5246 section 7.4.1.1)
        if (kind == messages.SERVER_HELLO) is not (self.hello is None):
            raise Broken(f"handshake message {kind} out of place")
        if kind == messages.SERVER_HELLO:
            self._server_hello(messages.server_hello(body))
        elif kind == messages.CERTIFICATE and not self.chain:
            self.chain = messages.certificates(body)
        elif kind == messages.SERVER_KEY_EXCHANGE and self.key_exchange is None:
            self.key_exchange = messages.key_exchange(body, self.suite or "")
        elif kind == messages.CERTIFICATE_REQUEST:
            self.client_cert_requested = True
        elif kind == messages.SERVER_HELLO_DONE:
            if not self.chain:  # no anonymous suite was offered
                raise Broken("no Certificate message before ServerHelloDone")
            self.client_cert_requested = bool(self.client_cert_requested)
            self._finish(Outcome.COMPLETED, self.detail)
        elif kind not in (messages.CERTIFICATE_STATUS, messages.SUPPLEMENTAL_DATA):
            raise Broken(f"handshake message {kind} out of place")

    def _server_hello(self, hello: ServerHello) -> None:
        self.hello = hello
        if hello.version not in self._offer.versions:
            self.outcome = Outcome.WRONG_VERSION
        elif hello.suite not in self._offer.suites:
            self.outcome = Outcome.WRONG_SUITE
        elif (hello.version == 0x0304) is not (hello.suite >> 8 == 0x13):  # RFC 8446 section 4.1.3 and appendix B.4
            raise Broken(f"{self.version} with {self.suite}")
        elif hello.version == 0x0304:
            self._check_share(hello)
        elif (
            self._offer.offers_tls13 and hello.knows_better
        ):  # RFC 8446 section 4.1.3: something between us changed the offer
            raise Broken(f"{self.version} from a server that speaks TLS 1.3, which was offered")
        if hello.version >= 0x0304:  # all that follows is encrypted
            self._finish(Outcome.COMPLETED, self.detail)

    def _check_share(self, hello: ServerHello) -> None:
        """RFC 8446 sections 4.1.4 and 4.2.8: a share of a group that one was sent for; or a retry with another offered group."""
        if hello.is_retry:
            if hello.group == X25519 or hello.group not in (None, *self._offer.groups):
                raise Broken(f"HelloRetryRequest asks for the group {self.group}, which no retry can give")
        elif hello.group != X25519:
            raise Broken(f"ServerHello has a key share of {self.group}, which none was sent for")


def _starts_tls(head: bytes) -> Optional[bool]:
    """Whether the first bytes are a TLS record; None: too few to tell."""
    if not head:
        return None
    if head[0] not in _CONTENTS:
        return False
    return head[1] == 3 if len(head) > 1 else None


def describe(head: bytes) -> str:
    """One printable line, of at most 80 characters, on the first bytes of another protocol."""
    if len(head) > 2 and head[0] & 0x80 and head[2] in (0, 4):  # an error or SERVER-HELLO in SSL 2.0's framing
        return "SSL 2.0"
    if head[3:9] == b"\x04\x00\x00\x00\x00\x00":  # a SETTINGS frame of stream 0 (RFC 9113 section 6.5)
        return "HTTP/2 without TLS"
    if head[:1] in (b"\x14", b"\x15", b"\x16", b"\x17") and head[1:2] == b"\xfe":  # RFC 6347 section 4.1
        return "DTLS"
    line = head.split(b"\n")[0].rstrip()
    name = next((name for prefix, name in _FOREIGN if head.startswith(prefix)), "unknown protocol")
    if head[2:5] == b"\x00\x00\x0a":  # a packet of less than 64 KiB, number 0, protocol version 10
        name = "MySQL"
    if line and line.isascii() and line.decode("ascii").isprintable():
        return f"{name}: {line.decode('ascii')}"[:MOST_DETAIL]
    return f"{name}, starting with bytes {head[:12].hex(' ')}"
