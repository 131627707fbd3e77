"""Faults made to happen from outside, at random points, and what must hold all the same."""
