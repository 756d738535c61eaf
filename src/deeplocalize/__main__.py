"""`python -m deeplocalize` is `deeplocalize`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working directory, whose random.py or json.py is the user's own and not meant for us
    from deeplocalize.cli import main

    main(prog_name="deeplocalize")
