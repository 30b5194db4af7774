/// A key of daemon.json: its type, the versions that have it, and what its values must keep.
package struct DaemonKey: Sendable {
    /// What is wrong with a text, if anything is.
    enum Problem: Hashable, Sendable {
        case error(String)
        case warning(String)
    }

    typealias TextRule = @Sendable (_ text: String, _ version: EngineVersion) -> Problem?

    enum Kind: Sendable {
        case flag
        case text(TextRule)
        case integer(ClosedRange<Int64>)
        /// A list of texts.
        case list(TextRule)
        /// A map of texts.
        case texts
        /// An object, or a list of objects, with rules of its own in ``ObjectRules``.
        case object
    }

    package let name: String
    let kind: Kind
    /// The first version that has the key; nothing before 1.10 has a daemon.json at all.
    package let since: EngineVersion
    /// The first version that refuses it.
    package let until: EngineVersion?
    /// The first version that takes it and does nothing with it.
    package let inertSince: EngineVersion?
    /// The option of dockerd's command line that says the same, without its dashes; nil for a key of the file only.
    package let option: String?
    /// The option's single letter: -H.
    let letter: Character?
    /// What to write where the version does not have the key.
    let instead: String?

    init(
        _ name: String, _ kind: Kind, since: EngineVersion = .daemonFile, until: EngineVersion? = nil,
        inert: EngineVersion? = nil, option: String? = nil, letter: Character? = nil, isFileOnly: Bool = false,
        instead: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.since = since
        self.until = until
        inertSince = inert
        self.option = isFileOnly ? nil : option ?? name
        self.letter = letter
        self.instead = instead
    }

    /// As a reader of JSON calls it.
    package var type: String {
        switch kind {
        case .flag: "true or false"
        case .text: "text"
        case .integer: "number"
        case .list: "list of texts"
        case .texts: "map of texts"
        case .object: name == "default-address-pools" ? "list of maps" : "map"
        }
    }
}
