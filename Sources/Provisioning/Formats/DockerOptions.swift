import Text
import Systems

/// /etc/default/docker, from which services take DOCKER_OPTS: the configuration of engines before 1.10, which have no
/// daemon.json, and under sysvinit also dockerd's environment. This is the only editor of the file.
package struct DockerOptions: Hashable, Sendable {
    static let path = RootPath.dockerOptions

    private static let variable = "DOCKER_OPTS"
    private static let mark = "# Written by piflash: proxies."

    /// Nil where daemon.json holds the options.
    var words: [String]?
    /// Lines of shell that set dockerd's environment, for the sysvinit script.
    var environment: [String] = []

    /// The options of the file that stay beside ours.
    package enum Kept {
        /// A storage driver that the image names and the recipe does not: images and kernels of that time did not fit every
        /// driver.
        case storageDriver
        /// All but those that ours set and those of `earlier`, our last options.
        case others(earlier: [String])
    }

    init(words: [String]? = nil, environment: [String] = []) {
        self.words = words
        self.environment = environment
    }

    /// Options alone, without an environment.
    package init(words: [String]) { self.init(words: words, environment: []) }

    /// Whether a line holds the login of a proxy, which only root may read.
    var holdsLogin: Bool { environment.contains { $0.contains(scalar: "@") } }

    /// The file with our DOCKER_OPTS instead of the one it has. All other lines stay as they are.
    package func edited(_ text: String?, keeping kept: Kept = .storageDriver) -> [UInt8] {
        let variable = ShellVariable(Self.variable, in: text ?? "")
        var lines =
            words == nil
            ? (text ?? "").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            : variable.otherLines
        lines.removeAll { $0.hasSuffix(Self.mark) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        if let words {
            let all = Self.kept(kept, of: variable.parts, beside: words) + words
            lines.append("\(Self.variable)=\"\(all.joined(separator: " "))\"")
        }
        lines += environment.map { "\($0) \(Self.mark)" }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    private static func kept(_ kept: Kept, of theirs: [String], beside ours: [String]) -> [String] {
        func option(_ word: String) -> String { String(word.prefix { $0 != "=" }) }
        let set = Set(ours.map(option))
        switch kept {
        case .storageDriver:
            return theirs.filter { $0.begins(with: "--storage-driver=") && !set.contains(option($0)) }.suffix(1)
        case .others(let earlier):
            return theirs.filter { !earlier.contains($0) && !set.contains(option($0)) }
        }
    }

    /// The words of the file's DOCKER_OPTS.
    static func options(in text: String) -> [String] { ShellVariable(variable, in: text).parts }
}
