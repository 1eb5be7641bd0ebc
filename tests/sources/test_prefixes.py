"""What log tools put before a line is taken away, in every shape of lines; what only looks like it stays."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from analyzer.lab import console as lab
from analyzer.lab import logs
from analyzer.lab.events import Event
from analyzer.sources import read
from analyzer.sources.items import lines
from analyzer.sources.prefixes import behind, form_of, stripped
from tests.sources.build import counts
from tests.sources.test_console import AT, events
from tests.sources.test_shapes import shape_of

CLOCK = "2026-03-04T17:22:11.123456789Z"


def _before(prefix: str) -> Callable[[str], str]:
    return lambda text: "".join(f"{prefix}{line}\n" for line in text.splitlines())


def _cri(text: str) -> str:
    """Lines as a node's /var/log/pods has them: those over 200 characters in parts."""
    made = []
    for line in text.splitlines():
        parts = [line[i : i + 200] for i in range(0, len(line), 200)] or [""]
        made += [f"{CLOCK} stdout P {part}\n" for part in parts[:-1]]
        made.append(f"{CLOCK} stdout F {parts[-1]}\n")
    return "".join(made)


TOOLS: dict[str, Callable[[str], str]] = {
    "kubectl --prefix": lambda t: lab.kubectl(t, AT, timestamps=False),
    "kubectl --timestamps": lambda t: lab.kubectl(t, AT, prefix=False),
    "kubectl with both": lambda t: lab.kubectl(t, AT),
    "docker -t": _before(f"{CLOCK} "),
    "another zone": _before("2026-03-04T18:22:11.1+01:00 "),
    "compose": _before("gateway-1  | "),
    "compose in colours": _before("\x1b[36mgateway-1  |\x1b[0m "),
    "compose -t": _before(f"gateway-1  | {CLOCK} "),
    "cri": _cri,
    "stern": _before("apim-gateway-6c5d8f7b9d-x2x4k apim-gateway "),
    "stern -t": _before(f"apim-gateway-6c5d8f7b9d-x2x4k apim-gateway {CLOCK} "),
    "no space after an empty line's prefix": lambda t: re.sub(r" \n", "\n", _before(f"{CLOCK} ")(t + "\n")),
}
WRITERS: dict[str, Callable[[list[Event]], str]] = {
    "text of 2021": lambda of: lab.console_text(of, lab.text_with_month_first),
    "text of 2024": lambda of: lab.console_text(of, lab.text_2024),
    "text since 2.7": lab.console_text,
    "console JSON": lab.console_json,
    "blob lines": logs.blob_lines,
    "table lines": logs.export_lines,
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", WRITERS)
def test_behind_a_prefix_the_same_counts(tmp_path: Path, tool: str, name: str) -> None:
    text = WRITERS[name](events())
    (tmp_path / "plain").write_text(text)
    (tmp_path / "prefixed").write_text(TOOLS[tool](text))
    expected, found = read([str(tmp_path / "plain")]), read([str(tmp_path / "prefixed")])
    assert counts(found) == counts(expected) == (14, 12, 12, 0)
    assert found.intake.sources[0].shape == f"{expected.intake.sources[0].shape} (behind log prefixes)"
    for frame in ("failures", "traffic", "affected"):
        assert_frame_equal(getattr(found, frame), getattr(expected, frame))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_text_behind_a_prefix_comes_back_whole(tool: str) -> None:
    text = lab.console_text(events(), lab.text_2021)
    data = TOOLS[tool](text).encode()
    form = form_of(data[: 1 << 14])
    assert form is not None
    got = stripped(data, form).decode()
    if tool == "cri":  # ends of lines that joining took away come back as empty lines
        got, text = got.replace("\n\n", "\n").replace("\n\n", "\n"), text.replace("\n\n", "\n")
        assert [line for line in got.split("\n") if line] == [line for line in text.split("\n") if line]
    else:
        assert got.rstrip("\n") == text.rstrip("\n")


def test_a_line_without_the_prefix_stays(tmp_path: Path) -> None:
    of = lab.console_json(events()[:3])
    text = "Found 2 pods, using pod/a\n" + lab.kubectl(of + of, AT) + of
    (tmp_path / "log").write_text(text)
    assert counts(read([str(tmp_path / "log")])) == (3, 3, 3, 1)


def test_line_numbers_are_those_of_the_file_even_where_lines_are_joined() -> None:
    text = f'{CLOCK} stdout P {{"a":\n{CLOCK} stdout F  1}}\n{CLOCK} stdout F {{"b": 2}}\n{CLOCK} stdout F nothing\n'
    form = form_of(text.encode())
    assert form is not None
    assert [i.line for i in behind(lines, form)(io.BytesIO(text.encode()))] == [1, 3, 4]


def test_a_part_whose_rest_never_came_costs_itself() -> None:
    text = f'{CLOCK} stdout P {{"a":\n{{"b": 2}}\n{CLOCK} stdout F {{"c": 2}}\n{CLOCK} stdout F {{"d": 2}}\n'
    form = form_of(text.encode())
    assert form is not None
    assert len(list(behind(lines, form)(io.BytesIO(text.encode())))) == 4


@pytest.mark.parametrize(
    "text",
    [
        *(write(events()) for write in WRITERS.values()),
        logs.portal_csv(events()),
        logs.api_answer(events()),
        "hello there [world]\nand more\nof it\nwithout it\n",
        "",
        "\n\n",
    ],
)
def test_what_is_not_prefixed_is_left_alone(text: str) -> None:
    assert form_of(text.encode()) is None


def test_two_words_before_a_line_are_a_pod_only_where_they_were_one() -> None:
    text = 'pod-a app {"x": 1}\npod-a app  "go on"\nsome other words\npod-b app [Info] x\n'
    form = form_of(text.encode())
    assert form is not None
    assert stripped(text.encode(), form) == b'{"x": 1}\n "go on"\nsome other words\n[Info] x\n'


def test_a_prefixed_log_of_something_else_is_told_why(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(lab.kubectl('{"msg": "hello"}\n' * 5, AT))
    assert isinstance(shape_of(tmp_path / "log"), str)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300), max_size=10),
    st.sampled_from([t for t in TOOLS if not t.startswith(("stern", "no space"))]),
)
def test_any_lines_come_back_from_behind_any_prefix(texts: list[str], tool: str) -> None:
    texts = [json.dumps(text) for text in ("first", *texts)]
    data = TOOLS[tool]("\n".join(texts)).encode()
    form = form_of(data)
    assert form is not None
    assert [line for line in stripped(data, form).decode().split("\n") if line] == texts


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                [b"[pod/a/b] ", CLOCK.encode() + b" ", b"stdout P ", b"stdout F ", b"a-1  | ", b"pod app [", b"\n"]
            ),
        ),
        max_size=20,
    )
)
def test_no_bytes_make_it_raise(parts: list[bytes]) -> None:
    data = b"".join(parts)
    form = form_of(data)
    if form is not None:
        assert len(stripped(data, form)) <= len(data)
        list(behind(lines, form)(io.BytesIO(data)))
