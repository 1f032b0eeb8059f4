"""AWS on this machine: one server that runs every job for real. See docs/local-aws.md."""
