"""What a gateway can fetch by itself decides what a missing certificate explains: real servers, then every answer a table can hold."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.attribution import Anchors, attribute
from analyzer.checking import check, probe_backends
from analyzer.cli.app import app
from analyzer.model import Aia, CauseName, Evidence, Fetched, Finding, Tier, Verdict
from analyzer.probing import Target
from analyzer.report.chain import links_of
from tests import build, make
from tests.build import TRUST
from tests.probing import servers
from tests.probing.peers import HOST, LOOPBACK, peer, says

C, L, U, R = Verdict.CONFIRMED, Verdict.LIKELY, Verdict.UNKNOWN, Verdict.RULED_OUT
ROOT = make.ca("Corporate Root")
CA = make.intermediate("Corporate Issuing", ROOT)
URL = "http://pki.contoso.example/issuing.cer"
LEAF = make.leaf(HOST, CA, aia=[URL])
PARTIAL = "The remote certificate is invalid because of errors in the certificate chain: PartialChain"


def words(finding: Finding, cause: CauseName) -> str:
    return " ".join(r.text for a in finding.attributions if a.cause is cause for r in a.reasons)


def verdict(finding: Finding, cause: CauseName = CauseName.INCOMPLETE_CHAIN) -> Verdict:
    return next(a.verdict for a in finding.attributions if a.cause is cause)


def what_if(finding: Finding) -> dict[str, bool | None]:
    return {row.change: row.connects for row in finding.what_if}


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


@contextmanager
def omitting(folder: Path, answer: bytes) -> Iterator[int]:
    """A backend that sends its leaf alone; the leaf names a server that gives this answer."""
    with peer(says(answer)) as library:
        leaf = make.leaf(HOST, CA, aia=[f"http://127.0.0.1:{library.port}/issuing.cer"])
        with servers.python_ssl(leaf, folder, chain=[], maximum=ssl.TLSVersion.TLSv1_2) as port:
            yield port


def checked(
    port: int, folder: Path, *, vantage: str, given: Sequence[make.Issued] = (ROOT,), fetch: bool = True
) -> Finding:
    """The backend, really probed and judged, for a gateway that was given these certificates."""
    files = []
    for number, one in enumerate(given):
        files.append(folder / f"given-{number}.pem")
        files[-1].write_bytes(one.pem)
    target = Target(host=HOST, port=443, server_name=HOST, connect_host="127.0.0.1", connect_port=port)

    def probe(targets: Sequence[Target]) -> tuple[Evidence, ...]:
        return probe_backends(targets, policy=LOOPBACK, vantage=vantage, fetch=fetch, ca_files=files)

    (finding,) = check([target], probe=probe, tier=Tier.CLASSIC, ca_files=files)
    return finding


def test_an_issuer_that_the_gateways_network_gives_leaves_the_omission_unexplained(tmp_path: Path) -> None:
    with omitting(tmp_path, http(CA.der)) as port:
        found = checked(port, tmp_path, vantage="gateway")
    assert found.lead.cause is CauseName.UNKNOWN
    assert verdict(found) is U
    said = words(found, CauseName.INCOMPLETE_CHAIN)
    assert "omits “Corporate Issuing”" in said
    assert "Windows and .NET can fetch it from http://127.0.0.1:" in said
    assert "What decides: whether the gateway itself got an answer" in said
    assert what_if(found)["the gateway can fetch “CN=Corporate Issuing” over HTTP (outbound port 80)"] is True


def test_an_issuer_fetched_elsewhere_makes_the_omission_likely(tmp_path: Path) -> None:
    with omitting(tmp_path, http(CA.der)) as port:
        found = checked(port, tmp_path, vantage="outside")
    assert (found.lead.cause, found.lead.verdict) == (CauseName.INCOMPLETE_CHAIN, L)
    assert "outbound port 80" in words(found, CauseName.INCOMPLETE_CHAIN)
    rows = what_if(found)
    assert rows["the server sends its full chain"] is True
    assert rows["the gateway is given “CN=Corporate Issuing”"] is True
    network = next(r for r in found.remedies if r.owner == "network")
    assert "port 80" in network.text
    assert found.remedies[0].owner == "backend"
    assert "“Corporate Issuing”" in found.remedies[0].text


def test_an_issuer_that_the_gateways_network_does_not_give_confirms_the_omission(tmp_path: Path) -> None:
    with omitting(tmp_path, http(b"<html>blocked</html>", "403 Forbidden")) as port:
        sibling = make.leaf("other.example", CA)
        with servers.python_ssl(sibling, tmp_path, chain=[CA]) as other:
            files = tmp_path / "root.pem"
            files.write_bytes(ROOT.pem)
            targets = [
                Target(host=host, port=443, server_name=host, connect_host="127.0.0.1", connect_port=to)
                for host, to in ((HOST, port), ("other.example", other))
            ]
            found, healthy = check(
                targets,
                probe=lambda ts: probe_backends(ts, policy=LOOPBACK, vantage="gateway", ca_files=[files]),
                tier=Tier.CLASSIC,
                ca_files=[files],
            )
    assert healthy.lead.cause is CauseName.NOT_REPRODUCED
    assert (found.lead.cause, found.lead.verdict) == (CauseName.INCOMPLETE_CHAIN, C)
    assert "met http://127.0.0.1:" in words(found, CauseName.INCOMPLETE_CHAIN)
    assert "HTTP status 403" in words(found, CauseName.INCOMPLETE_CHAIN)


def test_a_fetched_root_that_the_gateway_was_not_given_is_confirmed_as_2a(tmp_path: Path) -> None:
    with peer(says(http(ROOT.der))) as library:
        leaf = make.leaf(HOST, ROOT, aia=[f"http://127.0.0.1:{library.port}/root.cer"])
        with servers.python_ssl(leaf, tmp_path, maximum=ssl.TLSVersion.TLSv1_2) as port:
            found = checked(port, tmp_path, vantage="gateway", given=())
    assert (found.lead.cause, found.lead.verdict) == (CauseName.UNTRUSTED_ROOT, C)
    assert "its root “Corporate Root”, which was fetched from http://127.0.0.1:" in words(found, found.lead.cause)
    assert found.root is not None
    assert found.root.der == ROOT.der
    assert what_if(found)["the gateway is given the root “CN=Corporate Root”"] is True


@pytest.mark.parametrize("vantage", ["gateway", "outside"])
def test_a_fetched_way_to_a_root_that_was_not_given_is_2a_and_says_what_is_omitted(
    tmp_path: Path, vantage: str
) -> None:
    with peer(says(http(ROOT.der))) as above:
        middle = make.intermediate("Middle", ROOT, aia=[f"http://127.0.0.1:{above.port}/root.cer"])
        with peer(says(http(middle.der))) as library:
            leaf = make.leaf(HOST, middle, aia=[f"http://127.0.0.1:{library.port}/middle.cer"])
            with servers.python_ssl(leaf, tmp_path, chain=[], maximum=ssl.TLSVersion.TLSv1_2) as port:
                found = checked(port, tmp_path, vantage=vantage, given=())
    assert (found.lead.cause, found.lead.verdict) == (CauseName.UNTRUSTED_ROOT, C)
    said = words(found, CauseName.UNTRUSTED_ROOT)
    assert "omits “Middle”" in said
    assert "ends at the root “Corporate Root”" in said
    rows = what_if(found)
    assert rows["the gateway is given the root “CN=Corporate Root”"] is False
    assert rows["the gateway is given the root “CN=Corporate Root” and “CN=Middle”"] is True
    assert any("append “Middle”" in r.text for r in found.remedies)


def test_without_fetching_nothing_is_asked_and_what_decides_is_named(tmp_path: Path) -> None:
    with omitting(tmp_path, http(CA.der)) as port:
        found = checked(port, tmp_path, vantage="gateway", fetch=False)
    assert (found.lead.cause, found.lead.verdict) == (CauseName.INCOMPLETE_CHAIN, L)
    assert "was not observed" in words(found, found.lead.cause)
    assert found.evidence[0].aia == ()


def test_nothing_is_fetched_where_the_given_certificates_complete_the_chain(tmp_path: Path) -> None:
    with omitting(tmp_path, http(CA.der)) as port:
        found = checked(port, tmp_path, vantage="gateway", given=(ROOT, CA))
    assert found.evidence[0].aia == ()
    assert found.lead.cause is CauseName.NOT_REPRODUCED


def test_the_command_fetches_unless_told_not_to(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    with omitting(tmp_path, http(CA.der)) as port:
        words = ["check", HOST, "--connect-to", f"{HOST}:443:127.0.0.1:{port}", "--allow-address", "127.0.0.0/8"]
        words += ["--ca-file", str(tmp_path / "root.pem"), "--gateway", "classic"]
        fetched, off = CliRunner().invoke(app, words), CliRunner().invoke(app, [*words, "--no-aia"])
    assert "can fetch it from http://127.0.0.1:" in " ".join(fetched.output.split())
    assert "was not observed" in " ".join(off.output.split())
    assert "can fetch it from" not in " ".join(off.output.split())


def judged(
    *aia: Aia,
    leaf: make.Issued = LEAF,
    vantage: str = "unstated",
    text: str = TRUST,
    anchors: Sequence[make.Issued] = (ROOT,),
    known: Sequence[make.Issued] = (CA,),
    **changes: object,
) -> Finding:
    """A leaf sent alone, and what its addresses gave."""
    cluster = build.cluster(text, first_seen=make.NOW - timedelta(hours=2), last_seen=make.NOW - timedelta(hours=1))
    shake = build.handshake(chain=(leaf.der,))
    seen = build.evidence(shake, vantage=vantage, at=make.NOW, aia=aia, host=HOST, server_name=HOST, **changes)
    roots = Anchors(roots=tuple(a.der for a in anchors))
    return attribute(cluster, build.gateway(), [seen], anchors=roots, known=tuple(k.der for k in known))


def came(outcome: Fetched, der: bytes | None = None, address: str | None = None, url: str = URL) -> Aia:
    return Aia(url=url, outcome=outcome, der=der, address=address)


PUBLIC, PRIVATE = "8.8.8.8", "10.0.0.7"


@pytest.mark.parametrize(
    ("aia", "vantage", "expected", "said"),
    [
        ((), "gateway", L, "was not observed"),
        ((), "unstated", L, "was not observed"),
        ((came(Fetched.FETCHED, CA.der, PUBLIC),), "gateway", U, "does not explain a failure"),
        ((came(Fetched.FETCHED, CA.der, PUBLIC),), "outside", L, "was not observed"),
        ((came(Fetched.NO_ANSWER),), "gateway", C, "no answer"),
        ((came(Fetched.NO_ANSWER),), "outside", L, "no answer"),
        ((came(Fetched.NOT_FOUND, None, PUBLIC),), "outside", C, "not found"),
        ((came(Fetched.NOT_FOUND, None, PRIVATE),), "outside", L, "not found"),
        ((came(Fetched.NOT_FOUND),), "outside", L, "not found"),
        ((came(Fetched.NOT_FOUND, None, PRIVATE),), "gateway", C, "not found"),
        ((came(Fetched.NOT_A_CERTIFICATE, None, PUBLIC),), "unstated", C, "no certificate"),
        ((came(Fetched.FETCHED, make.ca("Other").der, PUBLIC),), "unstated", C, "another certificate"),
        ((came(Fetched.FORBIDDEN),), "gateway", L, "not asked"),
        ((came(Fetched.NOT_ASKED),), "gateway", L, "not asked"),
    ],
)
def test_what_fetching_met_and_where_decides_the_verdict(
    aia: tuple[Aia, ...], vantage: str, expected: Verdict, said: str
) -> None:
    found = judged(*aia, vantage=vantage)
    assert verdict(found) is expected
    assert said in words(found, CauseName.INCOMPLETE_CHAIN)


@pytest.mark.parametrize(
    ("outcome", "helps"), [(Fetched.NO_ANSWER, True), (Fetched.NOT_FOUND, False), (Fetched.NOT_A_CERTIFICATE, False)]
)
def test_an_open_port_is_advised_only_where_it_would_help(outcome: Fetched, helps: bool) -> None:
    found = judged(came(outcome, None, PUBLIC), vantage="gateway")
    assert any(URL in r.text for r in found.remedies if r.owner == "network") is helps


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ((), "no address to fetch it from"),
        (("https://pki.example/a.cer",), "over plain HTTP only"),
        (("ldap:///CN=a", "https://pki.example/a.cer"), "ldap:///CN=a, https://pki.example/a.cer"),
    ],
)
def test_an_issuer_that_no_http_address_gives_is_confirmed_missing(urls: tuple[str, ...], said: str) -> None:
    found = judged(leaf=make.leaf(HOST, CA, aia=urls))
    assert (found.lead.cause, found.lead.verdict) == (CauseName.INCOMPLETE_CHAIN, C)
    assert said in words(found, CauseName.INCOMPLETE_CHAIN)
    assert all(r.owner != "network" for r in found.remedies)


def test_one_address_of_two_that_is_open_leaves_it_open() -> None:
    other = "http://mirror.contoso.example/issuing.cer"
    leaf = make.leaf(HOST, CA, aia=[URL, other])
    missing = came(Fetched.NOT_FOUND, None, PUBLIC)
    assert verdict(judged(missing, leaf=leaf)) is L
    assert verdict(judged(missing, came(Fetched.NO_ANSWER, url=other), leaf=leaf)) is L
    assert verdict(judged(missing, came(Fetched.NOT_FOUND, None, PUBLIC, other), leaf=leaf)) is C


def test_a_gateway_that_says_itself_that_it_found_no_issuer_outweighs_a_probe_that_did() -> None:
    found = judged(came(Fetched.FETCHED, CA.der, PUBLIC), vantage="gateway", text=PARTIAL)
    assert verdict(found) is L
    assert "the gateway's own words" in words(found, CauseName.INCOMPLETE_CHAIN)


def test_a_fetched_issuer_that_is_refused_too_does_not_excuse_the_omission() -> None:
    old = make.intermediate("Corporate Issuing", ROOT, not_after=make.NOW - make.DAY / 2)
    found = judged(came(Fetched.FETCHED, old.der, PUBLIC), vantage="gateway", known=())
    assert verdict(found) is L
    assert "NotTimeValid" in words(found, CauseName.INCOMPLETE_CHAIN)


def test_a_fetched_issuer_whose_own_issuer_was_not_seen_makes_2a_likely_and_names_it() -> None:
    found = judged(came(Fetched.FETCHED, CA.der, PUBLIC), anchors=(), known=())
    assert (found.lead.cause, found.lead.verdict) == (CauseName.UNTRUSTED_ROOT, L)
    assert "issued by “CN=Corporate Root”" in words(found, found.lead.cause)


def test_where_half_the_way_is_fetched_the_rest_is_named() -> None:
    upper = make.intermediate("Upper", ROOT)
    lower = make.intermediate("Lower", upper)
    leaf = make.leaf(HOST, lower, aia=[URL])
    found = judged(came(Fetched.FETCHED, lower.der, PUBLIC), leaf=leaf, known=(upper,), vantage="gateway")
    assert (found.lead.cause, found.lead.verdict) == (CauseName.INCOMPLETE_CHAIN, C)
    said = words(found, found.lead.cause)
    assert "omits “Lower”, “Upper”" in said
    assert "the certificate “Lower” gives no address" in said


def test_an_intermediate_and_a_root_that_siblings_sent_and_the_gateway_lacks_are_both_named() -> None:
    found = judged(leaf=make.leaf(HOST, CA), anchors=(), known=(CA, ROOT))
    assert (found.lead.cause, found.lead.verdict) == (CauseName.INCOMPLETE_CHAIN, C)
    assert "both must be mended" in words(found, found.lead.cause)
    assert what_if(found)["the server sends its full chain"] is False


def test_a_root_above_what_a_fetched_intermediate_leads_to_is_not_drawn_as_the_missing_link() -> None:
    found = judged(came(Fetched.FETCHED, CA.der, PUBLIC), anchors=(), known=(ROOT,))
    assert found.lead.cause is CauseName.UNTRUSTED_ROOT
    last = links_of(found)[-1]
    assert (last.name, last.fault) == ("CN=Corporate Issuing", "missing: the server does not send it")
    assert "CN=Corporate Root" in (last.note or "")
