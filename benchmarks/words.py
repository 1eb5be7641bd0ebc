"""Which words of a tool speak of which cause: its raw output in, yes, partly or no out.

The rule. **yes**: the words pick the right cause: in this run they stand in the output for no faulty backend that has another.
**partly**: they stand for backends with other causes too, or the reader must compare fields (dates, names).
**no**: nothing, or a wrong cause. For a healthy backend yes means: no false alarm. A list of what the server accepts counts as
words, because it is the fact itself. One table per tool, ours included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyzer.lab.catalogue import Fault, shown
from analyzer.model import CauseName as C

GOOD = {C.NOT_REPRODUCED}


@dataclass(frozen=True, slots=True)
class Words:
    """A regular expression over the whole output, and what a reader takes it for; no cause: an alarm."""

    pattern: str
    causes: tuple[C, ...] = ()
    compare: bool = False  # the reader must hold two fields against each other

    def stand_in(self, output: str) -> bool:
        """Whether the tool said it."""
        return re.search(self.pattern, output, re.MULTILINE) is not None


def truth(fault: Fault) -> set[C]:
    """The causes that are right to name; more than one where the backend has more than one fault."""
    also = {
        Fault.THREE_AT_ONCE: {C.EXPIRED, C.UNTRUSTED_ROOT},
        Fault.CLIENT_CERTIFICATE_TLS_1_3: {C.CLIENT_CERTIFICATE},
    }
    return {shown(fault)} | also.get(fault, set())


def grades(words: Sequence[Words], outputs: Mapping[Fault, str]) -> dict[Fault, str]:
    """yes, partly or no for each backend, by the rule above."""
    said = {w: [f for f, output in outputs.items() if w.stand_in(output)] for w in words}
    return {fault: _grade(fault, said) for fault in outputs}


def _grade(fault: Fault, said: Mapping[Words, Sequence[Fault]]) -> str:
    right = truth(fault)
    here = [w for w, where in said.items() if fault in where]
    if right == GOOD:
        return "yes" if all(w.compare for w in here) else "no"
    speaking = [w for w in here if right & set(w.causes)]
    alone = [w for w in speaking if not w.compare and _shared(said[w]) & set(w.causes)]
    return "yes" if alone else "partly" if speaking else "no"


def _shared(faults: Sequence[Fault]) -> set[C]:
    """The causes that all of these backends have, the healthy ones left out."""
    return set.intersection(*(right for right in map(truth, faults) if right != GOOD))


OURS = [
    Words(rf"^(?:[\w ]+: )?\S+:443  {cause}\b", (cause,)) for cause in C if cause not in (C.NOT_REPRODUCED, C.UNKNOWN)
]

OPENSSL = [
    Words("hostname mismatch", (C.NAME_MISMATCH,)),
    Words("self-signed certificate in certificate chain", (C.UNTRUSTED_ROOT,)),
    Words("self-signed certificate$", (C.SELF_SIGNED,)),
    Words("unable to get local issuer certificate", (C.UNTRUSTED_ROOT, C.INCOMPLETE_CHAIN)),
    Words("unable to verify the first certificate", (C.INCOMPLETE_CHAIN,)),
    Words("certificate has expired", (C.EXPIRED,)),
    Words("certificate is not yet valid", (C.NOT_YET_VALID,)),
    Words("unsuitable certificate purpose", (C.WRONG_USAGE,)),
    Words("path length constraint exceeded|permitted subtree violation", (C.CHAIN_CONSTRAINT,)),
    Words("certificate key too weak"),
    Words(r"Protocol *: TLSv1(\.1)?$|legacy sigalg|unsupported protocol", (C.TLS_VERSION,)),
    Words("alert handshake failure", (C.CIPHER_SUITE, C.TLS_PARAMETERS, C.CLIENT_CERTIFICATE)),
    Words("alert certificate required", (C.CLIENT_CERTIFICATE,)),
    Words("^Client Certificate Types", (C.CLIENT_CERTIFICATE,)),
    Words("wrong version number", (C.NOT_TLS,)),
    Words("unexpected eof|alert internal error", (C.HANDSHAKE_ABORTED,)),
    Words("errno=104", (C.RESET,)),
    Words("Connection refused", (C.REFUSED,)),
]

# The store that holds root A, of the chain that the SNI brought; sslyze says itself that the other chain can be ignored.
_GIVEN = r"\A(?s:(?:(?!can be ignored).)*?)Supplied CA file CA Store.*"
SSLYZE = [
    Words(_GIVEN + "no matching subjectAltName", (C.NAME_MISMATCH,)),
    Words(_GIVEN + "has no subjectAltName"),
    Words(_GIVEN + "candidates exhausted with no interior errors", (C.UNTRUSTED_ROOT, C.INCOMPLETE_CHAIN)),
    Words(_GIVEN + "not valid at validation time", (C.EXPIRED, C.NOT_YET_VALID)),
    Words(_GIVEN + "required EKU not found", (C.WRONG_USAGE,)),
    Words(_GIVEN + "(path length constraint|no permitted name constraints)", (C.CHAIN_CONSTRAINT,)),
    Words(r"Common Name: +(\S+)\n +Issuer: +\1\n", (C.SELF_SIGNED,), compare=True),
    Words(r"TLS 1\.2 Cipher Suites:\s+Attempted.*rejected all", (C.TLS_VERSION,)),
    Words("accepted the following 1 cipher suites", (C.CIPHER_SUITE,)),
    Words("Supported curves: +secp521r1$", (C.TLS_PARAMETERS,)),
    Words("Server REQUIRED client authentication", (C.CLIENT_CERTIFICATE,)),
    Words(
        "could not find a TLS version and cipher suite supported",
        (C.NOT_TLS, C.HANDSHAKE_ABORTED, C.RESET, C.TIMEOUT),
    ),
    Words("Server rejected the connection", (C.REFUSED,)),
]

SSLSCAN = [
    Words(r"SNI name (\S+)(?s:.*)^Altnames: DNS:(?!\1)", (C.NAME_MISMATCH,), compare=True),
    Words(r"^Subject: +(\S+)(?s:.*)^Issuer: +\1$", (C.SELF_SIGNED,), compare=True),
    Words(r"Not valid after: +Nov 18 .* 2026", (C.EXPIRED,), compare=True),
    Words(r"Not valid before: +(?!Jan +1 )", (C.NOT_YET_VALID,), compare=True),  # the others: since 1 January
    Words(r"TLSv1\.1 +enabled\n.*TLSv1\.2 +disabled|TLSv1\.2 +disabled\nTLSv1\.3 +enabled", (C.TLS_VERSION,)),
    Words(r"\A(?s:(?!.*\nAccepted).*\nPreferred)", (C.CIPHER_SUITE,)),
    Words(r"\A(?s:(?!.*bits +\S+ +Curve (?!P-521)).*bits +\S+ +Curve P-521)", (C.TLS_PARAMETERS,)),
    Words("Could not open a connection", (C.REFUSED,)),
]

TESTSSL = [
    Words("does not match supplied URI", (C.NAME_MISMATCH,)),
    Words(r"NOT ok \(chain incomplete\)", (C.INCOMPLETE_CHAIN,)),
    Words(r"NOT ok \(self signed CA in chain\)", (C.UNTRUSTED_ROOT,)),
    Words(r"NOT ok \(self signed\)", (C.SELF_SIGNED,)),
    Words("expired", (C.EXPIRED,)),
    Words(r"Certificate Validity .*\((?!2026-01-01)", (C.NOT_YET_VALID,), compare=True),
    Words("extended key usage +TLS Web Client Authentication$", (C.WRONG_USAGE,)),
    Words("path length|subtree", (C.CHAIN_CONSTRAINT,)),
    Words(r"TLS 1\.2 +not offered", (C.TLS_VERSION,)),
    Words("[Cc]lient [Aa]uthentication.*required|certificate based authentication", (C.CLIENT_CERTIFICATE,)),
    Words("doesn't seem to be a TLS/SSL enabled", (C.NOT_TLS, C.HANDSHAKE_ABORTED, C.RESET, C.TIMEOUT)),
    Words("[Cc]onnection refused|Can't connect to", (C.REFUSED,)),
]

TABLES = {"ours": OURS, "openssl": OPENSSL, "sslyze": SSLYZE, "sslscan": SSLSCAN, "testssl": TESTSSL}
