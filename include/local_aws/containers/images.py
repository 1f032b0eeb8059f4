"""Which container an image URI means, and the commands that it starts with."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent

# Repository in AWS's registries → our container's folder.
CONTAINERS = {"sagemaker-xgboost": "xgboost", "sagemaker-scikit-learn": "scikit_learn"}

URI = re.compile(
    r"(?:\d{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.-]+/)?(?P<repository>[a-z0-9/_-]+):(?P<tag>[\w.-]+)"
)


class UnknownImage(LookupError):
    """An image that this server has no container for."""


@dataclass(frozen=True)
class Image:
    """One of AWS's images, of any account and region.

    find("141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0").serve_command()
    """

    repository: str
    version: str  # the tag: "3.2-0", "1.9-0-cpu-py3"

    def train_command(self) -> tuple[str, ...]:
        return self._command("train")

    def serve_command(self) -> tuple[str, ...]:
        return self._command("serve")

    def _command(self, verb: str) -> tuple[str, ...]:
        # by file: the project's packages are not on the path of what runs in a container
        return (sys.executable, str(FOLDER / "main.py"), CONTAINERS[self.repository], verb)

    def script_command(self, entrypoint: list[str], arguments: list[str]) -> tuple[str, ...]:
        """What a processing job runs: the image has no entrypoint of its own for that."""
        return (*entrypoint, *arguments)


def find(image_uri: str) -> Image:
    """The image that a URI names.

    :raises UnknownImage: naming the URI and the repositories that are known.
    """
    found = URI.fullmatch(image_uri)
    if found is None or found["repository"] not in CONTAINERS:
        known = ", ".join(sorted(CONTAINERS))
        raise UnknownImage(f"No container for the image {image_uri!r}; the local AWS has {known}.")
    return Image(found["repository"], found["tag"])
