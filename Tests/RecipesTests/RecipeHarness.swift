import Diagnostics
import Foundation
import Host
import Recipes
import SystemPackage
import TestSupport

/// Recipes in memory, as if they stood in a directory.
struct RecipeHarness {
    static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeTkYTxRC13NwRkUmqUfoEDjIWbiMNZTpCkDYq7Yg6L me@host"
    static let token = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"

    let files: [String: String]

    /// One recipe, "r.yaml", and others beside it.
    init(_ text: String, _ others: [String: String] = [:]) { files = others.merging(["r.yaml": text]) { $1 } }

    func load() throws(DiagnosticReport) -> LoadedRecipe {
        let files = files
        return try RecipeLoader(
            user: InvokingUser(userID: 1000, groupID: 1000, home: "/home/me"), workingDirectory: "/work",
            requireImage: false
        ) { path in files[path.string.replacingOccurrences(of: "/work/", with: "")].map { Array($0.utf8) } }.load(
            "r.yaml")
    }

    /// The lines of the report that loading throws; empty when it throws none.
    func errors() -> [String] {
        do throws(DiagnosticReport) {
            _ = try load()
            return []
        } catch {
            return error.errors.sorted { "\($0)" < "\($1)" }.map(\.description)
        }
    }

    /// What a good recipe needs besides what a test is about.
    static func with(_ more: String) -> RecipeHarness {
        RecipeHarness("hostname: red01\nuser: { name: pirate, ssh_authorized_keys: [\"\(key)\"] }\n" + more)
    }
}
