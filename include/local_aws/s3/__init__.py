"""S3: objects are immutable files on disk, their index is in SQLite.

- `service`: lists the handlers below.
- `buckets`, `settings`, `acl`, `tags`: operations on buckets, their settings, access control lists and tags.
- `objects`, `copying`, `multipart`, `listing`: operations on objects.
- `store`: buckets and objects for the rest of the server; the other services use only this.
- `files`, `bucket_index`, `upload_index`, `info`: contents on disk, and the tables of the index.
- `keys`, `ranges`, `conditions`, `checksums`, `description`, `errors`: rules of S3, without state.
"""
