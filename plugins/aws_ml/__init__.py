"""What Airflow lacks for machine learning on AWS: `from aws_ml.names import resource_name`."""
