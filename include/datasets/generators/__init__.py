"""Generators of made-up sample data, for machines without a network."""
