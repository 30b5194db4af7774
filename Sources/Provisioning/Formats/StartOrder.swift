import Text
import Systems

/// insserv's list of what starts after what, in the form of a makefile. Where it is there, startpar(1) starts only what it
/// names, whatever links the runlevels have; so it was from squeeze on.
enum StartOrder {
    static let path = RootPath.startOrder
    private static let prefix = "TARGETS = "

    /// The list with `script` in it, after all others.
    static func adding(_ script: String, to text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let index = lines.firstIndex(where: { $0.hasPrefix(prefix) }) else { return text }
        let targets = lines[index].dropFirst(prefix.count).split(at: " ").map(String.init)
        guard !targets.contains(script) else { return text }
        lines[index] = prefix + (targets + [script]).joined(separator: " ")
        while lines.last?.isEmpty == true { lines.removeLast() }
        if !targets.isEmpty { lines.append("\(script): \(targets.joined(separator: " "))") }
        return lines.map { $0 + "\n" }.joined()
    }
}
