"""Many backends at once: targets in, one evidence/1 entry for each out, in their order, whatever their servers do."""

from __future__ import annotations

import asyncio
import base64
from typing import AbstractSet, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from analyzer.probing import connection, encrypted, plan
from analyzer.probing.aia import Issuers
from analyzer.probing.connection import Connection
from analyzer.probing.descriptors import room
from analyzer.probing.dns import Address, Lookups
from analyzer.probing.handshake import Entry, NoConnection, Outcome, Stage, entry, failed
from analyzer.probing.loop import finished
from analyzer.probing.policy import Policy
from analyzer.probing.profiles import offer as offer_of
from analyzer.probing.proxy import Proxy
from analyzer.probing.questions import DIAGNOSTIC
from analyzer.probing.route import PAUSE, Route, Routes
from analyzer.probing.target import BadName, Target, ascii_name, is_address, sni_of

TOOL = "apim-triage"
VERSION = "0.1.0"

OnDone = Callable[[int, int], None]

_SAYS_LITTLE = (
    Outcome.REFUSED,
    Outcome.CONNECT_TIMEOUT,
    Outcome.UNREACHABLE,
    Outcome.CONNECT_FAILED,
    Outcome.FORBIDDEN,
    Outcome.RESOLVER_FAILED,
)
"""Of several addresses, one that connects comes first; then in this order: no route from here says little."""


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
    """Ask every target; in the order of the targets, one entry for each address of each that was asked, in a row.

    At most 8 addresses of a name are asked; what they show most comes first. Hosts are asked `parallel` at once, as far as
    this process may open files; the connections to one host never overlap. `deadline`: seconds for all that is done about
    one target, its addresses and tries together, so that a silent one costs one deadline and no more. `on_done`
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
    hosts = _by_host(asked)
    with room(max(1, min(parallel, len(hosts)))) as at_once:

        async def ask_all() -> List[Entry]:
            return await run.ask_all(hosts, at_once, on_done)

        return finished(ask_all)


def _by_host(asked: Sequence[Target]) -> List[List[Tuple[int, Target]]]:
    """The targets with their places, those of one host together."""
    hosts: Dict[str, List[Tuple[int, Target]]] = {}
    for place, target in enumerate(asked):
        hosts.setdefault(target.host.lower().rstrip("."), []).append((place, target))
    return list(hosts.values())


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
        lookups = Lookups()
        self._routes = Routes(policy, lookups, proxy)
        through = None if proxy is None else proxy.label
        known = frozenset() if issuers is None else issuers
        agent = f"{TOOL}/{VERSION}"
        self._issuers = None if issuers is None else Issuers(policy, lookups, known, agent, through)

    async def ask_all(
        self, hosts: Sequence[Sequence[Tuple[int, Target]]], at_once: int, on_done: Optional[OnDone]
    ) -> List[Entry]:
        of_all = sum(map(len, hosts))
        entries: List[List[Entry]] = [[] for _ in range(of_all)]
        waiting = iter(hosts)
        done = 0

        async def worker() -> None:
            nonlocal done
            for of_one in waiting:
                for place, target in of_one:
                    entries[place] = await self._ask(target)
                    done += 1
                    if on_done is not None:
                        on_done(done, of_all)

        await asyncio.gather(*(worker() for _ in range(at_once)))
        return [entry for of_one in entries for entry in of_one]

    async def _ask(self, target: Target) -> List[Entry]:
        """All that one target shows within the deadline: one `backends` entry of evidence/1 for each address asked."""
        now = asyncio.get_running_loop().time
        began = now()
        until = began + self._deadline
        addresses: List[Address] = []
        tried: List[Entry] = []  # lookups that failed, before one stood
        sni = None
        try:
            sni = sni_of(target.server_name)
            name, port = _place(target)
            addresses = await self._routes.resolve(name, port, until, _first_offer(target), tried)
            routes, forbidden = await self._routes.to(addresses, name, port, until)
        except BadName as error:
            not_a_name = entry(_first_offer(target), Outcome.NAME_NOT_FOUND, Stage.RESOLVE, detail=str(error))
            return [self._entry(target, sni, addresses, None, [not_a_name])]
        except NoConnection as failure:
            tried.append(failed(_first_offer(target), failure, now() - began))
            return [self._entry(target, sni, addresses, failure.address, tried)]
        found = []
        for number, route in enumerate(routes):
            share = now() + (until - now()) / (len(routes) - number)  # so that a dead address leaves time for the next
            handshakes = await self._interview(route, target, sni, share)
            found.append(self._entry(target, sni, addresses, route.address, [*tried, *handshakes]))
        for one in found:  # last of all, so that a slow server of a CA takes no time from an address of the backend
            one["aia"] = await self._missing_issuers(one["handshakes"], until)
        if forbidden:
            left_alone = NoConnection(Outcome.FORBIDDEN, Stage.CONNECT, forbidden)
            found.append(self._entry(target, sni, addresses, None, [failed(_first_offer(target), left_alone, 0.0)]))
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

    async def _interview(self, route: Route, target: Target, sni: Optional[str], until: float) -> List[Entry]:
        """Ask by the plan, one connection for each question, one after another.

        Each address that does not answer as it should is asked everything, because each is judged by itself.
        """
        now = asyncio.get_running_loop().time
        hello = offer_of(target.profile)
        done: List[Entry] = []
        offer: Optional[str] = _first_offer(target)
        while offer is not None and (not done or now() < until):
            if done and plan.answer(done[-1]) in plan.TRANSIENT:
                await asyncio.sleep(PAUSE)
            began = now()
            try:
                line = await route.connect(until)
            except NoConnection as failure:
                done.append(failed(offer, failure, now() - began))
            else:
                done.append(await self._shake(line, offer, target, sni, until))
            offer = plan.next_offer(done, hello, named=sni is not None)
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
    outcomes = [h["outcome"] for h in of_one["handshakes"]]
    return min(_SAYS_LITTLE.index(o) + 1 if o in _SAYS_LITTLE else 0 for o in outcomes)


def _place(target: Target) -> Tuple[str, int]:
    """The name or address and the port that TCP goes to. Raises BadName, NoConnection."""
    name = ascii_name(target.host if target.connect_host is None else target.connect_host)
    port = target.port if target.connect_port is None else target.connect_port
    if not 0 < port < 1 << 16:
        raise NoConnection(Outcome.CONNECT_FAILED, Stage.CONNECT, f"{port} is not a port")
    return name, port


def _first_offer(target: Target) -> str:
    return plan.GATEWAY if target.tls else plan.TCP
