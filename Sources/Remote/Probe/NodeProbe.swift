import Diagnostics
import Docker
import Recipes
import Text

/// What probe.sh reports of a node: its engine, and the files that configure it.
struct NodeProbe: Sendable {
    static let script =
        "largest=\(largestFile)\n" + String(decoding: PackageResources.probe_sh, as: UTF8.self)

    private let answer: ScriptAnswer

    init(_ result: RemoteResult) throws(Failure) {
        answer = ScriptAnswer(result.output)
        guard answer["end"] != nil else {
            throw Failure(
                .remote, "its answer is cut short: \(SSHFailure.lastLine(result.errors) ?? "exit \(result.exit)")")
        }
        let large = answer.files.filter { $0.value.count > Self.largestFile }.keys.sorted().first ?? answer["large"]
        if let large {
            throw Failure(
                .remote, "its file \(large.prefix(100)) is larger than \(Self.largestFile >> 10) KiB",
                hint: "that is not a configuration of Docker: look at it on the node")
        }
    }

    /// In bytes. Docker's own limit is none; a configuration has a few hundred.
    static let largestFile = 256 << 10

    /// "20.10.24+dfsg1"; nil without Docker.
    var engine: String? { answer["engine"] }
    var answers: Bool { answer["up"] != nil }
    var isInSwarm: Bool { ["active", "pending", "locked", "error"].contains(answer["swarm"] ?? "") }
    var isManager: Bool { answer["manager"] == "true" }
    var hasSystemd: Bool { answer["systemd"] != nil }
    /// Whether its card has a certificate of the rack.
    var hasCertificate: Bool { answer["certificate"] != nil }
    var hasDropIn: Bool { answer["dropin"] != nil }
    /// The digest of the configuration that the first boot wrote.
    var firstBoot: String { answer["first-boot"] ?? "" }

    func file(_ name: String) -> [UInt8]? { answer.files[name] }
    /// The output of cksum for a file, or "none".
    func sum(_ name: String) -> String { answer["sum-\(name)"] ?? "none" }

    /// Whether the engine reads daemon.json.
    var readsDaemonFile: Bool {
        EngineVersion(engine ?? "").map { $0 >= .daemonFile } ?? true
    }

    /// The userland's architecture in Docker's spelling; that of the machine if the system has no dpkg.
    var architecture: String? {
        switch answer["dpkg"] ?? answer["machine"] ?? "" {
        case "arm64", "aarch64": "arm64"
        case "amd64", "x86_64": "amd64"
        case "armel", "armv6l": "armv6"
        // Raspbian's armhf also runs on the first Pi; Debian's does not.
        case "armhf", "armv7l": answer["system"] == "raspbian" ? "armv6" : "armv7"
        default: nil
        }
    }
}

/// The output of our scripts: lines "KEY VALUE", and files as "file NAME BYTES", the contents, and a line end.
///
/// A node may answer anything: a value is one printable line, and its length is limited.
struct ScriptAnswer: Sendable {
    /// In scalars. The longest value that a script sends is a swarm's list of managers.
    private static let longest = 1000
    private var values: [String: String] = [:]
    private(set) var files: [String: [UInt8]] = [:]

    subscript(_ key: String) -> String? { values[key] }

    init(_ output: [UInt8]) {
        var rest = output[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let words = String(decoding: rest[..<end], as: UTF8.self).split(at: " ", maxSplits: 1)
            rest = rest[(end + 1)...]
            guard words.count == 2 else { continue }
            let value = words[1].printable(limit: Self.longest)
            guard words[0] == "file" else {
                values[String(words[0])] = value
                continue
            }
            let parts = value.split(at: " ")
            guard parts.count == 2, let count = Int(parts[1]), count >= 0, count <= rest.count else { continue }
            files[String(parts[0])] = Array(rest.prefix(count))
            rest = rest.dropFirst(count + 1)
        }
    }
}
