"""`python -m automlc` is the same command as `automlc`."""

from automlc.cli.main import main

if __name__ == "__main__":
    main()
