package import Diagnostics
import FoundationEssentials
import Text

/// The image a card was written from.
package struct ImageIdentity: Hashable, Sendable, Codable {
    package var name: String
    /// SHA-256 in lower-case hex.
    package var digest: String

    package init(name: String, digest: String) {
        self.name = name
        self.digest = digest
    }
}

/// A card's record of itself, in `piflash/card.json` on its boot partition: which node it is, and what piflash put
/// there, so that it can be removed again.
package struct CardRecord: Hashable, Sendable {
    package static let path = BootPath.cardRecord
    /// The version of the file's format. Later versions only add members.
    package static let schema = 1

    package var schema: Int
    package var node: String
    package var role: String?
    /// The recipe file's name, without its directories.
    package var recipe: String
    package var recipeDigest: String
    package var image: ImageIdentity?
    package var flavour: OSProfile.Flavour?
    package var release: String?
    /// Why the vendor's own mechanism was not used; nil if it was.
    package var mechanismProblem: String?
    /// Seconds since 1970.
    package var writtenAt: Int64
    /// The piflash that wrote the card.
    package var version: String
    /// Boot files that piflash made, and may remove.
    package var files: [String]
    /// Tokens that piflash appended to the kernel command line.
    package var cmdlineAdded: [String]
    /// Files of the root partition that piflash made, and may remove.
    package var rootFiles: [String]
    /// Files that the first boot deletes, each with a digest of its contents.
    package var consumed: [String: String]
    /// Whether the boot partition has ever held secrets other than a join token. That of a card of an earlier version has.
    package var bootSecrets: Bool

    package init(
        schema: Int = CardRecord.schema, node: String, role: String? = nil, recipe: String, recipeDigest: String,
        image: ImageIdentity? = nil, flavour: OSProfile.Flavour?, release: String? = nil,
        mechanismProblem: String? = nil, writtenAt: Int64, version: String, files: [String] = [],
        cmdlineAdded: [String] = [], rootFiles: [String] = [],
        consumed: [String: String] = [:], bootSecrets: Bool = false
    ) {
        self.schema = schema
        self.node = node
        self.role = role
        self.recipe = recipe
        self.recipeDigest = recipeDigest
        self.image = image
        self.flavour = flavour
        self.release = release
        self.mechanismProblem = mechanismProblem
        self.writtenAt = writtenAt
        self.version = version
        self.files = files
        self.cmdlineAdded = cmdlineAdded
        self.rootFiles = rootFiles
        self.consumed = consumed
        self.bootSecrets = bootSecrets
    }

    /// ``writtenAt`` as text: "2026-08-17T10:15:00Z".
    package var writtenAtText: String { UTCTime(seconds: writtenAt).iso8601 }

    /// The file's contents; equal records have equal bytes.
    package var encoded: [UInt8] {
        var members: [JSONValue.Member] = [.init("schema", .integer(Int64(schema))), .init("node", .string(node))]
        if let role { members.append(.init("role", .string(role))) }
        members.append(.init("recipe", .string(recipe)))
        members.append(.init("recipeDigest", .string(recipeDigest)))
        if let image {
            members.append(
                .init("image", .object([.init("name", .string(image.name)), .init("digest", .string(image.digest))])))
        }
        if let flavour { members.append(.init("flavour", .string(flavour.rawValue))) }
        if let release { members.append(.init("release", .string(release))) }
        if let mechanismProblem { members.append(.init("mechanismProblem", .string(mechanismProblem))) }
        members.append(.init("writtenAt", .string(UTCTime(seconds: writtenAt).iso8601)))
        members.append(.init("piflash", .string(version)))
        members.append(.init("files", .array(files.map { .string($0) })))
        members.append(.init("cmdlineAdded", .array(cmdlineAdded.map { .string($0) })))
        if !rootFiles.isEmpty { members.append(.init("rootFiles", .array(rootFiles.map { .string($0) }))) }
        if !consumed.isEmpty {
            let entries = consumed.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) }
            members.append(.init("consumed", .object(entries)))
        }
        members.append(.init("bootSecrets", .bool(bootSecrets)))
        return Array(JSONValue.object(members).prettyText.utf8)
    }

    /// Reads a card's record. Missing and unknown members are ignored, so that cards of older and newer versions can be
    /// read. Throws if there is no record.
    package init(decoding bytes: [UInt8]) throws(Failure) {
        guard let stored = Stored(bytes), let node = stored.node else {
            throw Failure(
                .damagedRecord, "\(Self.path) on the card is damaged: it is not a JSON object that names a node",
                hint: "configure the card again, or write it again")
        }
        self.init(
            schema: stored.schema ?? Self.schema, node: node, role: stored.role, recipe: stored.recipe ?? "",
            recipeDigest: stored.recipeDigest ?? "", image: stored.image,
            flavour: stored.flavour.flatMap(OSProfile.Flavour.init(rawValue:)), release: stored.release,
            mechanismProblem: stored.mechanismProblem,
            writtenAt: stored.writtenAt.flatMap { UTCTime(plain: $0)?.seconds } ?? 0, version: stored.piflash ?? "",
            files: stored.files ?? [], cmdlineAdded: stored.cmdlineAdded ?? [], rootFiles: stored.rootFiles ?? [],
            consumed: stored.consumed ?? [:], bootSecrets: stored.bootSecrets ?? true)
    }

    /// The flavour that a card's record names; nil if it names none that this version knows. Also of a record without a
    /// node.
    static func flavour(in bytes: [UInt8]) -> OSProfile.Flavour? {
        Stored(bytes)?.flavour.flatMap(OSProfile.Flavour.init(rawValue:))
    }

    /// The same of ``mechanismProblem``.
    static func mechanismProblem(in bytes: [UInt8]) -> String? { Stored(bytes)?.mechanismProblem }

    private struct Stored: Decodable {
        var schema: Int?
        var node: String?
        var role: String?
        var recipe: String?
        var recipeDigest: String?
        var image: ImageIdentity?
        var flavour: String?
        var release: String?
        var mechanismProblem: String?
        var writtenAt: String?
        var piflash: String?
        var files: [String]?
        var cmdlineAdded: [String]?
        var rootFiles: [String]?
        var consumed: [String: String]?
        var bootSecrets: Bool?

        init?(_ bytes: [UInt8]) {
            guard let stored = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
            self = stored
        }
    }
}

extension Failure.Code {
    /// The card's record cannot be read.
    package static let damagedRecord = Failure.Code("systems.damaged-record")
}
