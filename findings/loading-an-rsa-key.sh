#!/usr/bin/env bash
# cryptography lets other threads run while it makes an RSA key, and none while it loads one: 0.4 s for 4,096 bits.
#
# Seen with cryptography 50.0.2 on Python 3.11: load_pem_private_key checks that the factors are primes, and holds the GIL meanwhile. A
# server that loads a client's key stands still for all others. With unsafe_skip_rsa_key_validation=True, which is for keys that
# you trust, it takes under a millisecond.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cryptography==50.0.2
"$folder/venv/bin/python" - <<'PYTHON'
import threading
import time
from importlib.metadata import version

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

BITS = 4096
PAUSE = 0.0005


def beside(work):
    """Return the share of the steps that another thread could make while some work was done, and the work's seconds."""
    steps, ended = [0], threading.Event()

    def step():
        while not ended.is_set():
            steps[0] += 1
            time.sleep(PAUSE)

    other = threading.Thread(target=step)
    other.start()
    time.sleep(0.1)
    before, started = steps[0], time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    made = steps[0] - before
    ended.set()
    other.join()
    return made * PAUSE / seconds, seconds


key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
making, making_seconds = beside(lambda: rsa.generate_private_key(public_exponent=65537, key_size=BITS))
loading, loading_seconds = beside(lambda: load_pem_private_key(pem, None))
_, trusting_seconds = beside(lambda: load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True))
print(f"cryptography {version('cryptography')}, RSA of {BITS} bits")
print(f"  made in {making_seconds:.3f} s, in which another thread made {making:.0%} of its steps")
print(f"  loaded in {loading_seconds:.3f} s, in which it made {loading:.1%}")
print(f"  loaded without the check in {trusting_seconds:.4f} s")
assert making > 0.2, "another thread stands still while a key is made, too"
assert loading < 0.05, "another thread runs while a key is loaded"
assert trusting_seconds < loading_seconds / 20, "the check is not what takes the time"
PYTHON
