public import Diagnostics

/// One remark on a key of dockerd's configuration.
public struct DaemonFinding: Hashable, Sendable {
    /// What of a member it is about, for its place in a file.
    public enum Part: Hashable, Sendable { case name, value }

    /// An error where dockerd does not start, where it ignores what is asked for, or where no container starts.
    public var severity: Diagnostic.Severity
    /// Which of the members that were judged, or nil when the remark is about all of them.
    public var member: Int?
    public var part: Part
    /// The key, with what lies inside it: "log-opts.max-size". Empty when ``member`` is nil.
    public var path: String
    /// What is wrong in which version, and what to write instead: lower case but for names, no full stop.
    public var text: String

    public init(_ severity: Diagnostic.Severity, member: Int?, part: Part, path: String, _ text: String) {
        self.severity = severity
        self.member = member
        self.part = part
        self.path = path
        self.text = text
    }
}
