import Filesystems
import Provisioning

@testable import Recipes

/// Nodes that hold what has broken a configuration tool somewhere.
extension Sample {
    /// What no file format may trip over: comments of keys, each of which is one line.
    static let comments =
        Corpus.names.map { String($0.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) }
        + ["END", "'END'", "EOF", "\"\"\"", "'''", "\\", "ends in \\", "a, b", "[x] # y", "\\u0041", "]"]

    static let keys = comments.map { "\(key.split(separator: " ").prefix(2).joined(separator: " ")) \($0)" }

    /// Contents of files: with the words that end a here-document, without a line end, with every control character.
    static let contents =
        Corpus.controls + [
            "END", "END\n", "\nEND\nrm -rf /\n", "EOF\n", "'END'\n", String(repeating: "x", count: 1000),
            (0..<128).map { String(UnicodeScalar(UInt8($0))) }.joined(), "é\u{301}\u{10FFFF}",
        ]

    /// A full node with all of it: networks, keys, files and commands.
    static func nasty(for column: SettingsTable.Column) -> Node {
        var node = full(for: column)
        node.user?.sshAuthorizedKeys = keys.map { secret($0, .authorizedKeys) }
        node.wifi?.networks = networks
        if column.title == dietPi.title { node.wifi?.networks = Array(networks.prefix(5)) }
        node.firstBoot.files = contents.enumerated().map { index, text in
            .init(
                path: at("/etc/nasty/it's \"\(index)\" $HOME `id`"), content: secret(text, .fileContent),
                mode: [0o600, 0o644, 0o755][index % 3])
        }
        node.firstBoot.run = contents.filter { !$0.contains("\0") }.map { at($0) }
        return node
    }

    /// Every name of the corpus, with some passphrase.
    static let networks = zip(Corpus.names, Corpus.passphrases).enumerated().map { index, pair in
        let passphrase = pair.1.utf8.count > 63 ? String(repeating: "y", count: 63) : pair.1
        return Node.WiFiNetwork(
            ssid: at(pair.0), passphrase: index % 7 == 6 ? nil : secret(passphrase, .passphrase), hidden: index % 2 == 0
        )
    }
}

extension Provision {
    /// The files that are on the node in the end, however they got there: path, contents and mode.
    var laidDown: [String: (contents: [UInt8], mode: UInt16)] {
        var files: [String: (contents: [UInt8], mode: UInt16)] = [:]
        for change in rootChanges {
            if case .file(let contents, let mode) = change.edit.action { files[change.edit.path] = (contents, mode) }
        }
        for file in nodeFiles { files[file.path] = (file.contents, file.mode) }
        return files
    }
}
