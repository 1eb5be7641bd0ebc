"""How to get to a backend: a name in, the routes that the policy leaves out, straight to an address or through a proxy; and a connection by one of them."""

from __future__ import annotations

import asyncio
from typing import List, NamedTuple, Optional, Sequence, Tuple

from analyzer.probing import connection
from analyzer.probing import proxy as proxies
from analyzer.probing.connection import TIMED_OUT, Connection
from analyzer.probing.deadline import ends_by
from analyzer.probing.dns import Address, Lookups
from analyzer.probing.handshake import Entry, NoConnection, Outcome, Stage, failed
from analyzer.probing.policy import Policy
from analyzer.probing.proxy import Proxy
from analyzer.probing.target import ascii_name, is_address, is_local

MOST_ASKED = 8  # addresses of one name
PAUSE = 0.05  # seconds before the question that follows what may be an accident


class Route(NamedTuple):
    """One way to a backend."""

    first: Address  # where TCP goes
    proxy: Optional[Proxy] = None
    host: str = ""  # what the proxy is asked for
    port: int = 0

    @property
    def address(self) -> Optional[str]:
        """The backend's address; None: the proxy knows it."""
        return self.first.text if self.proxy is None else None

    async def connect(self, until: float) -> Connection:
        """Connect before the loop's time `until`; the caller closes the socket. Raises NoConnection."""
        if self.proxy is None:
            return await connection.connect(self.first, until)
        now = asyncio.get_running_loop().time
        label = self.proxy.label
        try:
            line = await connection.connect(self.first, until)
        except NoConnection as failure:
            detail = f"the proxy {label}: {failure.detail}"
            raise NoConnection(Outcome.PROXY_FAILED, Stage.CONNECT, detail) from None
        try:
            with ends_by(until):
                await proxies.tunnel(line.socket, self.proxy, self.host, self.port)
        except BaseException as error:
            line.socket.close()
            if isinstance(error, TIMED_OUT):
                raise NoConnection(Outcome.PROXY_FAILED, Stage.CONNECT, f"the proxy {label} does not answer") from None
            if isinstance(error, OSError):
                raise NoConnection(Outcome.PROXY_FAILED, Stage.CONNECT, f"the proxy {label} hung up") from None
            raise
        return line._replace(round_trip=now() - line.started)


class Routes:
    """The routes of one run: its policy, its lookups and its proxy."""

    def __init__(self, policy: Policy, lookups: Lookups, proxy: Optional[Proxy]) -> None:
        self._policy = policy
        self._lookups = lookups
        self._proxy = proxy

    async def to(self, addresses: Sequence[Address], name: str, port: int, until: float) -> Tuple[List[Route], str]:
        """How to get there: each permitted address, or the proxy; and why the other addresses are left alone. Raises NoConnection.

        The address that was judged is the one that is connected to, so DNS cannot swap it. A proxy resolves the name again:
        one forbidden address is enough to leave it alone.
        """
        judged = [(a, self._policy.refusal(a.text)) for a in addresses]
        permitted = [a for a, refusal in judged if refusal is None]
        forbidden = "; ".join(refusal for _, refusal in judged if refusal is not None)
        if forbidden and (not permitted or self._proxy is not None):
            raise NoConnection(Outcome.FORBIDDEN, Stage.CONNECT, forbidden)
        if self._proxy is None:
            return [Route(a) for a in permitted[:MOST_ASKED]], forbidden
        return [await self._through(self._proxy, name, port, until)], ""

    async def _through(self, proxy: Proxy, name: str, port: int, until: float) -> Route:
        """The way through the proxy, whose address is the user's choice: only what the user denies is refused."""
        try:
            found = await self._lookup(ascii_name(proxy.host), proxy.port, until)
        except NoConnection as failure:
            detail = f"the proxy {proxy.label}: {failure.detail}"
            raise NoConnection(Outcome.PROXY_FAILED, Stage.CONNECT, detail) from None
        denied = self._policy.denial(found[0].text)
        if denied is not None:
            raise NoConnection(Outcome.FORBIDDEN, Stage.CONNECT, f"the proxy {denied}")
        return Route(found[0], proxy, name, port)

    async def resolve(self, name: str, port: int, until: float, offer: str, tried: List[Entry]) -> List[Address]:
        """Every address of the name; a resolver that fails for the moment is asked once more, and `tried` tells. Raises NoConnection.

        Behind a proxy, this machine's resolver need not know the name: then none is found, and the proxy is left to know it.
        """
        now = asyncio.get_running_loop().time
        began = now()
        if self._proxy is not None:
            until = began + (until - began) / 2  # the proxy needs time too
        try:
            try:
                return await self._lookup(name, port, until)
            except NoConnection as failure:
                if failure.outcome != Outcome.RESOLVER_FAILED or now() + PAUSE >= until:
                    raise
                tried.append(failed(offer, failure, now() - began))
            await asyncio.sleep(PAUSE)
            return await self._lookup(name, port, until)
        except NoConnection:
            if self._proxy is None or is_local(name):
                raise
            tried.clear()
            return []

    async def _lookup(self, name: str, port: int, until: float) -> List[Address]:
        if is_address(name):
            return await self._lookups.addresses(name, port)  # nothing to wait for
        try:
            with ends_by(until):
                return await self._lookups.addresses(name, port)
        except TIMED_OUT:
            raise NoConnection(Outcome.RESOLVER_FAILED, Stage.RESOLVE, "no answer before the deadline") from None
