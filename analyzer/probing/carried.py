"""What the kit runs on the machine it was carried to: the targets that travel with it in, evidence/1 as JSON out.

Standard library only, Python 3.8 or newer; nothing is installed, and nothing is written but the file that was asked for.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pkgutil
import platform
import sys
import tempfile
import traceback
from base64 import b64decode
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any, Dict, FrozenSet, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

from analyzer.probing import encrypted
from analyzer.probing.dns import resolver
from analyzer.probing.policy import Policy
from analyzer.probing.proxy import Proxy
from analyzer.probing.proxy import parse as parse_proxy
from analyzer.probing.runner import TOOL, VERSION, probe
from analyzer.probing.target import Target, words

ORDER = "targets.json"
SCHEMA = "apim-triage/targets/1"
EVIDENCE = "apim-triage/evidence/1"
VANTAGES = ("gateway", "outside", "unstated")

EPILOG = (
    "Run it where the gateway's own traffic leaves: on a machine in its virtual network, or in its cluster; elsewhere say "
    "--vantage outside. Then, where the logs are: apim-triage analyze LOGS --evidence evidence.json. "
    "Exit codes: 0 evidence was written; 2 something you can mend; 70 a fault of the program; 130 interrupted."
)


class _Mendable(Exception):
    """What the user can mend; the message says how."""


class Order(NamedTuple):
    """What the kit was made for; its options can change how it asks, not whom."""

    targets: Tuple[Target, ...]
    allow: Tuple[str, ...]
    deny: Tuple[str, ...]
    deadline: float
    request: bool
    fetch: bool
    vantage: str
    issuers: FrozenSet[bytes]  # raw subject names of certificates that the gateway has


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Probe, and write the evidence to standard output or a file; the exit code, as `--help` lists them."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console may lack the characters
    try:
        code = _run(_order(), arguments)
        sys.stdout.flush()
        return code
    except _Mendable as error:
        _say(f"probe-kit: {error}")
        return 2
    except KeyboardInterrupt:
        _say("probe-kit: interrupted; nothing was left half-written")
        return 130
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the reader has gone; the exit flushes once more
        return 0
    except Exception:  # noqa: BLE001  the last resort: ours to mend
        traceback.print_exc()
        _say("probe-kit: this is a fault of the program, not of your input")
        return 70


def document(entries: Sequence[Dict[str, Any]], at: datetime, vantage: str) -> Dict[str, Any]:
    """The probe's entries as evidence/1."""
    collected = {
        "host": platform.node() or "unnamed machine",
        "at": at.isoformat(),
        "tool": f"{TOOL} kit",
        "version": VERSION,
        "resolver": resolver(),
        "vantage": vantage,
    }
    return {"schema": EVIDENCE, "collected": collected, "backends": list(entries)}


def _order() -> Order:
    try:
        made = json.loads(pkgutil.get_data("analyzer.probing", ORDER) or b"")
        if made.pop("schema") != SCHEMA:
            raise ValueError(SCHEMA)
        targets = tuple(Target(**one) for one in made.pop("targets"))
        issuers = frozenset(map(b64decode, made.pop("issuers")))
        return Order(targets=targets, issuers=issuers, **made)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise _Mendable("its list of targets is damaged or missing; make it anew with `apim-triage kit`") from None


