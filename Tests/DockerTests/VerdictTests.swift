import Text
import Diagnostics
import Foundation
import Testing

@testable import Docker

/// What real daemons said to a file of their own.
struct Verdict: Sendable, CustomTestStringConvertible {
    let name: String
    let file: String
    /// By version: whether the daemon started.
    let accepts: [String: Bool]

    var testDescription: String { name }

    /// Resources/daemon-json-verdicts.jsonl: dockerd 20.10.24 (Debian) and 29.7.2, each started with
    /// `-H unix:///run/docker.sock`, on a machine with ext4 and the groups of Debian.
    static let all: [Verdict] = {
        guard
            let url = Bundle.module.url(
                forResource: "daemon-json-verdicts", withExtension: "jsonl", subdirectory: "Resources"),
            let text = try? String(contentsOf: url, encoding: .utf8)
        else { return [] }
        return text.split(separator: "\n").compactMap { line in
            guard let document = try? JSONDocument(parsing: String(line), file: "verdicts") else { return nil }
            var verdict: (name: String, file: String, accepts: [String: Bool]) = ("", "", [:])
            for entry in document.entries {
                switch (entry.name, entry.value) {
                case ("name", .string(let text)): verdict.name = text
                case ("daemon.json", .string(let text)): verdict.file = text
                case (let version, .object(let answer)):
                    let flag = answer.first { ["starts", "validate_ok"].contains($0.name) }?.value
                    verdict.accepts[version] = flag == .bool(true)
                default: return nil
                }
            }
            return Verdict(name: verdict.name, file: verdict.file, accepts: verdict.accepts)
        }
    }()
}

@Suite struct VerdictTests {
    /// Files with which a daemon starts, and then does not do what they say.
    static let ignored: [String: Set<String>] = [
        "duplicate JSON key": ["20.10.24", "29.7.2"], "top-level http-proxy": ["29.7.2"],
        "keys wrapped in any object": ["20.10.24", "29.7.2"], "label key (singular)": ["20.10.24", "29.7.2"],
        // No name server, and no host to fetch from.
        "dns ''": ["29.7.2"], "mirror 'https:///x'": ["29.7.2"],
        // Every container fails.
        "log opt bad size": ["20.10.24", "29.7.2"], "log opt max-file 0": ["20.10.24", "29.7.2"],
        "log driver unknown": ["20.10.24", "29.7.2"],
        "containerd-plugins-namespace": ["20.10.24", "29.7.2"], "deprecated-key-path": ["29.7.2"],
        "features unknown": ["20.10.24", "29.7.2"],
    ]

    @Test func `the verdicts are there`() { #expect(Verdict.all.count > 100) }

    @Test(arguments: Verdict.all)
    func `the model refuses what the daemon refuses or ignores, and nothing else`(_ verdict: Verdict) throws {
        for (version, starts) in verdict.accepts {
            let report = DaemonModel(version: EngineVersion(version)).validate(text: verdict.file)
            let isIgnored = Self.ignored[verdict.name]?.contains(version) == true
            #expect(report.hasErrors != (starts && !isIgnored), "\(version): \(verdict.file)\n\(report)")
            #expect(report.diagnostics.allSatisfy { $0.location != nil })
        }
    }

    @Test(arguments: Verdict.all)
    func `what only some versions refuse is no mistake while the version is unknown`(_ verdict: Verdict) {
        let report = DaemonModel(version: nil).validate(text: verdict.file)
        guard !verdict.file.isEmpty, report.hasErrors else { return }
        for version in verdict.accepts.keys {
            #expect(DaemonModel(version: EngineVersion(version)).validate(text: verdict.file).hasErrors)
        }
    }
}
