"""Many backends at once: targets in, one evidence/1 entry for each out, in their order, whatever their servers do."""

from __future__ import annotations

import asyncio
import base64
import threading
from concurrent.futures import Future
from typing import AbstractSet, Any, Callable, Coroutine, Iterable, List, Optional, Sequence, Tuple

from analyzer.probing import connection, encrypted, plan
from analyzer.probing.aia import Issuers
from analyzer.probing.connection import TIMED_OUT, Connection
from analyzer.probing.dns import Address, Lookups
from analyzer.probing.handshake import Entry, NoConnection, Outcome, Stage, entry
from analyzer.probing.pace import PAUSE, Pace, enough_descriptors
from analyzer.probing.policy import Policy
from analyzer.probing.profiles import offer as offer_of
from analyzer.probing.profiles import suite_names
from analyzer.probing.proxy import Proxy
from analyzer.probing.questions import DIAGNOSTIC
from analyzer.probing.route import Route
from analyzer.probing.target import BadName, Target, ascii_name, is_address, sni_of

TOOL = "apim-triage"
VERSION = "0.1.0"

OnDone = Callable[[int, int], None]

MOST_ASKED = 8  # addresses of one name

_SAYS_LITTLE = (Outcome.REFUSED, Outcome.CONNECT_TIMEOUT, Outcome.UNREACHABLE, Outcome.CONNECT_FAILED)
"""Of several addresses, one that connects speaks first; then in this order: no route from here says least."""


def probe(
    targets: Iterable[Target],
    policy: Optional[Policy] = None,
    deadline: float = 10.0,
    parallel: int = 1024,
    on_done: Optional[OnDone] = None,
    *,
    request: bool = True,
    proxy: Optional[Proxy] = None,
    fetch: bool = True,
    issuers: AbstractSet[bytes] = frozenset(),
) -> List[Entry]:
    """Ask every target, `parallel` of them at once; in the order of the targets, one entry for each address of each that was asked.

    `deadline`: seconds for all that is done about one target, so that a silent one costs one deadline and no more. `on_done`
    is called with how many targets are done and how many there are. `request`: whether an HTTP request may follow a TLS 1.3
    handshake, which is how a required client certificate shows. `proxy`: where connections go through. `fetch`: whether an issuer
    that was not sent may be fetched over HTTP; `issuers`: raw subject names of certificates at hand, which need none. Works where an event
    loop runs already (in a notebook), then from a thread of its own, which also calls `on_done`. Raises ValueError for a
    profile that cannot be read.
    """
    asked = list(targets)
    for target in asked:
        offer_of(target.profile)
    run = _Run(policy or Policy(), deadline, request, proxy, issuers if fetch else None)

    async def ask_all() -> List[Entry]:
        return await run.ask_all(asked, parallel, on_done)

    with enough_descriptors(min(parallel, len(asked))):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(ask_all())
        return _in_thread(ask_all)


def _in_thread(ask_all: Callable[[], Coroutine[Any, Any, List[Entry]]]) -> List[Entry]:
    result: Future[List[Entry]] = Future()
    begun: Future[Tuple[asyncio.AbstractEventLoop, Optional[asyncio.Task[List[Entry]]]]] = Future()

    async def announced() -> List[Entry]:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await ask_all()

    def run() -> None:
        try:
            result.set_result(asyncio.run(announced()))
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


