"""`make bench`: every benchmark, one table, printed and kept in benchmarks/README.md."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from benchmarks import churn, control_plane, s3, waits
from benchmarks.table import table

PAGE = Path(__file__).with_name("README.md")
KEPT = re.compile(r"(?<=<!-- make bench -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the large S3 object")
    mib = parser.parse_args().mib
    measured = table([*control_plane.measure(), *s3.measure(mib), *churn.measure(), *waits.measure()])
    print(measured)
    PAGE.write_text(KEPT.sub(lambda _: measured, PAGE.read_text()))


if __name__ == "__main__":
    main()
