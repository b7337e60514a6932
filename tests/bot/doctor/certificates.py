"""Certificates of localhost, signed by themselves and made for these tests alone."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

VALID = """\
-----BEGIN CERTIFICATE-----
MIIBjDCCATKgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjA5OTEyMzEyMzU5NTlaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKjnh7IvSHHy3tWW
+30V1vdTA3Dh8QuyOn4mQkkZ06J9Hfj64h1tYfANwgEQ7Q9u8eJJzqURytWS1XQP
cuycMZmjczBxMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MA4GA1UdDwEB/wQEAwIChDATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNV
HQ4EFgQUwOnQ4zwJHfUo/7TVWX/HpY9GPIYwCgYIKoZIzj0EAwIDSAAwRQIgaWQd
u3KBDV8n7+7/ZnTZdgC3VXES/a4CSvhoP5Neq6YCIQCvUoDo+jmdSIaof478fUws
fdlO3iYt9MxWa2trVMRRYQ==
-----END CERTIFICATE-----
"""
"""From 2020 to the last second of 2099."""

EXPIRED = """\
-----BEGIN CERTIFICATE-----
MIIBijCCATCgAwIBAgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAls
b2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASo54eyL0hx8t7Vlvt9
Fdb3UwNw4fELsjp+JkJJGdOifR34+uIdbWHwDcIBEO0PbvHiSc6lEcrVktV0D3Ls
nDGZo3MwcTAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwDwYDVR0TAQH/BAUw
AwEB/zAOBgNVHQ8BAf8EBAMCAoQwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0O
BBYEFMDp0OM8CR31KP+01Vl/x6WPRjyGMAoGCCqGSM49BAMCA0gAMEUCIQDnRBJ8
Pnsk5fA3fo80o2Sv2Z90Fn8Qjr9xUyv31EddPgIgK/XqtpEeRsBrgjGwFxVe9ops
73TuDWKELepiNnpKACE=
-----END CERTIFICATE-----
"""
"""Ended at the beginning of 2021."""

_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYbAWoo0eK/JfT7l+
9UigNTymJftRZxVqtBJkAO5H/GahRANCAASo54eyL0hx8t7Vlvt9Fdb3UwNw4fEL
sjp+JkJJGdOifR34+uIdbWHwDcIBEO0PbvHiSc6lEcrVktV0D3LsnDGZ
-----END PRIVATE KEY-----
"""


def server(certificate: str) -> ssl.SSLContext:
    """What a server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_text(certificate, encoding="ascii")
        key.write_text(_KEY, encoding="ascii")
        context.load_cert_chain(chain, key)
    return context


def trusting(certificate: str) -> ssl.SSLContext:
    """What trusts this certificate, and no other."""
    return ssl.create_default_context(cadata=certificate)
