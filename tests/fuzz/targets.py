"""What is fuzzed: one function per reader of foreign bytes; it raises where the reader breaks a promise, and returns where not."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from analyzer import evidence as evidence_file
from analyzer.errors import EvidenceError
from analyzer.model import Collected, Outcome, Stage
from analyzer.probing import aia, handshake, messages, wire, x509
from analyzer.trust import certificate as certificates
from analyzer.trust import chain, decoded, describe, judge, shape
from tests.fuzz.seeds import HOST, ISSUER, LEAF, OFFERS, ROOT

Target = Callable[[bytes], None]

_LOOP = asyncio.new_event_loop()
_LOOP.close()  # the reader wants one to belong to, and runs on none

HOWS = (Outcome.CLOSED, Outcome.RESET, Outcome.SILENT)
HERE = Collected(host="here", at=datetime(2026, 11, 23, tzinfo=UTC), tool="apim-triage", version="0.1.0")


def server(data: bytes) -> None:
    """What a server sends; the first bytes choose the offer, how it ends, and where it is cut."""
    if len(data) < 6:
        return
    offer, how, stream = OFFERS[data[0] % len(OFFERS)], HOWS[data[1] % len(HOWS)], data[6:]
    cuts = sorted({*(int.from_bytes(data[at : at + 2], "big") % (len(stream) + 1) for at in (2, 4)), 0, len(stream)})
    whole, pieces = wire.Reader(offer), wire.Reader(offer)
    whole.feed(stream)
    for start, end in pairwise(cuts):
        pieces.feed(stream[start:end])
    entries = []
    for reader in (whole, pieces):
        reader.end(how)
        assert reader.done
        entries.append(
            handshake.entry(
                "gateway",
                reader.outcome or "",
                reader.stage,
                version=reader.version,
                suite=reader.suite,
                group=reader.group,
                chain=reader.chain,
                client_cert_requested=reader.client_cert_requested,
                alert=reader.alert,
                detail=reader.detail,
            )
        )
    assert entries[0] == entries[1]
    detail = entries[0]["detail"]
    assert detail is None or (detail.isprintable() and len(detail) <= wire.MOST_DETAIL)
    (evidence,) = evidence_file.of([{"host": HOST, "port": 443, "handshakes": entries[:1]}], HERE)
    assert evidence.handshakes[0].chain == whole.chain
    assert evidence.handshakes[0].stage in (Stage.HELLO, Stage.CERTIFICATE)


def message(data: bytes) -> None:
    """The body of one handshake message; the first byte chooses which."""
    kind, body = data[:1], data[1:]
    try:
        if kind == b"s":
            messages.server_hello(body)
        elif kind in b"cC":
            found = messages.certificates(body, tls13=kind == b"C")
            assert 0 < len(found) <= handshake.MOST_CERTIFICATES
            assert all(found)
        elif kind == b"e":
            messages.key_exchange(body, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
        else:
            messages.key_exchange(body, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")
    except messages.Broken as error:
        if not str(error).isprintable():
            raise


def evidence(data: bytes) -> None:
    """An evidence file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.json"
        path.write_bytes(data)
        try:
            found = evidence_file.read(path)
        except EvidenceError as error:
            if not str(error).isprintable():
                raise
            return
        path.write_bytes(evidence_file.dumps(found))
        assert evidence_file.read(path) == found


def certificate(data: bytes) -> None:
    """A certificate: as a leaf, as an issuer, and as an anchor; the first byte chooses where the others come from."""
    if not data:
        return
    for cache in (decoded.decode, decoded.signed_by, certificates.describe, chain.anchors_of):
        cache.cache_clear()
    der = data[1:]
    described, names = describe(der), x509.read(der)
    if described is not None and names is not None:  # two readers, one certificate
        assert names.urls == described.aia[: x509.MOST_URLS]
    sent = [[der], [der, ISSUER], [LEAF, der], [der, der, ISSUER, LEAF]][data[0] % 4]
    anchors = [ROOT, der] if data[0] & 4 else [ROOT]
    for platform in ("windows", "dotnet-linux"):
        judge(sent, host=HOST, at=HERE.at, anchors=anchors, platform=platform)  # type: ignore[arg-type]
    try:
        shape(sent, anchors=anchors, known=[ISSUER])
    except ValueError:
        if describe(der) is not None:
            raise


def reply(data: bytes) -> None:
    """What the address of an issuer's certificate answers before it closes the connection."""
    reader = asyncio.StreamReader(limit=aia.LARGEST_HEAD, loop=_LOOP)
    reader.feed_data(data)
    reader.feed_eof()
    try:
        aia.read_answer(reader).send(None)  # all bytes are there: it never waits
    except (ValueError, EOFError, asyncio.LimitOverrunError):
        return
    except StopIteration as done:
        found = x509.bundle(done.value.body or b"")
        assert all(x509.read(der) is not None for der in found)
        x509.top_of(found)
        return
    raise AssertionError("it waits for more than there is")


TARGETS: dict[str, Target] = {one.__name__: one for one in (server, message, evidence, certificate, reply)}
