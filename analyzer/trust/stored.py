"""Microsoft's list as `apim-triage trust update` keeps it: one file in the user's data folder."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from analyzer.errors import CertificateFileError
from analyzer.trust.roots import Store, load_store

FOLDER = "APIM_TRIAGE_DATA"
"""Environment variable that names another data folder."""

NAME = "ccadb-microsoft.csv"


def data_folder() -> Path:
    """Where this user's programs keep data: %LOCALAPPDATA%, ~/Library/Application Support, or $XDG_DATA_HOME (freedesktop.org, basedir)."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "apim-triage"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "apim-triage"
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "apim-triage"


def stored_list() -> Path:
    """The file, whether or not it is there."""
    return data_folder() / NAME


def stored_at() -> datetime | None:
    """When it was stored, UTC; None: there is none."""
    try:
        return datetime.fromtimestamp(stored_list().stat().st_mtime, UTC)
    except OSError:
        return None


def load_stored() -> Store:
    """The stored list; CertificateFileError (one line) where there is none, or it is not what was stored."""
    path = stored_list()
    if not path.exists():
        raise CertificateFileError("--trust-store microsoft: no list is stored; `apim-triage trust update` fetches it")
    again = "run `apim-triage trust update` again, or name another with --trust-store certifi"
    try:
        store = load_store(str(path))
    except CertificateFileError as error:
        raise CertificateFileError(f"{error}; {again}") from error
    if not store.microsofts:
        raise CertificateFileError(f"{path}: not the CCADB's report of Microsoft's program; {again}")
    count = len(store.roots) + len(store.fingerprints)
    return replace(store, words=f"the {count} roots of Microsoft's program that `apim-triage trust update` fetched")
