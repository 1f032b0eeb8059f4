"""`make bench`: all benchmarks in one table, printed and written to benchmarks/README.md."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from benchmarks import churn, control_plane, s3, waits
from benchmarks.table import table

PAGE = Path(__file__).with_name("README.md")
RESULTS = re.compile(r"(?<=<!-- make bench -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def main() -> None:
    """Run the benchmarks and replace the table in the README."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the large S3 object")
    mib = parser.parse_args().mib
    results = table([*control_plane.measure(), *s3.measure(mib), *churn.measure(), *waits.measure()])
    print(results)
    PAGE.write_text(RESULTS.sub(lambda _: results, PAGE.read_text()))


if __name__ == "__main__":
    main()
