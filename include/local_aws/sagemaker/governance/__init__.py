"""Governance: which model versions exist, who approved them, and what they were made from.

- `registry`: model package groups, model packages and their approval.
- `lineage`: artifacts, contexts and actions.
- `graph`: associations between them, and QueryLineage.
"""
