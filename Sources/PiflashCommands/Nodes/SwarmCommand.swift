import Host
import ArgumentParser

struct SwarmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swarm",
        abstract: "Manage the swarm that recipes describe.",
        discussion: """
            Asks the first of the recipes' managers that answers over ssh.

            EXAMPLES
              piflash swarm ls recipes/red
              piflash swarm deploy web -c web.yml recipes/red
            """,
        subcommands: [
            SwarmListCommand.self, SwarmTokenCommand.self, SwarmOpenCommand.self, SwarmDeployCommand.self,
            SwarmKillCommand.self, SwarmConfigCommand.self,
        ])
}
