package import Diagnostics

/// Something that is wrong with dockerd's configuration.
package struct DaemonProblem: Hashable, Sendable {
    /// The part of a member that it is about, for its place in a file.
    package enum Part: Hashable, Sendable { case name, value }

    /// An error if dockerd does not start, if it ignores what is asked for, or if no container starts.
    package var severity: Diagnostic.Severity
    /// The index of the member, or nil if the problem is about all of them.
    package var member: Int?
    package var part: Part
    /// The key, with the one inside it: "log-opts.max-size". Empty if ``member`` is nil.
    package var path: String
    /// What is wrong in which version, and what to write instead: lower case but for names, no full stop.
    package var text: String

    package init(_ severity: Diagnostic.Severity, member: Int?, part: Part, path: String, _ text: String) {
        self.severity = severity
        self.member = member
        self.part = part
        self.path = path
        self.text = text
    }
}
