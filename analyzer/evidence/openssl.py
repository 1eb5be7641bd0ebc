"""What `openssl s_client` printed in, evidence out: one handshake per run, in OpenSSL's voice and not the gateway's.

Read are the words of OpenSSL 1.0.2 to 3.5 and, where they are the same, of LibreSSL. Session keys that s_client prints are left
where they are.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analyzer import trust
from analyzer.errors import EvidenceError
from analyzer.evidence import openssl_names as names
from analyzer.evidence.openssl_command import Command, command
from analyzer.model import Collected, Evidence, Handshake, Outcome, Stage
from analyzer.probing.target import is_address

TOOL = "openssl s_client"
MOST_RUNS = 1000
MOST_CERTIFICATES = 100

_CONNECTED = re.compile(r"^(?:.{0,200}?)CONNECTED\([0-9A-Fa-f]{1,16}\)|^CONNECTION ESTABLISHED$", re.MULTILINE)
_SIGNS = re.compile(
    rb"CONNECTED\([0-9A-Fa-f]{1,16}\)|CONNECTION ESTABLISHED|\bs_client\s+\S|^connect:\s?errno=|Cipher is |^Certificate chain\s*$"
    rb"|^SSL handshake has read ",
    re.MULTILINE,
)
_CONTINUED = re.compile(r"[ \t][\\`^][ \t]*\n\s*")
_BLOCK = re.compile(
    r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)(-----END (?:X509 |TRUSTED )?CERTIFICATE-----|\Z)", re.DOTALL
)
_REFUSALS = frozenset({"handshake_failure", "bad_certificate", "access_denied", "certificate_unknown"})
"""Alerts with which servers refuse an empty client certificate that they asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one call of s_client printed."""

    text: str
    asked: Command | None  # None: the command line was not pasted

    def found(self, pattern: str) -> str | None:
        """The first group of the first line that matches, without the blanks around it."""
        match = re.search(pattern, self.text, re.MULTILINE)
        return match[1].strip() if match else None

    def says(self, pattern: str) -> bool:
        return re.search(pattern, self.text, re.MULTILINE | re.IGNORECASE) is not None


def is_one(data: bytes) -> bool:
    """Whether the text has lines that s_client prints, or its command line."""
    return _SIGNS.search(data.replace(b"\r", b"")) is not None


def parse(
    path: Path, data: bytes, *, place: tuple[str | None, int | None], at: datetime, vantage: str
) -> tuple[Evidence, ...]:
    """One evidence for each backend and address that was asked; `at`: when the file was last changed.

    Raises EvidenceError where no run can be read from it, a certificate is broken, no backend is named, or another one than `place`.
    """
    text = "\n".join(line.strip() for line in data.decode("utf-8", errors="replace").splitlines())
    grouped: dict[tuple[str, int, str, str | None, str | None], list[_Run]] = {}
    for run in _runs(path, _CONTINUED.sub(" ", text)):
        grouped.setdefault(_whom(path, run, place), []).append(run)
    found = []
    for (host, port, server_name, address, proxy), runs in grouped.items():
        handshakes = [_handshake(path, run, server_name) for run in runs]
        # the one that says most first: it is the one that causes read
        handshakes.sort(key=lambda h: (h.outcome is not Outcome.COMPLETED, h.named is not True, not h.chain_whole))
        found.append(
            Evidence(
                host=host,
                port=port,
                server_name=server_name,
                address=address,
                proxy=proxy,
                handshakes=tuple(handshakes),
                collected=_collected(runs, at, vantage),
            )
        )
    return tuple(found)


def _runs(path: Path, text: str) -> Iterator[_Run]:
    """The text run by run: a command line begins one; without command lines there may be one only."""
    lines = text.split("\n")
    starts: list[tuple[int, Command | None]] = [
        (n, asked) for n, line in enumerate(lines) if (asked := command(line)) is not None
    ]
    if len(starts) > MOST_RUNS:
        raise EvidenceError(f"{path}: holds more than {MOST_RUNS} runs of s_client; split it")
    if not starts or _CONNECTED.search("\n".join(lines[: starts[0][0]])):
        starts.insert(0, (0, None))
    ends = [n for n, _ in starts[1:]] + [len(lines)]
    any_output = False
    for (start, asked), end in zip(starts, ends, strict=True):
        body = "\n".join(lines[start if asked is None else start + 1 : end])
        if len(_CONNECTED.findall(body)) > 1:
            raise EvidenceError(
                f"{path}: holds several runs of s_client of which only one could be told by its command line; "
                "paste each with its command line before it, or save each to its own file"
            )
        if body.strip():
            any_output = True
            yield _Run(text=body, asked=asked)
    if not any_output:
        raise EvidenceError(f"{path}: holds the command line of s_client and not what it printed; add its output")


def _whom(path: Path, run: _Run, place: tuple[str | None, int | None]) -> tuple[str, int, str, str | None, str | None]:
    """Host, port, name judged, address and proxy of a run; `place` is what the user says of the file."""
    asked, (told, told_port) = run.asked or Command(), place
    if asked.starttls:
        raise EvidenceError(
            f"{path}: was made with -starttls, which the gateway does not speak; run s_client without it"
        )
    connected = asked.host
    by_address = connected is not None and is_address(connected)
    named = (asked.servername if by_address else connected) or asked.servername or connected
    host = told or named
    if host is None:
        raise EvidenceError(
            f"{path}: does not say whom s_client asked; paste the command line before its output, "
            f"or write --evidence HOST[:PORT]={path}"
        )
    compatible = (
        told in (None, connected, asked.servername) or (asked.servername is None and by_address) or named is None
    )
    if not compatible or (told_port and asked.port and told_port != asked.port):
        raise EvidenceError(
            f"{path}: s_client asked {named} port {asked.port}, and not {told}{f':{told_port}' if told_port else ''}; "
            "give the file without HOST=, or the name that it asked for"
        )
    address = run.found(r"^Connecting to ([0-9A-Fa-f.:]{2,45})$") or (connected if by_address else None)
    if address is not None and not is_address(address):
        address = None
    return host, told_port or asked.port or 443, asked.servername or host, address, asked.proxy


def _collected(runs: Sequence[_Run], at: datetime, vantage: str) -> Collected:
    """Who and when: by the session's own time where one was printed, else by the file's."""
    printed = next((t for t in (r.found(r"^Start Time: (\d{9,11})$") for r in runs) if t), None)
    started = datetime.fromtimestamp(int(printed), UTC) if printed else None
    if started is not None and started <= at + timedelta(days=1):
        return Collected(host="unstated", at=started, tool=TOOL, version="", vantage=vantage)
    return Collected(host="unstated", at=at, tool=f"{TOOL} (time of the file)", version="", vantage=vantage)


def _handshake(path: Path, run: _Run, server_name: str) -> Handshake:
    chain, whole = _chain(path, run)
    version, suite, unknown = _choice(run)
    outcome, stage, alert, detail = _ending(path, run, chosen=version is not None, chain=bool(chain))
    requested = _requested(run)
    # s_client has sent its certificate, or an empty one, before such an alert can come
    required = alert == "certificate_required" or (
        alert in _REFUSALS and version is not None and requested is True and not (run.asked and run.asked.certificate)
    )
    if required and outcome is Outcome.ALERT:
        outcome = Outcome.COMPLETED  # the server's flight was read before it refused
    key = run.found(r"^(?:Server Temp Key|Peer Temp Key|Negotiated TLS1\.3 group): (.{1,80})$")
    held = run.asked.version if run.asked else None
    return Handshake(
        offer="openssl",
        outcome=outcome,
        stage=stage,
        version=version,
        suite=suite,
        group=names.group(key) if key else None,
        chain=chain,
        chain_whole=whole,
        named=_named(run, server_name),
        versions=(held,) if held else (),
        client_cert_requested=True if required else requested,
        client_cert_required=True if required else False if requested and run.says(r"^HTTP/1\.[01] \d{3}") else None,
        alert=alert,
        detail="; ".join(filter(None, (detail, unknown and f"suite {unknown}"))) or None,
    )


def _chain(path: Path, run: _Run) -> tuple[tuple[bytes, ...], bool]:
    """The certificates that were printed, and whether the list of the chain says that there were no more."""
    found: list[bytes] = []
    blocks = list(_BLOCK.finditer(run.text))
    for number, block in enumerate(blocks, start=1):
        try:
            der = base64.b64decode("".join(block[1].split()), validate=True)
        except ValueError:  # also of letters beyond ASCII
            der = b""
        if not block[2] or trust.describe(der) is None:
            raise EvidenceError(f"{path}: certificate {number} of a run is broken; paste the output again, whole")
        found.append(der)
    listed = len(re.findall(r"^\d{1,3} s:", run.text, re.MULTILINE))
    if listed and len(found) == listed + 1 and found[-1] == found[0]:
        found.pop()  # some builds print the leaf again, as “Server certificate”
    return tuple(found[:MOST_CERTIFICATES]), len(found) == listed


def _choice(run: _Run) -> tuple[str | None, str | None, str | None]:
    """Version and suite that the server chose; last, the name of a suite that is not known here."""
    spoken = run.found(r"^(?:New|Reused), \S+, Cipher is (\S{1,100})$") or run.found(r"^Ciphersuite: (\S{1,100})$")
    if spoken is None or spoken in ("(NONE)", "0000"):
        return None, None, None
    version = (
        run.found(r"^Protocol version: (\S{1,20})$")
        or run.found(r"^Protocol\s*: (\S{1,20})$")
        or run.found(r"^(?:New|Reused), (TLSv1\.\d), Cipher is")
    )
    suite = names.suite(spoken)
    return names.VERSIONS.get(version or ""), suite, None if suite else spoken


def _requested(run: _Run) -> bool | None:
    """Whether the server asked for a client certificate; None: this output does not tell.

    “No client certificate CA names sent” stands for an empty list as well as for no request at all.
    """
    if run.says(
        r"^(?:Acceptable client certificate CA names|Client Certificate Types:|Requested Signature Algorithms:)"
    ):
        return True
    tells = run.says(r"^No client certificate CA names sent") and run.says(
        r"^Verification(?: error)?:"
    )  # OpenSSL ≥ 1.1.0
    return False if tells and run.says(r"^Peer signing digest:|^Server Temp Key:|^Peer Temp Key:") else None


def _named(run: _Run, server_name: str) -> bool | None:
    """Whether the name judged was sent as SNI: since OpenSSL 1.1.1 the host of -connect is, unless told otherwise."""
    asked = run.asked
    if asked is None:
        return None
    if asked.servername:
        return asked.servername == server_name
    if asked.noservername or asked.host is None or is_address(asked.host):
        return False
    if run.says(r"^(?:subject=|\d+ s:)[A-Za-z.0-9]+ ?="):  # 1.1.1 and later write names without slashes
        return asked.host == server_name
    return None


def _ending(path: Path, run: _Run, *, chosen: bool, chain: bool) -> tuple[Outcome, Stage, str | None, str | None]:
    """Outcome, stage, alert and OpenSSL's own words."""
    alert, line = next(((a, ln) for ln in run.text.split("\n") if (a := names.alert(ln))), (None, None))
    if alert is not None:
        said = line.split("SSL routines:")[-1].split(":")[1] if line and line.count(":") > 2 else None
        return Outcome.ALERT, Stage.CERTIFICATE if chosen or chain else Stage.HELLO, alert, said
    errno = run.found(r"(?:connect|write|read):\s?errno=(\d{1,5})")
    kind = names.ERRNO.get(int(errno)) if errno else None
    if chosen:
        ended = kind is Outcome.RESET and bool(_requested(run))  # as a server does that misses a client certificate
        return (
            (Outcome.RESET, Stage.APPLICATION, None, None) if ended else (Outcome.COMPLETED, Stage.FINISHED, None, None)
        )
    if not _CONNECTED.search(run.text):
        for pattern, outcome, stage in names.UNCONNECTED:
            if (words := run.found(f"(?i)({pattern})")) is not None:
                return outcome, stage, None, words
        if kind not in (None, Outcome.RESET):
            return kind or Outcome.CONNECT_FAILED, Stage.CONNECT, None, f"errno {errno}"
    for pattern, outcome in names.BROKEN:
        if (words := run.found(f"(?i)({pattern})")) is not None:
            return outcome, Stage.HELLO, None, words
    if chain:
        return Outcome.COMPLETED, Stage.CERTIFICATE, None, "the output shows neither version nor suite"
    if kind is Outcome.RESET:
        return Outcome.RESET, Stage.HELLO, None, f"errno {errno}"
    if errno is not None or run.says(r"^no peer certificate available"):
        own = run.found(r"(?:SSL routines|error):[^:\n]*:([^:\n]{3,100}):")
        return (Outcome.CONNECT_FAILED if own else Outcome.CLOSED), Stage.HELLO, None, own
    if _CONNECTED.search(run.text):
        return Outcome.SILENT, Stage.HELLO, None, "the output ends before the server's answer"
    raise EvidenceError(
        f"{path}: no result of s_client can be read from it; paste its whole output, errors included (2>&1)"
    )
