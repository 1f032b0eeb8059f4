"""Links from a task to its job: the page in the AWS console, and the log streams."""

from __future__ import annotations

from urllib.parse import quote_plus

from airflow.providers.amazon.aws.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink


class JobLink(BaseAwsLink):
    """The job's page in the AWS console."""

    name = "AWS console"
    key = "aws_ml_job"
    format_str = BASE_AWS_CONSOLE_LINK + "/{service}/home?region={region_name}#/{page}/{job_name}"


class JobLogsLink(BaseAwsLink):
    """The job's streams in CloudWatch Logs."""

    name = "CloudWatch logs"
    key = "aws_ml_job_logs"
    format_str = (
        BASE_AWS_CONSOLE_LINK
        + "/cloudwatch/home?region={region_name}#logsV2:log-groups/log-group/{log_group}"
        "$3FlogStreamNameFilter$3D{job_name}$252F"
    )

    def format_link(self, **kwargs: str) -> str:
        """The console wants names escaped twice, the second time with `$` for `%`."""
        group = quote_plus(quote_plus(kwargs.pop("log_group", ""))).replace("%", "$")
        return str(super().format_link(log_group=group, **kwargs)) if group else ""


LINKS = (JobLink(), JobLogsLink())
