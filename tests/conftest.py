"""What every test may use: a marker for outside programs, which skip where they are absent and fail where they must be there."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import hypothesis
import pytest

hypothesis.settings.register_profile("patient", deadline=None)  # how long an example takes is the machine's affair
hypothesis.settings.load_profile("patient")

SYSTEM_FOLDERS = "/usr/sbin:/sbin"  # not on every user's PATH


def pytest_configure() -> None:
    # a list of roots that a developer has stored must not decide a test
    os.environ["APIM_TRIAGE_DATA"] = os.path.join(tempfile.gettempdir(), f"apim-triage-none-{os.getpid()}")
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [name for marker in item.iter_markers("tool") for name in marker.args if shutil.which(name) is None]
    need(not missing, f"not installed: {', '.join(missing)}")


def need(given: bool, reason: str) -> None:
    """Skip the test where what it needs is not given; fail it where APIM_TRIAGE_NO_SKIP says that it must be."""
    if given:
        return
    if os.environ.get("APIM_TRIAGE_NO_SKIP"):
        pytest.fail(f"{reason}, and APIM_TRIAGE_NO_SKIP is set", pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def unused_port() -> Iterator[Callable[[], int]]:
    """Ports of 127.0.0.1 that refuse: bound for as long as the test runs, and listening to nobody."""
    with ExitStack() as held:

        def port() -> int:
            bound = held.enter_context(socket.socket())
            bound.bind(("127.0.0.1", 0))
            return int(bound.getsockname()[1])

        yield port
