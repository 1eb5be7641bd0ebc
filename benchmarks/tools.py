"""The tools that are asked about one backend each: a host, its port on 127.0.0.1 and a CA file in, a command line out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzer.lab import LabBackend

SSLYZE = "sslyze==6.3.1"
DEADLINE = 2  # seconds, for us: one backend of the lab never answers

Command = Callable[[Sequence[LabBackend], str], list[str]]  # backends and the file of the given root → arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One way of asking."""

    name: str
    words: str  # whose table of words its output is read by: see benchmarks.words
    command: Command
    version: str
    many: bool = False  # takes many backends in one process


def installed() -> tuple[list[Tool], list[str]]:
    """The tools of this machine, ours first, and one line for each that is missing."""
    os.environ["PATH"] += ":/usr/sbin"
    tools = [Tool(name="apim-triage check", words="ours", command=_ours, version="this checkout", many=True)]
    missing = []
    debian = (
        ("openssl s_client", "openssl", "openssl", _openssl, ["openssl", "version"]),
        ("sslscan", "sslscan", "sslscan", _sslscan, ["sslscan", "--version"]),
        ("testssl.sh -p -S", "testssl", "testssl", _testssl, ["testssl", "--version"]),
    )
    for name, words, program, command, asked in debian:
        if shutil.which(program):
            tools.append(Tool(name=name, words=words, command=command, version=_version(asked)))
        else:
            missing.append(
                f"{name}: not installed: apt-get install {'testssl.sh' if program == 'testssl' else program}"
            )
    if python := _sslyze():
        for name, options in (("sslyze --certinfo", ["--certinfo"]), ("sslyze, full scan", [])):
            command = _sslyze_command(python, options)
            tools.append(Tool(name=name, words="sslyze", command=command, version=SSLYZE, many=True))
    else:
        missing.append(
            "sslyze: not installed, and uvx could not fetch it: pip install uv, with access to a package index"
        )
    return tools, missing


def _version(command: list[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    words = (done.stdout + done.stderr).split()
    return next((w for w in words if w[:1].isdigit() and "." in w), "version unknown")


def _sslyze() -> str | None:
    """The Python of an environment of its own that has sslyze, whose pins are not ours; None: uvx is missing or offline."""
    uvx = shutil.which("uvx", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uvx is None:
        return None
    command = [uvx, "--quiet", "--from", SSLYZE, "python", "-c", "import sslyze, sys; print(sys.executable)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.stdout.strip() or None


def _ours(backends: Sequence[LabBackend], root: str) -> list[str]:
    command = [sys.executable, "-m", "analyzer", "check", *(b.host for b in backends)]
    command += ["--allow-address", "127.0.0.0/8", "--ca-file", root, "--deadline", str(DEADLINE)]
    for one in backends:
        command += ["--connect-to", f"{one.host}:443:127.0.0.1:{one.port}"]
    return command


def _openssl(backends: Sequence[LabBackend], root: str) -> list[str]:
    (one,) = backends
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{one.port}", "-servername", one.host]
    return [*command, "-verify_hostname", one.host, "-CAfile", root, "-showcerts"]


def _sslscan(backends: Sequence[LabBackend], _: str) -> list[str]:  # it takes no CA
    (one,) = backends
    return ["sslscan", "--no-colour", f"--sni-name={one.host}", f"127.0.0.1:{one.port}"]


def _testssl(backends: Sequence[LabBackend], root: str) -> list[str]:
    (one,) = backends
    options = ["--quiet", "--color", "0", "--warnings", "batch", "--add-ca", root, "--ip", "127.0.0.1", "-p", "-S"]
    return ["testssl", *options, f"{one.host}:{one.port}"]


def _sslyze_command(python: str, options: Sequence[str]) -> Command:
    def command(backends: Sequence[LabBackend], root: str) -> list[str]:
        places = [f"{b.host}:{b.port}{{127.0.0.1}}" for b in backends]
        return [python, "-W", "ignore", "-m", "sslyze", *options, "--certinfo_ca_file", root, *places]

    return command
