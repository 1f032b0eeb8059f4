"""One mechanism for every kind of SageMaker job: submit once, wait, resume, stop.

kinds.py    what distinguishes the kinds, as data
submit.py   a job is created once, whatever happens to the worker
outcome.py  done, failed or still running, by waiters/sagemaker.json
poller.py   looks at many jobs with few calls; brings their log lines along
logs.py     a job's CloudWatch lines, each once
errors.py   who is at fault, and therefore whether a retry makes sense
aws.py      clients of one connection
wait.py     what is waited for and how long; the verdict
stop.py     stopping a job that nobody waits for
lineage.py  what a job reads and writes, for OpenLineage
task.py     what operators and sensors share
"""
