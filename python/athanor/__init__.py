"""Athanor, a laboratory that runs itself: what Python programs need of it."""
