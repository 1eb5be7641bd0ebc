"""`judge` says what OpenSSL says when it is driven as .NET drives it, on chains as tangled as they come."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from analyzer.trust import judge
from analyzer.trust.decoded import decode
from tests.trust import make_chain as m
from tests.trust.openssl import OpenSSL, library

LIBRARY = library()
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="the system's libcrypto is no OpenSSL 3.0")

NAMES = ("A", "B", "C", "D")
OLD = {"start": datetime(2020, 1, 1, tzinfo=UTC), "end": datetime(2021, 1, 1, tzinfo=UTC)}
NEW = {"start": datetime(2026, 7, 1, tzinfo=UTC), "end": datetime(2060, 1, 1, tzinfo=UTC)}
NOW = {"end": m.AT}


class Tangle:
    """Certificates that share few names and keys, each good but for a chance of every fault."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.keys = [*(m.new_key() for _ in range(4)), m.new_key("rsa"), m.new_key("ed25519")]

    def once_in(self, times: int) -> bool:
        return self.chance.randrange(times) == 0

    def subtrees(self) -> list[bytes]:
        choice = [
            m.dns("contoso.example"),
            m.dns(".Contoso.example"),
            m.dns(""),
            m.dns("other.example"),
            m.ip(bytes([10, 0, 0, 0, 255, 0, 0, 0])),
            m.ip(bytes(3)),
            m.directory(m.name("A")),
            m.directory(m.name(None)),
            m.tlv(0x81, b".example"),
            m.tlv(0x81, b"a@contoso.example"),
            m.tlv(0x86, b"h.example"),
            m.tlv(0x88, b"\x2a\x03"),
        ]
        return self.chance.sample(choice, self.chance.randrange(3))

    def alternative(self) -> m.Extension:
        choice = [
            m.dns(m.HOST),
            m.dns("xcontoso.example"),
            m.dns("*.contoso.example"),
            m.ip(bytes([10, 1, 2, 3])),
            m.ip(bytes(3)),
            m.tlv(0x81, b"A@contoso.example"),
            m.tlv(0x81, b"nonsense"),
            m.tlv(0x86, b"https://h.example:1/x"),
            m.tlv(0x86, b"urn:x"),
            m.tlv(0x88, b"\x2a\x03"),
            m.directory(m.name("A")),
        ]
        return m.names(*self.chance.sample(choice, self.chance.randrange(4)))

    def oddity(self) -> m.Extension:
        return self.chance.choice(
            [
                ("1.2.3.4", True, b"x"),
                ("1.2.3.4", False, b"x"),
                ("1.3.6.1.5.5.7.1.1", True, m.tlv(0x30)),
                ("2.5.29.17", False, b"junk"),
                ("2.5.29.30", False, m.tlv(0x30)),
                ("2.5.29.31", False, m.tlv(0x30, m.tlv(0x30))),
                ("2.16.840.1.113730.1.1", False, m.tlv(0x03, b"\x00\x07")),
            ]
        )

    def certificate(self, above: list[m.Made], *, ca: bool) -> m.Made:
        pick, once_in = self.chance.choice, self.once_in
        by = None if not above or once_in(3 if ca else 20) else pick(above)
        changes: dict[str, Any] = {
            "key": pick(self.keys),
            "ca": pick([True] * 8 + [False, None]) if ca else pick([None, None, False, True]),
            "key_usage": pick([m.CERT_SIGN] * 6 + [None, 0, 0x80]) if ca else pick([None, 0x80, m.CERT_SIGN]),
            "with_subject_key": not once_in(5),
            "with_authority_key": not once_in(4),
            "spoilt": once_in(25),
            "version": 1 if once_in(30) else 3,
            "serial": pick([-5, 0, 1 << 160]) if once_in(50) else None,
            "outer_algorithm": "ecdsa-sha384" if once_in(50) else None,
            "issuer": m.name(pick(NAMES)) if once_in(20) else None,
            "path_length": pick([0, 0, 1, 2]) if once_in(5) else None,
        }
        if once_in(12):
            changes |= pick([OLD, NEW, NOW])
        if by is not None and once_in(20):
            serial = m.tlv(0x82, m.integer(by.serial)[2:])
            changes["authority_key"] = pick(
                [m.tlv(0x30, serial), m.tlv(0x30, m.tlv(0xA1, m.directory(m.name("Z")))), b"\x04\x00"]
            )
        more = [] if ca else [self.alternative()]
        if once_in(6):
            bound = pick([b"", b"", b"", m.tlv(0x80, b"\x01")])
            more.append(m.constraints(permitted=self.subtrees(), excluded=self.subtrees(), bound=bound))
        if once_in(20):
            more.append(self.oddity())
        subject = m.name(pick(NAMES) if ca else pick([m.HOST, "A", "x.other.example", "plain"]), wide=once_in(30))
        return m.make(subject, by, more=more, **changes)


