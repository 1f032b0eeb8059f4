"""Arrays in requests and answers: JSON, CSV and NPY."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from include.local_aws.containers.toolkit.serving import HttpError, media_type

NPY = "application/x-npy"
SUPPORTED = ("application/json", "text/csv", NPY)


def decode(body: bytes, content_type: str) -> np.ndarray:
    """A request body as an array of float32: shape (rows, columns) for CSV, else the shape of the body.

    :raises HttpError: 415 for an unsupported type, 400 for a body that is not of its type.
    """
    kind = media_type(content_type)
    try:
        if kind == "application/json":
            return np.asarray(json.loads(body), dtype=np.float32)
        if kind == "text/csv":
            rows = [line.split(",") for line in body.decode().splitlines() if line.strip()]
            return np.asarray(rows, dtype=np.float32)
        if kind == NPY:
            return np.asarray(np.load(io.BytesIO(body), allow_pickle=False), dtype=np.float32)
    except (ValueError, UnicodeDecodeError) as error:
        raise HttpError(400, f"The body is not {kind}: {error}") from error
    raise HttpError(415, f"Content type {content_type!r} is not supported: use {', '.join(SUPPORTED)}.")


def encode(value: Any, accept: str) -> tuple[bytes, str]:
    """An array of any shape, or a value that numpy can convert, in the accepted type; returns body and type.

    :raises HttpError: 406 for an unsupported type.
    """
    for kind in (media_type(part) for part in accept.split(",")):
        array = np.asarray(value)
        if kind == "application/json":
            return json.dumps(array.tolist()).encode(), kind
        if kind == "text/csv":
            rows = array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)
            return "".join(",".join(map(str, row)) + "\n" for row in rows.tolist()).encode(), kind
        if kind == NPY:
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            return buffer.getvalue(), kind
    raise HttpError(406, f"Accept {accept!r} is not supported: use {', '.join(SUPPORTED)}.")
