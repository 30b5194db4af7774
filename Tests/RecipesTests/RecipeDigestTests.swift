import Diagnostics
import Host
import SystemPackage
import TestSupport
import Testing

@testable import Recipes

/// The digest of a recipe is on every card, where anyone can read it: nobody may find out a secret from it by guessing.
@Suite struct RecipeDigestTests {
    /// Where a recipe takes a secret, and a recipe that holds a value there.
    struct Place: Sendable, CustomTestStringConvertible {
        let path: String
        let one: String
        let other: String
        let recipe: @Sendable (String) -> String
        var testDescription: String { path }
    }

    static let places =
        [
            Place(
                path: "user.password", one: "hunter2", other: "letmein",
                recipe: { "hostname: red01\nuser: { name: pirate, password: \($0) }\n" }),
            Place(
                path: "wifi.networks.passphrase", one: "12345678", other: "correct horse",
                recipe: { with("wifi: { country: DE, networks: [{ ssid: a }, { ssid: b, passphrase: \($0) }] }\n") }),
            Place(
                path: "swarm.token", one: RecipeHarness.token,
                other: RecipeHarness.token.replacing("3pu6", with: "4pu6"),
                recipe: { with("swarm: { managers: [10.0.0.1], role: worker, token: \($0) }\n") }),
            Place(
                path: "swarm.stacks.environment", one: "hunter2", other: "letmein",
                recipe: {
                    with(
                        "swarm: { managers: [10.0.0.1], stacks: [{ name: a, compose: a.yml, environment: { X: \($0) } }] }\n"
                    )
                }),
        ]
        + ["network", "docker"].flatMap { section in
            ["http", "https"].map { kind in
                Place(
                    path: "\(section).proxy.\(kind)", one: "http://me:hunter2@p:1", other: "http://me:letmein@p:1",
                    recipe: { with("\(section): { proxy: { \(kind): \($0) } }\n") })
            }
        }

    /// What a tag may name although it is not a secret: its text is on the card, where everyone can read it.
    static let shown: Set<String> = ["user.ssh_authorized_keys", "first_boot.files.content"]

    private static func with(_ more: String) -> String {
        "hostname: red01\nuser: { name: pirate, ssh_authorized_keys: [\"\(RecipeHarness.key)\"] }\n" + more
    }

    private static func digest(_ recipe: String) throws -> String {
        try RecipeHarness(recipe).load().node.recipeDigest
    }

    @Test(arguments: places)
    func `a secret that is written out does not change the digest`(_ place: Place) throws {
        #expect(try Self.digest(place.recipe(place.one)) == Self.digest(place.recipe(place.other)))
        #expect(try Self.digest(place.recipe("\"\(place.one)\"")) == Self.digest(place.recipe(place.other)), "quoted")
    }

    @Test(arguments: places)
    func `where a secret comes from changes the digest`(_ place: Place) throws {
        let digests = try [place.one, "!env A", "!env B", "!file A"].map { try Self.digest(place.recipe($0)) }
        #expect(Set(digests).count == 4)
    }

    @Test func `every place that takes a secret is tested here`() {
        func places(_ shape: RecipeShape, _ path: String) -> Set<String> {
            switch shape {
            case .taggable, .taggableMap: [path]
            case .list(let item), .oneOrMore(let item): places(item, path)
            case .map(let keys):
                keys.reduce(into: []) {
                    $0.formUnion(places($1.shape, path.isEmpty ? $1.name : "\(path).\($1.name)"))
                }
            case .text, .flag, .choice, .free: []
            }
        }
        #expect(places(.recipe, "") == Self.shown.union(Self.places.map(\.path)))
    }

    @Test func `what the card shows anyway does change the digest`() throws {
        let keys = ["me@host", "you@host"].map {
            "hostname: a\nuser: { name: b, ssh_authorized_keys: [\"\(RecipeHarness.key.replacing("me@host", with: $0))\"] }\n"
        }
        #expect(try Self.digest(keys[0]) != Self.digest(keys[1]))
        let files = ["one", "two"].map {
            Self.with("first_boot: { files: [{ path: /etc/motd, content: \($0) }] }\n")
        }
        #expect(try Self.digest(files[0]) != Self.digest(files[1]))
    }

    @Test(arguments: ["http", "https"], ["docker", "network"])
    func `a login in a proxy's address does not change the digest, its host does`(_ key: String, _ part: String) throws
    {
        func digest(_ address: String) throws -> String {
            try Self.digest(Self.with("\(part): { proxy: { \(key): \"\(address)\" } }\n"))
        }
        #expect(try digest("http://me:hunter2@proxy:8000") == digest("http://me:letmein@proxy:8000"))
        #expect(try digest("http://me:hunter2@proxy:8000") != digest("http://proxy:8000"))
        #expect(try digest("http://me:hunter2@proxy:8000") != digest("http://me:hunter2@other:8000"))
        let node = try RecipeHarness(Self.with("\(part): { proxy: { \(key): \"http://me:hunter2@proxy:8000\" } }\n"))
            .load().node
        #expect(
            node.secrets.map(\.source).contains(.literal("http://me:hunter2@proxy:8000")),
            "a batch notices another password")
    }

    /// A class's passwords come from a roster, and single ones from `overrides`.
    @Test func `a password from a roster or an override does not change the digest`() throws {
        let scratch = ScratchDirectory()
        func digests(_ password: String) throws -> [String] {
            scratch.write("login,secret\nann,\(password)\nbo,\(password)\n", to: "class.csv")
            scratch.write(
                """
                nodes: "pi[1-2]"
                roster: class.csv
                user: { name: "{{login}}", password: "{{secret}}" }
                overrides: { pi2: { user: { password: "\(password)2" } } }
                """, to: "class.yaml")
            let loader = RecipeLoader(
                user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
            return try loader.loadRack(["class.yaml"]).nodes.map(\.recipeDigest)
        }
        #expect(try digests("hunter2") == digests("letmein"))
    }
}