class _Run:
    """One run: what all its targets share."""

    def __init__(
        self,
        policy: Policy,
        deadline: float,
        request: bool,
        proxy: Optional[Proxy],
        issuers: Optional[AbstractSet[bytes]],
    ) -> None:
        self._policy = policy
        self._deadline = deadline
        self._request = request
        self._proxy = proxy
        self._lookups = Lookups()
        self._pace = Pace()
        through = None if proxy is None else proxy.label
        known = frozenset() if issuers is None else issuers
        agent = f"{TOOL}/{VERSION}"
        self._issuers = None if issuers is None else Issuers(policy, self._lookups, known, agent, through)

    async def ask_all(self, asked: Sequence[Target], parallel: int, on_done: Optional[OnDone]) -> List[Entry]:
        entries: List[List[Entry]] = [[] for _ in asked]
        waiting = iter(enumerate(asked))
        done = 0

        async def worker() -> None:
            nonlocal done
            for index, target in waiting:
                entries[index] = await self._ask(target)
                done += 1
                if on_done is not None:
                    on_done(done, len(asked))

        await asyncio.gather(*(worker() for _ in range(min(parallel, len(asked)))))
        return [entry for of_one in entries for entry in of_one]

    async def _ask(self, target: Target) -> List[Entry]:
        """All that one target shows within the deadline: one `backends` entry of evidence/1 for each address asked."""
        now = asyncio.get_running_loop().time
        began = now()
        until = began + self._deadline
        addresses: List[Address] = []
        sni = None
        try:
            sni = sni_of(target.server_name)
            name, port = _place(target)
            addresses = await self._addresses(name, port, until)
            routes = await self._routes(addresses, name, port, until)
        except BadName as error:
            failed = entry(_first_offer(target), Outcome.NAME_NOT_FOUND, Stage.RESOLVE, detail=str(error))
            return [self._entry(target, sni, addresses, None, [failed])]
        except NoConnection as failure:
            failed = _failed(_first_offer(target), failure, now() - began)
            return [self._entry(target, sni, addresses, failure.address, [failed])]
        found = []
        for tried, route in enumerate(routes):
            share = now() + (until - now()) / (len(routes) - tried)  # so that a dead address leaves time for the next
            handshakes = await self._interview(route, target, sni, share)
            found.append(self._entry(target, sni, addresses, route.address, handshakes))
        for one in found:  # last of all, so that a slow server of a CA takes no time from an address of the backend
            one["aia"] = await self._missing_issuers(one["handshakes"], until)
        return sorted(found, key=_silence)

    async def _missing_issuers(self, handshakes: List[Entry], until: float) -> List[Entry]:
        if self._issuers is None:
            return []
        chain = next((h["chain_b64"] for h in handshakes if h["chain_b64"]), ())
        return await self._issuers.complete([base64.b64decode(der) for der in chain], until)

    def _entry(
        self,
        target: Target,
        sni: Optional[str],
        addresses: Sequence[Address],
        address: Optional[str],
        handshakes: List[Entry],
    ) -> Entry:
        return {
            "host": target.host,
            "port": target.port,
            "server_name": target.server_name,
            "sni": sni,
            "address": address,
            "addresses": [a.text for a in addresses],
            "profile": target.profile,
            "pinned": target.connect_host is not None,
            "allowed": address is not None and self._policy.vouches_for(address),
            "proxy": None if self._proxy is None else self._proxy.label,
            "handshakes": handshakes,
            "aia": [],
        }

    async def _addresses(self, name: str, port: int, until: float) -> List[Address]:
        """Every address of the name; a name that this machine's resolver does not know is left to the proxy. Raises NoConnection."""
        try:
            return await self._resolve(name, port, until)
        except NoConnection:
            if self._proxy is None:
                raise
            return []

    async def _routes(self, addresses: Sequence[Address], name: str, port: int, until: float) -> List[Route]:
        """How to get there: each permitted address, or the proxy. Raises NoConnection.

        The address that was judged is the one that is connected to, so DNS cannot swap it. A proxy resolves the name again:
        one forbidden address is enough to leave it alone.
        """
        judged = [(a, self._policy.refusal(a.text)) for a in addresses]
        permitted = [a for a, refusal in judged if refusal is None]
        forbidden = [refusal for _, refusal in judged if refusal is not None]
        if forbidden and (not permitted or self._proxy is not None):
            raise NoConnection(Outcome.FORBIDDEN, Stage.CONNECT, "; ".join(forbidden[:3]))
        if self._proxy is None:
            return [Route(a) for a in permitted[:MOST_ASKED]]
        proxies = await self._resolve(ascii_name(self._proxy.host), self._proxy.port, until)
        denied = self._policy.denial(proxies[0].text)
        if denied is not None:
            raise NoConnection(Outcome.FORBIDDEN, Stage.CONNECT, f"the proxy {denied}")
        return [Route(proxies[0], self._proxy, name, port)]

    async def _resolve(self, name: str, port: int, until: float) -> List[Address]:
        """Every address of the name; a resolver that fails for the moment is asked once more."""
        now = asyncio.get_running_loop().time
        for last in (False, True):
            try:
                return await asyncio.wait_for(self._lookups.addresses(name, port), until - now())
            except TIMED_OUT:
                raise NoConnection(Outcome.RESOLVER_FAILED, Stage.RESOLVE, "no answer before the deadline") from None
            except NoConnection as failure:
                if last or failure.outcome != Outcome.RESOLVER_FAILED:
                    raise
            await asyncio.sleep(PAUSE)
        raise AssertionError

    async def _interview(self, route: Route, target: Target, sni: Optional[str], until: float) -> List[Entry]:
        """Ask by the plan, one connection for each question."""
        now = asyncio.get_running_loop().time
        offered = frozenset(suite_names(target.profile))
        done: List[Entry] = []
        offer: Optional[str] = _first_offer(target)
        while offer is not None and (not done or now() < until):
            await self._pace.turn(target.host, again=bool(done) and plan.answer(done[-1]) in plan.TRANSIENT)
            began = now()
            try:
                line = await route.connect(until)
            except NoConnection as failure:
                done.append(_failed(offer, failure, now() - began))
            else:
                done.append(await self._shake(line, offer, target, sni, until))
            offer = plan.next_offer(done, offered, named=sni is not None)
        return done

    async def _shake(self, line: Connection, offer: str, target: Target, sni: Optional[str], until: float) -> Entry:
        if offer == plan.TCP:
            line.socket.close()
            return entry(offer, Outcome.COMPLETED, Stage.CONNECT, seconds=line.round_trip)
        if offer == plan.TLS13_FULL:
            request = _request(target.server_name) if self._request else b""
            return await encrypted.shake(line, offer, sni, request, until)
        hello = DIAGNOSTIC[offer] if offer in DIAGNOSTIC else offer_of(target.profile)
        return await connection.shake(line, hello, offer, None if offer == plan.NO_SNI else sni, until)


def _request(server_name: str) -> bytes:
    """A request that changes nothing and says who asks (RFC 9110 section 9.3.2)."""
    host = f"[{server_name}]" if is_address(server_name) and ":" in server_name else ascii_name(server_name)
    head = (
        f"HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {TOOL}/{VERSION}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii")


def _silence(of_one: Entry) -> int:
    outcome = of_one["handshakes"][0]["outcome"]
    return _SAYS_LITTLE.index(outcome) + 1 if outcome in _SAYS_LITTLE else 0


def _place(target: Target) -> Tuple[str, int]:
    """The name or address and the port that TCP goes to. Raises BadName, NoConnection."""
    name = ascii_name(target.host if target.connect_host is None else target.connect_host)
    port = target.port if target.connect_port is None else target.connect_port
    if not 0 < port < 1 << 16:
        raise NoConnection(Outcome.CONNECT_FAILED, Stage.CONNECT, f"{port} is not a port")
    return name, port


def _first_offer(target: Target) -> str:
    return plan.GATEWAY if target.tls else plan.TCP


def _failed(offer: str, failure: NoConnection, seconds: float) -> Entry:
    return entry(offer, failure.outcome, failure.stage, detail=failure.detail, seconds=seconds)
