package import Diagnostics

/// What work on running nodes tells while it goes on.
package enum NodeEvent: Sendable {
    /// What a node is at: "looking", "restarting Docker".
    case step(node: String, step: String)
    /// A line that a command on a node printed, where lines are asked for as they come.
    case line(node: String, RemoteLine)
    /// A node is finished.
    case done(NodeOutcome)
}

/// What became of one node.
package struct NodeOutcome: Sendable {
    package enum Result: String, Sendable {
        case done, unchanged, failed
        /// Left alone because of another node's failure.
        case skipped
    }

    package var node: String
    package var result: Result
    /// Of the command that was run, when one was.
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
    /// The failure that a round ends with, or nil when every node is done.
    package var failure: Failure? {
        let bad = filter(\.isFailure)
        guard !bad.isEmpty else { return nil }
        let names = bad.map(\.node).joined(separator: ", ")
        return bad.count == count
            ? Failure(.remote, count == 1 ? "\(names) failed" : "all \(count) nodes failed: \(names)")
            : Failure(.remote, severity: .someCardsFailed, "\(bad.count) of \(count) nodes failed: \(names)")
    }
}
