"""An OpenID Connect provider on the loopback, honest or not: what it signs can be bent before it is signed."""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey


@dataclass
class Provider:
    """One provider with one user."""

    client_id: str = "clearinghouse"
    secret: str = "s3cret/+"
    subject: str = "ada"
    now: datetime | None = None
    bend: Callable[[dict[str, Any]], None] = lambda claims: None
    """Changes claims before they are signed."""
    forge: Callable[[str], str] = lambda token: token
    """Changes the token after it was signed."""
    says: dict[str, Any] = field(default_factory=dict)
    """Changes its description of itself."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))

    def __enter__(self) -> Self:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                found = provider.description() if "openid-configuration" in self.path else {"keys": [provider.key.as_dict(private=False)]}
                self.answer(200, found)

            def do_POST(self) -> None:
                sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                self.answer(*provider.redeem({name: values[0] for name, values in sent.items()}, self.headers.get("authorization", "")))

            def answer(self, status: int, found: dict[str, Any]) -> None:
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def description(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorise", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        } | self.says

    def authorise(self, url: str) -> dict[str, str]:
        """A user who says yes: the query of the way back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A token for a code, once, for the client that proves to be the one that asked (RFC 7636, 4.6)."""
        asked = self.codes.pop(form.get("code", ""), None)
        named, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        challenge = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        if (unquote(named), unquote(secret)) != (self.client_id, self.secret):
            return 401, {"error": "invalid_client"}
        assert self.now is not None
        at = int(self.now.timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer, "sub": self.subject, "aud": self.client_id, "exp": at + 300, "iat": at, "nonce": asked["nonce"],
        }
        self.bend(claims)
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.forge(token)}
