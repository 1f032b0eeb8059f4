"""Data capture: requests and answers of endpoints as JSON Lines in S3, in SageMaker's format."""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import AwsError
from include.local_aws.s3.store import parse_uri

if TYPE_CHECKING:
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.state import Document

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0  # AWS delivers within minutes
FLUSH_RECORDS = 500


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    :param moment: when it came, epoch seconds.
    """

    endpoint: str
    variant: str
    request: bytes
    request_type: str
    response: bytes
    response_type: str
    moment: float
    inference_id: str | None = None
    custom_attributes: str | None = None


class DataCapture:
    """Collects exchanges and writes them to S3 from a thread of its own."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._waiting: dict[str, list[str]] = {}  # lines by the S3 URI of their folder
        self._lock = threading.Lock()
        self._wake, self._closing = threading.Event(), False
        self._sampling = random.Random()  # noqa: S311 — sampling needs no secret randomness
        self._thread = threading.Thread(target=self._work, name="data-capture", daemon=True)
        self._thread.start()

    def record(self, config: Document, exchange: Exchange) -> None:
        """Capture an exchange if the endpoint's configuration and the sampling percentage select it."""
        capture_config = config.get("DataCaptureConfig", {"EnableCapture": False})
        if not capture_config.get("EnableCapture", True):
            return
        if self._sampling.uniform(0, 100) > capture_config["InitialSamplingPercentage"]:
            return
        hour = datetime.fromtimestamp(exchange.moment, UTC).strftime("%Y/%m/%d/%H")
        base = capture_config["DestinationS3Uri"].rstrip("/")
        folder = f"{base}/{exchange.endpoint}/{exchange.variant}/{hour}"
        with self._lock:
            lines = self._waiting.setdefault(folder, [])
            lines.append(json.dumps(capture_record(exchange, capture_config)))
            if len(lines) >= FLUSH_RECORDS:
                self._wake.set()

    def flush(self) -> None:
        """Write everything collected.

        If a destination cannot be written, the error is logged and its records are lost.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for folder, lines in waiting.items():
            now = datetime.now(UTC)
            name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            try:
                bucket, key = parse_uri(f"{folder}/{name}")
                content = "".join(f"{line}\n" for line in lines).encode()
                self._store.put_bytes(bucket, key, content, "application/jsonlines")
            except (AwsError, ValueError) as error:
                logger.error("Captured data cannot be written to %s: %s", folder, error)

    def close(self) -> None:
        """Write the rest and stop."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            self.flush()
        self.flush()


def summary(config: Document) -> Document:
    """What DescribeEndpoint shows of a DataCaptureConfig."""
    enabled = config.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


def capture_record(exchange: Exchange, config: Document) -> dict[str, Any]:
    """One line of a capture file."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    types = config.get("CaptureContentTypeHeader", {})
    data: dict[str, Any] = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side(exchange.request, exchange.request_type, "INPUT", types)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side(exchange.response, exchange.response_type, "OUTPUT", types)
    metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
    metadata |= {"inferenceId": exchange.inference_id} if exchange.inference_id else {}
    metadata |= {"customAttributes": [exchange.custom_attributes]} if exchange.custom_attributes else {}
    metadata["inferenceTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(exchange.moment))
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _side(body: bytes, content_type: str, mode: str, types: dict[str, list[str]]) -> dict[str, str]:
    """Text if its type is listed as CSV or JSON; everything else as base64."""
    kind = content_type.partition(";")[0].strip().lower()
    content_types = {"CSV": types.get("CsvContentTypes", []), "JSON": types.get("JsonContentTypes", [])}
    encoding = next((name for name, kinds in content_types.items() if kind in kinds), "BASE64")
    try:
        text = body.decode("utf-8") if encoding != "BASE64" else base64.b64encode(body).decode()
    except UnicodeDecodeError:
        encoding, text = "BASE64", base64.b64encode(body).decode()
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
