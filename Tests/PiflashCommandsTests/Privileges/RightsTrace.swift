import Foundation
import SystemPackage
import TestSupport

/// Which names piflash's processes used, and with whose rights, as strace(1) sees it.
struct RightsTrace {
    struct Use: Hashable, CustomStringConvertible {
        let process: String
        let call: String
        let path: String
        var description: String { "\(process): \(call) \(path)" }
    }

    /// Names that were used while the thread had root's rights.
    private(set) var asRoot: [Use] = []
    /// The same with the user's.
    private(set) var asUser: [Use] = []
    /// Threads that gave root's rights up.
    private(set) var dropped: Set<String> = []
    /// The programs that were started, with their words.
    private(set) var started: [String] = []

    /// - Parameter user: Whose number the threads take.
    init(of text: String, user: UInt32) {
        let calls = Self.calls(text)
        // A new thread may be seen before the call that made it has returned, so the family comes first.
        var children: [(parent: String, child: String)] = []
        for call in calls where ["clone", "clone3", "vfork", "fork"].contains(call.name) {
            let child = call.text[call.text.index(after: call.text.lastIndex(of: "=") ?? call.text.startIndex)...]
            children.append((call.process, child.trimmingCharacters(in: .whitespaces)))
        }
        var places: [String: Int] = [:]
        for call in calls where call.text.hasPrefix("setresuid(\(user), \(user), \(user))") {
            if call.text.hasSuffix("= 0") { places[call.process] = call.place }
        }
        dropped = Set(places.keys)
        var isChanged = true
        while isChanged {
            isChanged = false
            for (parent, child) in children where places[child] == nil {
                guard let place = places[parent], let made = Self.made(child, by: parent, in: calls), place < made
                else { continue }
                places[child] = 0
                isChanged = true
            }
        }
        for call in calls {
            guard call.name != "setresuid" else { continue }
            if call.name == "execve" { started.append(call.text) }
            // A name below an open directory: that directory was named before, and counts.
            if call.name.hasSuffix("at"), call.text.contains(/^[a-z]+\([0-9]/) { continue }
            for path in call.text.matches(of: /"((?:[^"\\]|\\.)*)"/).map({ String($0.1) }) {
                let use = Use(process: call.process, call: call.name, path: path)
                if let place = places[call.process], place <= call.place {
                    asUser.append(use)
                } else {
                    asRoot.append(use)
                }
                // What follows are the words of a program, or what a link says.
                if call.name == "execve" || call.name.hasPrefix("readlink") { break }
            }
        }
    }

    private struct Call {
        let process: String
        let name: String
        let text: String
        /// The number of the line where it began.
        let place: Int
    }

    private static func made(_ child: String, by parent: String, in calls: [Call]) -> Int? {
        calls.first { $0.process == parent && $0.name.hasPrefix("clone") && $0.text.hasSuffix("= \(child)") }?.place
            ?? calls.first { $0.process == parent && $0.name.hasSuffix("fork") && $0.text.hasSuffix("= \(child)") }?
            .place
    }

    /// All calls; one that others interrupt has two lines.
    private static func calls(_ text: String) -> [Call] {
        var unfinished: [Substring: (text: String, place: Int)] = [:]
        var calls: [Call] = []
        for (number, line) in text.split(separator: "\n").enumerated() {
            guard let blank = line.firstIndex(of: " ") else { continue }
            let process = line[..<blank]
            var rest = String(line[blank...].drop { $0 == " " })
            var place = number
            if let cut = rest.range(of: " <unfinished ...>") {
                unfinished[process] = (String(rest[..<cut.lowerBound]), number)
                continue
            }
            if rest.hasPrefix("<... "), let end = rest.range(of: " resumed>") {
                guard let begun = unfinished.removeValue(forKey: process) else { continue }
                rest = begun.text + rest[end.upperBound...]
                place = begun.place
            }
            guard let open = rest.firstIndex(of: "(") else { continue }
            calls.append(Call(process: String(process), name: String(rest[..<open]), text: rest, place: place))
        }
        return calls
    }

    /// Runs `sudo piflash …` under strace.
    static func of(
        _ arguments: [String], in station: SudoWorkstation
    ) throws -> (trace: RightsTrace, result: OutsideTool.Result) {
        let log = station.vault["trace"]
        let strace = try OutsideTool.path(of: "strace")
        let result = try station.sudo(
            arguments,
            before: [
                strace, "-f", "--seccomp-bpf", "-qq", "-s", "4096", "-e", "signal=none", "-e",
                "trace=%file,setresuid,clone,clone3,vfork,fork", "-o", log.string,
            ])
        let text = String(decoding: station.vault.read("trace"), as: UTF8.self)
        try FileManager.default.removeItem(atPath: log.string)
        return (RightsTrace(of: text, user: SudoWorkstation.user), result)
    }
}
