package import Diagnostics
import Text

/// What a Debian package (.deb) says about itself.
///
/// deb(5): the member `control` of its control archive has one field per line, `Name: value`; a line that starts with a
/// blank continues the field before it.
package struct DebianPackage: Hashable, Sendable {
    package var name: String
    package var version: String
    /// "armhf", "arm64", "all".
    package var architecture: String
    /// The names in Depends and Pre-Depends; only the first of alternatives.
    package var depends: [String]

    package init(name: String, version: String, architecture: String, depends: [String] = []) {
        self.name = name
        self.version = version
        self.architecture = architecture
        self.depends = depends
    }

    /// Reads the package's `control`; messages call the package `file`.
    package init(control: [UInt8], file: String) throws(Failure) {
        let fields = Self.fields(of: String(decoding: control, as: UTF8.self))
        guard let name = fields["package"], let version = fields["version"], let architecture = fields["architecture"]
        else { throw Failure(.damagedPayload, "\(file) is damaged: its control file names no package") }
        self.init(
            name: name, version: version, architecture: architecture,
            depends: [fields["pre-depends"], fields["depends"]].compactMap { $0 }.flatMap(Self.names))
    }

    /// By name in lower case: the names of fields compare without regard to case.
    private static func fields(of control: String) -> [String: String] {
        var fields: [String: String] = [:]
        var last: String?
        for line in control.split(separator: "\n") {
            if line.first?.isWhitespace == true {
                if let last { fields[last, default: ""] += " " + line.trimmed }
            } else if let colon = line.unicodeScalars.firstIndex(of: ":") {
                let name = line[..<colon].lowercased()
                fields[name] = line[line.unicodeScalars.index(after: colon)...].trimmed
                last = name
            }
        }
        return fields
    }

    /// "a (>= 1), b:any | c" gives a and b.
    private static func names(in list: String) -> [String] {
        list.split(at: ",").compactMap { item in
            item.drop(while: \.isWhitespace).split { $0.isWhitespace || "(:|".contains($0) }.first.map(String.init)
        }
    }
}

extension Failure.Code {
    /// A file to be put on the card is not what its kind of file should be.
    package static let damagedPayload = Failure.Code("provisioning.damaged-payload")
}
