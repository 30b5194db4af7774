import Text

/// Where a swarm's manager is reached.
enum SwarmAddress {
    /// The port of a swarm's managers if an address names no other: `docker swarm join`.
    private static let port: UInt16 = 2377

    /// "host:port" as Docker accepts it. A recipe's manager always is a host with or without a port.
    static func normalized(_ manager: String) -> String {
        HostPort(manager)?.defaulting(toPort: port).description ?? manager
    }
}
