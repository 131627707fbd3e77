"""The music callers hear while they wait, generated, so that it is ours and costs no licence.

Four soft chords of two and a half seconds each: `python -m callback.adapters.telephony.hold_tone FILE` writes them as
a WAV file that ends as it begins, so that it can be repeated. `callback/web/static/hold.wav` was made by it once.
Telephone quality (8 kHz, 16 bit, one channel) is all the carrier passes on, and keeps the file at 160 kB.
"""

import io
import math
import wave
from array import array
from pathlib import Path
from typing import Final

import click

RATE_HZ: Final = 8000
CHORD_S: Final = 2.5
LOUDEST: Final = 0.35
"""Of full scale: music under a voice, and quieter than a voice."""

CHORDS: Final = (
    (130.81, 261.63, 329.63, 392.00),  # C
    (110.00, 261.63, 329.63, 440.00),  # A minor
    (87.31, 261.63, 349.23, 440.00),  # F
    (98.00, 246.94, 293.66, 392.00),  # G
)
"""Frequencies in Hz, the bass first."""

SECONDS: Final = len(CHORDS) * CHORD_S


def tone() -> bytes:
    """The whole piece as a WAV file."""
    samples = array("h", (round(32767 * LOUDEST * level) for chord in CHORDS for level in _chord(chord)))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(samples.itemsize)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def _chord(frequencies: tuple[float, ...]) -> list[float]:
    """Levels from -1 to 1: its notes enter one after the other, and all fade before the next chord."""
    length = int(RATE_HZ * CHORD_S)
    return [sum(_note(hz, i / RATE_HZ - 0.2 * k) for k, hz in enumerate(frequencies)) / len(frequencies)
            for i in range(length)]  # fmt: skip


def _note(hz: float, since_s: float) -> float:
    """A plucked string: a quick rise, a slow fall, silent at the chord's end, with a little of its octave."""
    if since_s <= 0:
        return 0.0
    swell = min(since_s / 0.03, 1.0) * math.exp(-1.4 * since_s) * max(0.0, 1 - since_s / CHORD_S)
    turn = 2 * math.pi * hz * since_s
    return swell * (0.85 * math.sin(turn) + 0.15 * math.sin(2 * turn))


@click.command(help="Writes the hold music as a WAV file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def main(file: Path) -> None:
    """The command line."""
    file.write_bytes(tone())


if __name__ == "__main__":
    main()
