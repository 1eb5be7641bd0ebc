"""The one place of redaction: what of an error text, a name or a rejected line may be shown; SQL and Python apply the one list."""

from __future__ import annotations

import re
from itertools import permutations

SIGNATURE_LENGTH = 300  # characters

# A number that says what happened is set apart by this character while the other numbers are masked; MASKS opens by
# removing it from the text, like every control character, and closes by taking it away again.
_KEEP = "\x01"

# Quotes, as they are or as JSON within JSON, a URL or HTML writes them; what stands between a name and its value; the value.
_QUOTE = r"""(?:\\*["']|\\+u002[27]|%2[27]|&quot;|&#3[49];)"""
_SEPARATOR = rf"""{_QUOTE}* ?(?:[=:]|%(?:25)*3[AaDd]|\\+u003[AaDd]) ?"""
_VALUE = (
    r"""(?:\\"(?:[^"\\]|\\\\\\"|\\\\|\\[^"\\])*(?:\\")?|\\{2,}"[^"]*"?|""[^"]+""|"(?:[^"\\]|\\.|"")*"?"""
    r"""|'(?:[^'\\]|\\.)*'?|(?:&quot;|\\+u0022).*?(?:&quot;|\\+u0022|$)|(?:"[^"]*"|[^ &;])+)"""
)
_NAMES = (
    "key|token|secret|passwor[dt]|passwd|pwd|passphrase|passcode|kennwort|signature|credentials?|assertion|auth|jwt|"
    "samlresponse|session(?:[_-]?id)?|user[ _-]?(?:name|id)|uid"
)
_BEFORE = r"(^|[^A-Za-z0-9]|%[0-9A-Fa-f]{2}|u00[0-9A-Fa-f]{2})"  # a word begins, also in what a URL or JSON escaped

SECRETS: tuple[tuple[str, str], ...] = (
    # In this order: a later rule could cut one in two and leave half of it. Each pattern says what it takes for one.
    (r"[A-Za-z0-9+/_-]*eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*", "<secret>"),  # JWT (RFC 7519): base64url of '{"'
    (
        rf"(?i)\b((?:proxy-)?authorization{_SEPARATOR})(?:{_QUOTE}?[a-z0-9-]+(?: |%20))?{_VALUE}(?:,? ?[a-z]+={_VALUE})*",
        r"\1<secret>",
    ),
    (rf"""(?i)\b((?:set-)?cookie2?{_SEPARATOR})(?:\\*"[^"]*"?|(?:[^ ]*; )*[^ ]+)""", r"\1<secret>"),
    (rf"(?i)(bearer|sharedkey(?:lite)?|sharedaccesssignature)((?:[:= +]|%20)+){_VALUE}", r"\1\2<secret>"),
    # not "Basic Constraints": capitals within, digits or padding
    (
        r"(?i:\b(basic))(?: |%20|\+)(?:[A-Za-z0-9+/]{5,}[A-Z0-9+/=][A-Za-z0-9+/]*|[A-Za-z0-9+/]+[A-Z0-9+/=][A-Za-z0-9+/]{5,})={0,2}",
        r"\1 <secret>",
    ),
    (rf"(?i)((?:{_NAMES})s?[0-9]?{_SEPARATOR}){_VALUE}", r"\1<secret>"),
    (rf"(?i){_BEFORE}((?:sig|sas|pass){_SEPARATOR}){_VALUE}", r"\1\2<secret>"),
    # a function key, not "error code=10061"
    (rf"""(?i){_BEFORE}(code(?:=|%(?:25)*3d))(?:{_QUOTE}[^ ]*|[0-9]*[^0-9 &;,"'<>()][^ &;]*)""", r"\1\2<secret>"),
    (r"://[^/ ]*@", "://<secret>@"),  # user information of a URL (RFC 3986 section 3.2.1)
    (r"""[^ /:@"'(]+:[^ ]+@""", "<secret>@"),  # the same without a scheme
    (r"""\?[^ "'<>()]*=(?:[^ "'()]|['()]+[A-Za-z0-9%/&=?#$_~-])*""", "?<query>"),
    (r"[A-Za-z0-9+/]{40,}={1,2}", "<secret>"),
)
"""What is secret wherever it stands: pattern and replacement, in order of application."""

