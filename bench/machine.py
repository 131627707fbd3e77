"""What the figures were measured on, in one line: ratios travel between machines, times do not."""

import os
import platform
from pathlib import Path

_CPU = Path("/proc/cpuinfo")


def machine() -> str:
    """Processor, how many of them, kernel, Python, and how busy the machine was with other things."""
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} processors, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.1f}"
    )


def _processor() -> str:
    if _CPU.exists():
        for line in _CPU.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()
