"""Send a message to a webhook whose address is the secret: over https only, tried again where that may help, and never said."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from analyzer.errors import OutputError, UsageError

ATTEMPTS = 4
LONGEST_WAIT = 30.0
"""Seconds that a Retry-After is followed at most; one that asks for more ends the attempts."""

_TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two bytes of the answer
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_NAME = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_MOST_READ = 4096


def address_of(word: str, environment: Mapping[str, str] = os.environ) -> str:
    """The address that `env:NAME` names. Raises UsageError, without repeating the word where it may be the address itself."""
    match = _NAME.fullmatch(word)
    if match is None:
        raise UsageError("--post: write env:NAME; the address is a secret, so it is read from the environment alone")
    url = environment.get(match[1], "").strip()
    if not url:
        raise UsageError(f"--post {word}: the environment has no {match[1]}; set it to the webhook's https address")
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError(f"--post {word}: {match[1]} is not an https address; copy the webhook's address whole")
    return url


def send(content: bytes, word: str, *, url: str, pause: Callable[[float], None] = time.sleep) -> None:
    """POST the JSON; returns once the webhook has taken it.

    Tried again, at most `ATTEMPTS` times in all, where the connection fails before anything was sent, and on the statuses that
    mean later (RFC 9110 section 15, RFC 6585 section 4); a lost answer is not, so that nothing is posted twice. Redirects are not
    followed: they could lead the message and the secret elsewhere. `word` is what messages call the address. Raises OutputError.
    """
    import requests  # late: slow to load, and few runs post

    said = ""
    with _silence("urllib3", "requests"), requests.Session() as session:
        session.auth = lambda request: request  # none: not the .netrc's either
        for attempt in range(ATTEMPTS):
            wait = 2.0**attempt
            try:
                with session.post(
                    url,
                    data=content,
                    headers={"Content-Type": "application/json"},
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    body = answer.raw.read(_MOST_READ, decode_content=True)
                    status, asked = answer.status_code, answer.headers.get("Retry-After")
            except requests.exceptions.SSLError:
                raise _failed(
                    word, "its certificate is not trusted here (REQUESTS_CA_BUNDLE names other CAs)"
                ) from None
            except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError):
                said = "no connection"
            except requests.exceptions.ConnectionError as error:
                if not _before_sending(error):
                    raise _failed(word, "the connection broke; whether the message arrived is not known") from None
                said = "no connection"
            except (requests.RequestException, OSError, ValueError):
                raise _failed(word, "no answer came; whether the message arrived is not known") from None
            else:
                if 200 <= status < 300:
                    # Office connectors answer 200 and tell of the failure in the text (Microsoft: Rate limiting for connectors)
                    if b"delivery failed" not in body.lower():
                        return
                    said = "it took the message and could not deliver it"
                elif status not in _AGAIN:
                    raise _failed(word, f"it answered {status}" + (", a redirect" if 300 <= status < 400 else ""))
                else:
                    said, wait = f"it answered {status}", _wait(asked, wait)
            if attempt + 1 == ATTEMPTS or wait > LONGEST_WAIT:
                break
            pause(wait)
    raise _failed(word, f"{said}, {attempt + 1} times")


def _before_sending(error: Exception) -> bool:
    """Whether the connection never stood: refused, unreachable, no such name."""
    from urllib3.exceptions import NameResolutionError, NewConnectionError

    return any(isinstance(one, NewConnectionError | NameResolutionError) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return iter(seen)


def _wait(asked: str | None, otherwise: float) -> float:
    """Seconds of a Retry-After header (RFC 9110 section 10.2.3); a date, which servers of this kind do not send, is not followed."""
    return float(asked) if asked and asked.strip().isdigit() and len(asked) < 10 else otherwise


def _failed(word: str, why: str) -> OutputError:
    return OutputError(f"--post {word}: not posted: {why}; the report is written, post its card.json again")


@contextmanager
def _silence(*names: str) -> Iterator[None]:
    """These libraries log the address of what fails."""
    loggers = [logging.getLogger(name) for name in (*names, "urllib3.connectionpool")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
