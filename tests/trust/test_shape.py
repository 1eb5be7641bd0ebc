"""Where a chain as sent ends and what it lacks: what tells an untrusted root from a missing link."""

from __future__ import annotations

import time

import pytest

from analyzer.trust import ChainShape, shape
from tests.trust import make_chain as m

ROOT = m.root()
CA = m.intermediate(ROOT)
LEAF = m.leaf(CA)


def shaped(
    *chain: m.Made, anchors: tuple[m.Made, ...] = (), given: tuple[m.Made, ...] = (), known: tuple[m.Made, ...] = ()
) -> ChainShape:
    return shape(
        [c.der for c in chain],
        anchors=[a.der for a in anchors],
        given_intermediates=[g.der for g in given],
        known=[k.der for k in known],
    )


def ders(found: ChainShape) -> list[bytes]:
    return [c.der for c in found.path]


def test_a_complete_chain_reaches_the_anchor_and_lacks_nothing() -> None:
    found = shaped(LEAF, CA, anchors=(ROOT,))
    assert ders(found) == [LEAF.der, CA.der]
    assert found.top.der == CA.der
    assert found.reaches_anchor
    assert found.issuer is not None
    assert found.issuer.der == ROOT.der
    assert found.issuer_is_root is True
    assert found.completes_with == ()
    assert not found.root_sent
    assert found.surplus == 0


def test_leaf_and_intermediate_of_an_unknown_private_root_end_in_the_unseen() -> None:
    found = shaped(LEAF, CA)
    assert ders(found) == [LEAF.der, CA.der]
    assert found.issuer is None
    assert found.issuer_is_root is None
    assert not found.reaches_anchor
    assert found.completes_with == ()


def test_a_private_root_that_a_sibling_sends_is_seen_as_the_issuer_and_completes_nothing() -> None:
    found = shaped(LEAF, CA, known=(ROOT,))
    assert found.issuer is not None
    assert found.issuer.der == ROOT.der
    assert found.issuer_is_root is True
    assert found.completes_with == ()
    assert not found.reaches_anchor


def test_a_root_that_was_sent_is_its_own_issuer_and_no_anchor() -> None:
    found = shaped(LEAF, CA, ROOT)
    assert found.root_sent
    assert found.issuer is not None
    assert found.issuer.der == ROOT.der
    assert found.issuer_is_root is True
    assert not found.reaches_anchor
    assert shaped(LEAF, CA, ROOT, anchors=(ROOT,)).reaches_anchor


@pytest.mark.parametrize("seen", ["given", "known"])
def test_a_missing_intermediate_that_was_seen_elsewhere_completes_the_chain(seen: str) -> None:
    found = shaped(LEAF, anchors=(ROOT,), **{seen: (CA,)})
    assert not found.reaches_anchor
    assert [c.der for c in found.completes_with] == [CA.der]
    assert found.issuer is not None
    assert found.issuer.der == CA.der
    assert found.issuer_is_root is False


def test_several_missing_links_are_all_named_and_no_more() -> None:
    upper = m.intermediate(ROOT, "Upper")
    lower = m.intermediate(upper, "Lower")
    leaf = m.leaf(lower)
    found = shaped(leaf, anchors=(ROOT,), known=(CA, upper, ROOT, lower))
    assert [c.der for c in found.completes_with] == [lower.der, upper.der]
    assert shaped(leaf, anchors=(ROOT,), known=(lower,)).completes_with == ()


def test_an_unseen_issuer_of_a_lone_leaf_is_none() -> None:
    found = shaped(LEAF, anchors=(ROOT,))
    assert ders(found) == [LEAF.der]
    assert found.issuer is None
    assert not found.reaches_anchor


def test_a_leaf_signed_by_an_anchor_itself_lacks_nothing() -> None:
    found = shaped(m.leaf(ROOT), anchors=(ROOT,))
    assert found.reaches_anchor
    assert found.issuer_is_root is True


