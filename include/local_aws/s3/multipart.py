"""Multipart uploads: start, upload or copy parts, complete, abort, list."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from include.local_aws.s3 import acl, checksums
from include.local_aws.s3.conditions import write_check
from include.local_aws.s3.copying import source_of
from include.local_aws.s3.description import details, refuse_customer_keys
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.files import read_pieces
from include.local_aws.s3.info import ObjectInfo, Part
from include.local_aws.s3.keys import check_key
from include.local_aws.s3.listing import encoding, limit_of
from include.local_aws.s3.objects import LARGEST_PUT, encryption
from include.local_aws.s3.ranges import source_range
from include.local_aws.s3.upload_index import UploadIndex

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.s3.upload_index import Upload, UploadedPart

SMALLEST_PART = 5 * 1024**2  # bytes; the last part may be smaller
MOST_PARTS = 10_000


class Multipart:
    """The operations on multipart uploads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store, self._uploads = store, UploadIndex(store)

    def create_multipart_upload(self, params: Params, caller: Caller) -> Output:
        bucket, key = self._store.buckets.get(params["Bucket"]), params["Key"]
        check_key(key)
        algorithm = params.get("ChecksumAlgorithm")
        kind = params.get("ChecksumType") or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
        object_details = details(params, bucket, caller)
        upload = self._uploads.start(bucket.name, key, object_details, (algorithm or "").lower(), kind)
        checksum_members = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if algorithm else {}
        return {"Bucket": bucket.name, "Key": key, "UploadId": upload.id, **checksum_members}

    def upload_part(self, params: Params, caller: Caller) -> Output:
        """Store one part.

        :raises S3Error: NoSuchBucket, NoSuchUpload, InvalidArgument for the number, EntityTooLarge.
        """
        upload, body = self._upload(params), params["Body"]
        refuse_customer_keys(params)
        number = _number(params)
        if body.size > LARGEST_PUT:
            raise S3Error("EntityTooLarge", ProposedSize=body.size, MaxSizeAllowed=LARGEST_PUT)
        part = self._uploads.put_part(upload, number, self._store.files.adopt(body), body.checksums)
        return {"ETag": part.etag, **checksums.members(part.checksums)}

    def upload_part_copy(self, params: Params, caller: Caller) -> Output:
        upload, number = self._upload(params), _number(params)
        source = source_of(self._store, params)
        range_header = params.get("CopySourceRange")
        start, length = source_range(range_header, source.size) if range_header else (0, source.size)
        stored_file = self._store.files.write(read_pieces(self._store.content(source), start, length))
        value = checksums.of_file(upload.algorithm, self._store.files.path(stored_file.file))
        part = self._uploads.put_part(upload, number, stored_file, {upload.algorithm: value} if value else {})
        result = {"ETag": part.etag, "LastModified": part.modified, **checksums.members(part.checksums)}
        return {"CopyPartResult": result}

    def complete_multipart_upload(self, params: Params, caller: Caller) -> Output:
        upload = self._upload(params)
        parts = _choose_parts(params.get("MultipartUpload", {}).get("Parts", []), self._uploads.parts(upload))
        check = write_check(params)
        info = self._join(upload, parts, params)
        with self._store.replacing(info, check) as db:
            part_files = self._uploads.remove(db, upload)
        self._store.files.discard(part_files)
        return {
            "Location": f"/{upload.bucket}/{quote(upload.key)}",
            "Bucket": upload.bucket,
            "Key": upload.key,
            "ETag": info.etag,
            **checksums.members(info.details.checksums),
            "ChecksumType": info.details.checksum_type if info.details.checksums else None,
            **encryption(info),
        }

    def _join(self, upload: Upload, parts: list[UploadedPart], params: Params) -> ObjectInfo:
        """The parts as one new file, not yet in the index.

        :raises S3Error: InvalidRequest, BadDigest, NoSuchUpload.
        """
        size = sum(part.size for part in parts)
        if params.get("MpuObjectSize", size) != size:
            raise S3Error("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match.")
        try:
            file = self._store.files.join(part.file for part in parts)
        except FileNotFoundError as error:  # completed or aborted meanwhile
            raise S3Error("NoSuchUpload", UploadId=upload.id) from error
        try:
            checksum = self._checksum(upload, parts, file, params)
        except S3Error:
            self._store.files.discard([file])
            raise
        object_details = replace(
            upload.details,
            checksums=checksum,
            checksum_type=upload.checksum_type,
            parts=[Part(part.number, part.size, part.checksums) for part in parts],
        )
        # S3 dates an object by the initiation of its upload
        return ObjectInfo(upload.bucket, upload.key, file, size, _etag(parts), upload.started, object_details)

    def _checksum(
        self, upload: Upload, parts: list[UploadedPart], file: str, params: Params
    ) -> dict[str, str]:
        """The object's checksum, compared with the client's.

        :raises S3Error: BadDigest.
        """
        algorithm = upload.algorithm
        values = [part.checksums[algorithm] for part in parts if algorithm in part.checksums]
        computed_checksum = None
        if upload.checksum_type == "FULL_OBJECT":
            computed_checksum = checksums.of_file(algorithm, self._store.files.path(file))
        elif len(values) == len(parts):
            computed_checksum = checksums.composite(algorithm, values)
        client_checksum = params.get(checksums.member(algorithm)) if algorithm else None
        if (
            client_checksum
            and computed_checksum
            and client_checksum.partition("-")[0] != computed_checksum.partition("-")[0]
        ):
            raise S3Error(
                "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
            )
        value = computed_checksum or client_checksum
        return {algorithm: value} if value else {}

    def abort_multipart_upload(self, params: Params, caller: Caller) -> Output:
        upload = self._upload(params)
        with self._store.state.transaction() as db:
            files = self._uploads.remove(db, upload)
        self._store.files.discard(files)
        return {}

    def list_parts(self, params: Params, caller: Caller) -> Output:
        upload, limit = self._upload(params), limit_of(params, "MaxParts")
        after = params.get("PartNumberMarker", 0)
        parts = [part for part in self._uploads.parts(upload) if part.number > after]
        page = parts[:limit]
        return {
            "Bucket": upload.bucket,
            "Key": upload.key,
            "UploadId": upload.id,
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else after,
            "MaxParts": limit,
            "IsTruncated": len(parts) > len(page),
            "Parts": [_part_summary(part) for part in page],
            "Initiator": acl.owner(caller),
            "Owner": acl.owner(caller),
            "StorageClass": upload.details.headers.get("StorageClass", "STANDARD"),
            "ChecksumAlgorithm": upload.algorithm.upper() or None,
            "ChecksumType": upload.checksum_type if upload.algorithm else None,
        }

    def list_multipart_uploads(self, params: Params, caller: Caller) -> Output:
        prefix, delimiter, text = params.get("Prefix", ""), params.get("Delimiter", ""), encoding(params)
        limit, marker = limit_of(params, "MaxUploads"), params.get("KeyMarker", "")
        identity = params.get("UploadIdMarker", "") if marker else ""
        entries, has_more = self._uploads.page(params["Bucket"], prefix, delimiter, (marker, identity), limit)
        uploads = [upload for _, upload in entries if upload is not None]
        last_key, last = entries[-1] if has_more else (None, None)
        return {
            "Bucket": params["Bucket"],
            "Prefix": text(prefix),
            "Delimiter": text(delimiter) if delimiter else None,
            "EncodingType": params.get("EncodingType"),
            "KeyMarker": text(marker),
            "UploadIdMarker": identity,
            "NextKeyMarker": text(last_key) if last_key is not None else None,
            "NextUploadIdMarker": last.id if last is not None else None,
            "MaxUploads": limit,
            "IsTruncated": has_more,
            "Uploads": [_upload_summary(upload, caller) | {"Key": text(upload.key)} for upload in uploads],
            "CommonPrefixes": [{"Prefix": text(key)} for key, upload in entries if upload is None],
        }

    def _upload(self, params: Params) -> Upload:
        return self._uploads.get(params["Bucket"], params["Key"], params["UploadId"])


