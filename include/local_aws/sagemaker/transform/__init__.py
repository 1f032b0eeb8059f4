"""Batch transform: jobs that send the records of S3 objects through a model.

- `transform`: the operations, and the work of a job.
- `records`: splits objects into records and gathers records into requests.
- `filters`: InputFilter, OutputFilter and JoinSource, with the JSONPath subset that SageMaker documents.
- `sending`: sends the records of one object to the model and returns the answers in order.
- `capture`: data capture: manifests of input and output, and an identifier for each record.
"""
