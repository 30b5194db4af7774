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
}
