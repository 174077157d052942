"""TLS without a proxy: the operator's certificate and key, read again when told so."""

import logging
import ssl
from pathlib import Path

from campfire.database import Unusable

log = logging.getLogger(__name__)


class Certificates:
    """`context` is what connections are made with. Raises Unusable at first."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._load(self.context)

    def renew(self) -> None:
        """From now on the files as they are, for new connections; or as before."""
        try:
            # Elsewhere first: half of a new pair must not replace a whole old one.
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._load(self.context)
        except Unusable as fault:
            log.error("certificate not renewed", extra={"fault": str(fault)})
        else:
            log.info("certificate renewed")

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._certificate, self._key)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
            raise Unusable(
                f"{self._certificate} with {self._key} cannot be used: {reason}."
            ) from None
