"""The jobs of SageMaker that run a container to its end: processing, training, and tuning.

What every kind of job shares:

- `engine`: runs jobs, a limited number at a time, and keeps their stored documents up to date.
- `kind`: what tells one kind of job from another: names, AWS's texts, status.
- `job`: one running job as its work function sees it, and the exceptions by which a job ends.
- `output`: a container's lines on their way to CloudWatch, and the failure reason made of the last ones.
- `opt_ml`: the folder that a container sees as `/opt/ml`.
- `transfer`: data between S3 and a job's folders.
- `archives`: packing and unpacking `model.tar.gz`.

The kinds:

- `processing`, `processing_request`: processing jobs, and the checks of their request.
- `training`, `training_request`: training jobs, and the checks of their request.
- `metrics`: the metrics of a training job, read from its log.
- `tuning`, `tuning_request`, `search_space`: tuning jobs, the checks of their request, and the values
  that they try.

Transform jobs use the same engine; they are in `sagemaker/transform`.
"""
