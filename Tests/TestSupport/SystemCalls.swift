import Foundation
package import SystemPackage

/// The system calls with which a program changed files, in their order, as strace(1) sees them.
package struct SystemCalls: Sendable {
    package struct Call: Sendable, CustomStringConvertible {
        package enum Kind: Hashable, Sendable {
            /// A file was made, with these permission bits before the umask.
            case create(mode: UInt16)
            case write
            case fsync
            /// A name was given, by rename(2) or link(2): of the file that was at `from`.
            case name(from: String)
            case makeDirectory
            case remove
        }

        package let kind: Kind
        /// The file that it is about; for a name the new one.
        package let path: String
        /// Its place in the trace when it began, and when it ended.
        package let start: Int
        package let end: Int
        package let description: String
    }

    package let calls: [Call]
    /// How many calls were answered with an injected error.
    package let injected: Int
    /// What the program itself returned and printed.
    package let result: OutsideTool.Result

    private static let names = [
        "open", "openat", "creat", "write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate", "fsync",
        "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat", "unlink", "unlinkat",
    ]

    /// Runs `program` in `directory`, with no bit of a mode taken away by the umask.
    ///
    /// - Parameter injections: for strace's `--inject`, such as "fsync:error=EIO:when=2".
    package init(
        of program: FilePath, _ arguments: [String], in directory: FilePath, environment: [String: String] = [:],
        injections: [String] = [], paths: [String] = []
    ) throws {
        let scratch = ScratchDirectory()
        let log = scratch["trace"]
        let options =
            [
                "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-e", "signal=none", "-e",
                "trace=" + Self.names.joined(separator: ","), "-o", log.string,
            ] + injections.flatMap { ["-e", "inject=" + $0] } + paths.flatMap { ["-P", $0] }
        let strace = try OutsideTool.path(of: "strace")
        result = try OutsideTool("sh").run(
            [
                "-c", "cd \"$1\" && umask 0 && unset SUDO_UID SUDO_GID && shift && exec \"$@\"", "sh", directory.string,
                strace,
            ] + options + [program.string] + arguments, environment: environment)
        guard (try? log.stat()) != nil else { throw OutsideTool.Missing(description: "strace: \(result.errors)") }
        let text = String(decoding: scratch.read("trace"), as: UTF8.self)
        calls = Self.parse(text, directory: directory.string)
        injected = text.split(separator: "\n").count { $0.hasSuffix("(INJECTED)") }
    }

    // MARK: Reading a trace

    /// Lines are "PID name(arguments) = result"; a call that others interrupt has two lines.
    static func parse(_ text: String, directory: String) -> [Call] {
        var pending: [Substring: (text: String, start: Int)] = [:]
        var calls: [Call] = []
        for (number, line) in text.split(separator: "\n").enumerated() {
            guard let blank = line.firstIndex(of: " ") else { continue }
            let thread = line[..<blank]
            var rest = String(line[blank...].drop { $0 == " " })
            var start = number
            if let cut = rest.range(of: " <unfinished ...>") {
                pending[thread] = (String(rest[..<cut.lowerBound]), number)
                continue
            }
            if rest.hasPrefix("<... "), let end = rest.range(of: " resumed>") {
                guard let begun = pending.removeValue(forKey: thread) else { continue }
                rest = begun.text + rest[end.upperBound...]
                start = begun.start
            }
            if let call = call(rest, start: start, end: number, directory: directory) { calls.append(call) }
        }
        return calls
    }

    /// A call that succeeded and changed a file; nil for any other.
    private static func call(_ text: String, start: Int, end: Int, directory: String) -> Call? {
        guard let open = text.firstIndex(of: "("), let equals = text.range(of: ") ", options: .backwards),
            let sign = text.range(of: "= ", range: equals.lowerBound..<text.endIndex),
            !text[sign.upperBound...].hasPrefix("-")
        else { return nil }
        let name = text[..<open]
        let arguments = arguments(text[text.index(after: open)..<equals.lowerBound])
        func made(_ kind: Call.Kind, _ path: String) -> Call {
            Call(kind: kind, path: path, start: start, end: end, description: text)
        }
        func absolute(_ index: Int, at directoryIndex: Int? = nil) -> String {
            let path = unquoted(arguments[index])
            if path.hasPrefix("/") { return path }
            let base = directoryIndex.flatMap { annotation(arguments[$0]) } ?? directory
            return base + "/" + path
        }
        switch name {
        case "open", "openat", "creat":
            let first = name == "openat" ? 1 : 0
            guard arguments.count > first, text.contains("O_CREAT") || name == "creat" else { return nil }
            let mode = arguments.last.flatMap { UInt16($0, radix: 8) } ?? 0
            return made(.create(mode: mode), absolute(first, at: name == "openat" ? 0 : nil))
        case "write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate":
            return arguments.first.flatMap(annotation).map { made(.write, $0) }
        case "fsync", "fdatasync": return arguments.first.flatMap(annotation).map { made(.fsync, $0) }
        case "rename", "link":
            guard arguments.count == 2 else { return nil }
            return made(.name(from: absolute(0)), absolute(1))
        case "renameat", "renameat2", "linkat":
            guard arguments.count >= 4 else { return nil }
            return made(.name(from: absolute(1, at: 0)), absolute(3, at: 2))
        case "mkdir": return made(.makeDirectory, absolute(0))
        case "mkdirat": return arguments.count < 2 ? nil : made(.makeDirectory, absolute(1, at: 0))
        case "unlink": return made(.remove, absolute(0))
        case "unlinkat": return arguments.count < 2 ? nil : made(.remove, absolute(1, at: 0))
        default: return nil
        }
    }

    /// Cut at the commas that are not inside quotes or brackets.
    private static func arguments(_ text: Substring) -> [String] {
        var arguments: [String] = []
        var current = ""
        var isQuoted = false
        var depth = 0
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "[", "{", "<": depth += isQuoted ? 0 : 1
            case "]", "}", ">": depth -= isQuoted ? 0 : 1
            case "," where !isQuoted && depth == 0:
                arguments.append(current)
                current = ""
                continue
            default: break
            }
            if character != " " || isQuoted || !current.isEmpty { current.append(character) }
        }
        return current.isEmpty ? arguments : arguments + [current]
    }

    private static func unquoted(_ text: String) -> String {
        guard text.hasPrefix("\""), let end = text.lastIndex(of: "\"") else { return text }
        return String(text[text.index(after: text.startIndex)..<end])
    }

    /// The path that strace gives for a descriptor: 5</path>.
    private static func annotation(_ text: String) -> String? {
        guard let start = text.firstIndex(of: "<"), let end = text.lastIndex(of: ">") else { return nil }
        return String(text[text.index(after: start)..<end])
    }
}