def _number(params: Params) -> int:
    number = int(params["PartNumber"])
    if not 1 <= number <= MOST_PARTS:
        text = f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
        raise S3Error("InvalidArgument", text, ArgumentName="partNumber", ArgumentValue=number)
    return number


def _choose_parts(
    requested_parts: list[dict[str, Any]], uploaded_parts: list[UploadedPart]
) -> list[UploadedPart]:
    """The parts of which the client wants the object to consist.

    :raises S3Error: MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall.
    """
    numbers = [part.get("PartNumber", 0) for part in requested_parts]
    if not requested_parts:
        raise S3Error("MalformedXML")
    if numbers != sorted(set(numbers)):
        raise S3Error("InvalidPartOrder")
    by_number = {part.number: part for part in uploaded_parts}
    for part in requested_parts:
        if not _is(part, by_number.get(part.get("PartNumber", 0))):
            raise S3Error("InvalidPart", PartNumber=part.get("PartNumber"), ETag=part.get("ETag"))
    parts = [by_number[number] for number in numbers]
    for small in (part for part in parts[:-1] if part.size < SMALLEST_PART):
        raise S3Error(
            "EntityTooSmall",
            ProposedSize=small.size,
            MinSizeAllowed=SMALLEST_PART,
            PartNumber=small.number,
            ETag=small.etag,
        )
    return parts


def _is(requested_part: dict[str, Any], part: UploadedPart | None) -> bool:
    """Whether an uploaded part is the requested one: same ETag, same checksums."""
    if part is None or requested_part.get("ETag", "").strip('"') != part.etag.strip('"'):
        return False
    return all(
        requested_part.get(name, value) == value for name, value in checksums.members(part.checksums).items()
    )


def _etag(parts: list[UploadedPart]) -> str:
    """The MD5 of the parts' MD5s and the number of parts, as S3 computes it."""
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"'


def _part_summary(part: UploadedPart) -> dict[str, Any]:
    return {
        "PartNumber": part.number,
        "LastModified": part.modified,
        "ETag": part.etag,
        "Size": part.size,
        **checksums.members(part.checksums),
    }


def _upload_summary(upload: Upload, caller: Caller) -> dict[str, Any]:
    return {
        "UploadId": upload.id,
        "Initiated": upload.started,
        "StorageClass": upload.details.headers.get("StorageClass", "STANDARD"),
        "Owner": acl.owner(caller),
        "Initiator": acl.owner(caller),
        "ChecksumAlgorithm": upload.algorithm.upper() or None,
        "ChecksumType": upload.checksum_type if upload.algorithm else None,
    }
