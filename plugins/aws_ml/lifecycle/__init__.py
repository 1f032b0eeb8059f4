"""One mechanism for every kind of job and resource: create once, wait, resume, stop.

kinds.py                 what distinguishes the kinds, as data; describe and find
named.py                 resources of Personalize by name
differences.py           whether a job is the one that a request asks for
ensure.py                jobs, models and endpoint configurations are created once
ensure_endpoint.py       an endpoint is created or updated
ensure_personalize.py    resources and campaigns of Personalize
outcome.py               done, failed or still running, by waiters/<service>.json
wait.py                  what is waited for and how long; waiting in this process; the error of a failure
poller.py                looks at many jobs with few calls; brings their log lines along
logs.py                  a job's CloudWatch lines, each once
stop.py                  stops a job that nobody waits for
lineage.py               what a job reads and writes, for OpenLineage
personalize_deletion.py  deletes a dataset group with all that it holds

Errors are in aws_ml/errors.py, clients in aws_ml/clients.py, what operators and sensors share in
aws_ml/base.py: they use this package. It uses only errors.py and clients.py.
"""
