"""Error texts in, signatures out: what is secret or varies is masked; SQL and Python apply the one list."""

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
    (rf"(?i)\b((?:set-)?cookie2?{_SEPARATOR})(?:\\*\"[^\"]*\"?|(?:[^ ]*; )*[^ ]+)", r"\1<secret>"),
    (rf"(?i)(bearer|sharedkey(?:lite)?|sharedaccesssignature)((?:[:= +]|%20)+){_VALUE}", r"\1\2<secret>"),
    # not "Basic Constraints": capitals within, digits or padding
    (
        r"(?i:\b(basic))(?: |%20|\+)(?:[A-Za-z0-9+/]{5,}[A-Z0-9+/=][A-Za-z0-9+/]*|[A-Za-z0-9+/]+[A-Z0-9+/=][A-Za-z0-9+/]{5,})={0,2}",
        r"\1 <secret>",
    ),
    (rf"(?i)((?:{_NAMES})s?[0-9]?{_SEPARATOR}){_VALUE}", r"\1<secret>"),
    (rf"(?i){_BEFORE}((?:sig|sas|pass){_SEPARATOR}){_VALUE}", r"\1\2<secret>"),
    # a function key, not "error code=10061"
    (rf"(?i){_BEFORE}(code(?:=|%(?:25)*3d))(?:{_QUOTE}[^ ]*|[0-9]*[^0-9 &;,\"'<>()][^ &;]*)", r"\1\2<secret>"),
    (r"://[^/ ]*@", "://<secret>@"),  # user information of a URL (RFC 3986 section 3.2.1)
    (r"[^ /:@\"'(]+:[^ ]+@", "<secret>@"),  # the same without a scheme
    (r"\?[^ \"'<>()]*=(?:[^ \"'()]|['()]+[A-Za-z0-9%/&=?#$_~-])*", "?<query>"),
    (r"[A-Za-z0-9+/]{40,}={1,2}", "<secret>"),
)
"""What is secret wherever it stands: pattern and replacement, in order of application."""

# A run that may be a secret stands between these two while it is looked at; MASKS opens by removing both from the text.
_OPEN, _CLOSE = "\x02", "\x03"
_W = "[A-Za-z0-9_-]*"
_MIXED = "|".join(
    f"{_W}[{a}]{_W}[{b}]{_W}[{c}]{_W}" for a, b, c in permutations(("a-z", "A-Z", "0-9"))
)

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


def literal(text: str) -> str:
    """The SQL string literal of a text that is our own."""
    return "'" + text.replace("'", "''") + "'"