# A run that may be a secret stands between these two while it is looked at; MASKS opens by removing both from the text.
_OPEN, _CLOSE = "\x02", "\x03"
_W = "[A-Za-z0-9_-]*"
_MIXED = "|".join(f"{_W}[{a}]{_W}[{b}]{_W}[{c}]{_W}" for a, b, c in permutations(("a-z", "A-Z", "0-9")))

MASKS: tuple[tuple[str, str], ...] = (
    (r"[\x00-\x20\x7f]+", " "),
    *SECRETS,
    (r"[^ =&?\"']+=[^ &\"']*(?:&[^ =&\"']+=[^ &\"']*)+", "<query>"),
    # What differs from record to record.
    (r"(?i)\b[a-z][a-z0-9+.-]*://(?:<secret>|<query>|[^ \"'<>()]|['()]+[A-Za-z0-9%/&=?#$_~-])*", "<url>"),
    (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", "<email>"),
    (r"\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b", "<guid>"),
    (r"(?:::(?:[Ff]{4}:)?)?\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b", "<ip>"),
    (r"\[[0-9A-Fa-f]*:[0-9A-Fa-f:]+(?:%[0-9A-Za-z]+)?\]", "<ip>"),
    (r"\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\b", "<ip>"),
    (r"\b(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}\b", "<ip>"),
    (r"(^|[ (/'\"])::(?:[0-9A-Fa-f]{1,4}:)*[0-9A-Fa-f]{1,4}\b", r"\1<ip>"),
    (r"\b[0-9A-Fa-f]{16,}\b", "<hex>"),
    # Long runs that no word of the trade looks like: names of cipher suites reach 45 characters but carry underscores,
    # names of exceptions carry no digit far from both ends.
    (r"[A-Za-z0-9+/_-]{46,}={0,2}", "<secret>"),
    (r"[A-Za-z0-9+/]{0,64}[0-9][A-Za-z0-9+/]{23,}={0,2}", "<secret>"),
    (r"[A-Za-z0-9+/]{23,}[0-9][A-Za-z0-9+/]*={0,2}", "<secret>"),
    (r"([A-Za-z0-9_-]{32,})", rf"{_OPEN}\1{_CLOSE}"),
    (rf"{_OPEN}(?:{_MIXED}){_CLOSE}", "<secret>"),  # base64url: small and capital letters and a digit
    (rf"[{_OPEN}{_CLOSE}]", ""),
    # Numbers, but not those that say what happened: TLS 1.2, HTTP/2, HTTP 502, (502), error:14094410, SHA-1, 0 bytes.
    (r"([0-9])\.([0-9])\b", rf"\1.{_KEEP}\2"),
    (
        r"(?i)\b((?:TLS|SSL|DTLS|HTTP|SHA|AES|RSA|DES|MD|RC|status|code|errno|error|alert(?: number)?)"
        r"[ :/='\"(-]{0,3}v?)([0-9])",
        rf"\1{_KEEP}\2",
    ),
    (r"\(([1-5][0-9]{2})\)", rf"({_KEEP}\1)"),  # HTTP status
    (
        r"(^|[^A-Za-z0-9_.:])(-?)(10013|100[456][0-9]|1100[1-4]|131073)\b",
        rf"\1\2{_KEEP}\3",
    ),  # Winsock; .NET's EAI_NONAME
    (r"\b(0 bytes)\b", rf"{_KEEP}\1"),
    (rf"(^|[^{_KEEP}A-Za-z0-9_])[0-9]+(?:\.{_KEEP}[0-9]+)*\b", r"\1<n>"),
    (_KEEP, ""),
)
"""Pattern and replacement, in order of application; RE2 and Python's `re` (ASCII) read every one alike."""

_COMPILED = tuple((re.compile(pattern, re.ASCII), replacement) for pattern, replacement in MASKS)


def mask(text: str) -> str:
    """An error text with secrets, addresses, ids and numbers replaced by what they are; at most 300 characters."""
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text.strip(" ")[:SIGNATURE_LENGTH]


def mask_sql(expression: str) -> str:
    """`mask` as a DuckDB expression over a VARCHAR expression."""
    for pattern, replacement in MASKS:
        expression = f"regexp_replace({expression}, {literal(pattern)}, {literal(replacement)}, 'g')"
    return f"left(trim({expression}, ' '), {SIGNATURE_LENGTH})"


def hide_sql(name: str) -> str:
    """A name (of an API, an entity, a region) as a DuckDB expression: whole, but for what is secret in it.

    Most names hold nothing that a secret could begin with, and are passed over.
    """
    hidden = name
    for pattern, replacement in SECRETS:
        hidden = f"regexp_replace({hidden}, {literal(pattern)}, {literal(replacement)}, 'g')"
    return f"CASE WHEN regexp_matches({name}, {literal(_SUSPECT)}) THEN {hidden} ELSE {name} END"


_SUSPECT = r"(?i)[^a-z0-9._~/ -]|eyj|bearer|basic|shared"

_EXCERPT = 80  # characters
_LOOKED_AT = 2048  # characters, or bytes
_SHOWN = {  # keys whose value may be quoted, and what it must look like
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(?:Z|[+-][0-9:]{5})?",
    "timegenerated": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(?:Z|[+-][0-9:]{5})?",
    "category": r"[A-Za-z]{1,30}Logs",
    "level": r"[0-9]{1,2}|Error|Warning|Information|Informational|Verbose|Critical",
    "operationname": r"Microsoft\.ApiManagement/[A-Za-z]{1,30}",
}
_KEY = re.compile(r"[A-Za-z_]{1,24}(?:\.[A-Za-z_]{1,24})?")
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)(?P<end>"[ \t]*(?P<key>:[ \t]*(?:"(?P<value>[^"\\]{1,50})"|(?P<number>[0-9]{1,2})(?=[,}]))?)?)?'
    r"|(?P<mark>[{}\[\]:,])|[ \t\r\n]+|(?P<bare>[^\"{}\[\]:, \t\r\n]+)",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z]?[a-z]{0,14}[.,:;!?]?|[A-Z]{1,5}[.,:;]?|<[a-z]+>[.,:;]?")
