"""What the log shows beside a cluster: other gateways of the same backend, other backends of the same gateway."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from analyzer.clusters import clusters_of
from analyzer.gateway import gateways_of
from analyzer.model import Cluster, Neighbours
from analyzer.neighbours import neighbours_of
from tests.sources import build

NINE = datetime(2026, 3, 4, 9)  # noqa: DTZ001  UTC, written with a Z
OTHER = build.SERVICE.replace("CONTOSO-APIM", "FABRIKAM-APIM")


def at(hours: float) -> str:
    return (NINE + timedelta(hours=hours)).isoformat() + "Z"


def failed(
    hours: float, *, host: str = "a.example", service: str = build.SERVICE, message: str = build.TRUST
) -> build.Json:
    where = {"backendUrl": f"https://{host}/v1"}
    return build.failed(build.error(message), time=at(hours), resourceId=service, properties=where)


def answered(hours: float, *, host: str = "a.example", service: str = build.SERVICE) -> build.Json:
    return build.answered(time=at(hours), resourceId=service, properties={"backendUrl": f"https://{host}/v1"})


def beside(folder: Path, *records: build.Json) -> dict[tuple[str, str], Neighbours]:
    """By host and gateway's name."""
    tally = build.tally(folder, *records)
    clusters, _ = clusters_of(tally)
    gateways = {g.id: g for g in gateways_of(tally)}
    found = neighbours_of(tally, clusters, gateways)
    return {(c.backend.host, gateways[c.gateway].name): found.get(c.id, Neighbours()) for c in clusters}


def of(folder: Path, *records: build.Json) -> Neighbours:
    return beside(folder, *records)["a.example", "contoso-apim"]


def test_alone_there_is_nothing_beside(tmp_path: Path) -> None:
    assert of(tmp_path, failed(0), failed(3)) == Neighbours()
    assert of(tmp_path, failed(0), answered(1), failed(3)) == Neighbours(), "its own successes are no neighbour's"


def test_another_gateway_that_is_answered_meanwhile_is_named(tmp_path: Path) -> None:
    found = of(tmp_path, failed(0), failed(3), answered(1, service=OTHER))
    assert found.answered_at == ("fabrikam-apim (West Europe)",)
    for outside in (-2, 5):
        assert of(tmp_path, failed(0), failed(3), answered(outside, service=OTHER)).answered_at == ()
    assert of(tmp_path, failed(0), failed(3), answered(1, service=OTHER, host="b.example")).answered_at == ()


def test_another_gateway_that_fails_likewise_meanwhile_is_named(tmp_path: Path) -> None:
    assert of(tmp_path, failed(0), failed(3), failed(1, service=OTHER)).failing_at == ("fabrikam-apim (West Europe)",)
    assert of(tmp_path, failed(0), failed(3), failed(9, service=OTHER)).failing_at == ()
    refused = failed(1, service=OTHER, message="Connection refused (a.example:443)")
    assert of(tmp_path, failed(0), failed(3), refused).failing_at == (), "another family of failure"


def test_other_backends_of_the_gateway_count_where_they_failed_likewise_in_the_same_hours(tmp_path: Path) -> None:
    found = of(tmp_path, failed(0), failed(3), failed(0.5, host="b.example"), failed(3.2, host="c.example"))
    assert found.failing_beside == 2
    assert of(tmp_path, failed(0), failed(3), failed(1.5, host="b.example")).failing_beside == 0
    assert of(tmp_path, failed(0), failed(0.5, host="b.example", service=OTHER)).failing_beside == 0


def test_a_backend_that_is_not_named_has_no_neighbours(tmp_path: Path) -> None:
    nameless = build.failed(properties={"backendUrl": None}, time=at(0))
    assert beside(tmp_path, nameless, failed(0))["", "contoso-apim"] == Neighbours()


def test_a_thousand_clusters_take_about_a_second(tmp_path: Path) -> None:
    import time

    records = [failed(h, host=f"h{n}.example") for n in range(500) for h in (0, 1)]
    records += [failed(0.5, host=f"h{n}.example", service=OTHER) for n in range(500)]
    records += [answered(0.7, host=f"h{n}.example", service=OTHER) for n in range(500)]
    tally = build.tally(tmp_path, *records)
    clusters: tuple[Cluster, ...] = clusters_of(tally)[0]
    assert len(clusters) == 1000
    began = time.process_time()
    found = neighbours_of(tally, clusters, {g.id: g for g in gateways_of(tally)})
    assert time.process_time() - began < 3  # a quarter of it on an idle core
    assert {n.failing_beside for n in found.values()} == {499}
