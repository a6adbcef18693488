"""Twenty steps on several devices are those of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_devices import BACKEND, free_ports, host_devices

PROGRAM = Path(__file__).with_name("twenty_steps.py")
# Loss and weights of the engines are compared with those of the same engine on one device.
CASES = {
    "torch": [("processes", "global", None), ("processes", "replica", None),
              ("processes", "global", 4)],
    "tensorflow": [("mirrored", "global", None), ("mirrored", "replica", None),
                   ("mirrored", "global", 4), ("workers", "global", None),
                   ("workers", "replica", None), ("workers", "global", 4)],
    "jax": [("devices", "global", 2), ("devices", "global", 4), ("devices", "global", 8),
            ("processes", "global", None)],
}  # fmt: skip


def environments(how, devices):
    """What each of the processes has in its environment."""
    if how not in ("processes", "workers"):
        return [host_devices(devices or 1)]
    ports = free_ports(2)
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return [
        {
            "RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(ports[0]),
            "ADDRESS": addresses[0],
            **host_devices(1),
            **({"TF_CONFIG": json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
            )} if how == "workers" else {}),
        }
        for rank in range(2)
    ]  # fmt: skip


def run(how, scope, group=None, devices=None):
    words = [sys.executable, str(PROGRAM), how, scope, *([str(group)] if group else [])]
    begun = [
        subprocess.Popen(
            words,
            env=os.environ | {"KERAS_BACKEND": BACKEND, "OMP_NUM_THREADS": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment in environments(how, devices)
    ]
    said = [process.communicate(timeout=600) for process in begun]
    for process, (_, error) in zip(begun, said, strict=True):
        assert process.returncode == 0, error[-3000:]
    return json.loads(said[0][0].splitlines()[-1])


@pytest.mark.nightly
@pytest.mark.parametrize(("how", "scope", "number"), CASES[BACKEND])
def test_twenty_steps_are_those_of_one_device(how, scope, number):
    # On JAX the number is one of devices, elsewhere the size of relation groups.
    devices, group = (number, None) if BACKEND == "jax" else (None, number)
    found, expected = run(how, scope, group, devices), run("one", scope, group)
    assert len(found["losses"]) == 20
    np.testing.assert_allclose(found["losses"], expected["losses"], atol=1e-4)
    assert np.ptp(expected["losses"]) > 1e-2
    for one, other in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.nightly
def test_scopes_are_two_models():
    whole, halves = run("one", "global"), run("one", "replica")
    assert np.abs(np.subtract(whole["losses"], halves["losses"])).max() > 1e-2
