"""Backends with one fault each on loopback, and the gateway logs that tell of them: for the demo and the tests."""

from analyzer.lab.backends import Lab, LabBackend

__all__ = ["Lab", "LabBackend"]
