"""Every cause has its page, each page has its sections for each tier, and what a page tells one to type really works and is harmless."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess

import pytest
import typer.main

from analyzer import messages
from analyzer.causes import CAUSES
from analyzer.causes.cause import fits
from analyzer.cli import terminal
from analyzer.cli.app import app
from analyzer.model import SCENARIOS, CauseName, Kind, Tier
from analyzer.pages import SECTIONS, folder, page_of

PAGES = sorted(path.stem for path in folder().glob("*.md"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(page: str) -> str:
    return (folder() / f"{page}.md").read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    """Every line to type, joined where it goes on."""
    blocks = [body for kind, body in FENCE.findall(text(page)) if kind == "sh"]
    return [line for body in blocks for line in body.replace("\\\n", " ").splitlines() if line.strip()]


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_pages_are_the_causes() -> None:
    assert len(PAGES) > 20
    assert set(PAGES) == {c.value for c in CauseName}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_every_section_in_order_and_none_empty(page: str) -> None:
    found = sections(page)
    assert tuple(found) == SECTIONS
    assert [name for name, body in found.items() if len(body.strip()) < 5] == []
    assert text(page).startswith(f"# {page}\n\n")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_of_every_tier_in_the_log_and_in_the_fix(page: str) -> None:
    found = sections(page)
    for section in ("In the log", "Fix it"):
        for tier in ("classic", "v2", "Consumption", "self-hosted"):
            said = tier in found[section] or re.search(r"\| (all|any) ", found[section]) is not None
            assert said or "every tier" in found[section] or "any tier" in found[section], (section, tier)
    assert len(Tier) == 4


@pytest.mark.parametrize("cause", CAUSES, ids=lambda c: c.name.value)
def test_a_page_and_its_cause_say_the_same(cause: object) -> None:
    from analyzer.causes import Cause

    assert isinstance(cause, Cause)
    page = page_of(cause.name)
    assert page.split("\n")[2] == cause.claim
    scenario = SCENARIOS.get(cause.name)
    assert (f"Scenario {scenario} of" in page) if scenario else ("None of the article's three scenarios" in page)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_proves_with_openssl_and_verifies_with_the_tool(page: str) -> None:
    proof = [
        c for kind, body in FENCE.findall(sections(page)["Prove it by hand"]) for c in body.splitlines() if kind == "sh"
    ]
    network = page in {"dns", "refused", "unreachable", "timeout"}  # TLS does not begin there
    wanted = ("nslookup HOST", "curl -v") if network else ("openssl s_client -connect HOST:PORT",)
    assert any(w in line for line in proof for w in wanted)
    assert any("apim-triage check HOST:PORT" in line for line in commands(page))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_ours_on_a_page_really_parses(page: str) -> None:
    group = typer.main.get_command(app)
    ours = [shlex.split(c, comments=True) for c in commands(page) if "apim-triage" in c]
    ours += [shlex.split(c) for c in re.findall(r"`(apim-triage [^`]+)`", text(page))]
    assert ours
    for words in ours:
        assert words[0] == "apim-triage", words
        rest = words[1:]
        command = group
        while isinstance(command, typer.core.TyperGroup):
            assert rest[0] in command.commands, words
            command = command.commands[rest[0]]
            rest = rest[1:]
        if len(words) > 2:  # a command named alone is not a line to type
            command.make_context(words[1], list(rest))


@pytest.mark.parametrize("page", PAGES)
def test_no_command_of_a_page_writes_the_whole_service(page: str) -> None:
    """Rule 6: updates of the service that omitted fields have wiped lists of CA certificates."""
    parts = r"\$APIM_ID/(backends|gateways)/\$\w+"
    for command in commands(page):
        writes = re.search(r"--method (put|patch|delete|post)\b", command)
        assert not writes or re.search(parts, command), command
        assert not re.match(r"az apim (update|create)|(Set|New|Update)-Az", command), command
    assert not re.search(r"^ *(az apim update|Set-AzApiManagement)\b", text(page), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_bodies_and_urls_of_az_rest_are_what_they_claim(page: str) -> None:
    for command in commands(page):
        if not command.startswith("az rest"):
            continue
        words = shlex.split(command)
        options = dict(zip(words[2::2], words[3::2], strict=False)) if words[2] == "--method" else {}
        assert options["--url"].startswith("https://management.azure.com$APIM_ID")
        assert "api-version=" in options["--url"]
        if "--body" in options:
            assert json.loads(options["--body"])["properties"]


@pytest.mark.parametrize("page", PAGES)
def test_links_to_other_pages_lead_somewhere(page: str) -> None:
    linked = re.findall(r"\]\((?!https://)([^)]+)\)", text(page))
    assert [one for one in linked if not (folder() / one).is_file()] == []
    assert "http://" not in re.sub(r"`[^`]*`|```.*?```", "", text(page), flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_sources_that_the_text_numbers_are_listed(page: str) -> None:
    body, _, sources = text(page).partition("## Sources")
    assert set(re.findall(r"\[(\d)\](?!\()", body)) <= set(re.findall(r"^- \[(\d)\]", sources, re.MULTILINE))


@pytest.mark.tool("openssl")
@pytest.mark.parametrize("page", PAGES)
def test_openssl_knows_every_option_that_a_page_gives_it(page: str) -> None:
    known: dict[str, str] = {}
    for command in commands(page):
        for part in command.split("|"):
            if not part.strip().startswith("openssl"):
                continue
            words = shlex.split(part.split("<")[0].split(">")[0].removesuffix(" 2"))
            if words[1] not in known:
                done = subprocess.run(
                    ["openssl", words[1], "-help"], capture_output=True, text=True, timeout=30, check=False
                )
                known[words[1]] = done.stdout + done.stderr
            for word in words[2:]:
                assert not word.startswith("-") or re.search(rf"^ {word}\b", known[words[1]], re.MULTILINE), (
                    word,
                    part,
                )


@pytest.mark.parametrize("page", PAGES)
def test_a_text_that_a_page_quotes_from_the_log_is_read_as_what_the_page_is_about(page: str) -> None:
    for quoted in re.findall(r"`([^`]+)`", sections(page)["In the log"]):
        if len(quoted.split()) < 3 or quoted.startswith("…"):
            continue  # a field's name or value, or a part of a text
        match = messages.classify(quoted.replace("HOST", "api.contoso.example").replace("PORT", "443"))
        assert match.kind is not Kind.OTHER, quoted
        # these two are told by times, and by the step that failed: their texts are those of others
        about = {"hairpin": CauseName.TIMEOUT, "body_transfer": CauseName.RESET}.get(page, CauseName(page))
        assert fits(match.kind, match.also, about), (quoted, match)


def test_a_page_is_plain_in_a_pipe_and_drawn_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    terminal.page(page_of(CauseName.EXPIRED))
    assert capsys.readouterr().out == page_of(CauseName.EXPIRED)
    drawn = io.StringIO()
    monkeypatch.setattr(terminal, "console", lambda: Console(file=drawn, force_terminal=True, width=100))
    terminal.page(page_of(CauseName.EXPIRED))
    assert "## What it is" not in drawn.getvalue()
    assert "What it is" in drawn.getvalue()
    assert "\x1b[" in drawn.getvalue()