def _run(order: Order, arguments: Optional[Sequence[str]]) -> int:
    asked = _parser(order).parse_args(arguments)
    targets = [t for t in order.targets if not asked.only or any(fnmatchcase(t.host, g.lower()) for g in asked.only)]
    if not targets:
        raise _Mendable("nothing to ask: --only leaves no target; --list shows them")
    policy, proxy = _policy(order, asked), _proxy(asked.proxy)
    if asked.list:
        through = proxy and proxy.label
        for one in targets:
            _say(words(one, request=not asked.no_request, fetch=not asked.no_aia, through=through), sys.stdout)
        return 0
    if not 0.1 <= asked.deadline <= 300:
        raise _Mendable("--deadline: write seconds between 0.1 and 300")
    out = _place(asked.out)
    lacking = encrypted.lacks()
    if lacking is not None and any(t.tls for t in targets):
        _say(f"probe-kit: {lacking}: what servers show only under TLS 1.3 stays unseen")
    at = datetime.now(timezone.utc)
    entries = probe(
        targets,
        policy,
        deadline=asked.deadline,
        on_done=_progress,
        request=not asked.no_request,
        proxy=proxy,
        fetch=not asked.no_aia,
        issuers=order.issuers,
    )
    text = json.dumps(document(entries, at, asked.vantage), indent=1) + "\n"  # ASCII, whatever the console can do
    if out is None:
        sys.stdout.write(text)
    else:
        _write(out, text)
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Mendable(f"{message}; --help shows how")


def _parser(order: Order) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="probe-kit",
        description=f"Asks {len(order.targets)} backend(s) the TLS questions that an Azure API Management gateway would ask, and prints "
        "what they answered as JSON. Needs no install and no rights.",
        epilog=EPILOG,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"{TOOL} kit {VERSION}")
    add("--out", metavar="FILE", help="write the evidence here, whole or not at all, instead of to standard output")
    add("--list", "--dry-run", action="store_true", help="print whom it would ask, and stop")
    add("--only", metavar="GLOB", action="append", default=[], help="only hosts that match; repeatable")
    add("--vantage", choices=VANTAGES, default=order.vantage, help="where this machine stands (default: %(default)s)")
    add("--deadline", metavar="SECONDS", type=_seconds, default=order.deadline, help="for one backend (%(default)s)")
    add(
        "--allow-address",
        metavar="CIDR",
        action="append",
        default=[],
        help="allow a range that is refused by default (loopback, link-local, metadata, multicast); repeatable",
    )
    add("--deny-address", metavar="CIDR", action="append", default=[], help="never probe this range; repeatable")
    add("--proxy", metavar="URL", help="connect through http://host:port; env:NAME takes the URL from the environment")
    add("--no-request", action="store_true", default=not order.request, help="never send an HTTP request")
    add("--no-aia", action="store_true", default=not order.fetch, help="never fetch a missing issuer")
    return parser


def _seconds(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(word)
    return value


def _policy(order: Order, asked: argparse.Namespace) -> Policy:
    try:
        return Policy((*order.allow, *asked.allow_address), (*order.deny, *asked.deny_address))
    except ValueError as error:
        raise _Mendable(f"--allow-address/--deny-address: {error}") from None


def _proxy(word: Optional[str]) -> Optional[Proxy]:
    if word is None:
        return None
    url = os.environ.get(word[4:], "") if word.startswith("env:") else word
    try:
        return parse_proxy(url)
    except ValueError as error:  # which does not repeat the URL
        raise _Mendable(f"--proxy: {error}") from None


def _place(word: Optional[str]) -> Optional[str]:
    """The file to write, absolute; asked before anything is sent."""
    if word is None:
        return None
    out = os.path.abspath(word)
    if os.path.isdir(out) or not os.access(os.path.dirname(out), os.W_OK):
        raise _Mendable(f"--out {word}: cannot be written there; name a file in a folder that exists and is yours")
    return out


def _write(path: str, text: str) -> None:
    try:
        handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".probe-kit-")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
            os.replace(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise
    except OSError as error:
        raise _Mendable(f"--out {path}: cannot be written ({error.strerror}); name another file") from None


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rprobing {done}/{total}" + ("\n" if done == total else ""))
    elif done == total:
        sys.stderr.write(f"probed {total} of {total}\n")
    sys.stderr.flush()


def _say(text: str, stream: Optional[Any] = None) -> None:
    """One line; names from logs must not drive the terminal."""
    clean: List[str] = [c if c.isprintable() else " " if c in "\t\n" else "\ufffd" for c in text]
    print("".join(clean), file=stream or sys.stderr)
