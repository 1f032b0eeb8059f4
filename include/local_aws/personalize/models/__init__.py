"""The models behind Personalize's recipes: one sequence model over items, and popularity.

This package does not use AWS or the server: it reads and writes files (see `training`).
"""
