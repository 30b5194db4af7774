package import Text
import Diagnostics

/// dockerd's configuration as options of its command line, for engines without a daemon.json (before 1.10).
package struct DaemonOptions: Hashable, Sendable {
    /// "--label=arch=armv7" each.
    package private(set) var words: [String] = []
    /// Values that the command line cannot carry.
    package private(set) var problems: [DaemonProblem] = []

    /// Members that the version has no option for are left out: ``DaemonModel`` reports them.
    ///
    /// DOCKER_OPTS is read by sh (the sysvinit script) and by systemd (EnvironmentFile); both then split the value at
    /// blanks without regard to quotes inside. So a value may hold only characters that neither treats specially.
    package init(_ members: [JSONValue.Member], version: EngineVersion) {
        for (index, member) in members.enumerated() {
            guard let option = DaemonKeys.early[member.name], version >= option.since else { continue }
            for value in Self.values(of: member) {
                guard let value else { continue }
                guard Self.isPlain(value) else {
                    problems.append(
                        DaemonProblem(
                            .error, member: index, part: .value, path: member.name,
                            "\"\(value)\" cannot be in DOCKER_OPTS of Docker \(version): no blanks, quotes or "
                                + "shell characters"))
                    continue
                }
                words.append("--\(option.option)=\(value)")
            }
        }
    }

    /// The values of one option, each for an option of its own; nil for one that has no form on a command line.
    private static func values(of member: JSONValue.Member) -> [String?] {
        switch member.value {
        case .string(let text): [text]
        case .bool(let flag): [flag ? "true" : "false"]
        case .integer(let number): [String(number)]
        case .array(let items): items.map { if case .string(let text) = $0 { text } else { nil } }
        case .object(let inner):
            inner.map { entry in
                switch entry.value {
                case .string(let text): "\(entry.name)=\(text)"
                // {"Name", "Soft", "Hard"} of default-ulimits is name=soft:hard.
                case .object(let limits):
                    limit("soft", limits).map { soft in
                        "\(entry.name)=\(soft)" + (limit("hard", limits).map { ":\($0)" } ?? "")
                    }
                default: nil
                }
            }
        case .number, .null: [nil]
        }
    }

    private static func limit(_ name: String, _ limits: [JSONValue.Member]) -> Int64? {
        guard case .integer(let number)? = limits.first(where: { $0.name.lowercased() == name })?.value else {
            return nil
        }
        return number
    }

    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "_@%+=:,./-".utf8.contains(byte)
                }
            }
    }
}
