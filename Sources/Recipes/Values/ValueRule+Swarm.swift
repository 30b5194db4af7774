import Text

/// Names in a swarm.
extension ValueRule {
    /// A node label's key. Docker accepts almost anything; this is what placement constraints can name.
    static let labelKey = ValueRule(
        "label", "[A-Za-z0-9]([A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?",
        suggestion: "letters, digits, \".\", \"_\", \"-\" and \"/\"")

    /// A node label's value: what placement constraints can compare with (swarmkit, manager/constraint).
    static let labelValue = ValueRule(
        "value for a placement constraint", "[A-Za-z0-9:_.+@/-]{1,128}",
        suggestion: "letters, digits and : _ . + @ / -")

    /// docker/cli's rule for a stack's name, in lower case as engines want it.
    static let stackName = ValueRule(
        "name of a stack", "[a-z0-9][a-z0-9_-]{0,62}", suggestion: "a-z, 0-9, \"_\" and \"-\", at most 63")

    /// A network of swarm.networks: what Docker accepts and a compose file can name.
    static let swarmNetworkName = ValueRule(
        "name of a network", "(?!(host|bridge|none|default|ingress|docker_gwbridge)$)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}",
        suggestion: "letters, digits, \"_\", \".\" and \"-\"; not one of Docker's own, such as \"ingress\"")

    /// An IPv4 network that hosts can have (RFC 1122, 3.2.1.3). Docker clears the host bits without a word.
    private static func isNetwork(_ text: String) -> Bool {
        guard let network = IPv4Network(text), network.address == network.first else { return false }
        return ![0, 127].contains(network.address.bytes[0]) && network.address.bytes[0] < 224
    }

    /// A pool holds at least one /24, which every network of the swarm gets.
    static let addressPool = parsed(
        "pool of addresses", "[0-9.]+/([1-9]|1[0-9]|2[0-4])",
        suggestion: "an IPv4 network with a prefix length of at most 24, as 10.201.0.0/16", by: isNetwork)

    static let subnet = parsed(
        "IPv4 network", "[0-9.]+/([89]|[12][0-9])", suggestion: "10.201.7.0/24, without host bits", by: isNetwork)

    /// Hours that fit between Docker's least, one, and the life of a swarm's root certificate, 20 years (swarmkit, ca).
    static let certificateLife = parsed(
        "lifetime", "[1-9][0-9]{0,5}[dh]", suggestion: "days or hours, as 365d or 2160h, at most 20 years"
    ) { hours($0).map { $0 <= 20 * 365 * 24 } ?? false }

    /// The hours of a ``certificateLife``.
    static func hours(_ life: String) -> Int? {
        guard let number = Int(life.dropLast()) else { return nil }
        return life.hasSuffix("d") ? number * 24 : number
    }

    /// A value of a variable: it may be a password.
    static let variableValue = ValueRule("value of a variable", isSecret: true)

    /// A name of a variable in a compose file (docker/cli, compose/template), as a shell takes it.
    static let variableName = ValueRule(
        "name of a variable", "(?!(PATH|IFS|LD_.*|DOCKER_.*)$)[A-Za-z_][A-Za-z0-9_]*",
        suggestion: "letters, digits and \"_\"; not one that the docker command itself reads, such as PATH")
}
