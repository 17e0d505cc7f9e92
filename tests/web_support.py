"""Browsers without a browser: a client that keeps cookies and fills forms as a page offers them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
from litestar.testing import TestClient

from clearinghouse.app.wiring import Instance
from clearinghouse.parties.identity.sessions.actions import start_session
from clearinghouse.parties.identity.sessions.records import SignInMethod
from clearinghouse.parties.records import Party
from clearinghouse.web.rendering import CSRF_FIELD
from clearinghouse.web.visitor import SESSION

_TOKEN = re.compile(rf'name="{CSRF_FIELD}" value="([0-9a-f]*)"')


@dataclass
class Browser:
    """One browser: its cookies, and the page it looks at."""

    client: "TestClient[Any]"
    cookies: httpx.Cookies

    def get(self, path: str, status: int = 200) -> str:
        """A page that must answer with a status."""
        answer = self.request("GET", path)
        assert answer.status_code == status, answer.text[:2000]
        return answer.text

    def post(self, path: str, data: Mapping[str, Any], *, seen: str, status: int = 303, files: Mapping[str, Any] | None = None) -> httpx.Response:
        """A form sent as the page `seen` offers it."""
        found = _TOKEN.search(self.get(seen))
        assert found, f"no form on {seen}"
        answer = self.request("POST", path, data={CSRF_FIELD: found[1], **data}, files=files)
        assert answer.status_code == status, (answer.status_code, unescape(re.sub(r"<[^>]+>", " ", answer.text))[:1500])
        return answer

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request with this browser's cookies; what comes back is kept."""
        self.client.cookies = self.cookies
        answer = self.client.request(method, path, follow_redirects=False, **more)
        self.cookies = httpx.Cookies(self.client.cookies)
        return answer


def signed_in(client: "TestClient[Any]", instance: Instance, party: Party) -> Browser:
    """A browser with a session of a party."""
    with instance.database.write() as tx:
        found = start_session(
            tx, party, SignInMethod.PASSKEY, user_agent="test", policy=instance.policy.identity, now=instance.clock.now()
        )
    browser = Browser(client, httpx.Cookies())
    browser.cookies.set(SESSION, found.text, domain="testserver.local")
    return browser
