"""OpenSSL's own verifier, driven through its C interface in the order in which .NET drives it: what `judge` must agree with.

The order is dotnet/runtime's, OpenSslX509ChainProcessor.cs and pal_x509.c; .NET's own check of key usages is not in it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from analyzer.trust.status import Status

_Pointer = ctypes.c_void_p
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, _Pointer)
_CHECK_SELF_SIGNATURE = 0x4000
_NO_ISSUER = (2, 20)

_STATUSES = {
    2: Status.PARTIAL_CHAIN,
    6: Status.NOT_SIGNATURE_VALID,
    7: Status.NOT_SIGNATURE_VALID,
    9: Status.NOT_TIME_VALID,
    10: Status.NOT_TIME_VALID,
    13: Status.NOT_TIME_VALID,
    14: Status.NOT_TIME_VALID,
    18: Status.UNTRUSTED_ROOT,
    19: Status.UNTRUSTED_ROOT,
    20: Status.PARTIAL_CHAIN,
    21: Status.PARTIAL_CHAIN,
    25: Status.INVALID_BASIC_CONSTRAINTS,
    32: Status.INVALID_BASIC_CONSTRAINTS,
    34: Status.UNSUPPORTED_CRITICAL_EXTENSION,
    47: Status.NOT_PERMITTED,
    48: Status.EXCLUDED,
    49: Status.UNSUPPORTED_NAME_CONSTRAINT,
    53: Status.INVALID_NAME_CONSTRAINTS,
    79: Status.INVALID_BASIC_CONSTRAINTS,
}
"""X509_V_ERR_… → what .NET makes of it; others make it throw."""


def library() -> ctypes.CDLL | None:
    """libcrypto, where it is an OpenSSL 3.0: later ones differ in details."""
    name = ctypes.util.find_library("crypto")
    if name is None:
        return None
    found = ctypes.CDLL(name)
    found.OpenSSL_version_num.restype = ctypes.c_ulong
    return found if found.OpenSSL_version_num() >> 20 == 0x300 else None


class OpenSSL:
    """The functions used, with their types."""

    def __init__(self, lib: ctypes.CDLL) -> None:
        def function(name: str, result: type | None, *arguments: type) -> Callable[..., int]:
            found = getattr(lib, name)
            found.restype, found.argtypes = result, arguments
            return found  # type: ignore[no-any-return]

        text, number = ctypes.POINTER(_Pointer), ctypes.c_int
        self.decode = function("d2i_X509", _Pointer, _Pointer, text, ctypes.c_long)
        self.encode = function("i2d_X509", number, _Pointer, _Pointer)
        self.forget = function("X509_free", None, _Pointer)
        self.store = function("X509_STORE_new", _Pointer)
        self.add = function("X509_STORE_add_cert", number, _Pointer, _Pointer)
        self.forget_store = function("X509_STORE_free", None, _Pointer)
        self.parameters = function("X509_STORE_get0_param", _Pointer, _Pointer)
        self.set_time = function("X509_VERIFY_PARAM_set_time", None, _Pointer, ctypes.c_long)
        self.context = function("X509_STORE_CTX_new", _Pointer)
        self.start = function("X509_STORE_CTX_init", number, _Pointer, _Pointer, _Pointer, _Pointer)
        self.clean = function("X509_STORE_CTX_cleanup", None, _Pointer)
        self.forget_context = function("X509_STORE_CTX_free", None, _Pointer)
        self.flags = function("X509_STORE_CTX_set_flags", None, _Pointer, ctypes.c_ulong)
        self.on_error = function("X509_STORE_CTX_set_verify_cb", None, _Pointer, _Callback)
        self.verify = function("X509_verify_cert", number, _Pointer)
        self.error = function("X509_STORE_CTX_get_error", number, _Pointer)
        self.depth = function("X509_STORE_CTX_get_error_depth", number, _Pointer)
        self.chain = function("X509_STORE_CTX_get0_chain", _Pointer, _Pointer)
        self.stack = function("OPENSSL_sk_new_null", _Pointer)
        self.push = function("OPENSSL_sk_push", number, _Pointer, _Pointer)
        self.count = function("OPENSSL_sk_num", number, _Pointer)
        self.item = function("OPENSSL_sk_value", _Pointer, _Pointer, number)
        self.forget_stack = function("OPENSSL_sk_free", None, _Pointer)

    def reads(self, der: bytes) -> bool:
        """Whether these bytes, and no fewer, are a certificate to it."""
        place = _Pointer(ctypes.cast(ctypes.c_char_p(der), _Pointer).value)
        start = place.value or 0
        found = self.decode(None, ctypes.byref(place), len(der))
        if found:
            self.forget(found)
        return bool(found) and (place.value or 0) - start == len(der)

    def judge(
        self, leaf: bytes, sent: Sequence[bytes], roots: Sequence[bytes], at: datetime
    ) -> tuple[set[Status], tuple[bytes, ...]]:
        """Statuses and path as .NET has them; `roots` are self-issued."""
        owned: list[int] = []

        def load(der: bytes) -> int:
            place = _Pointer(ctypes.cast(ctypes.c_char_p(der), _Pointer).value)
            owned.append(self.decode(None, ctypes.byref(place), len(der)))
            return owned[-1]

        def stack(certificates: Iterable[int]) -> int:
            stacks.append(self.stack())
            for certificate in certificates:
                self.push(stacks[-1], certificate)
            return stacks[-1]

        def run(untrusted: int) -> int:
            self.clean(context)
            self.start(context, store, first, untrusted)
            self.flags(context, _CHECK_SELF_SIGNATURE)
            self.on_error(context, callback)
            errors.clear()
            self.verify(context)
            return self.error(context)

        def path() -> list[int]:
            chain = self.chain(context)
            return [self.item(chain, i) for i in range(self.count(chain))]

        collecting = False
        errors: list[tuple[int, int]] = []

        def collect(ok: int, where: int) -> int:
            if not ok:
                errors.append((self.depth(where), self.error(where)))
            return ok or collecting

        callback = _Callback(collect)

        stacks: list[int] = []
        store, context, first = self.store(), self.context(), load(leaf)
        for root in roots:
            self.add(store, load(root))
        self.set_time(self.parameters(store), int(at.timestamp()))
        code = run(stack([]))
        if code in _NO_ISSUER:
            code = run(stack(map(load, sent)))
        if code:
            collecting = True
            kept = [load(der) for der in map(self._der, path()[:0:-1])]
            run(stack(kept))
        found = tuple(map(self._der, path()))
        statuses = _collected(errors, len(found)) if collecting else set()
        self.forget_context(context)
        self.forget_store(store)
        for one in stacks:
            self.forget_stack(one)
        for certificate in owned:
            self.forget(certificate)
        return statuses, found

    def _der(self, certificate: int) -> bytes:
        size = self.encode(certificate, None)
        buffer = ctypes.create_string_buffer(size)
        self.encode(certificate, ctypes.byref(_Pointer(ctypes.addressof(buffer))))
        return buffer.raw[:size]


def _collected(errors: Sequence[tuple[int, int]], length: int) -> set[Status]:
    """What .NET makes of the errors, certificate by certificate (`BuildChainElements`)."""
    if any(code not in _STATUSES for _, code in errors):
        return {Status.UNREADABLE}
    below = {_STATUSES[code] for depth, code in errors if depth < length - 1}
    found = below | {_STATUSES[code] for _, code in errors}
    if Status.NOT_SIGNATURE_VALID not in below and not found & {Status.PARTIAL_CHAIN, Status.UNTRUSTED_ROOT}:
        found.discard(Status.NOT_SIGNATURE_VALID)
    return found
