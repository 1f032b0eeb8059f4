"""Programs that derive tables for the rest of the project: image URIs, and the operations of this server."""
