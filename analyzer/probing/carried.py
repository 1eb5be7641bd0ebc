"""What the kit runs on the machine it was carried to: the targets that travel with it in, evidence/1 as JSON out.

Standard library only, Python 3.8 or newer; nothing is installed, and nothing is written but the file that was asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pkgutil
import platform
import ssl
import sys
import tempfile
from base64 import b64decode
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any, Dict, FrozenSet, List, Optional, Sequence

from analyzer.probing import x509
from analyzer.probing.dns import resolver
from analyzer.probing.policy import Policy
from analyzer.probing.proxy import parse as parse_proxy
from analyzer.probing.runner import TOOL, VERSION, probe
from analyzer.probing.target import Target

TARGETS = "targets.json"
SCHEMA = "apim-triage/targets/1"
EVIDENCE = "apim-triage/evidence/1"

EPILOG = (
    "Run it where the gateway's own traffic leaves: on a machine in its virtual network, or in its cluster. "
    "Then, where the logs are: apim-triage analyze LOGS --evidence evidence.json"
)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Probe, and write the evidence to standard output or a file. 0: done; 2: the user can mend it; 130: interrupted."""
    order = json.loads(pkgutil.get_data(__package__ or "analyzer.probing", TARGETS) or b"{}")
    words = _parser(order).parse_args(arguments)
    targets = [Target(**one) for one in order["targets"]]
    if words.only:
        targets = [t for t in targets if any(fnmatchcase(t.host, glob.lower()) for glob in words.only)]
    if words.list:
        for one in targets:
            print(f"{one.host}:{one.port}\tSNI {one.server_name}, hello of {one.profile}")
        return 0
    try:
        if not targets:
            raise ValueError("nothing to ask: --only leaves no target")
        policy = Policy((*order["allow"], *words.allow_address), (*order["deny"], *words.deny_address))
        proxy = parse_proxy(words.proxy) if words.proxy else None
        out = None if words.out is None else os.path.abspath(words.out)
        if out is not None and not os.path.isdir(os.path.dirname(out)):
            raise ValueError(f"{words.out}: its folder does not exist")
    except ValueError as error:
        print(f"probe-kit: {error}", file=sys.stderr)
        return 2
    at = datetime.now(timezone.utc)
    try:
        entries = probe(
            targets,
            policy,
            deadline=words.deadline,
            on_done=_progress,
            request=not words.no_request,
            proxy=proxy,
            fetch=not words.no_aia,
            issuers=_at_hand(),
        )
    except KeyboardInterrupt:
        print("\nprobe-kit: interrupted; nothing was written", file=sys.stderr)
        return 130
    print(file=sys.stderr)
    text = json.dumps(document(entries, at, words.vantage), indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
        return 0
    try:
        _write(out, text)
    except OSError as error:
        print(f"probe-kit: {words.out}: cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    return 0


def document(entries: Sequence[Dict[str, Any]], at: datetime, vantage: str) -> Dict[str, Any]:
    """The entries as evidence/1. Each certificate's SHA-256 goes with it: whoever reads it can tell what was damaged on the way."""
    for entry in entries:
        for shake in entry["handshakes"]:
            shake["chain_sha256"] = [hashlib.sha256(b64decode(der)).hexdigest() for der in shake["chain_b64"]]
    collected = {
        "host": platform.node() or "unnamed machine",
        "at": at.isoformat(),
        "tool": TOOL + " kit",
        "version": VERSION,
        "resolver": resolver(),
        "vantage": vantage,
    }
    return {"schema": EVIDENCE, "collected": collected, "backends": list(entries)}


def _parser(order: Dict[str, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="probe-kit",
        description="Asks backends the TLS questions that an API Management gateway would ask, and prints what they answered as JSON.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"{TOOL} kit {VERSION}")
    parser.add_argument("--out", metavar="FILE", help="write the evidence here instead of to standard output")
    parser.add_argument("--list", "--dry-run", action="store_true", help="print whom it would ask, and stop")
    parser.add_argument("--only", metavar="GLOB", action="append", default=[], help="only hosts that match; repeatable")
    parser.add_argument(
        "--vantage",
        choices=("gateway", "outside", "unstated"),
        default=order.get("vantage", "gateway"),
        help="where this machine stands (default: %(default)s)",
    )
    parser.add_argument(
        "--deadline", metavar="SECONDS", type=float, default=order.get("deadline", 10.0), help="for one backend"
    )
    parser.add_argument("--allow-address", metavar="CIDR", action="append", default=[], help="allow a refused range")
    parser.add_argument("--deny-address", metavar="CIDR", action="append", default=[], help="never probe this range")
    parser.add_argument("--proxy", metavar="URL", help="connect through http://host:port")
    parser.add_argument(
        "--no-request", action="store_true", default=not order.get("request", True), help="never send an HTTP request"
    )
    parser.add_argument(
        "--no-aia", action="store_true", default=not order.get("fetch", True), help="never fetch a missing issuer"
    )
    return parser


def _at_hand() -> FrozenSet[bytes]:
    """Raw subject names of this machine's roots."""
    try:
        roots: List[bytes] = ssl.create_default_context().get_ca_certs(binary_form=True)
    except (ssl.SSLError, OSError):
        roots = []
    return frozenset(names.subject for names in map(x509.read, roots) if names is not None)


def _progress(done: int, total: int) -> None:
    end = "" if sys.stderr.isatty() else "\n"
    if end == "" or done == total:
        print(f"\rprobing {done}/{total}", end=end, file=sys.stderr, flush=True)


def _write(path: str, text: str) -> None:
    """Whole or not at all."""
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".probe-kit-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
