"""Certificates in, what a gateway makes of them out: names, chains, roots. No network."""

from analyzer.trust.certificate import describe
from analyzer.trust.differences import DIFFERENCES, Difference
from analyzer.trust.issuers import Issuer, issuers
from analyzer.trust.judgement import Platform, judge
from analyzer.trust.names import matches_host
from analyzer.trust.reissue import Reissue
from analyzer.trust.roots import Store, certificates_in, load_anchors, load_store, read_certificates, split_given
from analyzer.trust.shape import ChainShape, shape
from analyzer.trust.status import Status
from analyzer.trust.surrogate import Surrogate, surrogate

__all__ = [
    "DIFFERENCES",
    "ChainShape",
    "Difference",
    "Issuer",
    "Platform",
    "Reissue",
    "Status",
    "Store",
    "Surrogate",
    "certificates_in",
    "describe",
    "issuers",
    "judge",
    "load_anchors",
    "load_store",
    "matches_host",
    "read_certificates",
    "shape",
    "split_given",
    "surrogate",
]
