"""Output of `openssl s_client`: from this machine's own against real servers, and in the words of other versions."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.errors import EvidenceError
from analyzer.evidence import EvidenceFile, openssl_names, read
from analyzer.model import Evidence, Outcome, Stage
from tests import make
from tests.probing.peers import closes, peer, resets, says
from tests.probing.servers import openssl, python_ssl

HOST = "backend.lab.example"
LEAF = make.leaf(HOST, make.intermediate("Issuing", make.ca()), kind="rsa2048")
PEM = LEAF.pem.decode()


def s_client(port: int, *options: str, feed: str = "", name: str | None = HOST) -> str:
    """A run as it stands in a terminal: prompt, command line, output and errors together."""
    words = ["s_client", "-connect", f"127.0.0.1:{port}", *(("-servername", name) if name else ()), *options]
    ran = subprocess.run(
        ["openssl", *words],
        input=feed,
        capture_output=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    return f"me@vm:~$ openssl {' '.join(words)} </dev/null\n{ran.stdout}"


def taken(folder: Path, text: str | bytes, **said: object) -> tuple[Evidence, ...]:
    path = folder / "pasted.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(EvidenceFile(path=path, **said))  # type: ignore[arg-type]


def one(folder: Path, text: str | bytes, **said: object) -> Evidence:
    (found,) = taken(folder, text, **said)
    return found


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    with python_ssl(LEAF, folder) as port:
        yield port


def test_a_whole_run_is_one_handshake_with_the_chain_as_sent(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        found = one(tmp_path, s_client(port, "-showcerts", "-tls1_2"))
    shake = found.handshakes[0]
    assert (found.host, found.port, found.server_name, found.address) == (HOST, port, HOST, "127.0.0.1")
    assert (shake.offer, shake.outcome, shake.version) == ("openssl", Outcome.COMPLETED, "TLS 1.2")
    assert (shake.suite, shake.group) == ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "x25519")
    assert (shake.chain, shake.chain_whole, shake.named) == (LEAF.chain, True, True)
    assert (shake.client_cert_requested, shake.client_cert_required, shake.alert) == (False, None, None)
    assert shake.versions == ("TLS 1.2",)


def test_without_showcerts_the_list_of_the_chain_tells_that_there_was_more(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        part = one(tmp_path, s_client(port)).handshakes[0]
        leaf_only = one(tmp_path, s_client(port)).handshakes[0]
    assert (part.chain, part.chain_whole) == ((LEAF.der,), False)
    assert leaf_only == part
    with python_ssl(LEAF, tmp_path, chain=()) as port:
        alone = one(tmp_path, s_client(port)).handshakes[0]
    assert (alone.chain, alone.chain_whole) == ((LEAF.der,), True)


@pytest.mark.parametrize("noise", [("-msg",), ("-tlsextdebug", "-state"), ("-debug",), ("-status",)])
def test_what_s_client_prints_besides_changes_nothing(tmp_path: Path, noise: tuple[str, ...]) -> None:
    with serving(tmp_path) as port:
        plain = one(tmp_path, s_client(port, "-showcerts"))
        noisy = one(tmp_path, s_client(port, "-showcerts", *noise))
    assert noisy.handshakes == plain.handshakes
    assert plain.handshakes[0].version == "TLS 1.3"


def test_brief_output_has_no_certificate_and_still_a_choice(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        shake = one(tmp_path, s_client(port, "-brief")).handshakes[0]
    assert (shake.outcome, shake.version, shake.suite) == (Outcome.COMPLETED, "TLS 1.3", "TLS_AES_256_GCM_SHA384")
    assert (shake.chain, shake.client_cert_requested) == ((), None)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_demanded_is_told_from_one_that_is_asked_for(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    limits = {"minimum": version, "maximum": version, "clients": make.ca()}
    with python_ssl(LEAF, tmp_path, required=True, **limits) as port:
        demanded = one(tmp_path, s_client(port, "-ign_eof", feed="GET / HTTP/1.0\r\n\r\n")).handshakes[0]
    with python_ssl(LEAF, tmp_path, required=False, **limits) as port:
        asked = one(tmp_path, s_client(port, "-ign_eof", feed="GET / HTTP/1.0\r\n\r\n")).handshakes[0]
        mute = one(tmp_path, s_client(port)).handshakes[0]
    assert (demanded.client_cert_requested, demanded.client_cert_required) == (True, True)
    assert demanded.alert in ("handshake_failure", "certificate_required")
    assert (asked.client_cert_requested, asked.client_cert_required) == (True, False)
    assert (mute.client_cert_requested, mute.client_cert_required) == (True, None)


def test_a_refused_version_is_an_alert_and_says_what_was_offered(tmp_path: Path) -> None:
    with python_ssl(LEAF, tmp_path, minimum=ssl.TLSVersion.TLSv1_3) as port:
        found = one(tmp_path, s_client(port, "-tls1_2") + "\n" + s_client(port, "-tls1_3", "-showcerts"))
    stood, refused = found.handshakes
    assert (refused.outcome, refused.alert, refused.version) == (Outcome.ALERT, "protocol_version", None)
    assert (refused.versions, refused.stage) == (("TLS 1.2",), Stage.HELLO)
    assert (stood.outcome, stood.version) == (Outcome.COMPLETED, "TLS 1.3")
    assert found.chain == LEAF.chain


def test_a_suite_that_is_not_shared_is_an_alert(tmp_path: Path) -> None:
    with openssl(LEAF, tmp_path, "-tls1_2", "-cipher", "AES256-SHA256") as port:
        shake = one(tmp_path, s_client(port, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")).handshakes[0]
    assert (shake.outcome, shake.alert) == (Outcome.ALERT, "handshake_failure")


def test_another_protocol_a_closed_port_and_a_name_that_is_not_there(
    tmp_path: Path, unused_port: Callable[[], int]
) -> None:
    with peer(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        assert one(tmp_path, s_client(server.port)).handshakes[0].outcome is Outcome.NOT_TLS
    with peer(closes) as server:
        assert one(tmp_path, s_client(server.port)).handshakes[0].outcome is Outcome.CLOSED
    with peer(resets) as server:
        assert one(tmp_path, s_client(server.port)).handshakes[0].outcome is Outcome.RESET
    refused = one(tmp_path, s_client(unused_port())).handshakes[0]
    assert (refused.outcome, refused.stage) == (Outcome.REFUSED, Stage.CONNECT)
    line = "openssl s_client -connect nowhere.invalid:443\n"
    ran = subprocess.run(
        line.split(), input="", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False
    )
    assert one(tmp_path, line + ran.stdout).handshakes[0].outcome in (Outcome.NAME_NOT_FOUND, Outcome.RESOLVER_FAILED)


def test_the_time_is_the_sessions_own_else_the_files(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        dated = one(tmp_path, s_client(port, "-tls1_2"))
        brief = one(tmp_path, s_client(port, "-brief"))
    assert abs(dated.collected.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert dated.collected.tool == "openssl s_client"
    assert brief.collected.tool == "openssl s_client (time of the file)"
    assert (brief.collected.host, brief.collected.vantage) == ("unstated", "unstated")
    assert (
        one(
            tmp_path, "openssl s_client -connect a.example:443\nconnect:errno=111\n", vantage="gateway"
        ).collected.vantage
        == "gateway"
    )


def test_keys_of_the_session_are_not_kept(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        text = s_client(port, "-tls1_2")
        found = one(tmp_path, text)
    key = text.partition("Master-Key: ")[2].split()[0]
    assert len(key) == 96
    assert key not in repr(found)


@pytest.mark.parametrize("shape", ["crlf", "utf-16", "utf-8-sig", "indented"])
def test_what_an_editor_or_a_windows_shell_does_to_the_text_does_not_matter(tmp_path: Path, shape: str) -> None:
    with serving(tmp_path) as port:
        text = s_client(port, "-showcerts")
    plain = one(tmp_path, text)
    bytes_ = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "utf-16": text.replace("\n", "\r\n").encode("utf-16"),
        "utf-8-sig": text.encode("utf-8-sig"),
        "indented": "".join(f"    {line}  \n" for line in text.splitlines()).encode(),
    }[shape]
    assert one(tmp_path, bytes_).handshakes == plain.handshakes


# What follows are the words of versions that this machine does not have, written by hand after their source.

OLD = f"""CONNECTED(00000003)
---
Certificate chain
 0 s:/CN={HOST}
   i:/CN=Issuing
