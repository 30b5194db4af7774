/// The database of installed Debian packages, /var/lib/dpkg/status: stanzas of "Field: value" lines, each with an
/// empty line after it (deb822(5), dpkg's lib/dpkg/parse.c).
enum PackageList {
    /// The installed packages among `wanted`, with their versions.
    ///
    /// The file is a megabyte of descriptions, and only three short lines of each stanza matter. So lines are compared
    /// as bytes in place, and only names and versions become strings.
    static func installed(in status: [UInt8], of wanted: Set<String>) -> [String: String] {
        var found: [String: String] = [:]
        status.withUnsafeBytes { bytes in
            var stanza = Stanza()
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
                if end == start {
                    stanza.store(in: &found, of: wanted, from: bytes)
                    stanza = Stanza()
                } else {
                    stanza.read(start..<end, of: bytes)
                }
                start = end + 1
            }
            stanza.store(in: &found, of: wanted, from: bytes)
        }
        return found
    }

    /// How many packages the database has, installed or not.
    static func count(in status: [UInt8]) -> Int {
        status.withUnsafeBytes { bytes in
            var count = 0
            var start = 0
            while start < bytes.count {
                if bytes[start] == UInt8(ascii: "P"), bytes[start...].starts(with: packageField) { count += 1 }
                start = (bytes[start...].firstIndex(of: 0x0A) ?? bytes.count) + 1
            }
            return count
        }
    }

    private static let packageField = Array("Package: ".utf8)
    private static let versionField = Array("Version: ".utf8)
    /// A package on hold is installed too.
    private static let installedLines = ["Status: install ok installed", "Status: hold ok installed"].map {
        Array($0.utf8)
    }

    private struct Stanza {
        var name: Range<Int>?
        var version: Range<Int>?
        var isInstalled = false

        mutating func read(_ line: Range<Int>, of bytes: UnsafeRawBufferPointer) {
            switch bytes[line.lowerBound] {
            case UInt8(ascii: "P"): name = value(packageField, line, bytes) ?? name
            case UInt8(ascii: "V"): version = value(versionField, line, bytes) ?? version
            case UInt8(ascii: "S"): if installedLines.contains(where: bytes[line].elementsEqual) { isInstalled = true }
            default: break
            }
        }

        private func value(_ field: [UInt8], _ line: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
            bytes[line].starts(with: field) ? (line.lowerBound + field.count)..<line.upperBound : nil
        }

        func store(
            in found: inout [String: String], of wanted: Set<String>, from bytes: UnsafeRawBufferPointer
        ) {
            guard isInstalled, let name, let version else { return }
            let package = String(decoding: bytes[name], as: UTF8.self)
            guard wanted.contains(package) else { return }
            found[package] = String(decoding: bytes[version], as: UTF8.self)
        }
    }
}
