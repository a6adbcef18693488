"""Running the service until SIGTERM or SIGINT."""

import uvicorn

from keras_rbi.serving.app import Model, create_app
from keras_rbi.serving.limits import Limits


def server(model: Model, limits: Limits, host: str, port: int) -> uvicorn.Server:
    """The HTTP server of a service.

    On SIGTERM or SIGINT it takes no new connections, answers the requests that have arrived, and
    ends.

    Args:
        model: As for `create_app`.
        limits: As for `create_app`.
        host: Address to listen on.
        port: Port, or 0 for any that is free.

    Returns:
        A server, whose `run` returns when it has ended.
    """
    app = create_app(model, limits)
    return uvicorn.Server(
        uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False)
    )


def run(model: Model, limits: Limits, host: str, port: int) -> None:
    """Serves a model until the process is told to stop."""
    server(model, limits, host, port).run()
