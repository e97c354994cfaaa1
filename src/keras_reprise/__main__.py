"""`python -m keras_reprise` is `reprise`."""

from keras_reprise.cli import main

main()
