"""Whether a service can listen where it is told to, before a model is made ready for it."""

import errno
import os
import socket
from typing import Any

from keras_rbi.cli.output import fail


def check_address(host: str, port: int) -> None:
    """Ends the command with one line where nothing can listen at an address.

    Args:
        host: Name or number of the address.
        port: The port; 0 stands for any that is free.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        fail(f"--host {host!r} is no address of this machine ({_reason(error)}). Name another.")
    refusals = [_refusal(*each) for each in found]
    # A family that the machine has not switched on is left out, as servers leave it out.
    missing = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    if any(each is None for each in refusals):
        refusals = [each for each in refusals if each and each.errno not in missing]
    for refusal in filter(None, refusals):
        fail(
            f"Nothing can listen on port {port} of {host!r} ({_reason(refusal)}). Name another "
            "--port, 0 for any that is free, or another --host."
        )


def _refusal(family: int, kind: int, protocol: int, name: str, address: Any) -> OSError | None:
    """Why the system does not let an address be listened at, or `None` where it does."""
    try:
        with socket.socket(family, kind, protocol) as probe:
            # As the service listens, which may follow at once on one that has ended.
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error
    return None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
