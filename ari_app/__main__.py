"""`python -m ari_app` is `hotline`."""

from ari_app.cli import main

main()