extension SystemCalls {
    /// What is not durable of the names that were given below `directory`: a name that was given before the file's bytes
    /// were on the disk, or that was not itself written to the disk.
    ///
    /// The order that survives a power cut: write, fsync of the file, rename or link, fsync of the directory.
    package func faults(below directory: FilePath) -> [String] {
        var faults: [String] = []
        for name in names(below: directory) {
            let isWhole = areBytesFlushed(before: name)
            if !isWhole { faults.append("\(name.path) got its name before its bytes were flushed") }
            // A name that was only a step on the way.
            guard (try? FilePath(name.path).stat()) != nil else { continue }
            if !isFlushed(FilePath(name.path).removingLastComponent(), after: name) {
                faults.append("the directory of \(name.path) was not flushed after it got its name")
            }
        }
        for made in calls where made.kind == .makeDirectory && FilePath(made.path).starts(with: directory) {
            guard (try? FilePath(made.path).stat()) != nil else { continue }
            if !isFlushed(FilePath(made.path).removingLastComponent(), after: made) {
                faults.append("the directory above \(made.path) was not flushed after that was made")
            }
        }
        return faults
    }

    /// The names that were given below `directory`.
    package func names(below directory: FilePath) -> [Call] {
        calls.filter { call in
            if case .name = call.kind { FilePath(call.path).starts(with: directory) } else { false }
        }
    }

    /// Whether the last write to the file at `path` was followed by an fsync of it; nil when nothing was written to it.
    package func isLastWriteFlushed(to path: FilePath) -> Bool? {
        guard let written = calls.last(where: { $0.kind == .write && $0.path == path.string }) else { return nil }
        return isFlushed(path, after: written)
    }

    /// Whether the file that `name` is given to was flushed after its last write, under whichever name it had then.
    private func areBytesFlushed(before name: Call) -> Bool {
        var names: Set<String> = []
        for call in calls.reversed() where call.end <= name.end {
            guard case .name(let source) = call.kind else { continue }
            if call.end == name.end || names.contains(call.path) { names.insert(source) }
        }
        let written = calls.last { $0.kind == .write && names.contains($0.path) && $0.end < name.start }
        return calls.contains {
            $0.kind == .fsync && names.contains($0.path) && $0.start > written?.end ?? -1 && $0.end < name.start
        }
    }

    private func isFlushed(_ path: FilePath, after call: Call) -> Bool {
        calls.contains { $0.kind == .fsync && $0.path == path.string && $0.start > call.end }
    }
}
