"""`python -m include.local_aws`: serve until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING

from include.local_aws.services import StateInUse, running
from include.local_aws.settings import from_command_line

if TYPE_CHECKING:
    from pathlib import Path

    from include.local_aws.settings import Settings


async def serve(settings: Settings) -> None:
    """Run the server until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as server:
        print(f"Local AWS at {server.url}  (state in {settings.state.resolve()})", flush=True)
        if settings.ready_file is not None:
            announce(settings.ready_file, server.url)
        await stop.wait()


def announce(file: Path, url: str) -> None:
    """Write the URL in one step, so that no reader sees half of it."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(url)
    draft.replace(file)


def main() -> int:
    settings = from_command_line()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(serve(settings))
    except (StateInUse, OSError) as error:
        print(f"The local AWS did not start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
