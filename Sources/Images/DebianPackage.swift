package import Diagnostics

/// What a Debian package (.deb) says of itself.
///
/// deb(5): an ar archive of `debian-binary`, `control.tar` and `data.tar`, the latter two packed; the file `control` in
/// the first tar has a field a line, `Name: value`, and goes on with lines that start with a blank.
package struct DebianPackage: Hashable, Sendable {
    package var name: String
    package var version: String
    /// "armhf", "arm64", "all".
    package var architecture: String
    /// The names in Depends and Pre-Depends; of alternatives the first.
    package var depends: [String]

    package init(name: String, version: String, architecture: String, depends: [String] = []) {
        self.name = name
        self.version = version
        self.architecture = architecture
        self.depends = depends
    }

    /// Reads a .deb file's contents; `file` stands for it in messages.
    package init(_ contents: [UInt8], file: String) throws(Failure) {
        // ar(5)
        guard contents.starts(with: Array("!<arch>\n".utf8)) else {
            throw Failure(.corruptArchive, "\(file) is no Debian package")
        }
        let outer = try ArchiveMembers.read(contents, name: file) {
            $0.hasPrefix("control.tar") || $0 == "debian-binary"
        }
        guard outer["debian-binary"] != nil, let control = outer.first(where: { $0.key.hasPrefix("control.tar") })
        else {
            throw Failure(.corruptArchive, "\(file) is no Debian package")
        }
        let inner = try ArchiveMembers.read(control.value, name: "\(control.key) of \(file)") { $0 == "control" }
        let fields = Self.fields(of: String(decoding: inner["control"] ?? [], as: UTF8.self))
        guard let name = fields["package"], let version = fields["version"], let architecture = fields["architecture"]
        else { throw Failure(.corruptArchive, "\(file) is damaged: its control file names no package") }
        self.init(
            name: name, version: version, architecture: architecture,
            depends: [fields["pre-depends"], fields["depends"]].compactMap { $0 }.flatMap(Self.names))
    }

    /// Names in lower case: they compare without regard to case.
    private static func fields(of control: String) -> [String: String] {
        var fields: [String: String] = [:]
        var last: String?
        for line in control.split(separator: "\n") {
            if line.first?.isWhitespace == true {
                if let last { fields[last, default: ""] += " " + line.trimmed }
            } else if let colon = line.firstIndex(of: ":") {
                let name = line[..<colon].lowercased()
                fields[name] = line[line.index(after: colon)...].trimmed
                last = name
            }
        }
        return fields
    }

    /// "a (>= 1), b:any | c" are a and b.
    private static func names(in list: String) -> [String] {
        list.split(separator: ",").compactMap { item in
            item.drop(while: \.isWhitespace).split { $0.isWhitespace || "(:|".contains($0) }.first.map(String.init)
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
