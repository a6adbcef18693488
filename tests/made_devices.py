"""Programs on several devices that are made of one processor, each in a process of its own."""

import json
import os
import socket
import subprocess
import sys

import keras

BACKEND = keras.backend.backend()
# What begins a program whose devices TensorFlow is to have too.
LOGICAL_DEVICES = """
import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
"""


def host_devices(count):
    """The environment in which JAX makes so many devices of a processor."""
    return {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"}


def printed_by(program, devices):
    """What the last line of a program holds, which is JSON."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"KERAS_BACKEND": BACKEND} | host_devices(devices),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def free_ports(count):
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
