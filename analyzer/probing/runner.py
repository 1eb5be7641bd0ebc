"""Many backends at once: targets in, one evidence/1 entry for each out, in their order, whatever their servers do."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Callable, Iterable, List, Optional, Sequence, Tuple

from analyzer.probing import connection, encrypted, plan
from analyzer.probing.connection import TIMED_OUT, Connection
from analyzer.probing.dns import Address, Lookups
from analyzer.probing.handshake import Entry, NoConnection, Outcome, Stage, entry
from analyzer.probing.hello import DIAGNOSTIC, PROFILES
from analyzer.probing.policy import Policy
from analyzer.probing.target import BadName, Target, ascii_name, is_address, sni_of

TOOL = "apim-triage"
VERSION = "0.1.0"

OnDone = Callable[[int, int], None]

_MOST_TELLING = (Outcome.REFUSED, Outcome.CONNECT_TIMEOUT, Outcome.UNREACHABLE, Outcome.CONNECT_FAILED)
"""Where none of several addresses connects, the first of these speaks for the backend: no route from here says little."""


def probe(
    targets: Iterable[Target],
    policy: Optional[Policy] = None,
    deadline: float = 10.0,
    parallel: int = 128,
    on_done: Optional[OnDone] = None,
) -> List[Entry]:
    """Ask every target, `parallel` of them at once, and return their entries in the order of the targets.

    `deadline`: seconds for all that is done about one target, so that a silent one costs one deadline and no more. `on_done`
    is called with how many are done and how many there are. Works where an event loop runs already (in a notebook), then
    from a thread of its own, which also calls `on_done`. Raises ValueError for a profile that does not exist.
    """
    asked = list(targets)
    for target in asked:
        if target.profile not in PROFILES:
            raise ValueError(f"no such profile: {target.profile!r}; there are {', '.join(PROFILES)}")
    policy = policy or Policy()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_ask_all(asked, policy, deadline, parallel, on_done))
    return _in_thread(asked, policy, deadline, parallel, on_done)


def _in_thread(
    asked: Sequence[Target], policy: Policy, deadline: float, parallel: int, on_done: Optional[OnDone]
) -> List[Entry]:
    result: Future[List[Entry]] = Future()
    begun: Future[Tuple[asyncio.AbstractEventLoop, Optional[asyncio.Task[List[Entry]]]]] = Future()

    async def ask_all() -> List[Entry]:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await _ask_all(asked, policy, deadline, parallel, on_done)

    def run() -> None:
        try:
            result.set_result(asyncio.run(ask_all()))
        except BaseException as error:  # noqa: BLE001  it is raised where the result is asked for
            result.set_exception(error)

    thread = threading.Thread(target=run, name="probe")
    thread.start()
    try:
        return result.result()
    except KeyboardInterrupt:
        loop, task = begun.result()
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        thread.join()


async def _ask_all(
    asked: Sequence[Target], policy: Policy, deadline: float, parallel: int, on_done: Optional[OnDone]
) -> List[Entry]:
    lookups = Lookups()
    entries: List[Entry] = [{} for _ in asked]
    waiting = iter(enumerate(asked))
    done = 0

    async def worker() -> None:
        nonlocal done
        for index, target in waiting:
            entries[index] = await _ask(target, policy, lookups, deadline)
            done += 1
            if on_done is not None:
                on_done(done, len(asked))

    await asyncio.gather(*(worker() for _ in range(min(parallel, len(asked)))))
    return entries


async def _ask(target: Target, policy: Policy, lookups: Lookups, deadline: float) -> Entry:
    """All that one target shows within the deadline, as a `backends` entry of evidence/1."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    until = started + deadline
    addresses: List[Address] = []
    address: Optional[str] = None
    sni = None
    try:
        sni = sni_of(target.server_name)
        addresses = await _resolve(target, lookups, until)
        reached, line = await _reach(addresses, policy, until)
        address = reached.text
        handshakes = await _interview(line, reached, target, sni, until)
    except BadName as error:
        handshakes = [entry(_first_offer(target), Outcome.NAME_NOT_FOUND, Stage.RESOLVE, detail=str(error))]
    except NoConnection as failure:
        address = failure.address
        handshakes = [_failed(_first_offer(target), failure, loop.time() - started)]
    return {
        "host": target.host,
        "port": target.port,
        "server_name": target.server_name,
        "sni": sni,
        "address": address,
        "addresses": [a.text for a in addresses],
        "profile": target.profile,
        "pinned": target.connect_host is not None,
        "allowed": address is not None and policy.vouches_for(address),
        "handshakes": handshakes,
        "aia": [],
    }