_NAMING = re.compile(rf"(?i)(?:{_NAMES}|bearer|basic|code|sig|sas|pass)s?[.,:;!?]?")
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")


def excerpt(line: bytes | str, *, inside: bool = False) -> str:
    """What of a rejected line may be quoted: at most 80 printable characters, from no more than its first 2 KB.

    Of what has quotes, braces or cells, its structure and keys are shown, and "…" for every value but a few that are
    harmless. Of plain text, its ordinary words. Where the line may begin `inside` a value, it counts as structure.
    """
    head = line[:_LOOKED_AT]
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    text = text.removeprefix("\ufeff").strip()
    if "\x00" in text or len(_UNREADABLE.findall(text)) * 10 > len(text):
        return f"binary, {len(line):,} {'bytes' if isinstance(line, bytes) else 'characters'}"
    if inside or re.search(r"[\"{}\[\]\\]|,[^ ].*,[^ ]", text):
        return _short(_structure(text))
    if len(line) > _LOOKED_AT:
        text = text.rpartition(" ")[0]  # the last word may be half a secret
    return _short(_plain_words(text))


def _structure(text: str) -> str:
    """A text that may be JSON or CSV with "…" for each value; keys and harmless values only of what begins as an object."""
    sure, out = text.startswith("{"), list[str]()
    for token in _TOKEN.finditer(text):
        if mark := token["mark"]:
            out.append(mark)
        elif token["bare"]:
            out.append("…")
        elif token["text"] is not None:
            key = token["text"] if sure and token["key"] and _KEY.fullmatch(token["text"]) else None
            value = token["value"] or token["number"] if token["key"] else None
            harmless = _SHOWN.get(key.casefold()) if key else None
            out.append((f'"{key}"' if key else "…") + (":" if token["key"] else ""))
            if value:
                out.append(value if harmless and re.fullmatch(harmless, value) else "…")
    return re.sub("…{2,}", "…", "".join(out))


def _plain_words(text: str) -> str:
    """The ordinary words of a text, "…" for any other, and for the one after a word that names a secret."""
    out, named = list[str](), False
    for word in mask(text).split(" "):
        out.append(word if _WORD.fullmatch(word) and not named else "…")
        named = bool(_NAMING.fullmatch(word))
    return re.sub("…(?: …)+", "…", " ".join(out))


def _short(text: str) -> str:
    """A text, cut at a word or a mark where it is longer than what may be quoted."""
    if len(text) <= _EXCERPT:
        return text
    cut = text[: _EXCERPT - 1]
    at = max(cut.rfind(end) for end in " ,{[")
    return (cut[:at] if at > 0 else cut).rstrip(" …") + "…"


def literal(text: str) -> str:
    """The SQL string literal of a text that is our own."""
    return "'" + text.replace("'", "''") + "'"
