"""Kind, then AWS service, as in the amazon provider."""
