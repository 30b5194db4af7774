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
        let (rest, theirs) = Self.split(text ?? "")
        var lines = words == nil ? (text ?? "").split(separator: "\n", omittingEmptySubsequences: false) : rest
        lines.removeAll { $0.hasSuffix(Self.mark) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        var edited = lines.map(String.init)
        if let words {
            let kept = theirs.filter { $0.hasPrefix("--storage-driver=") }
            let driver = words.contains { $0.hasPrefix("--storage-driver=") } ? [] : kept.suffix(1)
            edited.append("DOCKER_OPTS=\"\((driver + words).joined(separator: " "))\"")
        }
        edited += environment.map { "\($0) \(Self.mark)" }
        return Array(edited.map { $0 + "\n" }.joined().utf8)
    }

    /// The words of the file's DOCKER_OPTS.
    static func options(in text: String) -> [String] { split(text).options }

    /// The lines that are not DOCKER_OPTS, and the words of it.
    private static func split(_ text: String) -> (lines: [Substring], options: [String]) {
        var lines: [Substring] = []
        var options: [String] = []
        var isContinued = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let plain = line.drop { $0 == " " || $0 == "\t" }
            // A backslash at the end joins the next line to it.
            guard isContinued || plain.hasPrefix("DOCKER_OPTS=") || plain.hasPrefix("export DOCKER_OPTS=") else {
                lines.append(line)
                continue
            }
            let value =
                isContinued
                ? plain : plain.drop { $0 != "=" }.dropFirst()
            options += value.split { " \t\"'\\".contains($0) }.map(String.init)
            isContinued = line.hasSuffix("\\")
        }
        return (lines, options)
    }
}
