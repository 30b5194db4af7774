import Text
import Diagnostics
import Foundation
import Testing

@testable import Docker

/// Resources/dockerd-20.10.24.jsonl: some 560 files that Debian's dockerd was started with, on a machine without what
/// they name (each key with wrong types, empty and null values, values at the edges of their rules).
@Suite struct StartTests {
    /// What starts and is wrong all the same: each entry is a beginning of the file, and why.
    static let starts: [(beginning: String, reason: String)] = [
        ("null", "asks for nothing"), ("{\"proxies\": {}}", "an unknown key, and nothing in it"),
        ("{\"x\": {}}", "an unknown key, and nothing in it"),
        ("{\"nri-opts\": {}}", "an unknown key, and nothing in it"),
        ("{\"default-network-opts\"", "ignored"), ("{\"help\"", "ignored"), ("{\"debug\":true}{", "ignored"),
        ("{\"log-opts\":{\"tag\":\"a\",\"tag\"", "ignored"), ("{\"exec-opts\"", "ignored"),
        ("{\"features\"", "ignored"), ("{\"fixed-cidr-v6\": \"10.", "IPv4"),
        ("{\"ipv6\": true, \"fixed-cidr-v6\": \"10.", "IPv4"),
        ("{\"runtimes\": {\"x\": {", "names no program"), ("{\"builder\"", "no size"), ("{\"bip\": \"127.", "loopback"),
        ("{\"network-diagnostic-port\": -1", "no port"), ("{\"insecure-registries\": [\"1.2.3.4:\"]", "no port"),
        ("{\"swarm-default-advertise-addr\": \"1.2.3.4:5\"", "docker swarm init fails"),
        ("{\"log-driver\"", "no container starts"), ("{\"containerd-namespace\"", "no container starts"),
        ("{\"default-ulimits\"", "no container starts"), ("{\"mtu\"", "no container starts"),
        ("{\"cpu-rt-", "no container starts"),
    ]

    @Test func `the model knows what stops dockerd, and refuses besides only what does nothing or harm`() throws {
        let url = try #require(
            Bundle.module.url(forResource: "dockerd-20.10.24", withExtension: "jsonl", subdirectory: "Resources"))
        let model = DaemonModel(version: EngineVersion(20, 10, 24))
        var count = 0
        for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
            let entries = try JSONDocument(parsing: String(line), file: "verdicts").entries
            guard case .string(let file)? = entries.first(where: { $0.name == "daemon.json" })?.value,
                case .bool(let starts)? = entries.first(where: { $0.name == "starts" })?.value
            else { continue }
            count += 1
            let report = model.validate(text: file)
            if !starts { #expect(report.hasErrors, "dockerd does not start with \(file)") }
            guard starts, report.hasErrors else { continue }
            let isReasoned = file.contains(": null}") || Self.starts.contains { file.hasPrefix($0.beginning) }
            #expect(isReasoned, "dockerd starts with \(file): \(report)")
        }
        #expect(count > 500)
    }

    @Test func `a comment behind the object does no harm before 23`() {
        let text = "{\"debug\": true} // x"
        #expect(!DaemonModel(version: EngineVersion(20, 10, 24)).validate(text: text).hasErrors)
        #expect(DaemonModel(version: EngineVersion(29, 7, 2)).validate(text: text).hasErrors)
        #expect(DaemonModel(version: nil).validate(text: text).hasErrors)
    }
}
