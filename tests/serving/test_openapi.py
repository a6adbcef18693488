"""The service does what its OpenAPI description says, to requests that are made from it."""

import importlib.util
import shutil
import subprocess
import sysconfig

import pytest


@pytest.mark.nightly
@pytest.mark.skipif(
    importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed"
)
def test_schemathesis_finds_nothing(serve):
    command = shutil.which("schemathesis", path=sysconfig.get_path("scripts"))
    with serve() as (url, _):
        found = subprocess.run(
            [
                *(command, "run", f"{url}/openapi.json", "--max-examples", "50"),
                *("--generation-deterministic", "--no-color"),
                # Strings that are base64 are no images, which no schema can say.
                *("--exclude-checks", "positive_data_acceptance"),
            ],
            capture_output=True,
            text=True,
            timeout=1200,
        )
    assert found.returncode == 0, found.stdout
