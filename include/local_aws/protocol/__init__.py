"""AWS's wire protocols, driven by botocore's service models. No sockets: requests and answers are values.

- `models`: the service models.
- `http`: Request, Response, and bodies that are files.
- `router`: which operation a request names.
- `aws_chunked`: removes the framing of streamed uploads and checks their checksums.
- `parse`: from a request to parameters.
- `validate`: the model's constraints.
- `serialize`: from a method's output, or an error, to a response.
- `errors`: the exceptions that become AWS's error answers.
"""
