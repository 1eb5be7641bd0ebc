"""What the query API, the sign-in or the network answers instead of rows in, what it means and what to do about it out.

https://learn.microsoft.com/azure/azure-monitor/logs/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum, auto

from analyzer.errors import SourceError
from analyzer.sources.workspace.places import SERVICES, Auth, Cloud, Place


class Kind(StrEnum):
    """Why a query gave no rows."""

    NO_CREDENTIAL = auto()  # no token could be had
    TOKEN_REFUSED = auto()
    FORBIDDEN = auto()
    PRIVATE = auto()  # queries from public networks are switched off
    NOT_FOUND = auto()  # no such workspace or resource
    NO_TABLE = auto()  # neither table is there, or its columns are not
    BASIC = auto()  # the table is on the Basic plan: `/search` may read it
    REFUSED = auto()  # the query, for another reason
    THROTTLED = auto()
    TIMED_OUT = auto()
    INCOMPLETE = auto()  # rows are missing, and not because there are too many
    TRUNCATED = auto()  # too many rows, and the window cannot be halved
    SERVICE = auto()  # 5xx
    BROKEN = auto()  # the answer broke off
    NOT_THE_API = auto()  # a page, or JSON of another shape
    UNRESOLVED = auto()
    UNTRUSTED = auto()
    PROXY = auto()
    UNREACHABLE = auto()


WILL_NOT_PASS = frozenset(Kind) - {
    Kind.TIMED_OUT,
    Kind.INCOMPLETE,
    Kind.TRUNCATED,
    Kind.SERVICE,
    Kind.BROKEN,
}
"""Kinds that meet every window of a place alike: there is no use in asking for the others. One that is throttled has waited a minute by then."""


class QueryFailed(Exception):
    """A query gave no rows. `detail` is a code or number of the service's, never its words: they may quote what was sent."""

    def __init__(self, kind: Kind, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(f"{kind} {detail}".rstrip())
        self.kind, self.detail = kind, detail
        self.retry_after = retry_after  # seconds; None: the service did not say
        self.skew: timedelta | None = None  # this machine's clock behind the service's; None: not known


def refused(status: int, code: str, message: str, *, retry_after: float | None = None) -> QueryFailed:
    """What an answer with an error means; `code` and `message` are the innermost ones."""
    said = re.sub(r"[^A-Za-z0-9_-]", "", code)[:60]
    detail = f"{status} {said}".rstrip()
    kind = _BY_STATUS.get(status, Kind.SERVICE if status >= 500 else Kind.REFUSED)
    if status == 403 and re.search(r"public network|private link|network security perimeter", message, re.IGNORECASE):
        kind = Kind.PRIVATE
    elif status == 403 and said.startswith("InvalidAuthenticationToken"):
        kind = Kind.TOKEN_REFUSED
    elif status == 400 and re.search(r"Basic (Logs|or Auxiliary)", message):
        kind = Kind.BASIC
    elif status == 400 and re.search(
        r"Failed to resolve|SEM0100|unknown table|must have at least one operand", f"{message} {code}"
    ):
        kind = Kind.NO_TABLE
    return QueryFailed(kind, detail, retry_after=retry_after)


_BY_STATUS: Mapping[int, Kind] = {
    401: Kind.TOKEN_REFUSED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    407: Kind.PROXY,
    408: Kind.TIMED_OUT,
    413: Kind.TRUNCATED,
    429: Kind.THROTTLED,
    504: Kind.TIMED_OUT,
}


def unsent(said: str) -> QueryFailed:
    """What it means that a request could not be sent; `said` is the library's words, which are looked at and not repeated."""
    if re.search(r"ProxyError|Tunnel connection failed|Cannot connect to proxy", said):
        return QueryFailed(Kind.PROXY)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return QueryFailed(Kind.UNTRUSTED)
    if re.search(r"NameResolutionError|Failed to resolve|getaddrinfo|Name or service not known", said):
        return QueryFailed(Kind.UNRESOLVED)
    return QueryFailed(Kind.UNREACHABLE)


def no_token(said: str) -> QueryFailed:
    """What it means that there is no token: the number that Microsoft Entra gave, where it did."""
    found = re.search(r"AADSTS\d{4,7}", said)
    return QueryFailed(Kind.NO_CREDENTIAL, found[0] if found else "")


_SKEW = timedelta(minutes=5)  # what Microsoft Entra allows for
_LOGIN: Mapping[Auth, str] = {
    Auth.DEFAULT: "`az login`, or name the one to use by --auth",
    Auth.CLI: "`az login` (and see that `az` is on the PATH)",
    Auth.ENV: "check AZURE_TENANT_ID, AZURE_CLIENT_ID and the secret or certificate",
    Auth.MANAGED_IDENTITY: "give this machine an identity, or name a user-assigned one in AZURE_CLIENT_ID",
    Auth.WORKLOAD_IDENTITY: "check the federated credential and AZURE_FEDERATED_TOKEN_FILE",
    Auth.BROWSER: "sign in in the browser that opens, or use `az login` and --auth cli",
}
_ENTRA: Mapping[str, str] = {
    "AADSTS50076": "multi-factor sign-in is asked for: `az login` anew",
    "AADSTS50079": "multi-factor sign-in is asked for: `az login` anew",
    "AADSTS700082": "the sign-in has expired: `az login` anew",
    "AADSTS70043": "the sign-in has expired: `az login` anew",
    "AADSTS700016": "the application is not known in this tenant; check AZURE_CLIENT_ID and AZURE_TENANT_ID",
    "AADSTS7000215": "AZURE_CLIENT_SECRET is wrong (it is the secret's value, not its ID)",
    "AADSTS7000222": "the client secret has expired; make a new one",
    "AADSTS90002": "there is no such tenant; check AZURE_TENANT_ID and --cloud",
    "AADSTS700024": "the assertion is not valid now: this machine's clock may be wrong",
    "AADSTS53003": "Conditional Access forbids it from here",
}
"""https://learn.microsoft.com/entra/identity-platform/reference-error-codes"""


def taught(failed: QueryFailed, place: Place, auth: Auth, cloud: Cloud) -> SourceError:
    """One line of what happened and what to do."""
    return SourceError(f"{place.name}: {words(failed, place, auth, cloud)}")


def words(failed: QueryFailed, place: Place, auth: Auth, cloud: Cloud) -> str:
    """What happened and what to do."""
    numbered = f" ({failed.detail})" if failed.detail else ""
    if failed.kind in (Kind.TOKEN_REFUSED, Kind.NO_CREDENTIAL) and failed.skew is not None and abs(failed.skew) > _SKEW:
        return f"this machine's clock is {_minutes(failed.skew)} the service's, so that no token holds; set the clock{numbered}"
    match failed.kind:
        case Kind.NO_CREDENTIAL:
            return f"there is no credential that works with --auth {auth}: {_ENTRA.get(failed.detail, _LOGIN[auth])}{numbered}"
        case Kind.TOKEN_REFUSED:
            return (
                "the token is not accepted: it may be of another tenant (`az login --tenant`, or set AZURE_TENANT_ID) "
                f"or of another cloud than --cloud {cloud}{numbered}"
            )
        case Kind.FORBIDDEN:
            return (
                f"the credential may not read it: {_role(place)}; what was given just now takes up to an hour{numbered}"
            )
        case Kind.PRIVATE:
            return (
                "it takes no queries from public networks: run this in a network of its private link scope, or let the scope or the "
                f"workspace (Network isolation) accept them{numbered}"
            )
        case Kind.NOT_FOUND:
            what = "resource" if place.is_resource else "workspace"
            hint = (
                "the resource id"
                if place.is_resource
                else "the Workspace ID on its Overview page, which is not the subscription's"
            )
            return f"there is no such {what} in the {cloud} cloud; check {hint}, and --cloud{numbered}"
        case Kind.NO_TABLE if place.insights:
            return f"it has none of AppExceptions, AppDependencies and AppRequests: name the workspace of the Application Insights resource{numbered}"
        case Kind.NO_TABLE:
            return (
                "it has neither ApiManagementGatewayLogs nor AzureDiagnostics with gateway logs: add a diagnostic setting "
                f"to the API Management service that sends GatewayLogs there, or name another workspace{numbered}"
            )
        case Kind.BASIC:
            return (
                "a table is on the Basic plan, and was asked for together with others: name this workspace alone, without --cross-workspace or --app-insights"
                f"{numbered}"
            )
        case Kind.REFUSED:
            return f"the query API refused the query{numbered}; `--print-query` shows it: run it in the portal, which says more"
        case Kind.THROTTLED:
            return f"the query API throttles (200 queries in 30 s, 5 at once, per user); wait a minute, or ask for less time{numbered}"
        case Kind.TIMED_OUT:
            return f"the query took longer than the API allows; ask for less time by --last or --from and --to, or shorter queries by --slice{numbered}"
        case Kind.TRUNCATED:
            return f"there are more rows than the API returns at once; ask for shorter queries by --slice{numbered}"
        case Kind.INCOMPLETE:
            return f"the workspace returned a part of the rows only; try again, or ask for shorter queries by --slice{numbered}"
        case Kind.SERVICE:
            return f"the query API is out of order, and stayed so; try again later{numbered}"
        case Kind.BROKEN:
            return f"the answer broke off, again and again; try again, or another network{numbered}"
        case Kind.NOT_THE_API:
            return (
                "what answered is not the query API: a proxy or a sign-in page stands between; open the network to "
                f"{SERVICES[cloud].endpoint.removeprefix('https://')}, or name the proxy in HTTPS_PROXY{numbered}"
            )
        case Kind.UNRESOLVED:
            return (
                f"{SERVICES[cloud].endpoint.removeprefix('https://')} does not resolve here: check the network, and where a private "
                "link scope is used, its DNS zone"
            )
        case Kind.UNTRUSTED:
            return "the certificate of the query API is not trusted here: where a proxy inspects TLS, name its root in REQUESTS_CA_BUNDLE"
        case Kind.PROXY:
            return f"the proxy did not let it through: check HTTPS_PROXY, and its user name and password{numbered}"
        case Kind.UNREACHABLE:
            return (
                f"{SERVICES[cloud].endpoint.removeprefix('https://')} cannot be reached: a firewall, a proxy or a private endpoint "
                "may stand between; HTTPS_PROXY names a proxy"
            )


def _role(place: Place) -> str:
    if place.is_resource and "/microsoft.apimanagement/" in place.id.lower():
        return 'it needs "Reader" on the API Management service, and the workspace must allow access by resource permissions'
    return 'it needs the role "Log Analytics Reader" on the workspace'


def _minutes(skew: timedelta) -> str:
    whole = round(abs(skew).total_seconds() / 60)
    return f"{whole:,} minutes {'behind' if skew > timedelta() else 'ahead of'}"
