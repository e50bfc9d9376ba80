#!/usr/bin/env python3
"""Two hosts whose network delays, resets, half opens and parts, one job each.

usage: network_test.py LODESTONE"""
import os
import subprocess
import sys

import sandbox


def main():
    sandbox.need("ip", "mpirun", "unshare")
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        sandbox.skip(f"no network can be made: {error}")
    program = sys.argv[1]
    sandbox.enclose()
    os.makedirs("/etc/netns", exist_ok=True)
    # another such test, or a person, may be at work
    subprocess.run(["mount", "-t", "tmpfs", "none", "/etc/netns"], check=True)
    import network
    with sandbox.folder() as folder:
        os.environ["TMPDIR"] = folder
        sys.argv = ["network.py", "--trials", "1", "--program", program]
        return network.main()


if __name__ == "__main__":
    sys.exit(main())
