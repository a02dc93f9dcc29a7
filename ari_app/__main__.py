"""`python -m ari_app` is `hotline`."""

from ari_app.cli import main

if __name__ == "__main__":  # A bench runs its measured part in a process of its own, which loads this file as well.
    main()
