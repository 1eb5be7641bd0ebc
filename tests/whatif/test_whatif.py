"""The matrix follows from judging again: one input altered, and the row it bears on is another; what weakens is never the cure."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from analyzer.attribution import Anchors, attribute, case_of
from analyzer.causes import Case
from analyzer.model import CauseName, Finding, Handshake, Outcome, Tier, TierFrom
from analyzer.settings import ClientCertificate, Entity, Route
from analyzer.settings.names import thumbprint
from analyzer.trust import Reissue, describe, judge, surrogate
from analyzer.whatif import Act, Considered, consider
from analyzer.whatif.change import switched_on
from analyzer.whatif.search import MOST_TRIED
from tests import build, make
from tests.build import SECURE_CHANNEL, handshake
from tests.make import CLIENT_AUTH, DAY, NOW, Issued
from tests.trust import make_chain as m

HOST = "api.contoso.example"
ROOT, PRIVATE = make.ca("Corporate Root"), make.ca("Private Root")
CA, PRIVATE_CA = make.intermediate("Corporate Issuing", ROOT), make.intermediate("Private Issuing", PRIVATE)
GIVEN = Anchors(roots=(ROOT.der,), given=(ROOT.der,))
NAME_OFF, CHAIN_OFF = "validateCertificateName=false", "validateCertificateChain=false"
BOTH_OFF = f"{NAME_OFF} and {CHAIN_OFF}"
CLIENT = "the gateway sends a client certificate that the server accepts"
TLS13 = handshake(offer="tls1.3-any", version="TLS 1.3", suite="TLS_AES_256_GCM_SHA384")
VERSION_ALERT = handshake(Outcome.ALERT, alert="protocol_version")
UPLOAD = "CA certificates > + Add"


def finding(
    *shakes: Handshake,
    tier: Tier = Tier.CLASSIC,
    known: tuple[Issued, ...] = (),
    anchors: Anchors = GIVEN,
    **more: TierFrom,
) -> Finding:
    seen = build.evidence(*shakes, at=NOW, vantage="gateway", profile=tier.value)
    cluster = build.cluster(None, failures=0, first_seen=NOW, last_seen=NOW)
    gateway = build.gateway(tier, **more)
    return attribute(cluster, gateway, (seen,), anchors=anchors, known=[c.der for c in known])


def rows(found: Finding) -> dict[str, bool | None]:
    return {row.change: row.connects for row in found.what_if}


def presented(leaf: Issued, **changes: object) -> Handshake:
    return handshake(chain=leaf.chain, **changes)


BAD = make.leaf("other.example", CA)


def test_turning_a_switch_off_shows_what_the_other_still_refuses() -> None:
    assert rows(finding(presented(BAD)))[NAME_OFF] is True
    assert rows(finding(presented(BAD)))[CHAIN_OFF] is False
    private = make.leaf(HOST, PRIVATE_CA)
    assert rows(finding(presented(private)))[NAME_OFF] is False
    assert rows(finding(presented(private)))[CHAIN_OFF] is True
    both = rows(finding(presented(make.leaf("other.example", PRIVATE_CA))))
    assert [both[row] for row in (NAME_OFF, CHAIN_OFF, BOTH_OFF)] == [False, False, True]


def test_a_server_that_also_demands_a_client_certificate_is_mended_by_no_switch() -> None:
    demanding = presented(BAD, client_cert_requested=True, client_cert_required=True)
    found = rows(finding(demanding))
    assert not any(found[row] for row in (NAME_OFF, CHAIN_OFF, BOTH_OFF, CLIENT))
    assert [change for change, connects in found.items() if connects] == [
        f"{CLIENT}; and the server's certificate is issued again with {HOST} among its names"
    ]
    unknown = rows(finding(presented(BAD, client_cert_requested=True)))
    assert unknown[NAME_OFF] is None


def test_what_is_wrong_only_now_is_mended_by_renewal_and_what_is_wrong_besides_is_not() -> None:
    row = "the server's certificate is renewed"
    assert rows(finding(presented(make.leaf(HOST, CA, not_after=NOW - DAY / 2))))[row] is True
    assert rows(finding(presented(make.leaf(HOST, PRIVATE_CA, not_after=NOW - DAY / 2))))[row] is False
    assert row not in rows(finding(presented(BAD)))


@pytest.mark.parametrize("wrong", [{"usages": (CLIENT_AUTH,)}, {"names": ("other.example",)}])
def test_a_leaf_with_two_faults_is_issued_again_once_with_both_put_right(wrong: dict[str, tuple[str, ...]]) -> None:
    found = finding(presented(make.leaf(HOST, CA, not_after=NOW - DAY / 2, **wrong)))  # type: ignore[arg-type]
    again = [row for row in found.what_if if row.change.startswith("the server's certificate is")]
    assert [row.connects for row in again] == [False, False, True]
    assert found.remedies[0].text.startswith("The server's certificate is issued again within its dates, ")


def test_a_root_that_was_seen_is_judged_with_and_one_that_was_not_is_not_known() -> None:
    private = presented(make.leaf(HOST, PRIVATE_CA))
    assert rows(finding(private, known=(PRIVATE,)))["the gateway is given the root “CN=Private Root”"] is True
    blind = rows(finding(private))
    assert blind["the gateway is given “CN=Private Root” and what stands above it"] is None
    late = presented(make.leaf(HOST, PRIVATE_CA, not_after=NOW - DAY / 2))
    assert rows(finding(late))["the gateway is given “CN=Private Root” and what stands above it"] is False
    assert rows(finding(late, known=(PRIVATE,)))["the gateway is given the root “CN=Private Root”"] is False


def test_the_host_header_helps_where_the_leaf_has_another_name_and_the_chain_is_good() -> None:
    row = "the Host header is overridden to other.example"
    assert rows(finding(presented(BAD)))[row] is True
    assert rows(finding(presented(make.leaf("other.example", PRIVATE_CA))))[row] is False
    wild = make.leaf("x.example", CA, names=["*.internal.example"])
    assert rows(finding(presented(wild)))["the Host header is overridden to api.internal.example"] is True


def test_tls_1_3_helps_a_server_of_tls_1_3_whose_certificate_is_good() -> None:
    row = "TLS 1.3 towards backends is enabled"
    good, bad = make.leaf(HOST, CA), make.leaf(HOST, PRIVATE_CA)

    def speaks_13(leaf: Issued, **changes: object) -> Finding:
        return finding(VERSION_ALERT, TLS13, handshake(offer="tls1.3-full", **{**vars_13, **changes}, chain=leaf.chain))

    vars_13: dict[str, object] = {"version": "TLS 1.3", "suite": "TLS_AES_256_GCM_SHA384"}
    assert rows(speaks_13(good))[row] is True
    assert rows(speaks_13(bad))[row] is False
    assert rows(speaks_13(good, client_cert_requested=True, client_cert_required=True))[row] is False
    assert rows(finding(VERSION_ALERT, TLS13))[row] is None, "its certificates were not seen"
    assert rows(finding(VERSION_ALERT, TLS13))[BOTH_OFF] is False


def test_older_versions_and_3des_are_marked_as_tests_and_never_part_of_the_cure() -> None:
    old = handshake(
        Outcome.WRONG_VERSION,
        version="TLS 1.0",
        suite="TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        chain=make.leaf(HOST, CA).chain,
    )
    found = finding(old)
    marked = {row.change: row.test_only for row in found.what_if}
    assert marked["TLS 1.0 towards backends is enabled"]
    assert rows(found)["TLS 1.0 towards backends is enabled"] is True
    assert not marked["TLS 1.3 towards backends is enabled"]
    assert (found.lead.cause, found.remedies[0].owner) == (CauseName.TLS_VERSION, "backend")
    tripled = handshake(
        offer="tls1.2-any", suite="TLS_RSA_WITH_3DES_EDE_CBC_SHA", group=None, chain=make.leaf(HOST, CA).chain
    )
    found = finding(handshake(Outcome.ALERT, alert="handshake_failure"), tripled)
    row = next(r for r in found.what_if if "3DES" in r.change)
    assert (row.connects, row.test_only) == (True, True)
    assert found.remedies[0].owner == "backend"


CHAINS = {
    "private": presented(make.leaf(HOST, PRIVATE_CA)),
    "private, root sent": handshake(chain=(*make.leaf(HOST, PRIVATE_CA).chain, PRIVATE.der)),
    "self-signed": presented(make.leaf(HOST, None)),
    "incomplete": handshake(chain=make.leaf(HOST, CA).chain[:1]),
    "incomplete and private": handshake(chain=make.leaf(HOST, PRIVATE_CA).chain[:1]),
    "two faults": presented(make.leaf("other.example", PRIVATE_CA)),
    "expired": presented(make.leaf(HOST, CA, not_after=NOW - DAY / 2)),
    "another name": presented(BAD),
}
SEEN = (PRIVATE, PRIVATE_CA, CA)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_v2_gateway_is_never_told_to_upload_to_the_service_nor_consumption_to_take_a_ca(chain: str) -> None:
    for tier in (Tier.V2, Tier.SELF_HOSTED, Tier.CONSUMPTION):
        found = finding(CHAINS[chain], tier=tier, known=SEEN)
        assert found.remedies
        assert not any(UPLOAD in r.text for r in found.remedies)
    assert not any("given" in change for change in rows(finding(CHAINS[chain], tier=Tier.CONSUMPTION, known=SEEN)))
    classic = finding(CHAINS[chain], known=SEEN)
    assert any(UPLOAD in r.text for r in classic.remedies) is any(
        c.startswith("the gateway is given") for c in rows(classic)
    )


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("chain", CHAINS)
def test_the_first_remedies_are_what_the_matrix_proves_and_what_weakens_comes_after(chain: str, tier: Tier) -> None:
    from analyzer.whatif import steps

    seen = build.evidence(CHAINS[chain], at=NOW, vantage="gateway", profile=tier.value)
    cluster = build.cluster(None, failures=0, first_seen=NOW, last_seen=NOW)
    case = case_of(cluster, build.gateway(tier), seen, anchors=GIVEN, known=[c.der for c in SEEN])
    considered = consider(case, GIVEN.roots, ())
    found = finding(CHAINS[chain], tier=tier, known=SEEN)
    assert considered.cure
    proved = steps(case, considered.cure)
    assert found.remedies[: len(proved)] == proved
    assert all("test" in (r.caution or "") for r in found.remedies if "Validate certificate" in r.text)
    assert "Validate certificate" not in proved[0].text
    assert len({r.text for r in found.remedies}) == len(found.remedies)


def test_a_cure_of_two_parts_says_so_and_neither_part_stands_alone() -> None:
    found = finding(CHAINS["two faults"], known=SEEN)
    assert [r.text[:13] for r in found.remedies[:2]] == ["Part 1 of 2: ", "Part 2 of 2: "]
    assert not any(r.text.startswith("Issue the certificate with") for r in found.remedies), "it would not be enough"
    last = found.what_if[-1]
    assert last.connects is True
    assert "; and " in last.change


def test_nothing_is_said_of_a_backend_that_is_healthy_or_was_not_reached() -> None:
    assert finding(presented(make.leaf(HOST, CA))).what_if == ()
    assert finding(handshake(Outcome.REFUSED)).what_if == ()
    assert finding(handshake(Outcome.NAME_NOT_FOUND)).what_if == ()


def test_where_no_hello_was_answered_no_version_is_promised() -> None:
    found = rows(finding(handshake(Outcome.CLOSED)))
    assert set(found) == {NAME_OFF, CHAIN_OFF, BOTH_OFF}
    assert not any(found.values())


def test_every_row_that_is_not_yes_says_why() -> None:
    for chain in CHAINS.values():
        for tier in Tier:
            for row in finding(chain, tier=tier, known=SEEN).what_if:
                assert row.connects or row.why, row


def test_what_is_not_documented_of_v2_is_not_known_and_not_the_cure() -> None:
    found = finding(CHAINS["incomplete"], tier=Tier.V2, known=SEEN)
    given = next(r for r in found.what_if if r.change.startswith("the gateway is given"))
    assert given.connects is None
    assert "not documented" in given.why
    assert found.remedies[0].owner == "backend"


def test_a_wrong_order_that_linux_stumbles_over_is_mended_by_putting_it_right() -> None:
    key = m.new_key()
    lost, right = m.intermediate(m.root("Nobody's"), key=key), (root := m.root(), m.intermediate(root, key=key))[1]
    chain = tuple(c.der for c in (m.leaf(right), lost, right))
    cluster = build.cluster(None, failures=0, first_seen=m.AT, last_seen=m.AT)
    acts = {}
    for tier in (Tier.SELF_HOSTED, Tier.CLASSIC):
        seen = build.evidence(handshake(chain=chain), at=m.AT, vantage="gateway", profile=tier.value)
        case = case_of(cluster, build.gateway(tier), seen, anchors=Anchors(roots=(root.der,)))
        acts[tier] = [c.act for c in consider(case, (root.der,), ()).cure]
    assert acts == {Tier.SELF_HOSTED: [Act.TIDY_CHAIN], Tier.CLASSIC: []}


def test_a_reissued_certificate_differs_in_nothing_else() -> None:
    late = make.leaf("other.example", CA, not_after=NOW - DAY / 2, usages=(CLIENT_AUTH,))
    asked = {"host": HOST, "at": NOW, "anchors": [ROOT.der]}

    def statuses(**put_right: object) -> frozenset[str]:
        return judge(late.chain, reissues={late.der: Reissue(**put_right)}, **asked).statuses  # type: ignore[arg-type]

    everything = {"NotTimeValid", "NotValidForUsage", "RemoteCertificateNameMismatch"}
    assert statuses() == everything
    assert statuses(dates=True) == everything - {"NotTimeValid"}
    assert statuses(serves=True) == everything - {"NotValidForUsage"}
    assert statuses(host=HOST) == everything - {"RemoteCertificateNameMismatch"}
    assert statuses(dates=True, serves=True, host=HOST) == set()
    assert judge(late.chain, **asked).statuses == everything, "the certificate itself is as it was"  # type: ignore[arg-type]


@pytest.mark.parametrize("host", [HOST, "10.1.2.3", "fd00::1", "bücher.example", "a" * 60 + ".example"])
def test_a_certificate_made_for_a_host_covers_it(host: str) -> None:
    made = surrogate(host, NOW)
    assert made is not None
    assert judge([made.leaf], host=host, at=NOW, anchors=[made.root]).accepted
    assert not judge([made.leaf], host="other.example", at=NOW, anchors=[made.root]).accepted
    assert not judge([made.leaf], host=host, at=NOW, anchors=[]).accepted
    assert not judge([made.leaf], host=host, at=NOW + timedelta(days=99), anchors=[made.root]).accepted
    assert describe(made.leaf) is not None


@pytest.mark.parametrize("host", ["", "é" * 80, "a..é"])
def test_for_a_host_that_no_certificate_can_carry_none_is_made(host: str) -> None:
    assert surrogate(host, NOW) is None


def test_the_dot_of_the_root_is_mended_by_no_certificate_where_it_counts() -> None:
    made = surrogate(f"{HOST}.", NOW)
    assert made is not None
    assert judge([made.leaf], host=f"{HOST}.", at=NOW, anchors=[made.root]).accepted
    assert not judge([made.leaf], host=f"{HOST}.", at=NOW, anchors=[made.root], platform="windows").accepted


@pytest.mark.parametrize(
    ("profile", "word", "switched"),
    [
        ("classic", "Tls13", "classic+Tls13"),
        ("classic-Tls12+Tls13", "Tls12", "classic+Tls13"),
        ("self-hosted-Tls13", "Tls13", "self-hosted"),
        ("classic+Tls11", "Tls11", "classic+Tls11"),
        ("classic-TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", "classic"),
    ],
)
def test_a_switch_is_switched_on_once(profile: str, word: str, switched: str) -> None:
    assert switched_on(profile, word) == switched


def test_a_tangle_of_certificates_is_considered_in_moments() -> None:
    keys = [m.new_key() for _ in range(14)]
    ones = {"ca": True, "with_subject_key": False, "with_authority_key": False}
    cas = [m.make("X", key=key, **ones) for key in keys]  # type: ignore[arg-type]
    tangle = [m.make("X", cas[i % 14], key=keys[(i * 5 + 1) % 14], **ones) for i in range(200)]  # type: ignore[arg-type]
    chain = tuple(
        c.der for c in (m.leaf(cas[0], host="other.example", end=m.AT - DAY, with_authority_key=False), *tangle)
    )
    seen = build.evidence(handshake(chain=chain), at=m.AT, vantage="gateway")
    cluster = build.cluster(SECURE_CHANNEL, first_seen=m.AT - DAY / 4, last_seen=m.AT)
    started = time.perf_counter()
    found: Considered = consider(case_of(cluster, build.gateway(), seen, anchors=GIVEN), GIVEN.roots, ())
    assert found.rows
    assert time.perf_counter() - started < 10
    assert MOST_TRIED < 1000


def entity(**changes: object) -> Entity:
    defaults: dict[str, object] = {
        "id": "orders",
        "url": f"https://{HOST}",
        "validate_chain": None,
        "validate_name": None,
        "client_certificates": (),
        "proxy": None,
        "members": (),
        "pinned_thumbprints": (),
        "pinned_names": (),
    }
    return Entity(**{**defaults, **changes})  # type: ignore[arg-type]


def with_route(shake: Handshake, route: Route) -> dict[str, bool | None]:
    seen = build.evidence(shake, at=NOW, vantage="gateway")
    cluster = build.cluster(None, failures=0, first_seen=NOW, last_seen=NOW)
    case: Case = replace(case_of(cluster, build.gateway(), seen, anchors=GIVEN), route=route)
    return {row.change: row.connects for row in consider(case, GIVEN.roots, ()).what_if}


def test_a_switch_that_is_off_already_is_not_turned_off_and_what_it_spares_is_no_fault() -> None:
    lax = Route(entities=(entity(validate_chain=False),))
    assert with_route(CHAINS["private"], lax) == {}
    both = with_route(CHAINS["two faults"], lax)
    assert (both[NAME_OFF], CHAIN_OFF in both, BOTH_OFF in both) == (True, False, False)
    assert f"the server's certificate is issued again with {HOST} among its names" in both
    assert not any(change.startswith("the gateway is given") for change in both)
    assert with_route(CHAINS["private"], Route(entities=(entity(),)))[CHAIN_OFF] is True


def test_an_entity_that_pins_another_leaf_is_helped_by_no_root_and_a_new_leaf_must_be_pinned_too() -> None:
    other = Route(entities=(entity(pinned_thumbprints=("00" * 20,)),))
    found = with_route(presented(make.leaf(HOST, CA)), other)
    assert not any(found.values())
    assert found[BOTH_OFF] is None, "whether a pin counts then is not documented"
    late = make.leaf(HOST, CA, not_after=NOW - DAY / 2)
    mine = Route(entities=(entity(pinned_thumbprints=(thumbprint(late.der),)),))
    assert with_route(presented(late), mine)["the server's certificate is renewed"] is None


def test_a_gateway_that_sends_a_client_certificate_may_satisfy_a_server_that_refused_the_probe() -> None:
    refusing = presented(make.leaf("other.example", CA), client_cert_requested=True, client_cert_required=True)
    sends = Route(client_certificates=(ClientCertificate(id="c", subject="CN=c", thumbprint="00", expires=None),))
    assert with_route(refusing, sends)[NAME_OFF] is None
    assert with_route(refusing, Route())[NAME_OFF] is False


def test_a_client_certificate_that_may_not_be_needed_is_part_of_no_cure() -> None:
    found = finding(presented(BAD, client_cert_requested=True))
    assert CLIENT in rows(found)
    assert not any("Part 1" in r.text for r in found.remedies)


def test_weak_keys_and_hashes_are_mended_where_they_are_refused() -> None:
    weak = make.leaf(HOST, CA, kind="rsa1024")
    assert finding(presented(weak)).what_if == ()
    refused = {"host": HOST, "at": m.AT, "platform": "windows"}
    root = m.root(key=m.new_key("rsa1024"))
    leaf = m.leaf(root, key=m.new_key("rsa1024"), signed_with="rsa-md5")
    asked = {**refused, "anchors": [root.der]}
    assert judge([leaf.der], **asked).statuses == {"HasWeakSignature"}  # type: ignore[arg-type]
    assert judge([leaf.der], **asked, reissues={leaf.der: Reissue(strong=True)}).accepted  # type: ignore[arg-type]
