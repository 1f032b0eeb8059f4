"""Tasks that bring data and code to S3; both skip what is there already."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

from airflow.sdk import task

from include.aws.code_bundles import read_bundle

log = logging.getLogger(__name__)

ARGUMENT_LIMIT = 256  # characters: the source travels as an argument of a processing job


@task
def stage_data(dataset: str, bucket: str, data_uri: str) -> dict[str, Any]:
    """Say where the raw data lies; without a URI of the user's own, put the sample data into the bucket.

    The sample's key carries the digest of its content, so it is uploaded once.

    :return: `uri`, `source` (what the data is), `rows` (None for a user's own data).
    """
    if data_uri:
        return {"uri": data_uri, "source": f"own data, {data_uri}"[:ARGUMENT_LIMIT], "rows": None}

    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from include.datasets import fetch

    hook = S3Hook()
    with tempfile.TemporaryDirectory() as folder:
        sample = fetch(dataset, Path(folder))
        key = f"{dataset}/data/{sample.sha256[:16]}/{sample.path.name}"
        if hook.check_for_key(key, bucket):
            log.info("The data is there already: s3://%s/%s", bucket, key)
        else:
            hook.load_file(sample.path, key, bucket)
            log.info("Uploaded %s rows to s3://%s/%s", sample.rows, bucket, key)
        return {"uri": f"s3://{bucket}/{key}", "source": sample.description, "rows": sample.rows}


@task
def upload_code(use_case: str, bucket: str, folders: list[str]) -> dict[str, str]:
    """Upload the job scripts of some folders below `include/`, named by their content.

    :return: `files`, the S3 prefix that processing jobs mount; `bundle`, the tar.gz of serving containers.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bundle = read_bundle(*folders)
    prefix = f"{use_case}/code/{bundle.digest}"
    archive = f"{prefix}/sourcedir.tar.gz"  # uploaded last: where it is, all is
    hook = S3Hook()
    if hook.check_for_key(archive, bucket):
        log.info("The code is unchanged: s3://%s/%s", bucket, prefix)
    else:
        for name, content in bundle.files.items():
            hook.load_bytes(content, f"{prefix}/files/{name}", bucket, replace=True)
        hook.load_bytes(bundle.archive(), archive, bucket, replace=True)
        log.info("Uploaded %d files to s3://%s/%s", len(bundle.files), bucket, prefix)
    return {"files": f"s3://{bucket}/{prefix}/files", "bundle": f"s3://{bucket}/{archive}"}
