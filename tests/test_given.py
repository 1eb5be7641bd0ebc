"""What each gateway is taken to trust: the command line's certificates, held against what its settings say was given to it."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.attribution import Anchors
from analyzer.given import Given, given_to, said_of
from analyzer.model import Gateway, Tier, TierFrom
from analyzer.settings import Configured, configure
from tests import make
from tests.settings import nouns
from tests.settings.given import sha1

ROOT, PUBLIC = make.ca("Corp Root"), make.ca("Public Root")
ISSUING = make.intermediate("Corp Issuing", ROOT)
BASE = Anchors(roots=(PUBLIC.der, ROOT.der), intermediates=(ISSUING.der,), given=(ROOT.der,))
BARE = Anchors(roots=(PUBLIC.der,))


def configured(tier: Tier = Tier.CLASSIC, **service: Any) -> Configured:
    gateway = Gateway(id=f"{nouns.ID}@onprem", name="x", region="onprem", tier=tier, tier_from=TierFrom.OPTION)
    _, found = configure(gateway, nouns.settings(nouns.service(**service)))
    assert found is not None
    return found


def ca(one: make.Issued, store: str = "Root", **changes: Any) -> Any:
    return nouns.uploaded(sha1(one.certificate), store, **changes)


def trusts(given: Given) -> tuple[bool, bool]:
    """Whether the private root and the intermediate are among what the gateway has."""
    return ROOT.der in given.anchors.roots, ISSUING.der in given.anchors.intermediates


def test_without_settings_the_command_line_counts_as_it_is() -> None:
    assert given_to(None, BASE, ()) == Given(anchors=BASE)


@pytest.mark.parametrize(
    ("tier", "cas", "expected"),
    [
        (Tier.CLASSIC, (ca(ROOT), ca(ISSUING, "CertificateAuthority")), (True, True)),
        (Tier.CLASSIC, (ca(ROOT),), (True, False)),
        (Tier.CLASSIC, (), (False, False)),
        (Tier.V2, (ca(ROOT), ca(ISSUING, "CertificateAuthority")), (False, False)),
        (Tier.V2, (ca(ROOT),), (False, True)),  # of the other the settings say nothing: the user's word counts
        (Tier.V2, (), (True, True)),
        (Tier.SELF_HOSTED, (ca(ROOT),), (False, True)),
        (Tier.CONSUMPTION, (), (False, False)),
    ],
)
def test_what_the_command_line_gives_counts_where_the_settings_count_it_or_leave_it_open(
    tier: Tier, cas: tuple[Any, ...], expected: tuple[bool, bool]
) -> None:
    found = given_to(configured(tier, cas=cas), BASE, ())
    assert trusts(found) == expected
    assert (ROOT.der in found.withheld, ISSUING.der in found.withheld) == tuple(not one for one in expected)
    assert PUBLIC.der in found.anchors.roots


def test_a_template_that_lists_no_certificates_leaves_the_command_line_its_word() -> None:
    assert trusts(given_to(configured(cas_listed=False), BASE, ())) == (True, True)


def test_a_certificate_that_was_met_on_the_way_is_found_by_its_thumbprint() -> None:
    found = given_to(configured(cas=(ca(ROOT),)), BARE, (ISSUING.der, ROOT.der))
    assert trusts(found) == (True, False)
    assert found.anchors.given == (ROOT.der,)
    assert found.anchors.public == (PUBLIC.der,)
    assert found.anchors.unseen == ()


def test_a_certificate_that_the_template_holds_is_used() -> None:
    assert trusts(given_to(configured(cas=(nouns.uploaded("", der=ROOT.der),)), BARE, ()))[0]
    assert not trusts(given_to(configured(cas=(nouns.uploaded("", der=b"a .pfx"),)), BARE, ()))[0]


def test_one_that_is_nowhere_at_hand_is_named() -> None:
    service = nouns.service(cas=(nouns.uploaded("ff"), nouns.uploaded("ee", subject="")))
    found = configured(cas=service.cas)
    given = given_to(found, BARE, ())
    assert given.anchors.unseen == ("CN=Corp Root", "(ee)")
    assert any("give them with --ca-file" in text for text in said_of(found, given))


def test_a_root_in_the_intermediate_store_is_no_root() -> None:
    found = given_to(configured(cas=(ca(ROOT, "CertificateAuthority"),)), BASE, ())
    assert ROOT.der not in found.anchors.roots


@pytest.mark.parametrize(
    ("tier", "service", "says"),
    [
        (Tier.CONSUMPTION, {}, "takes no CA certificates"),
        (Tier.V2, {"cas": (ca(ROOT),)}, "for it --ca-file does not count"),
        (Tier.CLASSIC, {"cas_listed": False}, "those of --ca-file are taken as given"),
        (Tier.SELF_HOSTED, {"self_hosted": (nouns.hosted(listed=False),)}, "certificate authorities were not given"),
        (Tier.SELF_HOSTED, {"self_hosted": (nouns.hosted(),)}, "mounted into it"),
    ],
)
def test_what_is_taken_and_what_is_not_is_said(tier: Tier, service: dict[str, Any], says: str) -> None:
    found = configured(tier, **service)
    assert any(says in text for text in said_of(found, given_to(found, BASE, ())))
