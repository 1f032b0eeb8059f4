"""Hosting: models, endpoint configurations, endpoints, and their invocation.

- `models`: a model is one container or an inference pipeline.
- `endpoint_configs`: which models an endpoint serves, and each one's share of the traffic.
- `endpoints`: creates, updates (blue/green) and deletes endpoints; brings them up again after a restart.
- `endpoint_status`: the statuses of an endpoint and the changes that they allow.
- `deployment`: which members of an update request are supported, and what Describe shows meanwhile.
- `fleet`: the running containers of an endpoint, one model server for each production variant.
- `serving`: one running model: its containers as processes, chained as a pipeline.
- `runtime`: InvokeEndpoint.
- `capture`: data capture of endpoints: requests and answers as JSON Lines in S3.
"""
