"""SageMaker: jobs, batch transform, hosting and governance, each in a package of its own.

Here is what all four use: `names` (ARNs), `tags`, `listing` (the pages of List operations) and `checks` (of
requests). The arrows between the packages: `transform` uses `jobs` and `hosting`; `hosting` uses `jobs` and,
for models made from model packages, `governance`. None points back.
"""
