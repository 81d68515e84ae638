"""`tocsin status`: how the node is, whom it is connected to, and what is waiting.

It changes nothing.
"""

import click

from tocsin.cli.options import Seconds, json_option, one_line_errors, print_json, profile_option


@click.command()
@click.option("--addresses", is_flag=True, help="Print only the addresses that other nodes can dial.")
@click.option("--socket", is_flag=True, help="Print only the path of the socket that programs connect to.")
@click.option("--wait", type=Seconds(), default=0, help="Wait this many seconds for the node to answer.")
@profile_option
@json_option
@one_line_errors
def command(*, addresses: bool, socket: bool, wait: float, profile: str | None, as_json: bool) -> None:
    """Say how the node is and whom it is connected to."""
    from tocsin.cli.call import connect
    from tocsin.config import find_profile

    found = find_profile(profile)
    with connect(found, wait_s=wait) as node:
        status = node.ask("node.status")
    if socket:
        click.echo(found.socket)
        return
    if addresses:
        for address in status["addresses"]:
            click.echo(address)
        return
    if as_json:
        print_json(status)
        return
    waiting = status["waiting"]
    click.echo(f"{status['state']} on network '{status['network']}' for {status['uptime_s']} s")
    click.echo(f"peers\t\t{len(status['peers'])}")
    for peer in status["peers"]:
        click.echo(f"\t\t{'to' if peer['outbound'] else 'from'} {peer['peer']}")
    click.echo(f"contacts\t{status['contacts']}")
    click.echo(f"waiting\t\t{waiting['sends']} sends, {waiting['introductions']} introductions")
    if waiting["second_neighbour"]:
        click.echo(
            f"\t\t{waiting['second_neighbour']} introductions until a second neighbour shows them: "
            "connect to another node, or configure exactly one trusted peer"
        )
    for address in status["addresses"]:
        click.echo(f"listening\t{address}")
    for task in status["degraded"]:
        click.echo(f"degraded\t{task}")
