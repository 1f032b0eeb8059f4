"""From an image URI to a container of this package, and its start commands."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent

# Repository in AWS's registries → folder of the container in this package.
CONTAINERS = {"sagemaker-xgboost": "xgboost", "sagemaker-scikit-learn": "scikit_learn"}

URI = re.compile(
    r"(?:\d{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.-]+/)?(?P<repository>[a-z0-9/_-]+):(?P<tag>[\w.-]+)"
)


class UnknownImage(LookupError):
    """An image for which this server has no container."""


@dataclass(frozen=True)
class Image:
    """An image of AWS, of any account and region.

    find("141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0").serve_command()
    """

    repository: str
    version: str  # the tag: "3.2-0", "1.9-0-cpu-py3"

    def train_command(self) -> tuple[str, ...]:
        """The command of a training job."""
        return self._command("train")

    def serve_command(self) -> tuple[str, ...]:
        """The command of an endpoint or transform job."""
        return self._command("serve")

    def _command(self, verb: str) -> tuple[str, ...]:
        # by file: the project's packages are not on the path in a container
        return (sys.executable, str(FOLDER / "main.py"), CONTAINERS[self.repository], verb)

    def script_command(self, entrypoint: list[str], arguments: list[str]) -> tuple[str, ...]:
        """The command of a processing job: the image itself has no entrypoint for it."""
        return (*entrypoint, *arguments)


def find(image_uri: str) -> Image:
    """The image with a URI.

    :raises UnknownImage: for an unknown repository; the text lists the known ones.
    """
    match = URI.fullmatch(image_uri)
    if match is None or match["repository"] not in CONTAINERS:
        repositories = ", ".join(sorted(CONTAINERS))
        raise UnknownImage(f"No container for the image {image_uri!r}; the local AWS has {repositories}.")
    return Image(match["repository"], match["tag"])
