"""`python -m keras_reprise` is `reprise`."""

import sys

if not sys.flags.safe_path:  # `-m` puts the current folder first: a string.py there would stand in for Python's own
    del sys.path[0]

from keras_reprise.cli import main  # noqa: E402

main()
