import Docker

/// /etc/default/docker, from which services take DOCKER_OPTS: the configuration of engines before 1.10, which have no
/// daemon.json, and under sysvinit also dockerd's environment.
struct DockerOptions: Hashable, Sendable {
    static let path = "/etc/default/docker"

    private static let mark = "# Written by piflash: proxies."

    /// Nil where daemon.json holds the options.
    var words: [String]?
    /// Lines of shell that set dockerd's environment, for the sysvinit script.
    var environment: [String] = []

    /// The file with our DOCKER_OPTS in place of the image's; a storage driver that the image names and the recipe does
    /// not stays, since images and kernels of that time did not fit every driver.
    func edited(_ text: String?) -> [UInt8] {
        var kept: [String] = []
        var lines: [String] = []
        for line in (text ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
            let plain = line.drop { $0 == " " || $0 == "\t" }
            if plain.hasSuffix(Self.mark) { continue }
            guard words != nil, plain.hasPrefix("DOCKER_OPTS=") else {
                lines.append(String(line))
                continue
            }
            let value = plain.dropFirst("DOCKER_OPTS=".count).filter { $0 != "\"" && $0 != "'" }
            kept += value.split(separator: " ").map(String.init).filter { $0.hasPrefix("--storage-driver=") }
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        if let words {
            let driver = words.contains { $0.hasPrefix("--storage-driver=") } ? [] : kept.suffix(1)
            lines.append("DOCKER_OPTS=\"\((driver + words).joined(separator: " "))\"")
        }
        lines += environment.map { "\($0) \(Self.mark)" }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }
}
