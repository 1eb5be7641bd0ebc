"""Backends with one fault each on loopback, and the gateway logs that tell of them: for the demo and the tests."""
