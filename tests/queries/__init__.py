"""Tests of the queries: executed on records, and read by Microsoft's own language service."""
