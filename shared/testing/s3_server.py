"""A real S3 server over HTTP on this machine: moto's, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.session

from shared.testing.ports import accepts_connections, free_port, wait_until

KEYS = "testing testing"
"""``ACCESS_KEY SECRET_KEY``; the server takes any."""


@dataclass(frozen=True, slots=True)
class S3Server:
    """Buckets in memory; a scanner writes with botocore, and what is judged reads with s3fs."""

    port: int

    @property
    def url(self) -> str:
        """Return its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        self._client().create_bucket(Bucket=name)

    def put(self, key: str, content: bytes) -> None:
        """Write an object, ``bucket/key``."""
        bucket, _, name = key.partition("/")
        self._client().put_object(Bucket=bucket, Key=name, Body=content)

    def delete(self, key: str) -> None:
        """Remove an object."""
        bucket, _, name = key.partition("/")
        self._client().delete_object(Bucket=bucket, Key=name)

    def _client(self) -> Any:
        key, secret = KEYS.split()
        return botocore.session.Session().create_client(
            "s3", region_name="us-east-1", endpoint_url=self.url, aws_access_key_id=key, aws_secret_access_key=secret
        )


@contextmanager
def start_s3() -> Iterator[S3Server]:
    """Run a server while the block does."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts_connections(port), "the S3 server")
        yield S3Server(port)
    finally:
        process.terminate()
        process.wait(10)
