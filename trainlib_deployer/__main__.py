"""`python -m trainlib_deployer` is `trainlib-deploy`."""

from trainlib_deployer.cli import main

if __name__ == "__main__":
    main(prog_name="trainlib-deploy")
