"""What Personalize would refuse, found before it is paid for: schemas, rows, minimums, quotas."""