def test_a_self_signed_leaf_is_its_own_issuer_and_its_own_anchor_where_it_is_given() -> None:
    own = m.leaf(None)
    assert shaped(own).root_sent
    assert not shaped(own).reaches_anchor
    assert shaped(own, anchors=(own,)).reaches_anchor


def test_order_does_not_matter_and_what_is_left_over_is_counted() -> None:
    upper = m.intermediate(ROOT, "Upper")
    lower = m.intermediate(upper, "Lower")
    leaf, stranger = m.leaf(lower), m.root("Stranger")
    found = shaped(leaf, upper, stranger, lower, lower, anchors=(ROOT,))
    assert ders(found) == [leaf.der, lower.der, upper.der]
    assert found.surplus == 2


def test_unreadable_certificates_are_surplus_and_the_first_readable_one_is_the_leaf() -> None:
    found = shape([b"junk", LEAF.der, b"junk", CA.der], anchors=[ROOT.der, b"junk"], known=[b"junk"])
    assert ders(found) == [LEAF.der, CA.der]
    assert found.surplus == 2
    with pytest.raises(ValueError, match="no certificate"):
        shape([b"junk"], anchors=[])


def test_a_cross_signed_root_reaches_whichever_anchor_is_there() -> None:
    old = m.root("Old Root")
    cross = m.make("Contoso Root", old, key=ROOT.key, ca=True, key_usage=m.CERT_SIGN)
    for anchor in (ROOT, old):
        found = shaped(LEAF, CA, cross, anchors=(anchor,))
        assert found.reaches_anchor
        assert ders(found) == [LEAF.der, CA.der, cross.der]
    assert shaped(LEAF, CA, cross).top.der == cross.der
    assert not shaped(LEAF, CA, cross).root_sent


def test_of_two_ways_up_the_one_that_reaches_an_anchor_is_taken() -> None:
    key = m.new_key()
    elsewhere = m.root("Elsewhere")
    long = m.intermediate(m.intermediate(elsewhere, "Middle"), key=key)
    short = m.intermediate(ROOT, key=key)
    leaf = m.leaf(short)
    assert ders(shaped(leaf, long, short, anchors=(ROOT,))) == [leaf.der, short.der]


def test_the_same_name_with_a_new_key_is_another_root() -> None:
    renewed = m.root()
    found = shaped(LEAF, CA, anchors=(renewed,))
    assert found.issuer is None
    assert not found.reaches_anchor
    assert not shaped(LEAF, CA, ROOT, anchors=(renewed,)).reaches_anchor


def test_the_same_key_with_a_new_certificate_is_the_same_root() -> None:
    renewed = m.root(key=ROOT.key)
    assert shaped(LEAF, CA, ROOT, anchors=(renewed,)).reaches_anchor


def test_a_link_whose_signature_does_not_hold_is_none() -> None:
    assert ders(shaped(m.leaf(CA, spoilt=True), CA, anchors=(ROOT,)))[1:] == []


def test_an_intermediate_among_the_anchors_is_no_anchor() -> None:
    found = shaped(LEAF, anchors=(CA, ROOT))
    assert not found.reaches_anchor
    assert [c.der for c in found.completes_with] == [CA.der]


def test_certificates_that_could_all_have_issued_each_other_take_little_time() -> None:
    key = m.new_key()
    first = m.make("X", key=key, ca=True, with_subject_key=False)
    middle = m.make("Y", first, key=key, ca=True, with_subject_key=False)
    tangle = [
        m.make(name, by, key=key, ca=True, with_subject_key=False)
        for _ in range(100)
        for name, by in (("X", middle), ("Y", first))
    ]
    leaf = m.leaf(first)
    started = time.perf_counter()
    found = shaped(leaf, *tangle, anchors=(ROOT,), known=tuple(tangle))
    assert time.perf_counter() - started < 5
    assert found.path[0].der == leaf.der
    assert not found.reaches_anchor
