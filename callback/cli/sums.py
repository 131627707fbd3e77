"""What every command does that works with many small matrices, before NumPy is imported anywhere."""

import os


def on_one_core() -> None:
    """Keep the linear algebra below NumPy to one thread, unless the environment says otherwise.

    Our matrices are small: a second thread would only wait for the first. It is read when NumPy is imported.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
