"""Importing does nothing: no connection, no process, no thread, no file written."""

import subprocess
import sys

from tests.support.tree import ROOT, python_files

# Run in a fresh interpreter, so that what other tests imported does not hide anything.
PROGRAM = """
import importlib, sys, threading

acts = []

def witness(event, arguments):
    if event == "socket.bind" and arguments[1] == ("::1", 0):
        return  # urllib3 tries out whether this machine has IPv6
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.mkdir"):
        acts.append(f"{event} {arguments}")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        acts.append(f"writes {arguments[0]}")

sys.dont_write_bytecode = True
sys.addaudithook(witness)
for name in sys.argv[1:]:
    before = len(acts)
    importlib.import_module(name)
    acts[before:] = [f"{name}: {act}" for act in acts[before:]]
acts += [f"thread {thread.name}" for thread in threading.enumerate() if thread is not threading.main_thread()]
print(*acts, sep="\\n")
"""


def modules() -> list[str]:
    paths = [path.with_suffix("") for path in python_files("callback", "workers") if path.stem != "__main__"]
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


def test_importing_any_part_opens_no_socket_starts_nothing_and_writes_nothing() -> None:
    command = [sys.executable, "-c", PROGRAM, *modules()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
