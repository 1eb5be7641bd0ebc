"""How to get to a backend: straight to one address, or through a proxy; a deadline in, a connection out."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Optional

from analyzer.probing import connection
from analyzer.probing import proxy as proxies
from analyzer.probing.connection import TIMED_OUT, Connection
from analyzer.probing.deadline import ends_by
from analyzer.probing.dns import Address
from analyzer.probing.handshake import NoConnection, Outcome, Stage
from analyzer.probing.proxy import Proxy


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
