"""HTML pages from jinja2 templates: one file each, no network, no scripts, light and dark, fit for print.

Every text is escaped where a template prints it; what is HTML already is `Markup`. The templates lie beside
this module and travel with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATES = Path(__file__).parent / "templates"


class Note(NamedTuple):
    """A remark on a tile, and its CSS class: up (good), down (bad) or none."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Tile:
    """A number at a glance. `Tile("F1", "0.8539", (Note("gate 0.81, passed", "up"),))`"""

    name: str
    value: str
    notes: tuple[Note, ...] = ()
    band: str = ""  # ok, watch, drift or none: the colour of the number


class Section(NamedTuple):
    """A titled box of a page."""

    title: str
    content: Markup


def render(template: str, content: Mapping[str, Any], folder: Path | None = None) -> Markup:
    """Fill in a template of this folder's `templates`, or of a folder of the script's own.

    :raises jinja2.TemplateNotFound: when there is no such template.
    :raises jinja2.UndefinedError: when the template prints what `content` does not hold.
    """
    return Markup(_environment(folder).get_template(template).render(content))  # noqa: S704 — autoescaped


@cache
def _environment(folder: Path | None) -> Environment:
    return Environment(
        loader=FileSystemLoader([TEMPLATES] if folder is None else [folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
