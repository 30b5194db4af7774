import Text
package import SystemPackage

/// How the running system uses its block devices: mounts and swap.
package struct SystemUse: Sendable {
    package struct Mount: Hashable, Sendable {
        /// "major:minor" of the mounted file system.
        package let number: String
        package let point: String
        /// The mounted device: "/dev/sdb1".
        package let source: String
    }

    package let mounts: [Mount]
    /// Paths of swap devices and swap files.
    package let swaps: [String]

    /// Whether the mounts could be read. If not, nothing may be written: anything might be mounted.
    package let isKnown: Bool

    /// `procfs` is /proc, except in tests.
    package init(procfs: FilePath = "/proc") {
        let text = KernelFile.text(procfs.appending("self").appending("mountinfo"))
        mounts = Self.parse(mountinfo: text ?? "")
        // A process always has a root file system.
        isKnown = mounts.contains { $0.point == "/" }
        // proc(5): a head line, then path, type, size, used, priority.
        swaps = (KernelFile.text(procfs.appending("swaps")) ?? "").split(separator: "\n").dropFirst().compactMap {
            $0.split(whereSeparator: \.isWhitespace).first.map { Self.unescape(String($0)) }
        }
    }

    /// proc_pid_mountinfo(5): id, parent, major:minor, root, mount point, options, tags…, "-", type, source, options.
    static func parse(mountinfo text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(at: " ").map(String.init)
            guard let dash = fields.firstIndex(where: { $0 == "-" }), dash >= 6, fields.count > dash + 2 else {
                return nil
            }
            return Mount(number: fields[2], point: unescape(fields[4]), source: unescape(fields[dash + 2]))
        }
    }

    /// /proc writes blanks and backslashes as octal escapes: "\040".
    static func unescape(_ text: String) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                result.append(digits.reduce(0) { $0 << 3 | ($1 - 0x30) })
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
