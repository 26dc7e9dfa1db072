"""Curve pools."""
