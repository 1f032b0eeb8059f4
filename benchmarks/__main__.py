"""`make bench`: every benchmark, one table, kept in benchmarks/README.md."""

from __future__ import annotations

import argparse

from benchmarks import churn, control_plane, s3
from benchmarks.table import print_table


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the large S3 object")
    mib = parser.parse_args().mib
    print_table([*control_plane.measure(), *s3.measure(mib), *churn.measure()])


if __name__ == "__main__":
    main()