---
Server certificate
{PEM}subject=/CN={HOST}
issuer=/CN=Issuing
---
No client certificate CA names sent
Peer signing digest: SHA512
Server Temp Key: ECDH, P-256, 256 bits
---
SSL handshake has read 1500 bytes and written 400 bytes
---
New, TLSv1/SSLv3, Cipher is ECDHE-RSA-AES256-SHA
Server public key is 2048 bit
SSL-Session:
    Protocol  : TLSv1
    Cipher    : ECDHE-RSA-AES256-SHA
    Start Time: 1700000000
    Verify return code: 21 (unable to verify the first certificate)
---
DONE
"""


def test_1_0_2_names_its_groups_and_versions_otherwise(tmp_path: Path) -> None:
    found = one(tmp_path, f"$ openssl s_client -connect {HOST}:8443\n{OLD}")
    shake = found.handshakes[0]
    assert (shake.version, shake.suite, shake.group) == ("TLS 1.0", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "secp256r1")
    assert shake.chain_whole
    assert shake.named is None  # it sends no SNI of itself, and some that print alike do
    assert shake.client_cert_requested is None
    assert found.collected.at == datetime.fromtimestamp(1700000000, UTC)


@pytest.mark.parametrize(
    ("said", "outcome", "alert"),
    [
        ("connect: Connection refused\nconnect:errno=111", Outcome.REFUSED, None),
        ("connect: Connection timed out\nconnect:errno=110", Outcome.CONNECT_TIMEOUT, None),
        ("1:error:0200274C:system library:connect:reason(1868):b_sock2.c:110:\nconnect:errno=10060", Outcome.CONNECT_TIMEOUT, None),
        ("1:error:0200206E:system library:connect:Connection timed out:b_sock2.c:110:\nconnect:errno=110", Outcome.CONNECT_TIMEOUT, None),
        ("connect: No route to host\nconnect:errno=113", Outcome.UNREACHABLE, None),
        ("gethostbyname failure\nconnect:errno=0", Outcome.NAME_NOT_FOUND, None),
        ("getaddrinfo: Name or service not known\nconnect:errno=2", Outcome.NAME_NOT_FOUND, None),
        ("1:error:2008F002:BIO routines:BIO_lookup_ex:system lib:b_addr.c:724:Temporary failure in name resolution\nconnect:errno=22", Outcome.RESOLVER_FAILED, None),
        ("CONNECTED(00000003)\n1:error:140770FC:SSL routines:SSL23_GET_SERVER_HELLO:unknown protocol:s23_clnt.c:794:", Outcome.NOT_TLS, None),
        ("CONNECTED(000001A4)\n1:error:1408F10B:SSL routines:ssl3_get_record:wrong version number:s3_record.c:332:", Outcome.NOT_TLS, None),
        ("CONNECTED(00000003)\n1:error:14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:s3_pkt.c:1487:SSL alert number 40", Outcome.ALERT, "handshake_failure"),
        ("CONNECTED(00000003)\n1:error:1404B42E:SSL routines:ST_CONNECT:tlsv1 alert protocol version:tls13_lib.c:129:SSL alert number 70", Outcome.ALERT, "protocol_version"),
        ("CONNECTED(00000003)\n1:error:14077458:SSL routines:SSL23_GET_SERVER_HELLO:tlsv1 unrecognized name:s23_clnt.c:770:", Outcome.ALERT, "unrecognized_name"),
        ("CONNECTED(00000003)\nwrite:errno=104\n---\nno peer certificate available\n---", Outcome.RESET, None),
        ("CONNECTED(00000003)\nwrite:errno=10054\n---\nno peer certificate available\n---", Outcome.RESET, None),
        ("CONNECTED(00000003)\nread:errno=0\n---\nno peer certificate available\n---", Outcome.CLOSED, None),
        ("CONNECTED(00000003)\n1:error:0A000126:SSL routines::unexpected eof while reading:ssl/record/rec_layer_s3.c:692:\n---\nno peer certificate available", Outcome.CLOSED, None),
        ("CONNECTED(00000003)\n1:error:1425F102:SSL routines:ssl_choose_client_version:unsupported protocol:statem_lib.c:1929:", Outcome.WRONG_VERSION, None),
        ("CONNECTED(00000003)\n1:error:141A318A:SSL routines:tls_process_ske_dhe:dh key too small:statem_clnt.c:2156:\n---\nno peer certificate available", Outcome.CONNECT_FAILED, None),
        ("CONNECTED(00000003)", Outcome.SILENT, None),
    ],
)  # fmt: skip
def test_each_ending_has_its_outcome_in_every_versions_words(
    tmp_path: Path, said: str, outcome: Outcome, alert: str | None
) -> None:
    (shake,) = one(tmp_path, f"> openssl.exe s_client -connect a.example:443\n{said}\n").handshakes
    assert (shake.outcome, shake.alert) == (outcome, alert)
    assert shake.version is None


def test_openssl_3_5_says_where_it_connects_and_which_group_was_agreed(tmp_path: Path) -> None:
    text = OLD.replace("CONNECTED(00000003)", "Connecting to 203.0.113.7\nCONNECTED(00000003)")
    text = text.replace("Server Temp Key: ECDH, P-256, 256 bits", "Negotiated TLS1.3 group: X25519MLKEM768")
    text = text.replace("s:/CN=", "s:CN=").replace("subject=/CN=", "subject=CN=")
    found = one(tmp_path, f"openssl s_client {HOST}:443\n{text}")
    assert (found.host, found.address, found.handshakes[0].group) == (HOST, "203.0.113.7", "X25519MLKEM768")
    assert found.handshakes[0].named is True  # since 1.1.1, which writes names without slashes


@pytest.mark.parametrize(
    ("words", "host", "port", "server_name", "named"),
    [
        (f"s_client -connect {HOST}:443 -servername {HOST}", HOST, 443, HOST, True),
        (f"s_client -servername '{HOST}' -connect '10.0.0.4:8443' </dev/null | tee x", HOST, 8443, HOST, True),
        (f"s_client -connect {HOST}:443 -noservername", HOST, 443, HOST, False),
        (f"s_client -connect {HOST}:443 -servername other.example", HOST, 443, "other.example", True),
        ("s_client -connect [2001:db8::1]:443", "2001:db8::1", 443, "2001:db8::1", False),
        (f"s_client -host {HOST} -port 8443", HOST, 8443, HOST, None),
        (f"s_client \\\n   -connect {HOST}:443 `\n  -showcerts", HOST, 443, HOST, None),
        (f"echo | openssl s_client -connect {HOST}:443 2>&1", HOST, 443, HOST, None),
    ],
)
def test_the_command_line_says_whom_it_asked_and_by_which_name(
    tmp_path: Path, words: str, host: str, port: int, server_name: str, named: bool | None
) -> None:
    found = one(tmp_path, f"OpenSSL> {words}\n{OLD}")
    assert (found.host, found.port, found.server_name, found.handshakes[0].named) == (host, port, server_name, named)


def test_a_proxy_of_the_command_line_is_the_evidences(tmp_path: Path) -> None:
    found = one(tmp_path, f"openssl s_client -proxy proxy.example:3128 -connect {HOST}:443\n{OLD}")
    assert found.proxy == "proxy.example:3128"


def test_host_on_the_command_line_stands_in_for_a_missing_one_and_must_agree_with_one_that_is_there(
    tmp_path: Path,
) -> None:
    assert (one(tmp_path, OLD, host=HOST).port, one(tmp_path, OLD, host=HOST, port=8443).port) == (443, 8443)
    by_address = f"openssl s_client -connect 10.0.0.4:443\n{OLD}"
    found = one(tmp_path, by_address, host=HOST)
    assert (found.host, found.address, found.server_name, found.handshakes[0].named) == (HOST, "10.0.0.4", HOST, False)
    with pytest.raises(EvidenceError, match=r"HOST\[:PORT\]="):
        taken(tmp_path, OLD)
    with pytest.raises(EvidenceError, match=r"and not other\.example"):
        taken(tmp_path, f"openssl s_client -connect {HOST}:443\n{OLD}", host="other.example")
    with pytest.raises(EvidenceError, match="and not"):
        taken(tmp_path, f"openssl s_client -connect {HOST}:443\n{OLD}", host=HOST, port=8443)


def test_runs_are_told_apart_by_their_command_lines_or_not_at_all(tmp_path: Path) -> None:
    two = f"openssl s_client -connect {HOST}:443\n{OLD}\nopenssl s_client -connect b.example:443\n{OLD}"
    assert [e.host for e in taken(tmp_path, two)] == [HOST, "b.example"]
    with pytest.raises(EvidenceError, match="several runs"):
        taken(tmp_path, OLD + OLD, host=HOST)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"openssl s_client -connect {HOST}:443\n", "add its output"),
        (f"openssl s_client -connect {HOST}:25 -starttls smtp\n{OLD}", "-starttls"),
        (f"openssl s_client -connect {HOST}:443\n{OLD.replace('-----END CERTIFICATE-----', '')}", "certificate 1"),
        (f"openssl s_client -connect {HOST}:443\n{OLD.replace(PEM.split()[2], 'A' * 64, 1)[:900]}", "certificate 1"),
        (f"openssl s_client -connect {HOST}:443\n{OLD.replace(PEM.splitlines()[5], '', 1)}", "certificate 1"),
        (f"openssl s_client -connect {HOST}:443\n{OLD.replace(PEM.splitlines()[3], 'ü' * 64)}", "certificate 1"),
        (f"openssl s_client -connect {HOST}:443\nhello\n", "no result"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        taken(tmp_path, text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_suite_that_openssl_names_and_the_probe_knows_is_translated() -> None:
    listed = subprocess.run(
        ["openssl", "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    pairs = [(line.split()[2], line.split()[0]) for line in listed.splitlines()]
    known = set(openssl_names._SUITES.values())
    asked = [(name, standard) for name, standard in pairs if standard in known]
    assert len(asked) > 60
    assert [(name, openssl_names.suite(name)) for name, _ in asked] == asked
    assert openssl_names.suite("EDH-RSA-DES-CBC3-SHA") == "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"  # 1.0.2
    assert openssl_names.suite("GOST2012-GOST8912-GOST8912") is None


SAMPLES = Path(__file__).parent / "samples"


@pytest.mark.parametrize(
    ("sample", "handshakes"),
    [
        ("showcerts-tls12", [(Outcome.COMPLETED, "TLS 1.2", 2, True, None)]),
        ("leaf-only-tls12", [(Outcome.COMPLETED, "TLS 1.2", 1, False, None)]),
        ("client-certificate-tls13", [(Outcome.COMPLETED, "TLS 1.3", 2, True, True)]),
        ("two-runs-tls13-only", [(Outcome.COMPLETED, "TLS 1.3", 2, True, None), (Outcome.ALERT, None, 0, True, None)]),
    ],
)
def test_samples_are_read_as_what_they_were(sample: str, handshakes: list[tuple[object, ...]]) -> None:
    (found,) = read(SAMPLES / f"{sample}.txt")
    assert (found.host, found.address) == ("backend.lab.test", "127.0.0.1")
    seen = [
        (h.outcome, h.version, len(h.chain), h.chain_whole or not h.chain, h.client_cert_required)
        for h in found.handshakes
    ]
    assert seen == handshakes


def test_every_sample_is_tested() -> None:
    assert len(list(SAMPLES.glob("*.txt"))) == 4
