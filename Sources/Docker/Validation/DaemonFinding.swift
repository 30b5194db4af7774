package import Diagnostics

/// One remark on a key of dockerd's configuration.
package struct DaemonFinding: Hashable, Sendable {
    /// What of a member it is about, for its place in a file.
    package enum Part: Hashable, Sendable { case name, value }

    /// An error where dockerd does not start, where it ignores what is asked for, or where no container starts.
    package var severity: Diagnostic.Severity
    /// Which of the members that were judged, or nil when the remark is about all of them.
    package var member: Int?
    package var part: Part
    /// The key, with what lies inside it: "log-opts.max-size". Empty when ``member`` is nil.
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
