"""A bucket by moto's S3 server, read by boto3.

Prints the server's address. Then, for each line it is given, prints the
bucket's objects as JSON: to a key the SHA-256 of its bytes and that of its
metadata.
"""

import hashlib
import json
import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
s3 = boto3.client(
    "s3",
    endpoint_url=f"http://{host}:{port}",
    region_name="us-east-1",
    aws_access_key_id="key",
    aws_secret_access_key="secret",
)
s3.create_bucket(Bucket="bucket")
print(f"{host}:{port}", flush=True)
for _ in sys.stdin:
    objects = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="bucket"):
        for item in page.get("Contents", []):
            got = s3.get_object(Bucket="bucket", Key=item["Key"])
            objects[item["Key"]] = {
                "sha256": hashlib.sha256(got["Body"].read()).hexdigest(),
                "metadata": got["Metadata"].get("sha256", ""),
            }
    print(json.dumps(objects), flush=True)
server.stop()
