"""What a served site is called: which names it answers to, and what people are told of it."""

import os
import sys

from launcher import environment, network
from launcher.children import run
from launcher.progress import say
from launcher.project import Project


def call_site(env: dict[str, str], host: str, port: int) -> None:
    """Under which names the site answers, and which address its links and codes carry."""
    env.setdefault("ATTN_ALLOWED_HOSTS", network.allowed_hosts(host))
    if network.addresses(host):
        env.setdefault("ATTN_PUBLIC_URL", address_for_people(host, port))


def address_for_people(host: str, port: int) -> str:
    """The address to be typed on another machine, or on this one where only it is served."""
    likeliest = next(iter(network.addresses(host)), network.reached_at(host))
    return f"http://{network.at(likeliest, port)}"


def say_where(project: Project, host: str, port: int) -> None:
    """Where the site is; for other machines with each address, and a code for a phone."""
    others = [f"http://{network.at(each, port)}/" for each in network.addresses(host)]
    if not others:
        where = f"http://{network.at(network.reached_at(host), port)}/"
        say(f"ATTN is at {where} (Ctrl-C stops it)")
        return
    say(f"ATTN is at {' and '.join(others)} (Ctrl-C stops it)")
    say("Passwords go over this network in the clear: serve only one that you trust.")
    if sys.stderr.isatty():
        code = "import segno, sys; segno.make(sys.argv[1]).terminal(sys.stderr, compact=True)"
        run(project, [str(environment.python(project)), "-c", code, others[0]], dict(os.environ))
