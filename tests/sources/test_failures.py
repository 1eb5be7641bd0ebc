"""What a record is: a failed backend connection, something that only looks like one, or something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.clusters import clusters_of
from analyzer.model import Family, Share
from analyzer.tally import ELAPSED_EDGES_MS, NOT_LOGGED
from tests.sources.build import FAILED, TRUST, Json, answered, backends, counts, error, failed, tally

POLICY = error("Expression evaluation failed.", reason="ExpressionValueEvaluationFailure", source="retry", elapsed=90)


@pytest.mark.parametrize("source", ["forward-request", "request-forwarder"])
def test_both_names_of_the_forwarding_step_count(tmp_path: Path, source: str) -> None:
    assert counts(tally(tmp_path, failed(error(source=source)))) == (1, 0, 0, 0)


def test_without_a_source_the_backend_section_counts(tmp_path: Path) -> None:
    assert counts(tally(tmp_path, failed(error(source=None)))) == (1, 0, 0, 0)


def test_without_a_source_another_section_does_not_count(tmp_path: Path) -> None:
    found = tally(tmp_path, failed(error(source=None, section="inbound")))
    assert counts(found) == (0, 1, 0, 0)
    assert found.intake.lookalike_reasons == (Share(value=f"{FAILED} at (no source)", failures=1),)


def test_with_neither_source_nor_section_it_counts_where_no_backend_answered(tmp_path: Path) -> None:
    bare = error(source=None, section=None)
    assert counts(tally(tmp_path, failed(bare, errors=[]))) == (1, 0, 0, 0)
    assert counts(tally(tmp_path, failed(bare, errors=[], properties={"backendResponseCode": 200}))) == (0, 1, 0, 0)


def test_a_later_policy_error_does_not_hide_the_failure(tmp_path: Path) -> None:
    found = tally(tmp_path, failed(POLICY, errors=[error(), POLICY]))
    assert counts(found) == (1, 0, 0, 0)
    assert found.failures["signature"].tolist() == [TRUST]


def test_the_last_backend_failure_in_errors_gives_message_elapsed_and_source(tmp_path: Path) -> None:
    errors = [error("first", elapsed=10), error("second", elapsed=21_050, source="request-forwarder"), POLICY]
    found = tally(tmp_path, failed(POLICY, errors=errors))
    assert found.failures[["signature", "elapsed_bucket"]].values.tolist() == [["second", 22_000]]
    assert found.gateways[found.gateways["field"] == "source"]["value"].tolist() == ["request-forwarder"]


def test_last_error_goes_before_errors_where_it_is_the_failure(tmp_path: Path) -> None:
    found = tally(tmp_path, failed(error("kept"), errors=[error("other")]))
    assert found.failures["signature"].tolist() == ["kept"]


def test_errors_as_a_string_and_as_one_object_are_read_too(tmp_path: Path) -> None:
    text = failed(POLICY, errors=json.dumps([error(), POLICY]))
    single = failed(POLICY, errors=error())
    assert counts(tally(tmp_path, text, single)) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    "errors", ["[{", '"text"', 5, [None, 7, "x"], {"reason": [FAILED]}, f"BROKEN {FAILED}", [[error()]]]
)
def test_errors_that_are_no_list_of_errors_are_no_failure_and_no_crash(tmp_path: Path, errors: object) -> None:
    assert counts(tally(tmp_path, failed(POLICY, errors=errors))) == (0, 0, 1, 0)


def test_a_last_error_that_is_no_object_is_no_failure_and_no_crash(tmp_path: Path) -> None:
    records = [failed(properties={"lastError": value, "errors": None}) for value in ("boom", 5, [1], "{", True)]
    assert counts(tally(tmp_path, *records)) == (0, 0, 5, 0)


@pytest.mark.parametrize("reason", ["ClientConnectionFailure", "Timeout", "OperationNotFound"])
def test_look_alikes_are_counted_by_their_reason(tmp_path: Path, reason: str) -> None:
    found = tally(tmp_path, failed(error("A task was canceled", reason=reason)))
    assert counts(found) == (0, 1, 0, 0)
    assert found.intake.lookalike_reasons == (Share(value=reason, failures=1),)
    assert found.failures.empty


BROKE_OFF = "The underlying connection was closed: The connection was closed unexpectedly."


@pytest.mark.parametrize("hidden", [False, True])
def test_a_body_that_broke_off_is_a_look_alike_with_a_cluster_of_its_own(tmp_path: Path, hidden: bool) -> None:
    broke = error(BROKE_OFF, source="transfer-response", section="outbound", elapsed=3_021)
    whole = failed(broke, properties={"backendResponseCode": 200})
    if hidden:  # by a later policy's error
        whole = failed(POLICY, errors=[broke, POLICY], properties={"backendResponseCode": 200})
    found = tally(tmp_path, whole, failed(error(BROKE_OFF)), answered(time="2026-03-04T09:10:00Z"))
    assert counts(found) == (1, 1, 1, 0)
    assert found.intake.lookalike_reasons == (Share(value=f"{FAILED} at transfer-response", failures=1),)
    transfer, tls = (found.failures[found.failures["kind"] == kind] for kind in ("transfer", "reset"))
    assert transfer["signature"].tolist() == [f"transfer-response: {BROKE_OFF}"]
    assert (transfer["host"].tolist(), transfer["elapsed_bucket"].tolist()) == (["orders.example"], [5_000])
    assert tls["signature"].tolist() == [BROKE_OFF]
    assert found.traffic["requests"].sum() == 3
    # what broke off was no success
    assert found.traffic["last_success"].dt.minute.tolist() == [10]
    clusters, _ = clusters_of(found)
    assert {(c.family, c.failures, c.requests, c.apis[0].failures) for c in clusters} == {
        (Family.TRANSFER, 1, 3, 1),
        (Family.TLS, 1, 3, 1),
    }


def test_send_request_is_counted_apart_by_the_host_in_its_message(tmp_path: Path) -> None:
    named = error("No such host is known. (auth.example:443)", source="send-request", section="inbound")
    unnamed = error(source="send-request", section="inbound")
    found = tally(tmp_path, failed(named), failed(named), failed(unnamed), failed(POLICY, errors=[named, POLICY]))
    assert counts(found) == (0, 4, 0, 0)
    assert found.intake.send_request == (
        Share(value="auth.example", failures=3),
        Share(value="(not named)", failures=1),
    )


def test_a_source_that_is_no_step_is_not_repeated(tmp_path: Path) -> None:
    found = tally(tmp_path, failed(error(source="x <script> sig=abc")))
    assert found.intake.lookalike_reasons == (Share(value=f"{FAILED} at (no source)", failures=1),)


def test_a_true_failure_outweighs_every_look_alike_in_the_record(tmp_path: Path) -> None:
    gone = error("The operation was canceled.", reason="ClientConnectionFailure")
    sent = error(source="send-request", section="inbound")
    found = tally(tmp_path, failed(gone, errors=[sent, error(), gone]))
    assert counts(found) == (1, 0, 0, 0)


@pytest.mark.parametrize("code", [200, 401, 502, 503])
def test_the_status_that_the_client_got_says_nothing(tmp_path: Path, code: int) -> None:
    found = tally(tmp_path, failed(properties={"responseCode": code}), answered(properties={"responseCode": code}))
    assert counts(found) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("elapsed", "backend_time", "bucket"),
    [
        (61, 58, 100),
        (100, None, 100),
        (101, None, 500),
        ("21012.0", None, 22_000),
        (100_003, None, 102_000),
        (235_000, None, 242_000),
        (10**12, None, ELAPSED_EDGES_MS[-1]),
        (None, 450, 500),
        (None, None, NOT_LOGGED),
        ("soon", None, NOT_LOGGED),
        (-5, None, NOT_LOGGED),
    ],
)
def test_elapsed_is_the_errors_own_else_the_backend_time(
    tmp_path: Path, elapsed: object, backend_time: object, bucket: int
) -> None:
    found = tally(tmp_path, failed(error(elapsed=elapsed), properties={"backendTime": backend_time}))
    assert found.failures["elapsed_bucket"].tolist() == [bucket]


def test_what_failed_is_counted_under_each_thing_it_affected(tmp_path: Path) -> None:
    names = {"productId": "gold", "apimSubscriptionId": "s" * 300}
    found = tally(tmp_path, failed(properties=names), failed(properties=names), answered(properties=names))
    assert found.affected[["dimension", "value", "count"]].values.tolist() == [
        ["api", "orders-api", 2],
        ["operation", "get-order", 2],
        ["product", "gold", 2],
        ["subscription", "s" * 256, 2],
    ]


def test_first_and_last_failure_bring_their_correlation_ids(tmp_path: Path) -> None:
    def at(minute: int, identity: object) -> Json:
        return failed(time=f"2026-03-04T09:{minute:02}:00Z", correlationId=identity)

    found = tally(tmp_path, at(30, "30"), at(5, "f1|1.2_3:4-5"), at(50, "1a57"))
    row = found.failures.iloc[0]
    assert (row["first_id"], row["last_id"], row["count"]) == ("f1|1.2_3:4-5", "1a57", 3)
    assert (row["first"].minute, row["last"].minute, row["hour"].minute) == (5, 50, 0)


@pytest.mark.parametrize("identity", ["a b", "<b>", "x" * 65, "../../etc", "=cmd()", None])
def test_what_is_no_correlation_id_is_not_kept(tmp_path: Path, identity: object) -> None:
    assert tally(tmp_path, failed(correlationId=identity)).failures["first_id"].tolist() == [""]


def test_messages_that_differ_in_numbers_and_addresses_are_one_signature(tmp_path: Path) -> None:
    found = tally(tmp_path, *(failed(error(f"LogError connecting to 192.0.2.{n}:{3000 + n}")) for n in range(5)))
    assert set(found.failures["signature"]) == {"LogError connecting to <ip>:<n>"}
    assert set(found.failures["kind"]) == {"refused"}
    assert found.failures["count"].sum() == 5


def test_a_message_of_any_length_and_content_is_cut_and_counted(tmp_path: Path) -> None:
    secret = "Bearer " + "CANARY" * 2_000
    texts = ["x" * 10_000, "word " * 2_000 + secret, "a\x00b", "", "'; DROP TABLE groups; --", "\ud800"]
    found = tally(tmp_path, *(failed(error(t)) for t in texts), failed(error(None)))  # type: ignore[arg-type]
    assert counts(found) == (7, 0, 0, 0)
    assert all(len(s) <= 300 and "CANARY" not in s for s in found.failures["signature"])
    assert len(backends(found)) == 1


@pytest.mark.parametrize(
    ("url", "backend", "calls"),
    [
        ("https://api.contoso.example/hub/1", "https://api.contoso.example/orders/1", 1),
        ("https://API.contoso.example:443/hub", "https://api.contoso.example/orders/1", 1),
        ("https://api.contoso.example/hub/1", "https://orders.example/1", 0),
        ("https://orders.example.evil/1", "https://orders.example/1", 0),
        ("https://user@orders.example/?x=https://a.example/", "https://orders.example/1", 1),
        (None, "https://orders.example/1", 0),
        ("/relative", "/relative", 0),
        ("https:///", "https:///", 0),
    ],
)
def test_a_call_that_came_in_under_the_backends_own_host_is_counted_as_such(
    tmp_path: Path, url: str | None, backend: str, calls: int
) -> None:
    found = tally(tmp_path, failed(properties={"url": url, "backendUrl": backend}), answered())
    clusters, _ = clusters_of(found)
    assert [c.own_host_calls for c in clusters] == [calls]