async def _resolve(target: Target, lookups: Lookups, until: float) -> List[Address]:
    name = ascii_name(target.host if target.connect_host is None else target.connect_host)
    port = target.port if target.connect_port is None else target.connect_port
    if not 0 < port < 1 << 16:
        raise NoConnection(Outcome.CONNECT_FAILED, Stage.CONNECT, f"{port} is not a port")
    try:
        return await asyncio.wait_for(lookups.addresses(name, port), until - asyncio.get_running_loop().time())
    except TIMED_OUT:
        raise NoConnection(Outcome.RESOLVER_FAILED, Stage.RESOLVE, "no answer before the deadline") from None


async def _reach(addresses: Sequence[Address], policy: Policy, until: float) -> Tuple[Address, Connection]:
    """The first permitted address that connects; the one judged is the one connected to, so DNS cannot swap it."""
    judged = [(a, policy.refusal(a.text)) for a in addresses]
    permitted = [a for a, refusal in judged if refusal is None]
    if not permitted:
        raise NoConnection(Outcome.FORBIDDEN, Stage.CONNECT, "; ".join(refusal for _, refusal in judged[:3] if refusal))
    now = asyncio.get_running_loop().time
    failures: List[NoConnection] = []
    for tried, address in enumerate(permitted):
        share = (until - now()) / (len(permitted) - tried)  # so that a dead address leaves time for the next
        try:
            return address, await connection.connect(address, now() + share)
        except NoConnection as failure:
            failures.append(failure)
    telling = min(failures, key=lambda f: _MOST_TELLING.index(f.outcome))
    details = "; ".join(f.detail for f in failures[:3])
    raise NoConnection(telling.outcome, telling.stage, details, telling.address)


async def _interview(
    line: Connection, address: Address, target: Target, sni: Optional[str], until: float
) -> List[Entry]:
    """Ask by the plan, one connection for each question; the first one stands already."""
    if not target.tls:
        line.socket.close()
        return [entry(plan.TCP, Outcome.COMPLETED, Stage.CONNECT, seconds=line.round_trip)]
    now = asyncio.get_running_loop().time
    done = [await _shake(line, plan.GATEWAY, target, sni, until)]
    offer = plan.next_offer(done)
    while offer is not None and now() < until:
        started = now()
        try:
            line = await connection.connect(address, until)
        except NoConnection as failure:
            done.append(_failed(offer, failure, now() - started))
        else:
            done.append(await _shake(line, offer, target, sni, until))
        offer = plan.next_offer(done)
    return done


async def _shake(line: Connection, offer: str, target: Target, sni: Optional[str], until: float) -> Entry:
    if offer == plan.TLS13_FULL:
        return await encrypted.shake(line, offer, sni, _request(target.server_name), until)
    hello = PROFILES[target.profile] if offer == plan.GATEWAY else DIAGNOSTIC[offer]
    return await connection.shake(line, hello, offer, sni, until)


def _request(server_name: str) -> bytes:
    """A request that changes nothing and says who asks (RFC 9110 section 9.3.2)."""
    host = f"[{server_name}]" if is_address(server_name) and ":" in server_name else ascii_name(server_name)
    head = (
        f"HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {TOOL}/{VERSION}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii")


def _first_offer(target: Target) -> str:
    return plan.GATEWAY if target.tls else plan.TCP


def _failed(offer: str, failure: NoConnection, seconds: float) -> Entry:
    return entry(offer, failure.outcome, failure.stage, detail=failure.detail, seconds=seconds)
