import Text
import Diagnostics

/// A file of variables, as `docker stack deploy` reads it (docker/cli, pkg/kvfile): a line each, "NAME=value", comments
/// with "#", no quotes, no `export`.
enum EnvironmentFile {
    /// Reports each line that makes docker refuse the file, with its place.
    static func validate(_ contents: [UInt8], file: String, names: Set<String>, _ report: inout DiagnosticReport) {
        func place(_ line: Int) -> Location { Location(file: file, line: line, column: 1) }
        guard let text = String(validating: contents, as: UTF8.self) else {
            return report.error(at: place(1), "env_file: the file is not UTF-8 text")
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.drop(while: \.isWhitespace)
            if line.isEmpty || line.begins(with: "#") { continue }
            let name = line.prefix { $0 != "=" }
            if name.isEmpty {
                report.error(at: place(index + 1), "env_file: the line has no name in front of \"=\"")
            } else if name.contains(where: { $0 == " " || $0 == "\t" }) {
                report.error(
                    at: place(index + 1),
                    "env_file: Docker refuses a name with a blank, \"\(name)\": write NAME=value, without export and "
                        + "without blanks around \"=\"")
            } else if name.count == line.count, !names.contains(name.trimmingLineEnd) {
                report.warning(
                    at: place(index + 1),
                    "env_file: \(name.trimmingLineEnd) has no value, and nothing sets it on the node, so Docker leaves it out"
                )
            }
        }
    }
}

extension Substring {
    fileprivate var trimmingLineEnd: String { String(hasSuffix("\r") ? dropLast() : self) }
}
