"""Fixes that several causes share, each with its owner and tier (rules 4 to 6: portal path; no command that writes the whole service)."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.causes.case import Case
from analyzer.model import Remedy, Tier, TierFrom

TEST_ONLY = "For proving the cause, in test. Switched off in production, the gateway accepts any server that answers on that address."
CA_COST = (
    "Takes 15 minutes or longer, more with units and regions; Developer tier is down meanwhile. "
    "The certificate is trusted machine-wide and may change other backends' chains. At most 10 CA certificates."
)

_BACKEND_PATCH = """az rest --method patch --headers 'If-Match=*' \\
  --url "https://management.azure.com$APIM_ID/backends/$BACKEND_ID?api-version=2024-05-01" \\
  --body '{"properties":{"tls":{"validateCertificateChain":%s,"validateCertificateName":%s}}}'"""


def tiers(case: Case) -> tuple[Tier, ...]:
    """The tiers to write remedies for: the gateway's own, or each where nothing said which it is."""
    return tuple(Tier) if case.gateway.tier_from is TierFrom.ASSUMED else (case.gateway.tier,)


def per_tier(case: Case, remedies: dict[Tier, Remedy]) -> Iterable[Remedy]:
    """Of remedies that differ by tier, those that this gateway needs."""
    return (remedies[tier] for tier in tiers(case) if tier in remedies)


def skip_validation(case: Case, *, chain: bool, name: bool) -> Remedy:
    """The article's step that proves the cause: the backend entity's switch, off.

    The command is given only where the log shows that calls really go through a backend entity; its id and the
    service's are left to the reader as variables, because they come from a log.
    """
    flags = [f for f, off in (("Validate certificate chain", chain), ("Validate certificate name", name)) if off]
    words = " and ".join(f"“{f}”" for f in flags)
    if case.cluster.backend.backend_ids:
        return Remedy(
            owner="gateway",
            text=f"To prove the cause: APIs > Backends > {', '.join(case.cluster.backend.backend_ids)} > clear {words}, call again, "
            "then set it back. The command does the same; set APIM_ID to the service's resource id and BACKEND_ID to the entity.",
            command=_BACKEND_PATCH % (str(not chain).lower(), str(not name).lower()),
            caution=TEST_ONLY,
        )
    return Remedy(
        owner="gateway",
        text=f"To prove the cause: create a backend entity for this URL (APIs > Backends > Add), clear {words}, "
        "make the API use it (set-backend-service backend-id), call again."
        + (" The log shows no backend entity for this backend." if case.logged else ""),
        caution=TEST_ONLY,
    )


def give_ca(case: Case, what: str, store: str) -> tuple[Remedy, ...]:
    """How each tier is given a CA certificate; `store` is "Root" or "Intermediate"."""
    upload = f"Security > Certificates > CA certificates > + Add: {what}, as .cer, store {store}; Save."
    return tuple(
        per_tier(
            case,
            {
                Tier.CLASSIC: Remedy(owner="gateway", tier=Tier.CLASSIC, text=upload, caution=CA_COST),
                Tier.V2: Remedy(
                    owner="gateway",
                    tier=Tier.V2,
                    text=f"APIs > Backends > the entity for this URL > authorization credentials: add the CA certificate details of {what}.",
                    caution="The service's own list of CA certificates is accepted and ignored on v2 tiers.",
                ),
                Tier.CONSUMPTION: Remedy(
                    owner="backend",
                    tier=Tier.CONSUMPTION,
                    text="Serve a certificate of a publicly trusted CA: the Consumption tier takes no CA certificates.",
                ),
                Tier.SELF_HOSTED: Remedy(
                    owner="gateway",
                    tier=Tier.SELF_HOSTED,
                    text=f"Give {what} to this gateway: as a certificate authority of the gateway resource "
                    f"(isTrusted {'true' if store == 'Root' else 'false'}), or mounted into the container with "
                    "certificates.local.ca.enabled=true.",
                    caution="The service's list of CA certificates does not reach a self-hosted gateway.",
                ),
            },
        )
    )


def send_chain(missing: str) -> Remedy:
    """The server sends what it omits; `missing` names it."""
    return Remedy(
        owner="backend",
        text=f"Send the full chain: append {missing} to the certificate file the server presents (leaf first, the root may stay out).",
    )


def serve_trusted(host: str) -> Remedy:
    """The server presents another CA's certificate."""
    return Remedy(
        owner="backend",
        text=f"Serve a certificate for {host} of a CA that the gateway trusts, such as a public one, with its full chain.",
    )


def renew(what: str) -> Remedy:
    """The backend's owner replaces a certificate."""
    return Remedy(owner="backend", text=f"{what} Check afterwards with: apim-triage check HOST:PORT.")
