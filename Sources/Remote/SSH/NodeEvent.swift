package import Diagnostics

/// What work on running nodes reports.
package enum NodeEvent: Sendable {
    /// What is being done on a node: "probing", "restarting Docker".
    case step(node: String, step: String)
    /// A line that a command on a node printed.
    case line(node: String, RemoteLine)
    /// A node is finished.
    case done(NodeOutcome)
}

/// The result of the work on one node.
package struct NodeOutcome: Sendable {
    package enum Result: String, Sendable {
        case done, unchanged, failed
        /// Not changed, because another node failed.
        case skipped
    }

    package var node: String
    package var result: Result
    /// The exit code of the command, if one was run.
    package var exit: Int32?
    package var message: String
    package var hint: String?
    /// The last lines of a log that explains a failure.
    package var log: [String]
    /// What a command printed.
    package var output: RemoteResult?

    package init(
        _ node: String, _ result: Result, _ message: String, hint: String? = nil, exit: Int32? = nil,
        log: [String] = [], output: RemoteResult? = nil
    ) {
        self.node = node
        self.result = result
        self.message = message
        self.hint = hint
        self.exit = exit
        self.log = log
        self.output = output
    }

    package init(_ node: String, failed failure: Failure) {
        self.init(node, .failed, failure.message, hint: failure.hint)
    }

    package var isFailure: Bool { result == .failed || result == .skipped }
}

extension Collection<NodeOutcome> {
    /// The failure of the whole round; nil if every node is done.
    package var failure: Failure? {
        let bad = filter(\.isFailure)
        guard !bad.isEmpty else { return nil }
        let names = bad.map(\.node).joined(separator: ", ")
        return bad.count == count
            ? Failure(.remote, count == 1 ? "\(names) failed" : "all \(count) nodes failed: \(names)")
            : Failure(.remote, severity: .someCardsFailed, "\(bad.count) of \(count) nodes failed: \(names)")
    }
}