@pytest.mark.parametrize("seed", range(6))
def test_statuses_and_path_are_those_of_openssl(seed: int) -> None:
    assert LIBRARY is not None
    openssl, tangle = OpenSSL(LIBRARY), Tangle(seed)
    accepted = 0
    kinds: set[str] = set()
    for _ in range(150):
        above: list[m.Made] = []
        for _ in range(tangle.chance.randint(1, 6)):
            above.append(tangle.certificate(above, ca=True))
        leaf = tangle.certificate(above, ca=False)
        ders = [one.der for one in above]
        roots = [one.der for one in above if one.subject == one.issuer and tangle.once_in(2)]
        sent = [der for der in ders if not tangle.once_in(3)]
        tangle.chance.shuffle(sent)
        found = judge([leaf.der, *sent], host=None, at=m.AT, anchors=roots)
        statuses, path = openssl.judge(leaf.der, sent, roots, m.AT)
        assert found.statuses == frozenset(statuses)
        assert found.path == path or "Unreadable" in found.statuses
        accepted += found.accepted
        kinds |= found.statuses
    assert accepted > 5
    assert len(kinds) > 6


ROOT = m.root()
CA = m.intermediate(ROOT, more=[m.constraints(permitted=[m.dns("contoso.example")])])
LEAF = m.leaf(CA)


def _damaged(der: bytes, chance: random.Random) -> bytes:
    """One byte made another, mostly one that means something in DER; the public key is left whole: .NET never gets a leaf without one."""
    key = der.index(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01") - 4
    where = chance.choice([i for i in range(len(der)) if not key <= i < key + 91])
    value = chance.choice([chance.randrange(256), der[where] ^ 1 << chance.randrange(8), 0x30, 0x05, 0x80, 0x01, 0x0C])
    return der[:where] + bytes([value]) + der[where + 1 :]


@pytest.mark.parametrize("which", range(3), ids=["leaf", "intermediate", "root"])
def test_a_damaged_certificate_is_read_and_judged_as_openssl_does(which: int) -> None:
    assert LIBRARY is not None
    openssl, chance = OpenSSL(LIBRARY), random.Random(which)
    unread = 0
    differing = []
    for _ in range(400):
        chain = [LEAF.der, CA.der, ROOT.der]
        chain[which] = _damaged(chain[which], chance)
        readable = [openssl.reads(der) for der in chain]
        if readable != [decode(der) is not None for der in chain]:
            differing.append(("read", chain[which].hex()))
        elif not readable[which]:
            unread += 1
        else:
            root = decode(chain[2])
            roots = chain[2:] if root is not None and root.subject.raw == root.issuer.raw else []
            found = judge(chain[:2], host=None, at=m.AT, anchors=roots)
            statuses, _ = openssl.judge(chain[0], chain[1:2], roots, m.AT)
            if "Unreadable" in found.statuses:
                continue  # .NET's own reading of usages and policies is not OpenSSL's
            if found.statuses - {"NotValidForUsage"} != frozenset(statuses):
                differing.append((sorted(found.statuses), sorted(statuses), chain[which].hex()))
    assert unread > 40
    assert len(differing) <= 6, differing  # of 400: forms that no encoder makes
