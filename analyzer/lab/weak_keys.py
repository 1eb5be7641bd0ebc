"""Keys and signatures that no library makes any more: RSA below 1024 bits, certificates signed over MD5. The lab's faults."""

from __future__ import annotations

import secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

_EXPONENT = 65_537
_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")  # object identifiers of RFC 8017 appendix A.2.4, as DER
_MD5_WITH_RSA = bytes.fromhex("06092a864886f70d010104")
_ROUNDS = 40  # of Miller and Rabin: a composite passes one with at most a quarter's chance


def short_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """A fresh RSA key of so few bits as the library's own generator refuses."""
    while True:
        p, q = _prime(bits // 2), _prime(bits - bits // 2)
        if p != q and (p * q).bit_length() == bits:
            break
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, p * q),
    )
    return numbers.private_key()


def signed_over_md5(certificate: x509.Certificate, issuer: rsa.RSAPrivateKey) -> x509.Certificate:
    """The same certificate, signed by the same issuer's key over MD5 instead of SHA-256."""
    signed = certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _MD5_WITH_RSA)
    signature = issuer.sign(signed, padding.PKCS1v15(), hashes.MD5())  # noqa: S303 - the fault
    whole = certificate.public_bytes(Encoding.DER).replace(_SHA256_WITH_RSA, _MD5_WITH_RSA)
    return x509.load_der_x509_certificate(whole[: -len(signature)] + signature)


def _prime(bits: int) -> int:
    """A random prime whose two highest bits are set, with which the exponent has no factor in common."""
    while True:
        candidate = secrets.randbits(bits) | 3 << (bits - 2) | 1
        if candidate % _EXPONENT != 1 and _is_prime(candidate):
            return candidate


def _is_prime(n: int) -> bool:
    if any(n % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(n, secrets.randbelow(n - 3) + 2, odd, twos) for _ in range(_ROUNDS))


def _passes(n: int, base: int, odd: int, twos: int) -> bool:
    x = pow(base, odd, n)
    if x in (1, n - 1):
        return True
    return any((x := x * x % n) == n - 1 for _ in range(twos - 1))
