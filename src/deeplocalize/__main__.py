"""`python -m deeplocalize` is `deeplocalize`."""

from deeplocalize.cli import main

if __name__ == "__main__":
    main(prog_name="deeplocalize")
