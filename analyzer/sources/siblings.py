"""Records in, the name of the log out that they are of, where it is a sibling of the gateway log: they share columns with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.sources.columns import normal

_SIBLINGS: Mapping[str, str] = {
    # value of Type or of Category, in lower case: the log's name
    # (https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/microsoft-apimanagement-service-logs)
    "apimanagementgatewayllmlog": "ApiManagementGatewayLlmLog",
    "gatewayllmlogs": "ApiManagementGatewayLlmLog",
    "apimanagementgatewaymcplog": "ApiManagementGatewayMCPLog",
    "gatewaymcplogs": "ApiManagementGatewayMCPLog",
    "apimanagementwebsocketconnectionlogs": "ApiManagementWebSocketConnectionLogs",
    "websocketconnectionlogs": "ApiManagementWebSocketConnectionLogs",
}


def sibling(records: Iterable[Mapping[str, object]]) -> str:
    """Why records are not of the gateway log, where each is of a sibling of it; "" where one is not, or there is none."""
    found = [_named(record) for record in records]
    if not found or not all(found):
        return ""
    return f"it holds {found[0]}, which does not say how backends were reached; export ApiManagementGatewayLogs"


def _named(record: Mapping[str, object]) -> str:
    said = (value for key, value in record.items() if normal(key) in ("type", "category"))
    return next((_SIBLINGS[text] for value in said if (text := str(value).casefold()) in _SIBLINGS), "")
