"""Mail through an SMTP server (RFC 5321), over TLS unless the server is on this machine.

The server is one that the settings name; its password lies in a file of its own. A mail that the
server refuses for good is given up, everything else is tried again.
"""

import smtplib
import ssl
from dataclasses import dataclass, field

from clearinghouse.app.channels.base import Envelope, Refused, Unreachable
from clearinghouse.app.settings import MailSettings
from clearinghouse.core.errors import Unavailable

_FOR_GOOD = range(500, 600)
# Codes that a server answers about itself, not about the mail: another attempt may find it in order (RFC 5321, 4.2.3; RFC 4954).
_OF_THE_SERVER = frozenset({502, 503, 504, 530, 534, 535, 538})


@dataclass(frozen=True)
class SmtpCarrier:
    """Hands mail to the server of the settings."""

    settings: MailSettings
    own_name: str
    """How this machine names itself to the server."""
    timeout_seconds: float
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """Trust anchors other than the usual ones."""

    def carry(self, mail: Envelope) -> None:
        """Hand a mail to the server.

        Raises:
            Refused: the server will never take it.
            Unreachable: it did not take it this time, or cannot be trusted with it.
        """
        try:
            with self._connect() as server:
                self._sign_in(server)
                server.sendmail(mail.sender, [mail.recipient], mail.message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _judged(code, "the recipient") from None
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, "the mail") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise Unreachable(f"the mail server could not be used ({type(error).__name__})") from None

    def _connect(self) -> smtplib.SMTP:
        context = self.tls or ssl.create_default_context()
        if self.settings.security == "tls":
            return smtplib.SMTP_SSL(
                self.settings.host, self.settings.port, self.own_name, timeout=self.timeout_seconds, context=context
            )
        server = smtplib.SMTP(self.settings.host, self.settings.port, self.own_name, timeout=self.timeout_seconds)
        if self.settings.security == "starttls":
            try:
                # Raises where the server does not offer it: a mail is never sent in the open because somebody cut a line out.
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _sign_in(self, server: smtplib.SMTP) -> None:
        if self.settings.credentials_path is None:
            return
        try:
            user, password = self.settings.credentials_path.read_text("utf-8").splitlines()[:2]
        except (OSError, ValueError) as error:
            raise Unavailable(f"{self.settings.credentials_path} must hold the mail server's user and password, a line each") from error
        server.login(user.strip(), password)


def _judged(code: int, what: str) -> Refused | Unreachable:
    if code in _FOR_GOOD and code not in _OF_THE_SERVER:
        return Refused(f"the mail server refuses {what} for good (code {code})")
    return Unreachable(f"the mail server does not take {what} now (code {code})")
