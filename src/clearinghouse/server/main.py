"""What the HTTP server runs: the application of the instance that the environment names."""

import os

from litestar import Litestar

from clearinghouse.app.settings import home_folder, load_settings
from clearinghouse.app.wiring import open_instance
from clearinghouse.server.application import create_application


def application() -> Litestar:
    """The application of the instance in `$CLEARINGHOUSE_HOME`; called once by each process of the server.

    `CLEARINGHOUSE_WORKER=0` leaves the follow-up work to `clearinghouse worker`.

    Raises:
        Unavailable: there is no instance, or its keys, database or schema are missing.
    """
    return create_application(open_instance(load_settings(home_folder())), worker=os.environ.get("CLEARINGHOUSE_WORKER", "1") == "1")
