import Diagnostics
@testable import Recipes
import Systems
import Testing

@testable import Provisioning

/// A ready hash is taken only where the system's own crypt can check it.
@Suite struct PasswordSchemeTests {
    private static let hashes = [
        "1": "$1$salt$" + String(repeating: "a", count: 22), "5": "$5$salt$" + String(repeating: "a", count: 43),
        "6": "$6$salt$" + String(repeating: "a", count: 86),
        "2b": "$2b$12$" + String(repeating: "a", count: 53),
        "y": "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "gy": "$gy$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "7": "$7$CU..../....2Q9obwLhin8qvQl6sisAO/$" + String(repeating: "a", count: 43),
    ]

    private static func refused(_ column: SettingsTable.Column, root: RootSnapshot??) async throws -> Set<String> {
        var refused: Set<String> = []
        for (scheme, hash) in hashes {
            var node = Sample.bare()
            node.user?.password = Sample.secret(hash, .password, line: 6)
            let errors = try await Sample.errors(node, column, root: root)
            guard !errors.isEmpty else { continue }
            #expect(errors.map(\.location?.line) == [6] && errors[0].text.contains("$\(scheme)$ hash"), "\(errors)")
            #expect(!errors[0].text.contains("aaaa"))
            refused.insert(scheme)
        }
        return refused
    }

    @Test(arguments: Sample.columns)
    func `schemes are those of the release, or of the image's library if it names no release`(
        _ column: SettingsTable.Column
    ) async throws {
        var tree = RootTree(column)
        tree.packages = ["libcrypt1": "1:4.4.18-4", "systemd": "247"]
        let isOld = ["wheezy", "jessie", "stretch"].contains(column.profile.system?.codename)
        #expect(try await Self.refused(column, root: tree.asRead) == (isOld ? ["2b", "y", "gy", "7"] : []))
        tree.packages = ["systemd": "241"]
        let isUnnamed = column.profile.system == nil
        #expect(
            try await Self.refused(column, root: tree.asRead) == (isOld || isUnnamed ? ["2b", "y", "gy", "7"] : []))
    }

    @Test(arguments: Sample.columns)
    func `without the list of packages the release decides`(_ column: SettingsTable.Column) async throws {
        let isOld =
            column.title.contains("Hypriot") || column.title.contains("wheezy") || column.title.contains("jessie")
        #expect(try await Self.refused(column, root: nil) == (isOld ? ["2b", "y", "gy", "7"] : []))
    }

    @Test func `a buster has glibc's own crypt`() async throws {
        var profile = Sample.bullseye.profile
        profile.system?.codename = "buster"
        for (scheme, isKnown) in [("y", false), ("2b", false), ("5", true), ("1", true)] {
            #expect(PasswordSchemes.isKnown(scheme, profile, root: nil) == isKnown)
        }
        profile.system = nil
        #expect(!PasswordSchemes.isKnown("y", profile, root: nil))
    }

    @Test(arguments: Sample.columns)
    func `a password is hashed with yescrypt where the system knows it, and else with more rounds than the default`(
        _ column: SettingsTable.Column
    ) async throws {
        var tree = RootTree(column)
        tree.packages = ["libcrypt1": "1:4.4.18-4", "systemd": "247"]
        let provision = try await Sample.provision(Sample.bare(), column, root: tree.asRead)
        let settings = try #require(provision.laidDown[FirstBootProgram.settingsPath])
        let text = String(decoding: settings.contents, as: UTF8.self)
        let isOld = ["wheezy", "jessie", "stretch"].contains(column.profile.system?.codename)
        #expect(text.contains("PASSWORD_HASH='" + (isOld ? "$6$rounds=30000$" : "$y$j9T$")))
    }

    /// mkpasswd and openssl make what the rule takes: of each scheme that this machine's libcrypt knows.
    @Test func `a hash that this machine's own libcrypt makes is complete, and one that is cut off is not`() throws {
        for setting in [
            "$1$salt", "$5$salt", "$6$salt", "$6$rounds=6000$salt", "$2b$05$abcdefghijklmnopqrstuu",
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1", "$7$CU..../....2Q9obwLhin8qvQl6sisAO/",
        ] {
            let hash = try PasswordHash.crypt("black pearl", setting: setting)
            #expect(CryptHash.scheme(of: hash) == String(setting.dropFirst().prefix { $0 != "$" }), "\(hash)")
            #expect(CryptHash.scheme(of: String(hash.dropLast())) == nil, "\(hash)")
            #expect(CryptHash.scheme(of: hash + "a") == nil, "\(hash)")
        }
    }
}
